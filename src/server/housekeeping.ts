import { DAY, DURATIONS, HOUR, SECOND } from '../contract/limits.ts';
import { deleteExpiredActivity } from '../platform/activity/activity.ts';
import type { PlatformContext } from '../platform/context.ts';
import { deleteOldBackupWork } from '../store/backups.ts';
import { deleteExpiredDeviceCodes } from '../store/devices.ts';
import { deleteOldIssues } from '../store/errors.ts';
import { deleteOldFailures } from '../store/failures.ts';
import { deleteOldIdempotencyClaims } from '../store/idempotency.ts';
import { deleteExpiredSingleUses } from '../store/identities.ts';
import { deleteExpiredIssued } from '../store/issued-tokens.ts';
import { deleteOldJobs } from '../store/jobs.ts';
import { deleteOldLogs } from '../store/logs.ts';
import { pruneRevocations } from '../store/node-leases.ts';
import { deleteExpiredChallenges } from '../store/passkeys.ts';
import { deleteExpiredPasswordResets } from '../store/password-resets.ts';
import { deleteEndedSessions, deleteOldKnownAddresses } from '../store/people.ts';
import { deleteOldQuotaUses } from '../store/quotas.ts';
import { deleteOldRuns } from '../store/scripts.ts';
import { deleteOldTombstones } from '../store/tombstones.ts';
import { deleteOldUses } from '../store/usage-retention.ts';
import { deleteOldDeliveries } from '../store/webhook-deliveries.ts';
import { deleteExpiredAcceptedTokens } from '../store/workload-identities.ts';

/**
 * Deletes expired and old rows. Correctness does not depend on it, because expiry is always checked against the clock.
 * `retentionDays` applies to activity events, issues, logs, runs, and records of backup work.
 */
export async function runHousekeeping(
  { store }: Pick<PlatformContext, 'store'>,
  now: number,
  retentionDays: number,
): Promise<void> {
  await store.transaction(async (trx) => {
    await deleteEndedSessions(trx, now, DURATIONS.sessionIdle);
    await deleteExpiredDeviceCodes(trx, now);
    await deleteExpiredChallenges(trx, now);
    await deleteExpiredPasswordResets(trx, now);
    await deleteExpiredSingleUses(trx, now);
    await deleteOldIdempotencyClaims(trx, now - DURATIONS.idempotency);
    await deleteOldFailures(trx, now - HOUR);
    await pruneRevocations(trx, now - HOUR);
    await deleteOldKnownAddresses(trx, now - 90 * DAY);
    await deleteOldUses(trx, now);
    await deleteOldJobs(trx, now - 7 * DAY);
    await deleteOldQuotaUses(trx, now);
    await deleteOldDeliveries(trx, now - 30 * DAY);
    await deleteOldTombstones(trx, now - DURATIONS.tombstone);
    await deleteExpiredAcceptedTokens(trx, now - HOUR);
  });
  await deleteExpiredIssuedTokens(store, now - DURATIONS.expiredIssuedToken);
  await deleteExpiredActivity({ store }, now - retentionDays * DAY);
  await store.transaction((trx) => deleteOldIssues(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldLogs(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldRuns(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldBackupWork(trx, now - retentionDays * DAY));
}

/**
 * Maximum number of issued tokens deleted per transaction, so that other writers of the embedded store wait only
 * briefly.
 */
const ISSUED_TOKENS_PER_TRANSACTION = 500;

async function deleteExpiredIssuedTokens(store: PlatformContext['store'], before: number): Promise<void> {
  let deletedCount: number;
  do {
    deletedCount = await store.transaction((trx) => deleteExpiredIssued(trx, before, ISSUED_TOKENS_PER_TRANSACTION));
  } while (deletedCount === ISSUED_TOKENS_PER_TRANSACTION);
}

/**
 * Calls `work` repeatedly, `intervalMs` milliseconds after the previous call ended or, with `fixedRate`, after it
 * started. Calls never overlap. A failure does not stop the repetition.
 */
export function repeatEvery(
  intervalMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
  { fixedRate = false } = {},
): { stop(): Promise<void> } {
  let isStopped = false;
  let running = Promise.resolve();
  let timer: NodeJS.Timeout;
  function schedule(delayMs: number): void {
    timer = setTimeout(() => {
      const startMs = performance.now();
      running = work()
        .catch(onError)
        .then(() => {
          const elapsedMs = fixedRate ? performance.now() - startMs : 0;
          if (!isStopped) schedule(Math.max(0, intervalMs - elapsedMs));
        });
    }, delayMs);
  }
  schedule(intervalMs);
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** Short enough that each use is written within a second of its request, even if two writes are slow. */
export const FLUSH_USES_INTERVAL_MS = 0.4 * SECOND;
/** Interval of the other buffered writes, and of the reads of what other nodes have written. */
export const FLUSH_INTERVAL_MS = SECOND;
/** Interval at which written uses are added to the counts of their credentials. */
export const USE_ADDITION_INTERVAL_MS = 10 * SECOND;
/** Maximum duration of an addition, so that many uses do not block other writers or a shutdown. */
export const USE_ADDITION_BUDGET_MS = 2 * SECOND;
export const HOUSEKEEPING_INTERVAL_MS = HOUR;
