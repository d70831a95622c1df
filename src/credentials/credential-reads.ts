import { MAX_ADDRESSES_PER_CREDENTIAL } from '../authorization/usage-counters.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import { type RefusalCode, refusalCodeOf } from '../contract/error-codes.ts';
import { toIsoString } from '../contract/instant.ts';
import { DAY } from '../contract/limits.ts';
import type { CountedPage } from '../contract/paging.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { AccessTokenOrigin, CredentialKind, CredentialSort } from '../contract/vocabulary.ts';
import { sortValueOf } from '../store/credential-filter.ts';
import { LIST_BOUNDS, listCredentials as listRows } from '../store/credential-lists.ts';
import { type CredentialRow, findCredential } from '../store/credentials.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import { readRefusals, readRightUses } from '../store/right-uses.ts';
import { readUses } from '../store/usage.ts';
import { type Credential, toCredential } from './credential.ts';
import type { CredentialContext } from './credentials.ts';

export const credentialNotFound = () => new Problem('not_found', 'The credential was not found in this workspace.');

/**
 * Throws the same `not_found` for a missing credential, for a credential of the other kind, and for a credential of
 * another workspace.
 */
export async function requireCredential(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<Credential> {
  await context.flushUses();
  const row = await findCredential(context.store.read, workspaceId, kind, id);
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

/** Returns the problem for a long list in which few credentials match and no index finds them. */
function searchTooLongProblem(kind: CredentialKind, query: ListQuery, right: string | undefined): Problem {
  const { createdBy, expiresWithinDays, neverExpires, unusedForDays } = query;
  const hasExpiry = expiresWithinDays !== undefined || neverExpires !== undefined || query.status === 'expired';
  const remedies: string[] = [];
  if (createdBy === undefined) remedies.push('filter by createdBy');
  remedies.push(hasExpiry ? 'sort by expiresAt' : 'filter by expiresWithinDays');
  if (createdBy !== undefined) remedies.push('sort by createdAt');
  if (unusedForDays !== undefined) remedies.push('sort by lastUsedAt');
  const message =
    `matches too few of the more than ${LIST_BOUNDS.maxListSize} credentials to be searched in this order; ` +
    `instead, ${remedies.join(' or ')}`;
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
  if (listed === null) throw searchTooLongProblem(kind, query, right);
  const positionOf = (row: CredentialRow) => ({ value: sortValueOf(row, sort), id: row.id });
  return { ...toPage(listed.rows, page.limit, order, positionOf, toCredential), total: listed.total };
}

/** Adds up the refusals per day and error code, because several stored reasons can have the same code. Pure. */
function sumPerCode(refusals: readonly { readonly day: number; readonly reason: string; readonly count: number }[]) {
  const sums = new Map<string, { day: number; reason: RefusalCode; count: number }>();
  for (const { day, reason: storedReason, count } of refusals) {
    const reason = refusalCodeOf(storedReason);
    const key = `${day} ${reason}`;
    sums.set(key, { day, reason, count: (sums.get(key)?.count ?? 0) + count });
  }
  return [...sums.values()];
}

/**
 * Returns uses and refusals per day (UTC) of the last 30 days, the latest addresses, uses reported by guards, and the
 * scopes or permissions that were exercised. Throws `not_found`.
 */
export async function getUses(
  context: CredentialContext,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<CredentialUses> {
  const { createdAt } = await requireCredential(context, workspaceId, kind, id);
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
    guards: guards.map((guard) => ({ ...guard, lastUsedAt: toIsoString(guard.lastUsedAt) })),
    rights: rights.map(({ right, lastUsedAt, ...counts }) => ({
      right: right as CredentialUses['rights'][number]['right'],
      ...counts,
      lastUsedAt: toIsoString(lastUsedAt),
    })),
    rightsSince: toIsoString(Math.max(since, createdAt)),
    refusals: sumPerCode(refusals).map(({ day, ...refusal }) => ({ day: dateOf(day), ...refusal })),
  };
}
