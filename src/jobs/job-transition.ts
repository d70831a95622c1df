import { redactSecrets } from '../contract/redact.ts';
import type { JobTable } from '../store/schema/jobs.ts';
import { type JobAborted, type JobEnd, JobFailure, type Suspension } from './jobs.ts';

/** How `run` of a job's kind ended. */
export type JobResult =
  | { readonly type: 'returned'; readonly suspension: Suspension | undefined }
  | { readonly type: 'threw'; readonly error: unknown };

/** The next state of a job that this node has run. */
export type JobTransition =
  /** Another node may run the job, so this node writes nothing. */
  | { readonly type: 'abandon' }
  | { readonly type: 'finish'; readonly status: JobEnd['status']; readonly error: string | null }
  | { readonly type: 'suspend'; readonly suspension: Suspension }
  /**
   * Makes the job due after `delayMs`. Until then, `free` lets other jobs use all of its lanes, and `keep-exclusive`
   * all but its exclusive lanes.
   */
  | {
      readonly type: 'requeue';
      readonly delayMs: number;
      readonly lanes: 'free' | 'keep-exclusive';
      readonly failures: number;
    };

const INTERNAL_ERROR_MESSAGE = 'Internal error. See the server log.';

/** Returns the message about an error for users. */
function userMessage(error: unknown): string {
  return error instanceof JobFailure ? redactSecrets(error.message) : INTERNAL_ERROR_MESSAGE;
}

/** Returns the next state of a job, given how it ended and why its signal was aborted (null if it was not). */
export function transitionAfter(
  row: Pick<JobTable, 'failures' | 'retries' | 'retry_after'>,
  isResumable: boolean,
  result: JobResult,
  aborted: Pick<JobAborted, 'reason' | 'message'> | null,
): JobTransition {
  if (aborted?.reason === 'lost') return { type: 'abandon' };
  const { failures } = row;
  if (result.type === 'returned') {
    const { suspension } = result;
    return suspension === undefined
      ? { type: 'finish', status: 'completed', error: null }
      : { type: 'suspend', suspension };
  }
  const { error } = result;
  if (aborted === null) {
    return failures < row.retries
      ? { type: 'requeue', delayMs: row.retry_after * 2 ** failures, lanes: 'free', failures: failures + 1 }
      : { type: 'finish', status: 'failed', error: userMessage(error) };
  }
  if (aborted.reason === 'stopped' && isResumable)
    return { type: 'requeue', delayMs: 0, lanes: 'keep-exclusive', failures };
  const status = aborted.reason === 'cancelled' ? 'cancelled' : 'failed';
  // Includes the message of a failed cleanup.
  const message = error instanceof JobFailure ? `${aborted.message} ${userMessage(error)}` : aborted.message;
  return { type: 'finish', status, error: message };
}
