import { readAuditLog } from '../audit/log.ts';
import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import { toIsoString } from '../contract/instant.ts';
import { DAY, LIMITS, REVIEW_DAYS } from '../contract/limits.ts';
import {
  type Review,
  type ReviewDecision,
  type ReviewItem,
  type ReviewQuery,
  reviewReasonsOf,
} from '../contract/review.ts';
import { type CredentialKind, REVIEW_REASONS } from '../contract/vocabulary.ts';
import { findCredentialsById } from '../store/credentials.ts';
import { type ListPosition, readPageRequest, toPage } from '../store/paging.ts';
import { findReviews, findUsedRights, lockReviewedCredential, saveReview } from '../store/reviews.ts';
import type { CredentialReviewTable } from '../store/schema/credentials.ts';
import type { Queryable } from '../store/store.ts';
import { serializeAccessToken } from './access-tokens.ts';
import { serializeApiKey } from './api-keys.ts';
import { toCredential } from './credential.ts';
import { credentialNotFound } from './credential-reads.ts';
import type { CredentialContext } from './credentials.ts';
import {
  type FindReviewSnapshot,
  type ReviewEntry,
  type ReviewSnapshot,
  readReviewTimes,
  reasonBit,
  riskOf,
} from './review-snapshots.ts';

/** Whether a review lists a credential. By default, it omits credentials that are kept despite all current reasons. */
const isListed = (
  { includeKept }: ReviewQuery,
  { reasons, kept_reasons: keptReasons }: Omit<ReviewEntry, 'id'>,
): boolean => includeKept === 'true' || (reasons & ~keptReasons) !== 0;

/**
 * Returns the number of credentials that match a query (null if it exceeds `LIMITS.countedTotal`), and the number per
 * reason regardless of the query's filter by reason. Pure.
 */
function countEntries({ tallies }: ReviewSnapshot, query: ReviewQuery): Pick<Review, 'total' | 'counts'> {
  const listed = tallies.filter((tally) => isListed(query, tally));
  const sumOf = (reasonMask: number) =>
    listed.reduce((sum, { reasons, count }) => ((reasons & reasonMask) === 0 ? sum : sum + count), 0);
  const total = sumOf(query.reason === undefined ? ~0 : reasonBit(query.reason));
  const counts = Object.fromEntries(REVIEW_REASONS.map((reason) => [reason, sumOf(reasonBit(reason))]));
  return { total: total > LIMITS.countedTotal ? null : total, counts: counts as Review['counts'] };
}

/** Returns the entries after a position that match a query, at most one more than `limit`. Pure. */
function selectEntries({ groups }: ReviewSnapshot, query: ReviewQuery, limit: number, after: ListPosition | null) {
  const reasonMask = query.reason === undefined ? ~0 : reasonBit(query.reason);
  const page: (ReviewEntry & { readonly risk: number })[] = [];
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

function serializeKept(row: CredentialReviewTable | undefined): ReviewItem['kept'] {
  if (row === undefined) return null;
  const { reviewed_at, reviewed_by, reviewed_by_name, kept_until, note } = row;
  const reviewedBy = { id: reviewed_by, name: reviewed_by_name };
  return { reviewedAt: toIsoString(reviewed_at), reviewedBy, until: toIsoString(kept_until), note };
}

/** Returns the credentials of entries with their reasons, in the same order. Omits credentials that no longer exist. */
async function serializeEntries(
  db: Queryable,
  workspaceId: string,
  entries: readonly Pick<ReviewEntry, 'id' | 'reasons'>[],
  now: number,
): Promise<ReviewItem[]> {
  if (entries.length === 0) return [];
  const ids = entries.map(({ id }) => id);
  const broaderIds = entries
    .filter(({ reasons }) => (reasons & reasonBit('broader_than_used')) !== 0)
    .map(({ id }) => id);
  const rows = new Map((await findCredentialsById(db, workspaceId, ids)).map((row) => [row.id, row]));
  const reviews = new Map((await findReviews(db, workspaceId, ids, now)).map((row) => [row.credential_id, row]));
  const usedSince = now - REVIEW_DAYS.usedWithin * DAY;
  const used = broaderIds.length === 0 ? [] : await findUsedRights(db, workspaceId, broaderIds, usedSince);
  const usedByCredential = Map.groupBy(used, ({ credential_id }) => credential_id);
  return entries.flatMap(({ id, reasons }) => {
    const row = rows.get(id);
    if (row === undefined) return [];
    const credential = toCredential(row);
    const recordedRights = usedByCredential.get(id)?.map(({ name }) => name) ?? [];
    // A right that was used may have been removed from the credential since.
    const usedRights = recordedRights.filter(
      (name) => credential.rights.includes('all') || credential.rights.includes(name),
    );
    return {
      credential:
        credential.kind === 'access_token' ? serializeAccessToken(credential, now) : serializeApiKey(credential, now),
      reasons: reviewReasonsOf(reasons),
      risk: riskOf(reasons),
      usedRights: broaderIds.includes(id) ? (usedRights.sort() as ReviewItem['usedRights']) : null,
      kept: serializeKept(reviews.get(id)),
    };
  });
}

const ORDER = '-risk';

/**
 * Returns a page of the credentials to review, highest risk first. Throws `validation_failed` for a cursor of another
 * list.
 */
export async function listReview(
  context: CredentialContext,
  findSnapshot: FindReviewSnapshot,
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
    data: await serializeEntries(read, workspaceId, data, context.clock()),
    nextCursor,
    ...countEntries(snapshot, query),
    lastReviewAt: last.data[0]?.at ?? null,
    lastReviewedBy: last.data[0]?.actor.name ?? null,
  };
}

/**
 * Records the decision to keep a credential. Reviews omit it for 90 days unless a new reason arises. Throws
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
  const storedNote = note === undefined || note === '' ? null : note;
  const reasons = await context.store.transaction(async (trx) => {
    const row = await lockReviewedCredential(trx, workspaceId, id, await readReviewTimes(trx, workspaceId, now));
    if (row === undefined) throw credentialNotFound();
    await saveReview(trx, {
      credential_id: id,
      workspace_id: workspaceId,
      reviewed_at: now,
      kept_until: until,
      reasons: row.reasons,
      reviewed_by: actor.id,
      reviewed_by_name: actor.name,
      note: storedNote,
    });
    const credential = { id, kind: row.kind as CredentialKind, name: row.name };
    const detail = { decision, reasons: reviewReasonsOf(row.reasons), until: toIsoString(until), note: storedNote };
    await recordAuditEvent(trx, { ...request, credential }, 'credential.reviewed', credential, now, detail);
    return row.reasons;
  });
  const [item] = await serializeEntries(context.store.read, workspaceId, [{ id, reasons }], now);
  if (item === undefined) throw credentialNotFound();
  return item;
}
