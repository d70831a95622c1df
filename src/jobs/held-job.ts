import { setTimeout as pause } from 'node:timers/promises';
import { SECOND } from '../contract/limits.ts';
import { formatSeconds } from '../contract/seconds.ts';
import { lockOwnedJob } from '../store/jobs.ts';
import type { JobTable } from '../store/schema/jobs.ts';
import { type JobResult, transitionAfter } from './job-transition.ts';
import { applyTransition, type JobWriter } from './job-writes.ts';
import {
  type AbortReason,
  JobAborted,
  JobFailure,
  type JobKind,
  LOST_MESSAGE,
  type RunningJob,
  toJob,
} from './jobs.ts';

/** Maximum number of attempts to write the result while the store is unavailable. */
const MAX_WRITE_ATTEMPTS = 6;

/**
 * A job that this node runs until its result is written, or until the node has lost the job or cannot write the result;
 * another node then queues the job again or fails it.
 */
export interface HeldJob {
  readonly row: JobTable;
  isAborted(): boolean;
  /** Whether the job must stop immediately, without cleaning up. */
  isFenced(): boolean;
  /** Aborts the job's signal. The reasons `lost` and `stopped` also fence the job. */
  abort(reason: AbortReason, message: string): void;
  /** Runs the job and writes its result. Call this once. */
  run(): Promise<void>;
}

/** `retryMs` is the pause between attempts to write the result, in milliseconds. */
export function createHeldJob(
  writer: JobWriter,
  kind: JobKind,
  row: JobTable,
  retryMs: number,
  onError: (error: unknown) => void,
): HeldJob {
  const abortController = new AbortController();
  const fenceController = new AbortController();
  const { signal } = abortController;
  const abortReason = () => (signal.reason instanceof JobAborted ? signal.reason : null);

  function abort(reason: AbortReason, message: string): void {
    const aborted = new JobAborted(reason, message);
    if (reason === 'lost' || reason === 'stopped') fenceController.abort(aborted);
    abortController.abort(aborted);
  }

  function startTimeLimit(limitMs: number): NodeJS.Timeout {
    const message = `Stopped: the time limit of ${formatSeconds(Math.round(limitMs / SECOND))} was exceeded.`;
    return setTimeout(() => abort('time_limit', message), limitMs);
  }

  async function perform(): Promise<JobResult> {
    const timer = row.time_limit === null ? undefined : startTimeLimit(row.time_limit);
    const running: RunningJob = {
      ...toJob(row),
      signal,
      fenceSignal: fenceController.signal,
      transaction: (work) =>
        writer.store.transaction(async (trx) => {
          if ((await lockOwnedJob(trx, row, writer.owner)) === undefined) throw new JobAborted('lost', LOST_MESSAGE);
          return work(trx);
        }),
    };
    try {
      return { type: 'returned', suspension: await kind.run(running) };
    } catch (error) {
      return { type: 'threw', error };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes the result of the job. Retries, because the store may be briefly unavailable. */
  async function writeResult(result: JobResult): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await applyTransition(writer, row, transitionAfter(row, kind.resumable, result, abortReason()));
      } catch (error) {
        onError(error);
        if (attempt === MAX_WRITE_ATTEMPTS || fenceController.signal.aborted) return;
        await pause(retryMs);
      }
    }
  }

  return {
    row,
    isAborted: () => signal.aborted,
    isFenced: () => fenceController.signal.aborted,
    abort,
    async run() {
      const result = await perform();
      const isUnexpected = result.type === 'threw' && !(result.error instanceof JobFailure);
      if (isUnexpected && abortReason() === null) onError(result.error);
      await writeResult(result);
    },
  };
}
