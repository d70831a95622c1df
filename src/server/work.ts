import { SECOND } from '../contract/words.ts';
import { cancelUnclaimedRestores, startDueBackups } from '../workspace/backups/backups.ts';
import { backupJobKind } from '../workspace/backups/make.ts';
import { restoreJobKind } from '../workspace/backups/restore.ts';
import { sweepObjects } from '../workspace/backups/sweep.ts';
import type { PlatformContext } from '../workspace/context.ts';
import { sweepKeyFolders } from '../workspace/runner/key-folder.ts';
import { runJobKind, startDueRuns } from '../workspace/runs.ts';
import { repeatEvery } from './housekeeping.ts';

/** How soon a due time is seen, and how often what is left over is swept; milliseconds. */
export interface WorkIntervals {
  readonly dueMs: number;
  readonly sweepMs: number;
}
export const WORK_INTERVALS: WorkIntervals = { dueMs: SECOND, sweepMs: 10 * SECOND };

/** Makes known to the queue what it is to run; before it is started. */
export function registerJobKinds(workspace: PlatformContext): void {
  workspace.jobs.register(runJobKind(workspace));
  workspace.jobs.register(backupJobKind(workspace));
  for (const storage of workspace.backupStorages.all) workspace.jobs.register(restoreJobKind(workspace, storage));
}

/** Begins what schedules are due for, and sweeps what backups and killed processes left. */
export function startScheduler(
  workspace: PlatformContext,
  { dueMs, sweepMs }: WorkIntervals,
): { stop(): Promise<void> } {
  const runs = repeatEvery(dueMs, () => startDueRuns(workspace), workspace.onError);
  const backups = repeatEvery(dueMs, () => startDueBackups(workspace), workspace.onError);
  const stopping = new AbortController();
  const sweeper = repeatEvery(
    sweepMs,
    async () => {
      await sweepKeyFolders();
      await sweepObjects(workspace, stopping.signal);
      await cancelUnclaimedRestores(workspace);
    },
    workspace.onError,
  );
  return {
    async stop() {
      stopping.abort();
      await Promise.all([runs.stop(), backups.stop(), sweeper.stop()]);
    },
  };
}
