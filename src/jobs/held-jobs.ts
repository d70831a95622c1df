import { createFairShareLimiter } from '../contract/fair-share-limiter.ts';
import type { JobTable } from '../store/schema/jobs.ts';
import { createHeldJob, type HeldJob } from './held-job.ts';
import type { JobWriter } from './job-writes.ts';
import type { AbortReason } from './jobs.ts';
import { waitAtMost } from './wait-at-most.ts';

/** Maximum number of jobs on one node; a single workspace gets at most half of them. */
const MAX_CONCURRENT_JOBS = 64;

/** The jobs that this node runs. */
export interface HeldJobs {
  /** Runs a claimed job, unless its kind is not registered or its workspace has reached its limit. */
  start(row: JobTable): void;
  list(): readonly HeldJob[];
  /** Whether this node runs the job of a row; false if another node owns the row. */
  has(row: JobTable): boolean;
  isFull(): boolean;
  /** Returns the IDs of the workspaces that have reached their limit on this node. */
  workspaceIdsAtLimit(): string[];
  abortAll(reason: AbortReason, message: string): void;
  /** Resolves when the jobs that are running now have ended, or after `limitMs` milliseconds. */
  waitForEnd(limitMs: number): Promise<void>;
}

/**
 * `retryMs` is the pause between attempts to write a job's result, in milliseconds. `onSlotFree` is called when a job
 * has ended.
 */
export function createHeldJobs(
  writer: JobWriter,
  retryMs: number,
  onError: (error: unknown) => void,
  onSlotFree: () => void,
): HeldJobs {
  const held = new Map<string, { readonly job: HeldJob; finished: Promise<void> }>();
  const limiter = createFairShareLimiter(MAX_CONCURRENT_JOBS);
  return {
    start(row) {
      const kind = writer.kinds.get(row.kind);
      const release = kind === undefined ? null : limiter.acquire(row.workspace_id);
      if (kind === undefined || release === null) return;
      const job = createHeldJob(writer, kind, row, retryMs, onError);
      if (row.cancel !== null) job.abort('cancelled', row.cancel);
      const entry = { job, finished: Promise.resolve() };
      held.set(row.id, entry);
      entry.finished = job
        .run()
        .catch(onError)
        .finally(() => {
          held.delete(row.id);
          release();
          onSlotFree();
        });
    },
    list: () => [...held.values()].map(({ job }) => job),
    has: (row) => row.owner === writer.owner && held.has(row.id),
    isFull: () => held.size >= MAX_CONCURRENT_JOBS,
    workspaceIdsAtLimit: () => limiter.keysAtLimit(),
    abortAll(reason, message) {
      for (const { job } of held.values()) job.abort(reason, message);
    },
    async waitForEnd(limitMs) {
      await waitAtMost(limitMs, Promise.all([...held.values()].map(({ finished }) => finished)));
    },
  };
}
