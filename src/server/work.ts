import { SECOND } from '../contract/words.ts';
import { beginDueBackups, giveUpRestores } from '../workspace/backups/backups.ts';
import { backupKind } from '../workspace/backups/make.ts';
import { restoreKind } from '../workspace/backups/restore.ts';
import { sweepObjects } from '../workspace/backups/sweep.ts';
import type { WorkspaceContext } from '../workspace/context.ts';
import { sweepKeyFolders } from '../workspace/runner/key-folder.ts';
import { beginDueRuns, runKind } from '../workspace/runs.ts';
import { every } from './housekeeping.ts';

/** How soon a due time is seen, and how often what is left over is swept; milliseconds. */
export interface WorkIntervals {
  readonly dueMs: number;
  readonly sweepMs: number;
}
export const WORK_INTERVALS: WorkIntervals = { dueMs: SECOND, sweepMs: 10 * SECOND };

/** Makes known to the queue what it is to run; before it is started. */
export function registerKinds(workspace: WorkspaceContext): void {
  workspace.jobs.register(runKind(workspace));
  workspace.jobs.register(backupKind(workspace));
  for (const storage of workspace.storages.all) workspace.jobs.register(restoreKind(workspace, storage));
}

/** Begins what schedules are due for, and sweeps what backups and killed processes left. */
export function startSchedules(
  workspace: WorkspaceContext,
  { dueMs, sweepMs }: WorkIntervals,
): { stop(): Promise<void> } {
  const runs = every(dueMs, () => beginDueRuns(workspace), workspace.onError);
  const backups = every(dueMs, () => beginDueBackups(workspace), workspace.onError);
  const over = new AbortController();
  const sweeper = every(
    sweepMs,
    async () => {
      await sweepKeyFolders();
      await sweepObjects(workspace, over.signal);
      await giveUpRestores(workspace);
    },
    workspace.onError,
  );
  return {
    async stop() {
      over.abort();
      await Promise.all([runs.stop(), backups.stop(), sweeper.stop()]);
    },
  };
}
