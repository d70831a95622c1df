import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RESTRICTIONS } from '../contract/restrictions.ts';
import { PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import { type Decision, decide, type PassphraseResult } from './decision.ts';
import type { CredentialRecord } from './record.ts';
import { compileRestrictions } from './restrictions.ts';
import { grantedMaskOf, type Requirement, requireAll, requireAny, rightNamesOf } from './rights.ts';

const NOW = 1_800_000_000_000;
const CLIENT_ADDRESS = '203.0.113.7';

function record(
  fields: Partial<CredentialRecord> & { readonly rightNames?: readonly string[] } = {},
): CredentialRecord {
  const { rightNames = ['modify_env'], kind = 'access_token', ...otherFields } = fields;
  return {
    kind,
    label: 'tok_1 CI',
    id: 'tok_1',
    name: 'CI',
    workspace: { id: 'wsp_1', revoked: false },
    rights: grantedMaskOf(kind, rightNames),
    active: true,
    expiresAt: null,
    createdAt: NOW - 1000,
    passphraseHash: null,
    restrictions: null,
    row: -1,
    ...otherFields,
  };
}

const requirementOf = (scopes: readonly string[] | null, permissions: readonly string[] | null): Requirement => ({
  access_token: scopes === null ? null : requireAll('access_token', scopes),
  api_key: permissions === null ? null : requireAll('api_key', permissions),
});
const REQUIRES_MODIFY_ENV = requirementOf(['modify_env'], null);

test('checks run in this order: known secret, passphrase, active, not expired, uses left, address, kind, rights', () => {
  // Each row passes one check more than the row before and fails all later ones; the decision names the first failure.
  const otherAddresses = compileRestrictions({ ...NO_RESTRICTIONS, addresses: ['192.0.2.0/24'] });
  const failsEveryCheck = {
    active: false,
    expiresAt: NOW - 1,
    rightNames: ['run_scripts'],
    restrictions: otherAddresses,
  };
  const keysOnly = requirementOf(null, ['read']);
  const rows: [CredentialRecord | null, PassphraseResult, Requirement, Decision][] = [
    [null, 'missing', keysOnly, 'invalid_token'],
    [record(failsEveryCheck), 'limited', keysOnly, 'rate_limited'],
    [record(failsEveryCheck), 'missing', keysOnly, 'passphrase_required'],
    [record(failsEveryCheck), 'incorrect', keysOnly, 'passphrase_incorrect'],
    [record(failsEveryCheck), 'correct', keysOnly, 'token_inactive'],
    [record({ ...failsEveryCheck, active: true }), 'correct', keysOnly, 'token_expired'],
    [record({ ...failsEveryCheck, active: true, expiresAt: null }), 'correct', keysOnly, 'address_not_allowed'],
    [record({ rightNames: ['run_scripts'] }), 'correct', keysOnly, 'wrong_credential_kind'],
    [record({ rightNames: ['run_scripts'] }), 'correct', REQUIRES_MODIFY_ENV, 'insufficient_scope'],
    [record(), 'correct', REQUIRES_MODIFY_ENV, 'ok'],
    [record(), 'not_needed', REQUIRES_MODIFY_ENV, 'ok'],
  ];
  for (const [credential, passphrase, requirement, decision] of rows)
    assert.equal(decide(credential, passphrase, requirement, NOW, CLIENT_ADDRESS), decision);
  const isSpent = true;
  const decideSpent = (fields: Parameters<typeof record>[0]) =>
    decide(record(fields), 'correct', keysOnly, NOW, CLIENT_ADDRESS, isSpent);
  assert.equal(decideSpent({ ...failsEveryCheck, active: true }), 'token_expired');
  assert.equal(decideSpent({ ...failsEveryCheck, active: true, expiresAt: null }), 'credential_spent');
});

test('a credential is refused from the exact millisecond of its expiry', () => {
  const expiring = record({ expiresAt: NOW });
  assert.equal(decide(expiring, 'not_needed', REQUIRES_MODIFY_ENV, NOW - 1, CLIENT_ADDRESS), 'ok');
  assert.equal(decide(expiring, 'not_needed', REQUIRES_MODIFY_ENV, NOW, CLIENT_ADDRESS), 'token_expired');
  assert.equal(decide(expiring, 'not_needed', REQUIRES_MODIFY_ENV, NOW + 1, CLIENT_ADDRESS), 'token_expired');
});

test('requireAll needs all of its rights, and an empty list accepts any valid credential', () => {
  const both = requirementOf(['modify_env', 'run_scripts'], ['read', 'write']);
  const rows: [Partial<CredentialRecord> & { rightNames: string[] }, Requirement, Decision][] = [
    [{ rightNames: ['modify_env'] }, both, 'insufficient_scope'],
    [{ rightNames: ['modify_env', 'run_scripts'] }, both, 'ok'],
    [{ rightNames: ['all'] }, both, 'ok'],
    [{ rightNames: SCOPES.filter((scope) => scope !== 'all') }, requirementOf(['all'], null), 'insufficient_scope'],
    [{ kind: 'api_key', rightNames: ['read'] }, both, 'insufficient_scope'],
    [{ kind: 'api_key', rightNames: ['write', 'read'] }, both, 'ok'],
    [{ rightNames: ['modify_env'] }, requirementOf([], []), 'ok'],
    [{ kind: 'api_key', rightNames: ['delete'] }, requirementOf([], []), 'ok'],
    [{ rightNames: ['all'] }, requirementOf(['no_such_scope'], null), 'insufficient_scope'],
    [{ rightNames: ['all'] }, requirementOf([''], null), 'insufficient_scope'],
    [{ kind: 'api_key', rightNames: [...PERMISSIONS] }, requirementOf(null, ['admin']), 'insufficient_scope'],
  ];
  for (const [fields, requirement, decision] of rows)
    assert.equal(decide(record(fields), 'not_needed', requirement, NOW, CLIENT_ADDRESS), decision);
});

test('requireAny needs one of its rights, and an empty list is never met', () => {
  const readOrDeploy: Requirement = {
    access_token: requireAny('access_token', []),
    api_key: requireAny('api_key', ['read', 'deploy']),
  };
  assert.equal(
    decide(record({ kind: 'api_key', rightNames: ['deploy'] }), 'not_needed', readOrDeploy, NOW, CLIENT_ADDRESS),
    'ok',
  );
  assert.equal(
    decide(record({ kind: 'api_key', rightNames: ['write'] }), 'not_needed', readOrDeploy, NOW, CLIENT_ADDRESS),
    'insufficient_scope',
  );
  assert.equal(
    decide(record({ rightNames: ['all'] }), 'not_needed', readOrDeploy, NOW, CLIENT_ADDRESS),
    'insufficient_scope',
  );
});

test('rights other than "all" grant only themselves, and empty or unknown rights grant nothing (unlike in CVE-2026-72826)', () => {
  for (const [kind, rightNames] of [
    ['access_token', SCOPES],
    ['api_key', PERMISSIONS],
  ] as const) {
    for (const held of rightNames) {
      for (const required of rightNames) {
        const expected = held === required || held === 'all' ? 'ok' : 'insufficient_scope';
        const requirement: Requirement = { access_token: null, api_key: null, [kind]: requireAll(kind, [required]) };
        assert.equal(
          decide(record({ kind, rightNames: [held] }), 'not_needed', requirement, NOW, CLIENT_ADDRESS),
          expected,
          `${held} → ${required}`,
        );
      }
    }
    for (const rights of [[], ['nonsense'], ['__proto__']]) {
      for (const required of rightNames) {
        const requirement: Requirement = { access_token: null, api_key: null, [kind]: requireAll(kind, [required]) };
        assert.equal(
          decide(record({ kind, rightNames: rights }), 'not_needed', requirement, NOW, CLIENT_ADDRESS),
          'insufficient_scope',
        );
      }
    }
  }
});

test('rightNamesOf returns the granted rights in the order of the contract', () => {
  assert.deepEqual(rightNamesOf('access_token', grantedMaskOf('access_token', ['run_scripts', 'modify_env'])), [
    'modify_env',
    'run_scripts',
  ]);
  assert.deepEqual(rightNamesOf('access_token', grantedMaskOf('access_token', ['modify_env', 'all'])), [
    'all',
    'modify_env',
  ]);
  assert.deepEqual(rightNamesOf('api_key', grantedMaskOf('api_key', PERMISSIONS)), [...PERMISSIONS]);
});
