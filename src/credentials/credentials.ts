import { appendAuditEvent, SYSTEM_ACTOR } from '../audit/log.ts';
import type { RequestContext } from '../audit/request-context.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import type { Revocation, RevocationReceipt, WaitForConfirmation } from '../authorization/registry.ts';
import { digestOf, digestOfBytes, hintOf, mintSecret } from '../authorization/secret.ts';
import { MAX_ADDRESSES_PER_CREDENTIAL } from '../authorization/usage-counters.ts';
import type { AuditDraft, CredentialReference, RequestOrigin } from '../contract/audit.ts';
import { type CredentialUses, replacesMessage } from '../contract/credentials.ts';
import { type RefusalCode, refusalCodeOf } from '../contract/error-codes.ts';
import { createId } from '../contract/id.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import { DAY } from '../contract/limits.ts';
import type { CountedPage } from '../contract/paging.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { RestrictionsInput } from '../contract/restrictions.ts';
import { isUnrestricted } from '../contract/unrestricted.ts';
import type { AccessTokenOrigin, CredentialKind, CredentialSort } from '../contract/vocabulary.ts';
import { LIST_BOUNDS, listCredentials as listRows } from '../store/credential-lists.ts';
import {
  type CredentialRow,
  deleteCredential as deleteRow,
  findCredential as findRow,
  insertCredential,
  insertRevocation,
  lockCredential,
  sortValueOf,
} from '../store/credentials.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import { deleteChildren } from '../store/issued-tokens.ts';
import { resolveNotices } from '../store/notices.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import type { Store, Trx } from '../store/store.ts';
import { insertTombstone, insertTombstonesOfIssued } from '../store/tombstones.ts';
import { readUses } from '../store/usage.ts';
import { readRefusals, readRightUses } from '../store/usage-rights.ts';
import { type Credential, type NewCredential, toCredential, toNewRow } from './credential.ts';
import { checkNewCredential } from './policy.ts';
import { checkGuard, resolveRestrictions } from './restrictions.ts';

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
  /** Writes what this node has accepted of the rates of credentials. */
  readonly shareRates: () => Promise<void>;
  /** Whether text has the form of a secret of another system with a prefix that a workspace declares. */
  readonly isForeignSecret: (text: string) => boolean;
  /** Reads the declared prefixes again, after a change. Never rejects: other nodes read them within seconds too. */
  readonly refreshForeignPrefixes: () => Promise<void>;
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
 * Locks the credential that a new one replaces, so that it is neither deleted nor replaced twice meanwhile. Throws
 * `validation_failed` if the workspace has none of that kind with this id, and `conflict` if it has a replacement.
 */
async function lockReplaced(trx: Trx, workspaceId: string, kind: CredentialKind, id: string): Promise<void> {
  const row = await lockCredential(trx, workspaceId, kind, id);
  if (row === undefined) throw invalidField('replaces', replacesMessage(kind));
  if (row.replaced_by_id === null) return;
  throw new Problem('conflict', `It is already being replaced by ${row.replaced_by_id}. Delete one of the two first.`);
}

/** What the audit event of a new credential says besides its fields. */
interface CreationDetail {
  readonly imported?: true;
  readonly origin?: AccessTokenOrigin;
  /** The claims of the token that it was issued for. */
  readonly claims?: Readonly<Record<string, string>>;
}

/**
 * Stores a new credential with its audit event, which also contains `detail`. Returns false, and stores nothing, if a
 * credential of any workspace has the same digest.
 */
export async function insertNew(
  trx: Trx,
  request: RequestContext,
  credential: NewCredential,
  detail: CreationDetail = {},
): Promise<boolean> {
  const { kind, rights, active, guard, replaces, restrictions } = credential;
  if (!(await insertCredential(trx, toNewRow(credential)))) return false;
  const expiresAt = toIsoStringOrNull(credential.expiresAt);
  const ofKind =
    kind === 'access_token'
      ? { scopes: rights, expiresAt, hasPassphrase: credential.passphraseHash !== null }
      : { permissions: rights, expiresAt, active, ...(guard && { guard }) };
  const after = {
    ...ofKind,
    ...(!isUnrestricted(restrictions) && { restrictions }),
    ...(replaces !== null && { replaces }),
    ...detail,
  };
  await appendAuditEvent(trx, auditDraftOf(request, credential, 'created', credential.createdAt, { after }));
  return true;
}

