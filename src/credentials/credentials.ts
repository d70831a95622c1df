import { appendAuditEvent } from '../audit/log.ts';
import type { RequestContext } from '../audit/request-context.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import type { Revocation, RevocationReceipt, WaitForConfirmation } from '../authorization/registry.ts';
import { type Digest, digestBytes, digestOf, digestOfBytes, hintOf, mintSecret } from '../authorization/secret.ts';
import { MAX_ADDRESSES_PER_CREDENTIAL } from '../authorization/usage-counters.ts';
import type { AuditDraft, CredentialReference, RequestOrigin } from '../contract/audit.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import { createId } from '../contract/id.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import { DAY } from '../contract/limits.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { CredentialKind, CredentialSort } from '../contract/vocabulary.ts';
import {
  type CredentialRow,
  deleteCredential as deleteRow,
  findCredential as findRow,
  insertCredential,
  insertRevocation,
  listCredentials as listRows,
  sortValueOf,
} from '../store/credentials.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import type { Store, Trx } from '../store/store.ts';
import { readUses } from '../store/usage.ts';
import { type Credential, type NewCredential, toCredential, toNewRow } from './credential.ts';

/** The dependencies of the functions in this folder. */
export interface CredentialContext {
  readonly store: Store;
  readonly waitForConfirmation: WaitForConfirmation;
  /**
   * Resolves when every revocation committed before the call in a workspace (null: in all) is confirmed by every node:
   * for a response that depends on the deletion of another request.
   */
  readonly waitForAllConfirmations: (workspaceId: string | null) => Promise<void>;
  /** Writes the uses counted so far, so that responses include them. */
  readonly flushUses: () => Promise<void>;
  readonly clock: () => number;
}

export function partyOf(credential: Pick<Credential, 'id' | 'kind' | 'name'>): CredentialReference {
  return { id: credential.id, kind: credential.kind, name: credential.name };
}

/** Returns the audit event of a change to a credential. Throws `immutable` for an update of an access token. */
export function auditDraftOf(
  request: Pick<RequestContext, 'workspaceId' | 'actor' | 'origin'>,
  credential: Pick<Credential, 'id' | 'kind' | 'name'>,
  verb: 'created' | 'updated' | 'deleted',
  occurredAt: number,
  detail: AuditDraft['detail'],
): AuditDraft {
  if (verb === 'updated' && credential.kind === 'access_token') throw new Problem('immutable');
  const action = `${credential.kind}.${verb}` as AuditDraft['action'];
  const party = partyOf(credential);
  const { workspaceId, actor, origin } = request;
  return { workspaceId, action, at: occurredAt, actor, target: party, credential: party, origin, detail };
}

/**
 * Returns an ISO 8601 expiry in epoch milliseconds, null for never. Throws `validation_failed` unless it is after
 * `now`.
 */
export function parseExpiry(expiresAt: string | null | undefined, now: number): number | null {
  if (expiresAt === null || expiresAt === undefined) return null;
  const expiresAtMs = Date.parse(expiresAt);
  if (!(expiresAtMs > now)) throw invalidField('expiresAt', 'must be in the future, or null for never');
  return expiresAtMs;
}

/**
 * Creates a credential and stores it with its audit event in one transaction. Only this result contains its secret.
 * Throws `forbidden` if the actor has no id, and `idempotent_replay` for a repeated request.
 */
export async function createCredential(
  context: CredentialContext,
  request: RequestContext,
  fields: Pick<
    NewCredential,
    'kind' | 'name' | 'description' | 'rights' | 'active' | 'guard' | 'expiresAt' | 'passphraseHash'
  >,
): Promise<{ credential: Credential; secret: string }> {
  const now = context.clock();
  const secret = mintSecret(fields.kind);
  const id = createId(fields.kind, now);
  const { id: createdById } = request.actor;
  if (createdById === null) throw new Problem('forbidden');
  const row = await context.store.transaction(async (trx) => {
    await claimOrRefuseReplay(trx, request.claim, id, now);
    const { workspaceId } = request;
    const derived = { hint: hintOf(secret), digest: digestOf(secret), createdAt: now, createdById };
    await insertCredential(trx, toNewRow({ ...fields, ...derived, id, workspaceId }));
    const { kind, name, rights, active, guard } = fields;
    const expiresAt = toIsoStringOrNull(fields.expiresAt);
    const after =
      kind === 'access_token'
        ? { scopes: rights, expiresAt, hasPassphrase: fields.passphraseHash !== null }
        : { permissions: rights, expiresAt, active, ...(guard && { guard }) };
    await appendAuditEvent(trx, auditDraftOf(request, { id, kind, name }, 'created', now, { after }));
    return findRow(trx, workspaceId, kind, id);
  });
  if (row === undefined) throw new Problem('internal');
  return { credential: toCredential(row), secret };
}

export const credentialNotFound = () => new Problem('not_found', 'The credential was not found in this workspace.');

