import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CredentialUses } from '../../contract/credentials.ts';
import { DAY } from '../../contract/limits.ts';
import { SCOPES } from '../../contract/vocabulary.ts';
import { ACCESS_TOKENS, API_KEYS } from '../credentials/kinds.ts';
import { classifyRights } from './used-rights.ts';

const NOW = Date.parse('2027-03-01T12:00:00Z');
const createUse = (
  right: 'modify_env' | 'run_scripts' | 'read',
  daysAgo: number,
): CredentialUses['rights'][number] => ({
  right,
  app: null,
  count: 3,
  lastUsedAt: new Date(NOW - daysAgo * DAY).toISOString(),
});

test('a right counts as used if its last use is in the period, and the scope "all" includes every scope', () => {
  const uses = [createUse('modify_env', 1), createUse('run_scripts', 20)];
  const week = classifyRights(ACCESS_TOKENS, ['run_scripts', 'modify_env'], uses, 7, NOW);
  assert.deepEqual(week, {
    lastUsedInPeriod: uses.slice(0, 1),
    usedRights: ['modify_env'],
    unusedRights: ['run_scripts'],
  });
  const month = classifyRights(ACCESS_TOKENS, ['all'], uses, 30, NOW);
  assert.deepEqual(month.usedRights, ['modify_env', 'run_scripts']);
  assert.deepEqual([month.unusedRights.length, month.unusedRights.includes('all')], [SCOPES.length - 3, false]);
});

test('a permission that was removed is listed among the uses, but counts neither as used nor as unused', () => {
  const uses = [createUse('read', 1)];
  const edited = classifyRights(API_KEYS, ['deploy'], uses, 30, NOW);
  assert.deepEqual(edited, { lastUsedInPeriod: uses, usedRights: [], unusedRights: ['deploy'] });
});
