import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from '../../contract/resources.ts';
import { DEPLOY_RULES, deploymentOf, valuesFor } from './deploy.ts';

const app = { branch: 'main', serverId: 'srv_1' } as App;
const plain = valuesFor(app);

test('a plain deployment asks for nothing, so that the narrowest right suffices', () => {
  assert.deepEqual(deploymentOf(app, plain), {});
  assert.deepEqual(deploymentOf(app, { ...plain, branch: 'next ' }), { branch: 'next' });
  assert.deepEqual(deploymentOf(app, { ...plain, what: 'commit', commit: 'abcdef0' }), { commit: 'abcdef0' });
});

test('what is chosen beside that is asked for, and a batch only where it is rolling', () => {
  assert.deepEqual(
    deploymentOf(app, {
      ...plain,
      servers: ['srv_1', 'srv_2'],
      strategy: 'rolling',
      batchSize: 2,
      pauseSeconds: 30,
      approval: true,
      skipHooks: ['Build'],
      replace: true,
    }),
    {
      servers: ['srv_1', 'srv_2'],
      strategy: 'rolling',
      batchSize: 2,
      pauseSeconds: 30,
      approval: true,
      skipHooks: ['Build'],
      replace: true,
    },
  );
  assert.deepEqual(deploymentOf(app, { ...plain, strategy: 'canary', batchSize: 4 }), { strategy: 'canary' });
});

test('mistakes are told before the server has to', () => {
  assert.notEqual(DEPLOY_RULES.commit('xyz', { ...plain, what: 'commit' }), null);
  assert.equal(DEPLOY_RULES.commit('', plain), null);
  assert.notEqual(DEPLOY_RULES.servers([]), null);
  assert.notEqual(DEPLOY_RULES.scheduledAt('2001-01-01T00:00'), null);
});
