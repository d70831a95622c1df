import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from '../../contract/apps.ts';
import type { Deployment } from '../../contract/deployments.ts';
import { DEPLOY_RULES, initialFormValues, toCreateRequest } from './deploy-form.ts';

const app = { branch: 'main', serverId: 'srv_1', hooks: [{ name: 'Build' }] } as App;
const defaults = initialFormValues(app);

test('a deployment with the defaults sends no overrides, so that it needs no advanced scope', () => {
  assert.deepEqual(toCreateRequest(app, defaults), {});
  assert.deepEqual(toCreateRequest(app, { ...defaults, branch: 'next ' }), { branch: 'next' });
  assert.deepEqual(toCreateRequest(app, { ...defaults, source: 'commit', commit: 'abcdef0' }), { commit: 'abcdef0' });
  assert.deepEqual(toCreateRequest(app, { ...defaults, source: 'tag', tag: ' v*' }), { tag: 'v*' });
});

test('overrides are sent, and the batch size only for a rolling deployment', () => {
  assert.deepEqual(
    toCreateRequest(app, {
      ...defaults,
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
  assert.deepEqual(toCreateRequest(app, { ...defaults, strategy: 'canary', batchSize: 4 }), { strategy: 'canary' });
});

test('a deployment is repeated with its branch, tag or commit and its options, without hooks that no longer exist', () => {
  const previous = { kind: 'deploy', branch: 'main', tag: null, commit: 'abcdef0', overrides: {} } as Deployment;
  const repeatedRequest = (changes: Partial<Deployment>) =>
    toCreateRequest(app, initialFormValues(app, { ...previous, ...changes }));
  assert.deepEqual(repeatedRequest({}), {});
  assert.deepEqual(repeatedRequest({ branch: 'next', commit: null }), { branch: 'next' });
  assert.deepEqual(repeatedRequest({ branch: null }), { commit: 'abcdef0' });
  assert.deepEqual(repeatedRequest({ kind: 'rollback' }), { commit: 'abcdef0' });
  assert.deepEqual(repeatedRequest({ branch: null, tag: 'v1' }), { tag: 'v1' });
  assert.deepEqual(repeatedRequest({ kind: 'rollback', branch: null, tag: 'v1' }), { commit: 'abcdef0' });
  const overrides = { servers: ['srv_2'], strategy: 'rolling' as const, approval: true, replace: true };
  assert.deepEqual(
    repeatedRequest({ batchSize: 2, pauseSeconds: 5, overrides: { ...overrides, skipHooks: ['Build', 'Removed'] } }),
    { ...overrides, batchSize: 2, pauseSeconds: 5, skipHooks: ['Build'] },
  );
});

test('invalid values are rejected in the form', () => {
  assert.notEqual(DEPLOY_RULES.commit('xyz', { ...defaults, source: 'commit' }), null);
  assert.equal(DEPLOY_RULES.commit('', defaults), null);
  assert.notEqual(DEPLOY_RULES.servers([]), null);
  assert.notEqual(DEPLOY_RULES.scheduledAt('2001-01-01T00:00'), null);
});
