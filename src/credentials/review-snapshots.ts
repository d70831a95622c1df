import { setImmediate } from 'node:timers/promises';
import { DAY, REVIEW_DAYS } from '../contract/limits.ts';
import { DEFAULT_POLICY } from '../contract/policy.ts';
import { reviewReasonsOf } from '../contract/review.ts';
import { REVIEW_WEIGHTS } from '../contract/review-weights.ts';
import { CREDENTIAL_KINDS, REVIEW_REASONS, type ReviewReason } from '../contract/vocabulary.ts';
import { findAuditSequence } from '../store/audit.ts';
import { findInstallation } from '../store/installation.ts';
import { findPolicy } from '../store/policy.ts';
import { type ReviewReasonsRow, type ReviewTimes, readReviewReasons } from '../store/reviews.ts';
import type { Queryable } from '../store/store.ts';
import type { CredentialContext } from './credentials.ts';

/** Returns the bit of a reason in a mask of reasons. */
export const reasonBit = (reason: ReviewReason): number => 1 << REVIEW_REASONS.indexOf(reason);

/** Returns the times that determine the review reasons of a workspace's credentials at `now`, in epoch milliseconds. */
export async function readReviewTimes(db: Queryable, workspaceId: string, now: number): Promise<ReviewTimes> {
  const policy = await findPolicy(db, workspaceId);
  const usedSince = now - REVIEW_DAYS.usedWithin * DAY;
  const countedSince = (await findInstallation(db))?.rights_counted_since ?? 0;
  return {
    now,
    unusedSince: now - (policy?.unused_after_days ?? DEFAULT_POLICY.unusedAfterDays) * DAY,
    neverUsedSince: now - REVIEW_DAYS.neverUsedAfter * DAY,
    usedSince,
    knowsUsedRights: countedSince <= usedSince,
    expiresBy: now + REVIEW_DAYS.expiresWithin * DAY,
  };
}

/**
 * A credential with its reasons for a review. `reasons` and `kept_reasons` are masks of reasons: the current reasons,
 * and the reasons despite which a person has decided to keep the credential.
 */
export type ReviewEntry = Pick<ReviewReasonsRow, 'id' | 'reasons' | 'kept_reasons'>;

/**
 * The credentials with at least one reason, of those that people created, in groups of the same risk, highest first.
 */
export interface ReviewSnapshot {
  readonly groups: readonly { readonly risk: number; readonly entries: readonly ReviewEntry[] }[];
  /** Number of credentials per combination of `reasons` and `kept_reasons`. */
  readonly tallies: readonly (Omit<ReviewEntry, 'id'> & { readonly count: number })[];
  /** Number of all credentials that were read, including those without reasons. */
  readonly size: number;
  /** Epoch milliseconds. */
  readonly takenAt: number;
}

/** Credentials per read: few enough that other reads on the same thread wait only a few milliseconds. */
const CHUNK_SIZE = 2_000;

/** Reads the reasons of all credentials that people created, or only those that `createdBy` created, in chunks. */
async function takeSnapshot(
  db: Queryable,
  workspaceId: string,
  createdBy: string | undefined,
  now: number,
): Promise<ReviewSnapshot> {
  const times = await readReviewTimes(db, workspaceId, now);
  const groups = new Map<number, ReviewEntry[]>();
  const tallies = new Map<number, { reasons: number; kept_reasons: number; risk: number; count: number }>();
  let size = 0;
  for (const kind of CREDENTIAL_KINDS) {
    for (let after: ReviewReasonsRow | undefined; ; ) {
      const rows = await readReviewReasons(db, { workspaceId, kind, createdBy }, times, after, CHUNK_SIZE);
      size += rows.length;
      for (const { id, reasons, kept_reasons } of rows) {
        if (reasons === 0) continue;
        const key = (reasons << REVIEW_REASONS.length) | kept_reasons;
        const tally = tallies.get(key) ?? { reasons, kept_reasons, risk: riskOf(reasons), count: 0 };
        tally.count++;
        tallies.set(key, tally);
        const group = groups.get(tally.risk);
        if (group === undefined) groups.set(tally.risk, [{ id, reasons, kept_reasons }]);
        else group.push({ id, reasons, kept_reasons });
      }
      after = rows.at(-1);
      if (rows.length < CHUNK_SIZE) break;
    }
  }
  for (const entries of groups.values()) {
    // Each kind was read in the order of IDs, so sorting takes linear time.
    entries.sort((first, second) => (first.id < second.id ? -1 : 1));
    await setImmediate();
  }
  const sortedGroups = [...groups]
    .sort(([firstRisk], [secondRisk]) => secondRisk - firstRisk)
    .map(([risk, entries]) => ({ risk, entries }));
  return { groups: sortedGroups, tallies: [...tallies.values()], size, takenAt: now };
}

/** Returns the risk of a mask of reasons: the sum of their weights. */
export const riskOf = (reasons: number): number =>
  reviewReasonsOf(reasons).reduce((sum, reason) => sum + REVIEW_WEIGHTS[reason], 0);

/** Returns a snapshot that was taken after the last change in the workspace and at most a minute ago. */
export type FindReviewSnapshot = (
  context: CredentialContext,
  workspaceId: string,
  createdBy: string | undefined,
) => Promise<ReviewSnapshot>;

/** Maximum age of a cached snapshot, which does not reflect later uses and the passage of time. */
const MAX_AGE_MS = 60_000;
/** Maximum number of credentials in all cached snapshots. A credential takes about 100 bytes. */
const MAX_SNAPSHOT_ENTRIES = 300_000;

/**
 * Caches the snapshots of large workspaces, so that another page of the list does not read all credentials again. Every
 * change is recorded in the activity log, so a snapshot is valid as long as the log does not grow. The snapshot of a
 * workspace with at most `CHUNK_SIZE` credentials is not cached.
 */
export function createReviewSnapshots(): FindReviewSnapshot {
  const snapshots = new Map<
    string,
    { readonly sequence: number; readonly snapshot: Promise<ReviewSnapshot>; size: number }
  >();

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
    const cached = snapshots.get(key);
    if (cached !== undefined && cached.sequence === sequence) {
      const snapshot = await cached.snapshot;
      if (snapshot.size > CHUNK_SIZE && Math.abs(now - snapshot.takenAt) < MAX_AGE_MS) return snapshot;
    }
    const entry = { sequence, snapshot: takeSnapshot(store.read, workspaceId, createdBy, now), size: 0 };
    snapshots.delete(key);
    snapshots.set(key, entry);
    const removeEntry = () => snapshots.get(key) === entry && snapshots.delete(key);
    try {
      const snapshot = await entry.snapshot;
      entry.size = snapshot.size;
      if (snapshot.size <= CHUNK_SIZE) removeEntry();
      evict();
      return snapshot;
    } catch (error) {
      removeEntry();
      throw error;
    }
  };
}
