import { DAY, DURATIONS, HOUR, SECOND } from '../contract/limits.ts';
import { deleteExpiredActivity } from '../platform/activity/activity.ts';
import type { PlatformContext } from '../platform/context.ts';
import { deleteOldBackupWork } from '../store/backups.ts';
import { deleteExpiredDeviceCodes } from '../store/devices.ts';
import { deleteOldIssues } from '../store/errors.ts';
import { deleteOldFailures } from '../store/failures.ts';
import { deleteOldIdempotencyClaims } from '../store/idempotency.ts';
import { deleteOldJobs } from '../store/jobs.ts';
import { deleteOldLogs } from '../store/logs.ts';
import { pruneRevocations } from '../store/node-leases.ts';
import { deleteExpiredChallenges } from '../store/passkeys.ts';
import { deleteExpiredPasswordResets } from '../store/password-resets.ts';
import { deleteEndedSessions, deleteOldKnownAddresses } from '../store/people.ts';
import { deleteOldQuotaUses } from '../store/quotas.ts';
import { deleteOldRuns } from '../store/scripts.ts';
import { deleteOldUses } from '../store/usage.ts';

/** Deletes what has served its time. Nothing depends on it: expiry and ends are judged by the clock. */
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
    await deleteOldIdempotencyClaims(trx, now - DURATIONS.idempotency);
    await deleteOldFailures(trx, now - HOUR);
    await pruneRevocations(trx, now - HOUR);
    await deleteOldKnownAddresses(trx, now - 90 * DAY);
    await deleteOldUses(trx, now);
    await deleteOldJobs(trx, now - 7 * DAY);
    await deleteOldQuotaUses(trx, now);
  });
  await deleteExpiredActivity({ store }, now - retentionDays * DAY);
  await store.transaction((trx) => deleteOldIssues(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldLogs(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldRuns(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldBackupWork(trx, now - retentionDays * DAY));
}

/**
 * Calls `work` again and again, `pause` milliseconds after it last ended, or where it is `paced` after it last
 * began; one failure does not end it.
 */
export function repeatEvery(
  pauseMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
  fromStart = false,
): { stop(): Promise<void> } {
  let stopped = false;
  let running = Promise.resolve();
  let timer: NodeJS.Timeout;
  function schedule(delayMs: number): void {
    timer = setTimeout(() => {
      const startedAt = performance.now();
      running = work()
        .catch(onError)
        .then(() => {
          const elapsedMs = fromStart ? performance.now() - startedAt : 0;
          if (!stopped) schedule(Math.max(0, pauseMs - elapsedMs));
        });
    }, delayMs);
  }
  schedule(pauseMs);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** So that a use is written within a second of the request, however long two writes take. */
export const FLUSH_USES_INTERVAL_MS = 0.4 * SECOND;
export const FLUSH_INTERVAL_MS = SECOND;
export const FOLD_INTERVAL_MS = 10 * SECOND;
/** So that folds of a flood of uses leave the writer to others, and a stop waits for none of them long. */
export const FOLD_TIME_BUDGET_MS = 2 * SECOND;
export const HOUSEKEEPING_INTERVAL_MS = HOUR;
