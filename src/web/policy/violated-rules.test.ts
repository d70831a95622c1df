import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessToken } from '../../contract/access-tokens.ts';
import { DAY } from '../../contract/limits.ts';
import { DEFAULT_POLICY, type Policy } from '../../contract/policy.ts';
import { NO_RESTRICTIONS } from '../../contract/restrictions.ts';
import { findViolatedRules, getPolicyExpiry } from './violated-rules.ts';

const CREATED_AT_MS = Date.UTC(2027, 0, 15);
const POLICY: Policy = { ...DEFAULT_POLICY, maxLifetimeDays: 30, passphraseScopes: ['modify_env'], allowAll: false };
const inDays = (days: number) => new Date(CREATED_AT_MS + days * DAY).toISOString();
const token = (fields: Partial<AccessToken>): AccessToken => ({
  id: 'at_1',
  kind: 'access_token',
  name: 'CI',
  active: true,
  status: 'active',
  hint: 'abcd',
  scopes: ['basic_deployment'],
  hasPassphrase: false,
  expiresAt: inDays(30),
  createdAt: inDays(0),
  createdBy: null,
  lastUsedAt: null,
  useCount: 0,
  replaces: null,
  replacedBy: null,
  origin: 'person',
  restrictions: NO_RESTRICTIONS,
  ...fields,
});

test('the violated rules of a credential are listed, unless it has expired', () => {
  assert.deepEqual(findViolatedRules(POLICY, token({})), []);
  assert.deepEqual(findViolatedRules(POLICY, token({ scopes: ['all'], expiresAt: null })), [
    'maxLifetimeDays',
    'passphraseScopes',
    'allowAll',
  ]);
  const addressPolicy = { ...POLICY, requireAddresses: true };
  assert.deepEqual(findViolatedRules(addressPolicy, token({})), ['requireAddresses']);
  assert.deepEqual(
    findViolatedRules(addressPolicy, token({ restrictions: { ...NO_RESTRICTIONS, addresses: ['203.0.113.7'] } })),
    [],
  );
  assert.deepEqual(findViolatedRules(POLICY, token({ scopes: ['all'], expiresAt: null, status: 'expired' })), []);
});

test('a credential whose lifetime was shortened by the maximum lifetime violates the rule', () => {
  // The maximum lifetime of the tokens ends on day 30.
  const policyFromDay20 = { ...POLICY, bindsExistingFrom: inDays(20) };
  assert.deepEqual(findViolatedRules(policyFromDay20, token({ expiresAt: inDays(30) })), ['maxLifetimeDays']);
  assert.deepEqual(findViolatedRules(policyFromDay20, token({ expiresAt: inDays(29) })), []);
  const policyFromDay40 = { ...POLICY, bindsExistingFrom: inDays(40) };
  assert.deepEqual(findViolatedRules(policyFromDay40, token({ expiresAt: inDays(40) })), ['maxLifetimeDays']);
  assert.deepEqual(findViolatedRules(policyFromDay40, token({ expiresAt: inDays(30) })), []);
});

test('the policy expiry is the day the maximum applies or, if later, the end of the maximum lifetime', () => {
  const policyFromDay40: Policy = { ...POLICY, bindsExistingFrom: inDays(40) };
  assert.deepEqual(getPolicyExpiry(policyFromDay40, token({ expiresAt: inDays(40) })), {
    expiresAt: inDays(40),
    from: inDays(40),
  });
  for (const [policy, expiresAt] of [
    [policyFromDay40, inDays(39)],
    [policyFromDay40, null],
    [POLICY, inDays(30)],
    [undefined, inDays(40)],
  ] as const) {
    assert.equal(getPolicyExpiry(policy, token({ expiresAt })), null);
  }
  const youngToken = token({ createdAt: inDays(20), expiresAt: inDays(50) });
  assert.deepEqual(getPolicyExpiry(policyFromDay40, youngToken), { expiresAt: inDays(50), from: inDays(40) });
});
