import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CredentialUses } from '../../contract/credentials.ts';
import { DAY } from '../../contract/limits.ts';
import { ACCESS_TOKENS, API_KEYS } from '../credentials/kinds.ts';
import { usageOfRights } from './used-rights.ts';

const NOW = Date.parse('2027-03-01T12:00:00Z');
const use = (right: 'modify_env' | 'run_scripts' | 'read', daysAgo: number): CredentialUses['rights'][number] => ({
  right,
  app: null,
  count: 3,
  lastUsedAt: new Date(NOW - daysAgo * DAY).toISOString(),
});

test('a right counts as used if its last use is in the period, and the scope "all" includes every scope', () => {
  const uses = [use('modify_env', 1), use('run_scripts', 20)];
  const week = usageOfRights(ACCESS_TOKENS, ['run_scripts', 'modify_env'], uses, 7, NOW);
  assert.deepEqual(week, { uses: uses.slice(0, 1), used: ['modify_env'], unused: ['run_scripts'] });
  const month = usageOfRights(ACCESS_TOKENS, ['all'], uses, 30, NOW);
  assert.deepEqual(month.used, ['modify_env', 'run_scripts']);
  assert.deepEqual([month.unused.length, month.unused.includes('all')], [5, false]);
});

test('a permission that was removed is listed among the uses, but counts neither as used nor as unused', () => {
  const uses = [use('read', 1)];
  const edited = usageOfRights(API_KEYS, ['deploy'], uses, 30, NOW);
  assert.deepEqual(edited, { uses, used: [], unused: ['deploy'] });
});
