import { setImmediate } from 'node:timers/promises';
import { readAuditLog } from '../audit/log.ts';
import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import { toIsoString } from '../contract/instant.ts';
import { DAY, LIMITS, REVIEW_DAYS } from '../contract/limits.ts';
import { DEFAULT_POLICY } from '../contract/policy.ts';
import {
  type Review,
  type ReviewDecision,
  type ReviewItem,
  type ReviewQuery,
  reviewReasonsOf,
} from '../contract/review.ts';
import { REVIEW_WEIGHTS } from '../contract/review-weights.ts';
import { CREDENTIAL_KINDS, type CredentialKind, REVIEW_REASONS, type ReviewReason } from '../contract/vocabulary.ts';
import { findAuditSequence } from '../store/audit.ts';
import { findCredentialsById } from '../store/credentials.ts';
import { findInstallation } from '../store/installation.ts';
import { type ListPosition, readPageRequest, toPage } from '../store/paging.ts';
import { findPolicy } from '../store/policy.ts';
import {
  findReviews,
  findUsedRights,
  lockReviewedCredential,
  type ReviewReasonsRow,
  type ReviewTimes,
  readReviewReasons,
  saveReview,
} from '../store/reviews.ts';
import type { CredentialReviewTable } from '../store/schema/credentials.ts';
import type { Queryable } from '../store/store.ts';
import { showAccessToken } from './access-tokens.ts';
import { showApiKey } from './api-keys.ts';
import { toCredential } from './credential.ts';
import { credentialNotFound } from './credential-reads.ts';
import type { CredentialContext } from './credentials.ts';

const bitOf = (reason: ReviewReason): number => 1 << REVIEW_REASONS.indexOf(reason);

async function reviewTimes(db: Queryable, workspaceId: string, now: number): Promise<ReviewTimes> {
  const policy = await findPolicy(db, workspaceId);
  const usedSince = now - REVIEW_DAYS.usedWithin * DAY;
  const countedSince = (await findInstallation(db))?.rights_counted_since ?? 0;
  return {
    now,
    unusedSince: now - (policy?.unused_after_days ?? DEFAULT_POLICY.unusedAfterDays) * DAY,
    neverUsedSince: now - REVIEW_DAYS.neverUsedAfter * DAY,
    usedSince,
    countsRights: countedSince <= usedSince,
    expiresBy: now + REVIEW_DAYS.expiresWithin * DAY,
  };
}

type Entry = Pick<ReviewReasonsRow, 'id' | 'reasons' | 'kept'>;

/** The credentials of a workspace with at least one reason, in groups of the same risk, highest first. */
interface Snapshot {
  readonly groups: readonly { readonly risk: number; readonly entries: readonly Entry[] }[];
  /** Number of credentials per combination of reasons and of reasons in spite of which they are kept. */
  readonly tallies: readonly (Omit<Entry, 'id'> & { readonly count: number })[];
  /** Number of credentials that were read, with and without reasons. */
  readonly size: number;
  readonly takenAt: number;
}

/** Credentials per read: few enough that another read on the same thread waits only for some milliseconds. */
const CHUNK_SIZE = 2_000;

/** Reads the reasons of all credentials, in chunks. */
async function takeSnapshot(
  db: Queryable,
  workspaceId: string,
  createdBy: string | undefined,
  now: number,
): Promise<Snapshot> {
  const times = await reviewTimes(db, workspaceId, now);
  const groups = new Map<number, Entry[]>();
  const tallies = new Map<number, { reasons: number; kept: number; risk: number; count: number }>();
  let size = 0;
  for (const kind of CREDENTIAL_KINDS) {
    for (let after: ReviewReasonsRow | undefined; ; ) {
      const rows = await readReviewReasons(db, { workspaceId, kind, createdBy }, times, after, CHUNK_SIZE);
      size += rows.length;
      for (const { id, reasons, kept } of rows) {
        if (reasons === 0) continue;
        const key = (reasons << REVIEW_REASONS.length) | kept;
        const tally = tallies.get(key) ?? { reasons, kept, risk: riskOf(reasons), count: 0 };
        tally.count++;
        tallies.set(key, tally);
        const group = groups.get(tally.risk);
        if (group === undefined) groups.set(tally.risk, [{ id, reasons, kept }]);
        else group.push({ id, reasons, kept });
      }
      after = rows.at(-1);
      if (rows.length < CHUNK_SIZE) break;
    }
  }
  for (const entries of groups.values()) {
    // Each kind was read in the order of its ids, so sorting takes linear time.
    entries.sort((first, second) => (first.id < second.id ? -1 : 1));
    await setImmediate();
  }
  const sorted = [...groups]
    .sort(([firstRisk], [secondRisk]) => secondRisk - firstRisk)
    .map(([risk, entries]) => ({ risk, entries }));
  return { groups: sorted, tallies: [...tallies.values()], size, takenAt: now };
}

