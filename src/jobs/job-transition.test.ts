import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JobResult, transitionAfter } from './job-transition.ts';
import { type AbortReason, JobFailure } from './jobs.ts';

const RETURNED: JobResult = { type: 'returned', suspension: undefined };
const FAILED: JobResult = { type: 'threw', error: new JobFailure('The disk is full.') };
const BROKEN: JobResult = { type: 'threw', error: new Error('secret detail') };
const NO_RETRY = { failures: 0, retries: 0, retry_after: 0 };
const INTERNAL = 'Internal error. See the server log.';

const finish = (status: string, error: string | null) => ({ type: 'finish', status, error });
const cases: [string, JobResult, AbortReason | null, boolean, object][] = [
  ['a job that returns completes', RETURNED, null, false, finish('completed', null)],
  ['a cancelled job that returns anyway completes', RETURNED, 'cancelled', false, finish('completed', null)],
  ['the message of a JobFailure is reported', FAILED, null, false, finish('failed', 'The disk is full.')],
  ['the message of an unexpected error is not reported', BROKEN, null, false, finish('failed', INTERNAL)],
  ['a cancelled job ends as cancelled', BROKEN, 'cancelled', true, finish('cancelled', 'Aborted.')],
  [
    'a cancelled job whose cleanup failed reports the failure',
    FAILED,
    'cancelled',
    true,
    finish('cancelled', 'Aborted. The disk is full.'),
  ],
  ['a job that exceeded its time limit fails', BROKEN, 'time_limit', true, finish('failed', 'Aborted.')],
  ['a job that is not resumable fails when its node stops', BROKEN, 'stopped', false, finish('failed', 'Aborted.')],
  [
    'a resumable job is queued again when its node stops',
    BROKEN,
    'stopped',
    true,
    { type: 'requeue', delayMs: 0, lanes: 'keep-exclusive', failures: 0 },
  ],
  ['a lost job is left to its new node', FAILED, 'lost', true, { type: 'abandon' }],
  ['a lost job is left to its new node even if it returned', RETURNED, 'lost', false, { type: 'abandon' }],
];
for (const [name, result, reason, isResumable, expected] of cases) {
  const aborted = reason === null ? null : { reason, message: 'Aborted.' };
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
