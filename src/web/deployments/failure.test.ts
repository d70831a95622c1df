import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment } from '../../contract/deployments.ts';
import type { LogLine } from '../../contract/logs.ts';
import { findFailedStep } from './failure.ts';

const line = (step: string | null, text: string, serverId: string | null = 'srv_1') =>
  ({ at: '2027-01-01T00:00:00.000Z', stream: 'stdout', step, serverId, text }) as LogLine;

/** Returns a deployment with the status of each hook by name, and of each server by ID. */
const createDeployment = (
  hooks: Readonly<Record<string, string>>,
  servers: Readonly<Record<string, string>> = { srv_1: 'failed' },
) =>
  ({
    hooks: Object.entries(hooks).map(([name, status]) => ({ name, status })),
    servers: Object.entries(servers).map(([serverId, status]) => ({ serverId, status })),
  }) as Deployment;

/** Returns the name of the failed step, followed by its lines. */
const failedStep = (...parameters: Parameters<typeof findFailedStep>) => {
  const step = findFailedStep(...parameters);
  return step && [step.name, ...step.lines.map(({ text }) => text)];
};

const PREPARATION = line('prepare', 'made');
const LOG = [PREPARATION, line('Build', 'one'), line('Build', 'two')];
const ROLLBACK = [line('restore', 'back'), line('Restart', 'restarted'), line(null, 'Failed: …', null)];

test('the failed step is the failed hook', () => {
  const deployment = createDeployment({ Build: 'failed' });
  assert.deepEqual(failedStep(deployment, [...LOG, ...ROLLBACK]), ['Build', 'one', 'two']);
});

test('if no hook failed, the failed step is the last step before the rollback', () => {
  const deployment = createDeployment({ Build: 'skipped' });
  assert.deepEqual(failedStep(deployment, [PREPARATION, ...ROLLBACK]), ['prepare', 'made']);
});

test('the lines are from a server that failed', () => {
  const deployment = createDeployment({ Build: 'failed' }, { srv_1: 'failed', srv_2: 'cancelled' });
  const lines = [...LOG, line('Build', 'elsewhere', 'srv_2'), ...ROLLBACK];
  assert.deepEqual(failedStep(deployment, lines), ['Build', 'one', 'two']);
});

test('after a retry, the failed step is a step of the last attempt', () => {
  const deployment = createDeployment({ Start: 'failed' });
  const retry = [line(null, 'Attempt 2, requested by Ada.', null), line('Start', 'refused')];
  assert.deepEqual(failedStep(deployment, [...LOG, ...ROLLBACK, ...retry]), ['Start', 'refused']);
});

test('no step is found if the log has no lines of the failed step, or none before the rollback', () => {
  assert.equal(failedStep(createDeployment({}), ROLLBACK), null);
  assert.equal(failedStep(createDeployment({ Build: 'failed' }), []), null);
});