const riskOf = (reasons: number): number =>
  reviewReasonsOf(reasons).reduce((sum, reason) => sum + REVIEW_WEIGHTS[reason], 0);

/** Returns a snapshot of a workspace that was taken after its last change and at most a minute ago. */
export type FindSnapshot = (
  context: CredentialContext,
  workspaceId: string,
  createdBy: string | undefined,
) => Promise<Snapshot>;

/** How long uses and the passage of time may be missing from a snapshot of a large workspace. */
const MAX_AGE_MS = 60_000;
/** Maximum number of credentials in all snapshots, which take about 100 bytes each. */
const MAX_SNAPSHOT_ENTRIES = 300_000;

/**
 * Caches the snapshots of large workspaces, so that another page of the list does not read all credentials again. Every
 * change is recorded in the activity log, so a snapshot is valid as long as the length of the log stays the same. A
 * workspace that is read in one chunk is always read again.
 */
export function createSnapshots(): FindSnapshot {
  const snapshots = new Map<string, { readonly sequence: number; readonly taken: Promise<Snapshot>; size: number }>();

  function evict(): void {
    let total = [...snapshots.values()].reduce((sum, { size }) => sum + size, 0);
    for (const [key, { size }] of snapshots) {
      if (total <= MAX_SNAPSHOT_ENTRIES || snapshots.size === 1) return;
      snapshots.delete(key);
      total -= size;
    }
  }

  return async ({ store, clock }, workspaceId, createdBy) => {
    const key = `${workspaceId} ${createdBy ?? ''}`;
    const now = clock();
    const sequence = await findAuditSequence(store.read, workspaceId);
    const known = snapshots.get(key);
    if (known !== undefined && known.sequence === sequence) {
      const snapshot = await known.taken;
      if (snapshot.size > CHUNK_SIZE && Math.abs(now - snapshot.takenAt) < MAX_AGE_MS) return snapshot;
    }
    const taken = takeSnapshot(store.read, workspaceId, createdBy, now);
    const entry = { sequence, taken, size: 0 };
    snapshots.delete(key);
    snapshots.set(key, entry);
    const forget = () => snapshots.get(key) === entry && snapshots.delete(key);
    try {
      const snapshot = await taken;
      entry.size = snapshot.size;
      if (snapshot.size <= CHUNK_SIZE) forget();
      evict();
      return snapshot;
    } catch (error) {
      forget();
      throw error;
    }
  };
}

/** Whether a review lists a credential: not if it is kept in spite of all its current reasons. */
const isListed = ({ includeKept }: ReviewQuery, { reasons, kept }: Omit<Entry, 'id'>): boolean =>
  includeKept === 'true' || (reasons & ~kept) !== 0;

/**
 * Returns the number of credentials that a query matches, and the numbers per reason, which ignore the query's filter
 * by reason. Pure.
 */
function countEntries({ tallies }: Snapshot, query: ReviewQuery): Pick<Review, 'total' | 'counts'> {
  const listed = tallies.filter((tally) => isListed(query, tally));
  const sumOf = (reasonMask: number) =>
    listed.reduce((sum, { reasons, count }) => ((reasons & reasonMask) === 0 ? sum : sum + count), 0);
  const total = sumOf(query.reason === undefined ? ~0 : bitOf(query.reason));
  const counts = Object.fromEntries(REVIEW_REASONS.map((reason) => [reason, sumOf(bitOf(reason))]));
  return { total: total > LIMITS.countedTotal ? null : total, counts: counts as Review['counts'] };
}

/** Returns the entries that a query matches after a position, at most one more than the limit. Pure. */
function selectEntries({ groups }: Snapshot, query: ReviewQuery, limit: number, after: ListPosition | null) {
  const reasonMask = query.reason === undefined ? ~0 : bitOf(query.reason);
  const page: (Entry & { readonly risk: number })[] = [];
  for (const { risk, entries } of groups) {
    if (after !== null && risk > Number(after.value)) continue;
    for (const entry of entries) {
      if (after !== null && risk === after.value && entry.id <= after.id) continue;
      if ((entry.reasons & reasonMask) === 0 || !isListed(query, entry)) continue;
      page.push({ ...entry, risk });
      if (page.length > limit) return page;
    }
  }
  return page;
}