/** Throws the same `not_found` for a missing credential, one of the other kind, and one of another workspace. */
export async function findCredential(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<Credential> {
  await context.flushUses();
  const row = await findRow(context.store.read, workspaceId, kind, id);
  if (row === undefined) throw credentialNotFound();
  return toCredential(row);
}

interface ListQuery {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
  readonly sort?: string | undefined;
  readonly q?: string | undefined;
  readonly status?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly unusedForDays?: string | undefined;
}

/**
 * Returns a page of credentials, optionally only those with `right`. The default sort order is newest first. Throws
 * `validation_failed` for a cursor of another list.
 */
export async function listCredentials(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  query: ListQuery,
  right: string | undefined,
): Promise<{ data: Credential[]; nextCursor: string | null }> {
  await context.flushUses();
  const now = context.clock();
  const order = query.sort ?? '-createdAt';
  const sort = order.replace(/^-/, '') as CredentialSort;
  const page = readPageRequest(query, order, sort === 'name' ? 'string' : 'number');
  const filter = {
    kind,
    q: query.q?.normalize('NFC').trim().toLowerCase(),
    status: query.status,
    right,
    createdBy: query.createdBy,
    unusedSince: query.unusedForDays === undefined ? undefined : now - Number(query.unusedForDays) * DAY,
  };
  const direction = order.startsWith('-') ? 'desc' : 'asc';
  const rows = await listRows(context.store.read, workspaceId, filter, sort, direction, page, now);
  const positionOf = (row: CredentialRow) => ({ value: sortValueOf(row, sort), id: row.id });
  return toPage(rows, page.limit, order, positionOf, toCredential);
}

/**
 * Returns uses per day (UTC) of the last 30 days, the latest addresses, and uses reported by guards. Throws
 * `not_found`.
 */
export async function findUses(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<CredentialUses> {
  await findCredential(context, workspaceId, kind, id);
  const today = Math.floor(context.clock() / DAY);
  const { days, addresses, guards } = await readUses(
    context.store.read,
    workspaceId,
    id,
    today - 29,
    MAX_ADDRESSES_PER_CREDENTIAL,
  );
  return {
    days: days.map(({ day, count }) => ({ day: toIsoString(day * DAY).slice(0, 10), count })),
    addresses: addresses.map(({ address, first, last, reportedBy }) => ({
      address,
      firstSeenAt: toIsoString(first),
      lastSeenAt: toIsoString(last),
      reportedBy,
    })),
    guards: guards.map(({ last, ...facts }) => ({ ...facts, lastUsedAt: toIsoString(last) })),
  };
}

/** Records the revocation of a credential with the next number: gapless, in commit order. */
export async function revoke(trx: Trx, workspaceId: string, digest: Uint8Array, now: number): Promise<Revocation> {
  return { ...(await insertRevocation(trx, workspaceId, digest, now)), workspaceId, digest: digestOfBytes(digest) };
}

/**
 * Deletes a credential. When this resolves, no node accepts it any more. Throws `not_found` if the workspace has no
 * such credential, and `unavailable` if it was deleted but not every node has confirmed that in time.
 */
export async function deleteCredential(
  context: CredentialContext,
  request: RequestContext,
  kind: CredentialKind,
  id: string,
): Promise<RevocationReceipt> {
  const now = context.clock();
  const revocation = await context.store.transaction(async (trx) => {
    const deleted = await deleteRow(trx, request.workspaceId, kind, id);
    if (deleted === undefined) return null;
    await appendAuditEvent(trx, auditDraftOf(request, { id, kind, name: deleted.name }, 'deleted', now, {}));
    return revoke(trx, request.workspaceId, deleted.digest, now);
  });
  if (revocation !== null) return context.waitForConfirmation(revocation);
  // Another request may have just deleted it. "Not found" must mean that no node accepts it.
  await context.waitForAllConfirmations(request.workspaceId);
  throw credentialNotFound();
}

/**
 * Deletes the credential of a secret at the request of its holder (token revocation, RFC 7009). Succeeds for an unknown
 * secret too. Resolves only when no node accepts the secret, even if another request deleted it. Throws `unavailable`
 * if not every node has confirmed that in time.
 */
export async function revokeBySecret(
  context: CredentialContext,
  digest: Digest,
  record: CredentialRecord | null,
  origin: RequestOrigin,
): Promise<void> {
  if (record === null) return context.waitForAllConfirmations(null);
  const { id, kind, name } = record;
  const workspaceId = record.workspace.id;
  const now = context.clock();
  const revocation = await context.store.transaction(async (trx) => {
    if ((await deleteRow(trx, workspaceId, kind, id)) === undefined) return null;
    const request = { workspaceId, actor: { kind, id, name }, origin };
    await appendAuditEvent(trx, auditDraftOf(request, record, 'deleted', now, { reason: 'revoked by its holder' }));
    return revoke(trx, workspaceId, digestBytes(digest), now);
  });
  if (revocation === null) await context.waitForAllConfirmations(workspaceId);
  else await context.waitForConfirmation(revocation);
}
