import type { CredentialRecord } from '../authorization/record.ts';
import type { RevocationReceipt, WaitForConfirmation } from '../authorization/registry.ts';
import { type Digest, digestOf, hintOf, mintSecret } from '../authorization/secret.ts';
import { MAX_ADDRESSES_PER_CREDENTIAL } from '../authorization/usage-counters.ts';
import type { AuditDraft, AuditParty, CredentialReference, RequestOrigin } from '../contract/audit.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import { createId } from '../contract/id.ts';
import { type IdempotencyClaim, refuseReplay } from '../contract/idempotency.ts';
import { DAY } from '../contract/limits.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { CredentialKind, CredentialSort } from '../contract/vocabulary.ts';
import type { Credential, CredentialStore, NewCredential } from './store.ts';
import { toIsoString, toIsoStringOrNull } from './wire-format.ts';

/** What access tokens and API keys have in common: how they are made, listed, found and ended. */
export interface CredentialContext {
  readonly store: CredentialStore;
  readonly waitForConfirmation: WaitForConfirmation;
  /**
   * Resolves when all that was revoked before the call in a workspace (null: in any) is settled: for an
   * answer that relies on another's deletion.
   */
  readonly waitForAllConfirmations: (workspaceId: string | null) => Promise<void>;
  /** Writes the uses counted so far, so that what is shown is true. */
  readonly flushUses: () => Promise<void>;
  readonly clock: () => number;
}

/** Who asks, in which workspace, from where. */
export interface RequestContext {
  readonly workspaceId: string;
  readonly actor: AuditParty;
  readonly origin: RequestOrigin;
  readonly claim?: IdempotencyClaim | null;
}

export function partyOf(credential: Pick<Credential, 'id' | 'kind' | 'name'>): CredentialReference {
  return { id: credential.id, kind: credential.kind, name: credential.name };
}

export function auditDraftOf(
  request: RequestContext,
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

/** Reads an expiry from the wire. Throws `validation_failed` unless it lies after `now`. */
export function parseExpiry(expiresAt: string | null | undefined, now: number): number | null {
  if (expiresAt === null || expiresAt === undefined) return null;
  const expiresAtMs = Date.parse(expiresAt);
  if (!(expiresAtMs > now)) throw invalidField('expiresAt', 'must be in the future, or null for never');
  return expiresAtMs;
}

/** Mints a credential and writes it with its audit event. The only moment at which its secret is known. */
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
  const credential = await context.store.transaction(async (tx) => {
    if (request.claim) refuseReplay(request.claim, await tx.claim(request.claim, id, now));
    await tx.insert({
      ...fields,
      id,
      workspaceId: request.workspaceId,
      hint: hintOf(secret),
      digest: digestOf(secret),
      createdAt: now,
      createdById,
    });
    const { kind, name, rights, active, guard } = fields;
    const expiresAt = toIsoStringOrNull(fields.expiresAt);
    const after =
      kind === 'access_token'
        ? { scopes: rights, expiresAt, hasPassphrase: fields.passphraseHash !== null }
        : { permissions: rights, expiresAt, active, ...(guard && { guard }) };
    await tx.record(auditDraftOf(request, { id, kind, name }, 'created', now, { after }));
    return tx.find(request.workspaceId, kind, id);
  });
  if (credential === null) throw new Problem('internal');
  return { credential, secret };
}

/** Throws `not_found` alike for what does not exist, is of the other kind, or is another workspace's. */
export async function findCredential(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<Credential> {
  await context.flushUses();
  const credential = await context.store.find(workspaceId, kind, id);
  if (credential === null) throw new Problem('not_found', 'The credential was not found in this workspace.');
  return credential;
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

export async function listCredentials(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  query: ListQuery,
  right: string | undefined,
): Promise<{ data: Credential[]; nextCursor: string | null }> {
  await context.flushUses();
  const now = context.clock();
  const sort = query.sort ?? '-createdAt';
  return context.store.list(workspaceId, {
    kind,
    limit: query.limit,
    cursor: query.cursor,
    sort: sort.replace(/^-/, '') as CredentialSort,
    direction: sort.startsWith('-') ? 'desc' : 'asc',
    q: query.q?.normalize('NFC').trim().toLowerCase(),
    status: query.status,
    right,
    createdBy: query.createdBy,
    unusedSince: query.unusedForDays === undefined ? undefined : now - Number(query.unusedForDays) * DAY,
    now,
  });
}

/** Uses a day over the last 30 days, and the addresses used from lately. Throws `not_found`. */
export async function findUses(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<CredentialUses> {
  await findCredential(context, workspaceId, kind, id);
  const today = Math.floor(context.clock() / DAY);
  const { days, addresses, guards } = await context.store.readUses(
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

/**
 * Ends a credential for good. When this resolves, nothing on any node accepts it any more.
 * Throws `not_found` where the workspace has none such.
 */
export async function deleteCredential(
  context: CredentialContext,
  request: RequestContext,
  kind: CredentialKind,
  id: string,
): Promise<RevocationReceipt> {
  const now = context.clock();
  const revocation = await context.store.transaction(async (tx) => {
    const deleted = await tx.delete(request.workspaceId, kind, id);
    if (deleted === null) return null;
    await tx.record(auditDraftOf(request, { id, kind, name: deleted.name }, 'deleted', now, {}));
    return tx.revoke(request.workspaceId, deleted.digest, now);
  });
  if (revocation !== null) return context.waitForConfirmation(revocation);
  // Somebody else's deletion of it may not be true everywhere yet, and "not found" must be.
  await context.waitForAllConfirmations(request.workspaceId);
  throw new Problem('not_found', 'The credential was not found in this workspace.');
}

/**
 * Ends the credential of a secret, asked for by whoever holds it. Does nothing where there is none, but
 * resolves only when nothing accepts it, also where another request is about to end it.
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
  const revocation = await context.store.transaction(async (tx) => {
    if ((await tx.delete(workspaceId, kind, id)) === null) return null;
    const actor: AuditParty = { kind, id, name };
    await tx.record(
      auditDraftOf({ workspaceId, actor, origin }, record, 'deleted', now, { reason: 'revoked by its holder' }),
    );
    return tx.revoke(workspaceId, digest, now);
  });
  if (revocation === null) await context.waitForAllConfirmations(workspaceId);
  else await context.waitForConfirmation(revocation);
}