function showKept(row: CredentialReviewTable | undefined): ReviewItem['kept'] {
  if (row === undefined) return null;
  const { reviewed_at, reviewed_by, reviewed_by_name, kept_until, note } = row;
  const reviewedBy = { id: reviewed_by, name: reviewed_by_name };
  return { reviewedAt: toIsoString(reviewed_at), reviewedBy, until: toIsoString(kept_until), note };
}

/** Returns the credentials of entries with their reasons, in the same order, without those deleted in the meantime. */
async function showEntries(
  db: Queryable,
  workspaceId: string,
  entries: readonly Pick<Entry, 'id' | 'reasons'>[],
  now: number,
): Promise<ReviewItem[]> {
  if (entries.length === 0) return [];
  const ids = entries.map(({ id }) => id);
  const broader = entries.filter(({ reasons }) => (reasons & bitOf('broader_than_used')) !== 0).map(({ id }) => id);
  const rows = new Map((await findCredentialsById(db, workspaceId, ids)).map((row) => [row.id, row]));
  const reviews = new Map((await findReviews(db, workspaceId, ids, now)).map((row) => [row.credential_id, row]));
  const usedSince = now - REVIEW_DAYS.usedWithin * DAY;
  const used = broader.length === 0 ? [] : await findUsedRights(db, workspaceId, broader, usedSince);
  const usedOf = Map.groupBy(used, ({ credential_id }) => credential_id);
  return entries.flatMap(({ id, reasons }) => {
    const row = rows.get(id);
    if (row === undefined) return [];
    const credential = toCredential(row);
    const names = usedOf.get(id)?.map(({ name }) => name) ?? [];
    const held = names.filter((name) => credential.rights.includes('all') || credential.rights.includes(name));
    return {
      credential: credential.kind === 'access_token' ? showAccessToken(credential, now) : showApiKey(credential, now),
      reasons: reviewReasonsOf(reasons),
      risk: riskOf(reasons),
      usedRights: broader.includes(id) ? (held.sort() as ReviewItem['usedRights']) : null,
      kept: showKept(reviews.get(id)),
    };
  });
}

const ORDER = '-risk';

/**
 * Returns a page of the credentials to review, highest risk first. Throws `validation_failed` for another list's
 * cursor.
 */
export async function listReview(
  context: CredentialContext,
  findSnapshot: FindSnapshot,
  workspaceId: string,
  query: ReviewQuery,
): Promise<Review> {
  const request = readPageRequest(query, ORDER, 'number');
  await context.flushUses();
  const snapshot = await findSnapshot(context, workspaceId, query.createdBy);
  const page = selectEntries(snapshot, query, request.limit, request.after);
  const { read } = context.store;
  const { data, nextCursor } = toPage(
    page,
    request.limit,
    ORDER,
    ({ risk, id }) => ({ value: risk, id }),
    (entry) => entry,
  );
  const last = await readAuditLog(read, workspaceId, { action: 'credential.reviewed', limit: '1' });
  return {
    data: await showEntries(read, workspaceId, data, context.clock()),
    nextCursor,
    ...countEntries(snapshot, query),
    lastReviewAt: last.data[0]?.at ?? null,
    lastReviewedBy: last.data[0]?.actor.name ?? null,
  };
}

/**
 * Records the decision to keep a credential. The review omits it for 90 days, unless a reason is added. Throws
 * `not_found`.
 */
export async function keepCredential(
  context: CredentialContext,
  request: RequestContext,
  id: string,
  { decision, note }: ReviewDecision,
): Promise<ReviewItem> {
  await context.flushUses();
  const now = context.clock();
  const { workspaceId, actor } = request;
  const until = now + REVIEW_DAYS.kept * DAY;
  const text = note === undefined || note === '' ? null : note;
  const reasons = await context.store.transaction(async (trx) => {
    const row = await lockReviewedCredential(trx, workspaceId, id, await reviewTimes(trx, workspaceId, now));
    if (row === undefined) throw credentialNotFound();
    await saveReview(trx, {
      ...{ credential_id: id, workspace_id: workspaceId, reviewed_at: now, kept_until: until },
      ...{ reasons: row.reasons, reviewed_by: actor.id, reviewed_by_name: actor.name, note: text },
    });
    const party = { id, kind: row.kind as CredentialKind, name: row.name };
    const detail = { decision, reasons: reviewReasonsOf(row.reasons), until: toIsoString(until), note: text };
    await recordAuditEvent(trx, { ...request, credential: party }, 'credential.reviewed', party, now, detail);
    return row.reasons;
  });
  const [item] = await showEntries(context.store.read, workspaceId, [{ id, reasons }], now);
  if (item === undefined) throw credentialNotFound();
  return item;
}