/** The old credential may expire or stay unused once it has a replacement. */
const RESOLVED_BY_REPLACEMENT = ['credential.expiring', 'credential.unused'] as const;

/**
 * Creates a credential and stores it with its audit event in one transaction. Only this result contains its secret.
 * Throws `forbidden` if the actor has no id, `idempotent_replay` for a repeated request, `validation_failed` if the
 * policy does not allow it, and as `lockReplaced` does.
 */
export async function createCredential(
  context: CredentialContext,
  request: RequestContext,
  fields: Pick<
    NewCredential,
    'kind' | 'name' | 'description' | 'rights' | 'active' | 'guard' | 'expiresAt' | 'replaces' | 'passphraseHash'
  > & { readonly restrictions: RestrictionsInput | undefined },
): Promise<{ credential: Credential; secret: string }> {
  const now = context.clock();
  const secret = mintSecret(fields.kind);
  const id = createId(fields.kind, now);
  const { id: createdById } = request.actor;
  if (createdById === null) throw new Problem('forbidden');
  const row = await context.store.transaction(async (trx) => {
    await claimOrRefuseReplay(trx, request.claim, id, now);
    const { workspaceId } = request;
    const { kind, replaces } = fields;
    const hasPassphrase = fields.passphraseHash !== null;
    const { addresses = [] } = fields.restrictions ?? {};
    await checkNewCredential(trx, request, { ...fields, hasPassphrase, createdAt: now, addresses });
    if (replaces !== null) await lockReplaced(trx, workspaceId, kind, replaces);
    const derived = { hint: hintOf(secret), digest: digestOf(secret), createdAt: now, createdById };
    const restrictions = await resolveRestrictions(trx, workspaceId, fields.restrictions);
    checkGuard({ guard: fields.guard, restrictions }, 'guard');
    await insertNew(trx, request, {
      ...fields,
      ...derived,
      restrictions,
      origin: 'person',
      issuedBy: null,
      id,
      workspaceId,
    });
    if (replaces !== null) await resolveNotices(trx, workspaceId, replaces, RESOLVED_BY_REPLACEMENT);
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
  readonly expiresWithinDays?: string | undefined;
  readonly neverExpires?: string | undefined;
  readonly violatesPolicy?: string | undefined;
  readonly origin?: AccessTokenOrigin | undefined;
}

/** For a long list in which few credentials match, and none of the indexes finds them. */
function tooManyToSearch(kind: CredentialKind, query: ListQuery, right: string | undefined): Problem {
  const { createdBy, expiresWithinDays, neverExpires, unusedForDays } = query;
  const hasExpiry = expiresWithinDays !== undefined || neverExpires !== undefined || query.status === 'expired';
  const remedies = [
    ...(createdBy === undefined ? ['filter by createdBy'] : []),
    ...(hasExpiry ? [] : ['filter by expiresWithinDays']),
    ...(hasExpiry ? ['sort by expiresAt'] : []),
    ...(createdBy === undefined ? [] : ['sort by createdAt']),
    ...(unusedForDays === undefined ? [] : ['sort by lastUsedAt']),
  ];
  const message =
    `matches too few of more than ${LIST_BOUNDS.list} credentials to find them in this order; ` +
    `narrow the list (${remedies.join(', ')})`;
  const { q, status } = query;
  if (q !== undefined && q !== '') return invalidField('q', message);
  if (right !== undefined) return invalidField(kind === 'access_token' ? 'scope' : 'permission', message);
  return invalidField(status === undefined ? 'sort' : 'status', message);
}

/**
 * Returns a page of credentials, optionally only those with `right`. The default sort order is newest first. Throws
 * `validation_failed` for a cursor of another list, and for a search that would read too much of a long list.
 */
export async function listCredentials(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  query: ListQuery,
  right: string | undefined,
): Promise<CountedPage<Credential>> {
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
    expiresBy: query.expiresWithinDays === undefined ? undefined : now + Number(query.expiresWithinDays) * DAY,
    neverExpires: query.neverExpires === undefined ? undefined : query.neverExpires === 'true',
    violatesPolicy: query.violatesPolicy === undefined ? undefined : query.violatesPolicy === 'true',
    origin: query.origin,
  };
  const direction = order.startsWith('-') ? 'desc' : 'asc';
  const { read } = context.store;
  const listed = await listRows(read, { workspaceId, filter, sort, direction, page, now });
  if (listed === null) throw tooManyToSearch(kind, query, right);
  const positionOf = (row: CredentialRow) => ({ value: sortValueOf(row, sort), id: row.id });
  return { ...toPage(listed.rows, page.limit, order, positionOf, toCredential), total: listed.total };
}

/** Adds up the refusals of each day whose reasons have the same error code. Pure. */
function sumPerCode(refusals: readonly { readonly day: number; readonly reason: string; readonly count: number }[]) {
  const sums = new Map<string, { day: number; reason: RefusalCode; count: number }>();
  for (const { day, reason: stored, count } of refusals) {
    const reason = refusalCodeOf(stored);
    const key = `${day} ${reason}`;
    sums.set(key, { day, reason, count: (sums.get(key)?.count ?? 0) + count });
  }
  return [...sums.values()];
}

/**
 * Returns uses and refusals per day (UTC) of the last 30 days, the latest addresses, uses reported by guards, and the
 * scopes or permissions that were exercised. Throws `not_found`.
 */
export async function findUses(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<CredentialUses> {
  const { createdAt } = await findCredential(context, workspaceId, kind, id);
  const { read } = context.store;
  const firstDay = Math.floor(context.clock() / DAY) - 29;
  const { days, addresses, guards } = await readUses(read, workspaceId, id, firstDay, MAX_ADDRESSES_PER_CREDENTIAL);
  const { rights, since } = await readRightUses(read, workspaceId, id);
  const refusals = await readRefusals(read, workspaceId, id, firstDay);
  const dateOf = (day: number) => toIsoString(day * DAY).slice(0, 10);
  return {
    days: days.map(({ day, count }) => ({ day: dateOf(day), count })),
    addresses: addresses.map(({ address, firstSeenAt, lastSeenAt, reportedBy }) => ({
      address,
      firstSeenAt: toIsoString(firstSeenAt),
      lastSeenAt: toIsoString(lastSeenAt),
      reportedBy,
    })),
    guards: guards.map(({ lastUsedAt, ...rest }) => ({ ...rest, lastUsedAt: toIsoString(lastUsedAt) })),
    rights: rights.map(({ right, lastUsedAt, ...rest }) => ({
      right: right as CredentialUses['rights'][number]['right'],
      ...rest,
      lastUsedAt: toIsoString(lastUsedAt),
    })),
    rightsSince: toIsoString(Math.max(since, createdAt)),
    refusals: sumPerCode(refusals).map(({ day, ...facts }) => ({ day: dateOf(day), ...facts })),
  };
}

/** Records the revocation of a credential with the next number: gapless, in commit order. */
export async function revoke(trx: Trx, workspaceId: string, digest: Uint8Array, now: number): Promise<Revocation> {
  return { ...(await insertRevocation(trx, workspaceId, digest, now)), workspaceId, digest: digestOfBytes(digest) };
}

/**
 * Deletes a credential with its audit event, which names the other side of an unfinished replacement, and numbers the
 * revocation. Access tokens that were issued in exchange for it are deleted with it. Returns the revocations, none if the
 * workspace has no such credential.
 */
export async function deleteInTransaction(
  trx: Trx,
  request: Pick<RequestContext, 'workspaceId' | 'actor' | 'origin'>,
  kind: CredentialKind,
  id: string,
  now: number,
  detail: AuditDraft['detail'],
): Promise<Revocation[]> {
  const { workspaceId } = request;
  const row = await lockCredential(trx, workspaceId, kind, id);
  await insertTombstone(trx, workspaceId, kind, id, now);
  const deleted = await deleteRow(trx, workspaceId, kind, id);
  if (row === undefined || deleted === undefined) return [];
  const { name, replaces_id: replaces, replaced_by_id: replacedBy } = row;
  const before = { ...(replaces !== null && { replaces }), ...(replacedBy !== null && { replacedBy }) };
  const links = Object.keys(before).length === 0 ? {} : { before };
  await appendAuditEvent(trx, auditDraftOf(request, { id, kind, name }, 'deleted', now, { ...detail, ...links }));
  await resolveNotices(trx, workspaceId, id);
  const revocation = await revoke(trx, workspaceId, deleted.digest, now);
  return kind === 'access_token' ? [...(await deleteChildrenOf(trx, request, id, now)), revocation] : [revocation];
}

/** Deletes the access tokens issued in exchange for one that was deleted. Returns their revocations. */
async function deleteChildrenOf(
  trx: Trx,
  request: Pick<RequestContext, 'workspaceId' | 'origin'>,
  parentId: string,
  now: number,
): Promise<Revocation[]> {
  const revocations: Revocation[] = [];
  // Not by the actor: a token that revokes itself no longer exists.
  const bySystem = { ...request, actor: SYSTEM_ACTOR };
  await insertTombstonesOfIssued(trx, request.workspaceId, parentId, now);
  for (const { id, name, digest } of await deleteChildren(trx, request.workspaceId, parentId)) {
    const detail = { reason: 'its parent was deleted', parent: parentId };
    const child = { id, kind: 'access_token', name } as const;
    await appendAuditEvent(trx, auditDraftOf(bySystem, child, 'deleted', now, detail));
    revocations.push(await revoke(trx, request.workspaceId, digest, now));
  }
  return revocations;
}

/**
 * Waits until every node has confirmed each revocation: this one applies only those that it waits for. Returns the
 * receipt of the last one, null if there are none.
 */
export async function waitForEach(
  { waitForConfirmation }: CredentialContext,
  revocations: readonly Revocation[],
): Promise<RevocationReceipt | null> {
  return (await Promise.all(revocations.map(waitForConfirmation))).at(-1) ?? null;
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
  const revocations = await context.store.transaction((trx) => deleteInTransaction(trx, request, kind, id, now, {}));
  const receipt = await waitForEach(context, revocations);
  if (receipt !== null) return receipt;
  // Another request may have just deleted it. "Not found" must mean that no node accepts it.
  await context.waitForAllConfirmations(request.workspaceId);
  throw credentialNotFound();
}

/**
 * Deletes the credential of a secret at the request of its holder (token revocation, RFC 7009). Succeeds for an unknown
 * secret (null) too. Resolves only when no node accepts the secret, even if another request deleted it. Throws
 * `unavailable` if not every node has confirmed that in time.
 */
export async function revokeBySecret(
  context: CredentialContext,
  record: CredentialRecord | null,
  origin: RequestOrigin,
): Promise<void> {
  if (record === null) return context.waitForAllConfirmations(null);
  const { id, kind, name } = record;
  const workspaceId = record.workspace.id;
  const now = context.clock();
  const request = { workspaceId, actor: { kind, id, name }, origin };
  const detail = { reason: 'revoked by its holder' };
  const revocations = await context.store.transaction((trx) =>
    deleteInTransaction(trx, request, kind, id, now, detail),
  );
  if ((await waitForEach(context, revocations)) === null) await context.waitForAllConfirmations(workspaceId);
}
