import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RESTRICTIONS } from '../contract/restrictions.ts';
import { PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import { type Decision, decide, type PassphraseResult } from './decision.ts';
import type { CredentialRecord } from './record.ts';
import { compileRestrictions } from './restrictions.ts';
import { grantedMaskOf, type Requirement, requireAll, requireAny, rightNamesOf } from './rights.ts';

const NOW = 1_800_000_000_000;
const HOME = '203.0.113.7';

function record(fields: Partial<CredentialRecord> & { readonly words?: readonly string[] } = {}): CredentialRecord {
  const { words = ['modify_env'], kind = 'access_token', ...rest } = fields;
  return {
    kind,
    label: 'tok_1 CI',
    id: 'tok_1',
    name: 'CI',
    workspace: { id: 'wsp_1', revoked: false },
    rights: grantedMaskOf(kind, words),
    active: true,
    expiresAt: null,
    createdAt: NOW - 1000,
    passphraseHash: null,
    restrictions: null,
    row: -1,
    ...rest,
  };
}

const requirementOf = (scopes: readonly string[] | null, permissions: readonly string[] | null): Requirement => ({
  access_token: scopes === null ? null : requireAll('access_token', scopes),
  api_key: permissions === null ? null : requireAll('api_key', permissions),
});
const ENV = requirementOf(['modify_env'], null);

test('checks run in this order: known, passphrase, active, not expired, uses left, address, kind, rights', () => {
  // Each row fails its own check and all later ones; the decision names the first failure.
  const elsewhere = compileRestrictions({ ...NO_RESTRICTIONS, addresses: ['192.0.2.0/24'] });
  const hopeless = { active: false, expiresAt: NOW - 1, words: ['run_scripts'], restrictions: elsewhere };
  const keysOnly = requirementOf(null, ['read']);
  const rows: [CredentialRecord | null, PassphraseResult, Requirement, Decision][] = [
    [null, 'missing', keysOnly, 'invalid_token'],
    [record(hopeless), 'limited', keysOnly, 'rate_limited'],
    [record(hopeless), 'missing', keysOnly, 'passphrase_required'],
    [record(hopeless), 'incorrect', keysOnly, 'passphrase_incorrect'],
    [record(hopeless), 'correct', keysOnly, 'token_inactive'],
    [record({ ...hopeless, active: true }), 'correct', keysOnly, 'token_expired'],
    [record({ ...hopeless, active: true, expiresAt: null }), 'correct', keysOnly, 'address_not_allowed'],
    [record({ words: ['run_scripts'] }), 'correct', keysOnly, 'wrong_credential_kind'],
    [record({ words: ['run_scripts'] }), 'correct', ENV, 'insufficient_scope'],
    [record(), 'correct', ENV, 'ok'],
    [record(), 'not_needed', ENV, 'ok'],
  ];
  for (const [of, passphrase, requirement, decision] of rows)
    assert.equal(decide(of, passphrase, requirement, NOW, HOME), decision);
  const spent = { ...hopeless, active: true, expiresAt: null };
  assert.equal(decide(record(spent), 'correct', keysOnly, NOW, HOME, true), 'credential_spent');
  assert.equal(decide(record({ ...spent, expiresAt: NOW }), 'correct', keysOnly, NOW, HOME, true), 'token_expired');
});

test('a credential is refused from the exact millisecond of its expiry', () => {
  const expiring = record({ expiresAt: NOW });
  assert.equal(decide(expiring, 'not_needed', ENV, NOW - 1, HOME), 'ok');
  assert.equal(decide(expiring, 'not_needed', ENV, NOW, HOME), 'token_expired');
  assert.equal(decide(expiring, 'not_needed', ENV, NOW + 1, HOME), 'token_expired');
});

test('all required rights are needed, and an empty list accepts any valid credential', () => {
  const both = requirementOf(['modify_env', 'run_scripts'], ['read', 'write']);
  const rows: [Partial<CredentialRecord> & { words: string[] }, Requirement, Decision][] = [
    [{ words: ['modify_env'] }, both, 'insufficient_scope'],
    [{ words: ['modify_env', 'run_scripts'] }, both, 'ok'],
    [{ words: ['all'] }, both, 'ok'],
    [{ words: SCOPES.filter((scope) => scope !== 'all') }, requirementOf(['all'], null), 'insufficient_scope'],
    [{ kind: 'api_key', words: ['read'] }, both, 'insufficient_scope'],
    [{ kind: 'api_key', words: ['write', 'read'] }, both, 'ok'],
    [{ words: ['modify_env'] }, requirementOf([], []), 'ok'],
    [{ kind: 'api_key', words: ['delete'] }, requirementOf([], []), 'ok'],
    [{ words: ['all'] }, requirementOf(['no_such_scope'], null), 'insufficient_scope'],
    [{ words: ['all'] }, requirementOf([''], null), 'insufficient_scope'],
    [{ kind: 'api_key', words: [...PERMISSIONS] }, requirementOf(null, ['admin']), 'insufficient_scope'],
  ];
  for (const [fields, requirement, decision] of rows)
    assert.equal(decide(record(fields), 'not_needed', requirement, NOW, HOME), decision);
});

test('requireAny needs one of its rights, and an empty list is never met', () => {
  const any: Requirement = {
    access_token: requireAny('access_token', []),
    api_key: requireAny('api_key', ['read', 'deploy']),
  };
  assert.equal(decide(record({ kind: 'api_key', words: ['deploy'] }), 'not_needed', any, NOW, HOME), 'ok');
  assert.equal(
    decide(record({ kind: 'api_key', words: ['write'] }), 'not_needed', any, NOW, HOME),
    'insufficient_scope',
  );
  assert.equal(decide(record({ words: ['all'] }), 'not_needed', any, NOW, HOME), 'insufficient_scope');
});

test('CVE-2026-72826: rights other than all grant only themselves, and empty or unknown ones nothing', () => {
  for (const [kind, words] of [
    ['access_token', SCOPES],
    ['api_key', PERMISSIONS],
  ] as const) {
    for (const held of words) {
      for (const requirement of words) {
        const expected = held === requirement || held === 'all' ? 'ok' : 'insufficient_scope';
        const need: Requirement = { access_token: null, api_key: null, [kind]: requireAll(kind, [requirement]) };
        assert.equal(
          decide(record({ kind, words: [held] }), 'not_needed', need, NOW, HOME),
          expected,
          `${held} → ${requirement}`,
        );
      }
    }
    for (const rights of [[], ['nonsense'], ['__proto__']]) {
      for (const requirement of words) {
        const need: Requirement = { access_token: null, api_key: null, [kind]: requireAll(kind, [requirement]) };
        assert.equal(decide(record({ kind, words: rights }), 'not_needed', need, NOW, HOME), 'insufficient_scope');
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
