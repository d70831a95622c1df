import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JobResult, transitionAfter } from './job-transition.ts';
import { type AbortReason, JobFailure } from './jobs.ts';

const RETURNED: JobResult = { type: 'returned', suspension: undefined };
const FAILED: JobResult = { type: 'threw', error: new JobFailure('The disk is full.') };
const UNEXPECTED_ERROR: JobResult = { type: 'threw', error: new Error('secret detail') };
const NO_RETRY = { failures: 0, retries: 0, retry_after: 0 };
const INTERNAL_ERROR_MESSAGE = 'Internal error. See the server log.';

const finish = (status: string, error: string | null) => ({ type: 'finish', status, error });

interface Case {
  readonly name: string;
  readonly result: JobResult;
  /** Not aborted if omitted. */
  readonly abortReason?: AbortReason;
  readonly isResumable?: boolean;
  readonly expected: object;
}
const cases: Case[] = [
  { name: 'a job that returns completes', result: RETURNED, expected: finish('completed', null) },
  {
    name: 'a cancelled job that returns anyway completes',
    result: RETURNED,
    abortReason: 'cancelled',
    expected: finish('completed', null),
  },
  {
    name: 'the message of a JobFailure is reported',
    result: FAILED,
    expected: finish('failed', 'The disk is full.'),
  },
  {
    name: 'the message of an unexpected error is not reported',
    result: UNEXPECTED_ERROR,
    expected: finish('failed', INTERNAL_ERROR_MESSAGE),
  },
  {
    name: 'a cancelled job ends as cancelled',
    result: UNEXPECTED_ERROR,
    abortReason: 'cancelled',
    isResumable: true,
    expected: finish('cancelled', 'Aborted.'),
  },
  {
    name: 'a cancelled job whose cleanup failed reports the failure',
    result: FAILED,
    abortReason: 'cancelled',
    isResumable: true,
    expected: finish('cancelled', 'Aborted. The disk is full.'),
  },
  {
    name: 'a job that exceeded its time limit fails',
    result: UNEXPECTED_ERROR,
    abortReason: 'time_limit',
    isResumable: true,
    expected: finish('failed', 'Aborted.'),
  },
  {
    name: 'a job that is not resumable fails when its node stops',
    result: UNEXPECTED_ERROR,
    abortReason: 'stopped',
    expected: finish('failed', 'Aborted.'),
  },
  {
    name: 'a resumable job is queued again when its node stops',
    result: UNEXPECTED_ERROR,
    abortReason: 'stopped',
    isResumable: true,
    expected: { type: 'requeue', delayMs: 0, lanes: 'keep-exclusive', failures: 0 },
  },
  {
    name: 'a lost job is left to its new node',
    result: FAILED,
    abortReason: 'lost',
    isResumable: true,
    expected: { type: 'abandon' },
  },
  {
    name: 'a lost job is left to its new node even if it returned',
    result: RETURNED,
    abortReason: 'lost',
    expected: { type: 'abandon' },
  },
];
for (const { name, result, abortReason, isResumable = false, expected } of cases) {
  const aborted = abortReason === undefined ? null : { reason: abortReason, message: 'Aborted.' };
  test(name, () => assert.deepEqual(transitionAfter(NO_RETRY, isResumable, result, aborted), expected));
}

test('the delay of a retry doubles with each failure', () => {
  const row = { failures: 2, retries: 3, retry_after: 100 };
  const retry = { type: 'requeue', delayMs: 400, lanes: 'free', failures: 3 };
  assert.deepEqual(transitionAfter(row, false, FAILED, null), retry);
  assert.deepEqual(
    transitionAfter({ ...row, failures: 3 }, false, FAILED, null),
    finish('failed', 'The disk is full.'),
  );
});
