import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment } from '../../contract/deployments.ts';
import type { LogLine } from '../../contract/logs.ts';
import { findFailedStep } from './failure.ts';

const line = (step: string | null, text: string, serverId: string | null = 'srv_1') =>
  ({ at: '2027-01-01T00:00:00.000Z', stream: 'stdout', step, serverId, text }) as LogLine;
const state = (hooks: [string, string][], servers: [string, string][] = [['srv_1', 'failed']]) =>
  ({
    hooks: hooks.map(([name, status]) => ({ name, status })),
    servers: servers.map(([serverId, status]) => ({ serverId, status })),
  }) as Deployment;
const failedStep = (...parameters: Parameters<typeof findFailedStep>) => {
  const step = findFailedStep(...parameters);
  return step && [step.name, ...step.lines.map(({ text }) => text)];
};

test('the failed step is the failed hook, or else the last step before the rollback, on a server that failed', () => {
  const log = [line('prepare', 'made'), line('Build', 'one'), line('Build', 'two')];
  const rollback = [line('restore', 'back'), line('Restart', 'restarted'), line(null, 'Failed: …', null)];
  assert.deepEqual(failedStep(state([['Build', 'failed']]), [...log, ...rollback]), ['Build', 'one', 'two']);
  assert.deepEqual(failedStep(state([['Build', 'skipped']]), [log[0] ?? line('', ''), ...rollback]), [
    'prepare',
    'made',
  ]);
  assert.deepEqual(
    failedStep(
      state(
        [['Build', 'failed']],
        [
          ['srv_1', 'failed'],
          ['srv_2', 'cancelled'],
        ],
      ),
      [...log, line('Build', 'elsewhere', 'srv_2'), ...rollback],
    ),
    ['Build', 'one', 'two'],
  );
  const retried = [...log, ...rollback, line(null, 'Attempt 2, requested by Ada.', null), line('Start', 'refused')];
  assert.deepEqual(failedStep(state([['Start', 'failed']]), retried), ['Start', 'refused']);
  assert.equal(failedStep(state([]), rollback), null);
  assert.equal(failedStep(state([['Build', 'failed']]), []), null);
});
