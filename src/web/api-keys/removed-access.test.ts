import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiKey } from '../../contract/api-keys.ts';
import type { CredentialUses } from '../../contract/credentials.ts';
import { NO_RESTRICTIONS } from '../../contract/restrictions.ts';
import { formatDate } from '../components/format.ts';
import { describeRemovedAccess } from './removed-access.ts';

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000 - 1000).toISOString();

const key: ApiKey = {
  id: 'key_1',
  kind: 'api_key',
  name: 'Billing',
  description: null,
  permissions: ['read', 'deploy', 'view_logs'],
  active: true,
  guard: false,
  status: 'active',
  hint: 'abcd',
  expiresAt: null,
  createdAt: hoursAgo(100),
  updatedAt: hoursAgo(100),
  createdBy: null,
  lastUsedAt: hoursAgo(2),
  useCount: 7,
  restrictions: NO_RESTRICTIONS,
  replaces: null,
  replacedBy: null,
};
const uses: CredentialUses = {
  days: [],
  addresses: [],
  guards: [],
  refusals: [],
  rights: [
    { right: 'read', app: null, count: 1, lastUsedAt: hoursAgo(3) },
    { right: 'read', app: { id: 'app_1', name: 'Shop' }, count: 6, lastUsedAt: hoursAgo(9) },
  ],
  rightsSince: hoursAgo(500),
};

const refused = (permission: string, lastUse = '') =>
  `Requests that need the permission ${permission} will be refused.${lastUse}`;

test('an edit that removes no access has no message', () => {
  assert.deepEqual(describeRemovedAccess(key, {}, uses), []);
  const permissions = ['view_logs', 'deploy', 'read', 'write'] as const;
  assert.deepEqual(describeRemovedAccess(key, { active: true, permissions }, uses), []);
  assert.deepEqual(describeRemovedAccess({ ...key, active: false }, { active: false }, uses), []);
});

test('each removed permission is named, with its last use', () => {
  assert.deepEqual(describeRemovedAccess(key, { permissions: ['view_logs'] }, uses), [
    refused('read', ' The permission was last used 3 hours ago.'),
    refused('deploy', ' The permission was never used.'),
  ]);
  const usesCountedAfterCreation = { ...uses, rightsSince: hoursAgo(50) };
  assert.deepEqual(describeRemovedAccess(key, { permissions: ['read', 'view_logs'] }, usesCountedAfterCreation), [
    refused(
      'deploy',
      ` The permission has not been used since ${formatDate(usesCountedAfterCreation.rightsSince)}, when counting began.`,
    ),
  ]);
});

test('if the uses are unknown, a removed permission is named without its last use', () => {
  assert.deepEqual(describeRemovedAccess(key, { permissions: ['read', 'deploy'] }, undefined), [refused('view_logs')]);
});

test('an edit that disables a key names the last use of the key, not of each removed permission', () => {
  const allRefused = 'All requests with this key will be refused.';
  assert.deepEqual(describeRemovedAccess(key, { active: false, permissions: ['read'] }, uses), [
    `${allRefused} The key was last used 2 hours ago.`,
  ]);
  assert.deepEqual(describeRemovedAccess({ ...key, lastUsedAt: null }, { active: false }, uses), [
    `${allRefused} The key was never used.`,
  ]);
});
