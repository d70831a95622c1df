import { DAY, HOUR, SECOND, SPANS } from '../contract/words.ts';
import { deleteOldBackupWork } from '../store/backups.ts';
import { deleteExpiredDeviceCodes } from '../store/devices.ts';
import { deleteOldIssues } from '../store/errors.ts';
import { deleteOldFailures } from '../store/failures.ts';
import { deleteOldClaims } from '../store/idempotency.ts';
import { deleteOldJobs } from '../store/jobs.ts';
import { deleteOldLogs } from '../store/logs.ts';
import { pruneRevocations } from '../store/nodes.ts';
import { deleteExpiredChallenges } from '../store/passkeys.ts';
import { deleteExpiredResets } from '../store/password-resets.ts';
import { deleteEndedSessions, deleteOldAddresses } from '../store/people.ts';
import { deleteOldQuotaUses } from '../store/quotas.ts';
import { deleteOldRuns } from '../store/scripts.ts';
import { deleteOldUses } from '../store/usage.ts';
import { tidyActivity } from '../workspace/activity.ts';
import type { WorkspaceContext } from '../workspace/context.ts';

/** Deletes what has served its time. Nothing depends on it: expiry and ends are judged by the clock. */
export async function tidy(
  { store }: Pick<WorkspaceContext, 'store'>,
  now: number,
  retentionDays: number,
): Promise<void> {
  await store.transaction(async (trx) => {
    await deleteEndedSessions(trx, now, SPANS.sessionIdle);
    await deleteExpiredDeviceCodes(trx, now);
    await deleteExpiredChallenges(trx, now);
    await deleteExpiredResets(trx, now);
    await deleteOldClaims(trx, now - SPANS.idempotency);
    await deleteOldFailures(trx, now - HOUR);
    await pruneRevocations(trx, now - HOUR);
    await deleteOldAddresses(trx, now - 90 * DAY);
    await deleteOldUses(trx, now);
    await deleteOldJobs(trx, now - 7 * DAY);
    await deleteOldQuotaUses(trx, now);
  });
  await tidyActivity({ store }, now - retentionDays * DAY);
  await store.transaction((trx) => deleteOldIssues(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldLogs(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldRuns(trx, now - retentionDays * DAY));
  await store.transaction((trx) => deleteOldBackupWork(trx, now - retentionDays * DAY));
}

/**
 * Calls `work` again and again, `pause` milliseconds after it last ended, or where it is `paced` after it last
 * began; one failure does not end it.
 */
export function every(
  pause: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
  paced = false,
): { stop(): Promise<void> } {
  let stopped = false;
  let running = Promise.resolve();
  let timer: NodeJS.Timeout;
  function again(after: number): void {
    timer = setTimeout(() => {
      const began = performance.now();
      running = work()
        .catch(onError)
        .then(() => {
          const took = paced ? performance.now() - began : 0;
          if (!stopped) again(Math.max(0, pause - took));
        });
    }, after);
  }
  again(pause);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** So that a use is written within a second of the request, however long two writes take. */
export const FLUSH_USES_EVERY = 0.4 * SECOND;
export const FLUSH_EVERY = SECOND;
export const FOLD_EVERY = 10 * SECOND;
/** So that folds of a flood of uses leave the writer to others, and a stop waits for none of them long. */
export const FOLD_WITHIN = 2 * SECOND;
export const TIDY_EVERY = HOUR;
