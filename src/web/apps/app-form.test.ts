import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from '../../contract/apps.ts';
import { changedFields } from '../form-values.ts';
import {
  APP_RULES,
  type AppFormValues,
  NEW_APP_VALUES,
  toCreateRequest,
  toFormValues,
  toRequestFields,
} from './app-form.ts';

const app: App = {
  id: 'app_1',
  projectId: 'prj_1',
  name: 'Storefront',
  slug: 'storefront',
  serverId: null,
  repository: 'https://git.example.com/shop.git',
  repositoryUser: 'deploy',
  hasRepositoryPassword: true,
  branch: 'main',
  directory: '/srv/shop',
  hooks: [
    {
      name: 'Build',
      stage: 'post_setup',
      run: 'make',
      interpreter: '/bin/sh',
      timeoutSeconds: 60,
      retries: 0,
      variables: 'environment',
      active: true,
    },
  ],
  keepReleases: 5,
  healthCheck: { url: 'http://127.0.0.1/', timeoutSeconds: 60 },
  logCommand: null,
  requiredVariables: [],
  backup: { command: 'dump', restoreCommand: null, schedule: '@daily', keep: { last: 7 } },
  push: null,
  createdAt: '2027-02-24T09:00:00.000Z',
  updatedAt: '2027-02-24T09:00:00.000Z',
};

const toUpdateRequest = (before: App, values: AppFormValues) =>
  changedFields(toRequestFields(toFormValues(before)), toRequestFields(values));

test('only changed fields are sent', () => {
  const values = toFormValues(app);
  assert.deepEqual(toUpdateRequest(app, values), {});
  assert.deepEqual(toUpdateRequest(app, { ...values, branch: 'next', logCommand: ' tail log ' }), {
    branch: 'next',
    logCommand: 'tail log',
  });
});

test('a changed part of an object is sent with the whole object', () => {
  const values = toFormValues(app);
  assert.deepEqual(toUpdateRequest(app, { ...values, keepDays: 30 }), {
    backup: { command: 'dump', restoreCommand: null, schedule: '@daily', keep: { last: 7, days: 30 } },
  });
  assert.deepEqual(toUpdateRequest(app, { ...values, checkKind: 'none' }), { healthCheck: null });
  const withoutBackup = { ...values, backupCommand: '', backupSchedule: '', keepLast: '' };
  assert.deepEqual(toUpdateRequest(app, withoutBackup), { backup: null });
});

test('the password is sent only if it is replaced or removed, and never for an SSH repository', () => {
  const values = toFormValues(app);
  assert.deepEqual(toUpdateRequest(app, { ...values, repositoryPassword: 'new' }), { repositoryPassword: 'new' });
  assert.deepEqual(toUpdateRequest(app, { ...values, removePassword: true }), { repositoryPassword: null });
  const withSshUrl = { ...values, repository: 'git@git.example.com:shop.git', repositoryPassword: 'new' };
  assert.deepEqual(toUpdateRequest(app, withSshUrl), {
    repository: 'git@git.example.com:shop.git',
    repositoryUser: null,
  });
});

test('a new app is created from the form, without an empty slug or repository user', () => {
  const request = toCreateRequest({ ...NEW_APP_VALUES, name: 'Storefront', projectId: 'prj_1' });
  assert.equal('slug' in request, false);
  assert.deepEqual([request.repository, request.backup, request.healthCheck], [null, null, null]);
  assert.equal('repositoryUser' in request, false, 'the URL may contain a user');
  const requestWithUser = toCreateRequest({
    ...NEW_APP_VALUES,
    repository: 'https://git.example.com/shop.git',
    repositoryUser: 'deploy',
  });
  assert.equal(requestWithUser.repositoryUser, 'deploy');
});

test('keepReleases must be an integer from 1 to 100, keepLast can be empty, and the URL of a URL check needs a scheme', () => {
  assert.equal(APP_RULES.keepReleases(100), null);
  for (const invalid of [0, 101, '', 1.5]) assert.notEqual(APP_RULES.keepReleases(invalid), null, String(invalid));
  assert.equal(APP_RULES.keepLast(''), null);
  assert.notEqual(APP_RULES.checkUrl('127.0.0.1', { ...NEW_APP_VALUES, checkKind: 'url' }), null);
  assert.equal(APP_RULES.checkUrl(' http://127.0.0.1/ ', { ...NEW_APP_VALUES, checkKind: 'url' }), null);
  assert.equal(APP_RULES.checkUrl('127.0.0.1', NEW_APP_VALUES), null);
});
