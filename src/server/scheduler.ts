import { SECOND } from '../contract/limits.ts';
import { backupJobKind } from '../platform/backups/backup-job.ts';
import { restoreJobKind, verificationJobKind } from '../platform/backups/restore-job.ts';
import { cancelUnstartedRestores } from '../platform/backups/restores.ts';
import { enqueueDueBackups, enqueueDueVerifications } from '../platform/backups/scheduled-backups.ts';
import { sweepObjects } from '../platform/backups/sweep.ts';
import { commitStatusJobKind } from '../platform/commit-status/report-job.ts';
import type { PlatformContext } from '../platform/context.ts';
import { deploymentJobKind } from '../platform/deployments/deployments.ts';
import { runJobKind } from '../platform/scripts/run-job.ts';
import { enqueueDueRuns } from '../platform/scripts/runs.ts';
import { sweepKeyFolders } from '../runner/key-folder.ts';
import { repeatEvery } from './housekeeping.ts';

/** Intervals of periodic work. */
export interface SchedulerIntervals {
  /** Interval of the checks for due schedules and webhook deliveries. */
  readonly dueMs: number;
  /** Interval of the cleanup after backups and killed processes, and of the checks of sessions at the OIDC provider. */
  readonly sweepMs: number;
  /** Interval of the scan for notices and of the mail worker; by default, each has its own. */
  readonly noticesMs?: number;
}
export const SCHEDULER_INTERVALS: SchedulerIntervals = { dueMs: SECOND, sweepMs: 10 * SECOND };

/** Registers every kind of job. Must be called before the queue is started. */
export function registerJobKinds(platform: PlatformContext): void {
  platform.jobs.register(deploymentJobKind(platform));
  platform.jobs.register(runJobKind(platform));
  platform.jobs.register(commitStatusJobKind(platform));
  platform.jobs.register(backupJobKind(platform));
  for (const storage of platform.backupStorages.reachable) {
    platform.jobs.register(restoreJobKind(platform, storage));
    platform.jobs.register(verificationJobKind(platform, storage));
  }
}

/** Starts due scheduled runs, backups and verifications, and cleans up after backups and killed processes. */
export function startScheduler(
  platform: PlatformContext,
  { dueMs, sweepMs }: SchedulerIntervals,
): { stop(): Promise<void> } {
  const runs = repeatEvery(dueMs, () => enqueueDueRuns(platform), platform.onError);
  const backups = repeatEvery(dueMs, () => enqueueDueBackups(platform), platform.onError);
  const verifications = repeatEvery(dueMs, () => enqueueDueVerifications(platform), platform.onError);
  const stopping = new AbortController();
  const sweeper = repeatEvery(
    sweepMs,
    async () => {
      await sweepKeyFolders();
      await sweepObjects(platform, stopping.signal);
      await cancelUnstartedRestores(platform);
    },
    platform.onError,
  );
  return {
    async stop() {
      stopping.abort();
      await Promise.all([runs.stop(), backups.stop(), verifications.stop(), sweeper.stop()]);
    },
  };
}
