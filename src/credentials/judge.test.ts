import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERMISSIONS, SCOPES } from '../contract/words.ts';
import { judge, type PassphraseVerdict, type Verdict } from './judge.ts';
import type { CredentialRecord } from './record.ts';
import { type Demand, grantedBy, needAll, needAny, wordsOf } from './rights.ts';

const NOW = 1_800_000_000_000;

function record(facts: Partial<CredentialRecord> & { readonly words?: readonly string[] } = {}): CredentialRecord {
  const { words = ['modify_env'], kind = 'access_token', ...rest } = facts;
  return {
    kind,
    label: 'tok_1 CI',
    id: 'tok_1',
    name: 'CI',
    workspace: { id: 'wsp_1', gone: false },
    rights: grantedBy(kind, words),
    active: true,
    expiresAt: null,
    createdAt: NOW - 1000,
    passphraseHash: null,
    row: -1,
    ...rest,
  };
}

const demand = (scopes: readonly string[] | null, permissions: readonly string[] | null): Demand => ({
  access_token: scopes === null ? null : needAll('access_token', scopes),
  api_key: permissions === null ? null : needAll('api_key', permissions),
});
const ENV = demand(['modify_env'], null);

test('the order of judgement is: known, passphrase, active, not expired, kind, rights', () => {
  // Each row fails at everything from its place on; the verdict names the first failure.
  const hopeless = { active: false, expiresAt: NOW - 1, words: ['run_scripts'] };
  const keysOnly = demand(null, ['read']);
  const rows: [CredentialRecord | null, PassphraseVerdict, Demand, Verdict][] = [
    [null, 'missing', keysOnly, 'invalid_token'],
    [record(hopeless), 'limited', keysOnly, 'rate_limited'],
    [record(hopeless), 'missing', keysOnly, 'passphrase_required'],
    [record(hopeless), 'incorrect', keysOnly, 'passphrase_incorrect'],
    [record(hopeless), 'correct', keysOnly, 'token_inactive'],
    [record({ ...hopeless, active: true }), 'correct', keysOnly, 'token_expired'],
    [record({ words: ['run_scripts'] }), 'correct', keysOnly, 'wrong_credential_kind'],
    [record({ words: ['run_scripts'] }), 'correct', ENV, 'insufficient_scope'],
    [record(), 'correct', ENV, 'ok'],
    [record(), 'not_needed', ENV, 'ok'],
  ];
  for (const [of, passphrase, asked, verdict] of rows) assert.equal(judge(of, passphrase, asked, NOW), verdict);
});

test('a credential is dead from the very millisecond of its expiry on', () => {
  const expiring = record({ expiresAt: NOW });
  assert.equal(judge(expiring, 'not_needed', ENV, NOW - 1), 'ok');
  assert.equal(judge(expiring, 'not_needed', ENV, NOW), 'token_expired');
  assert.equal(judge(expiring, 'not_needed', ENV, NOW + 1), 'token_expired');
});

test('all scopes named are needed, and any valid credential passes where none is', () => {
  const both = demand(['modify_env', 'run_scripts'], ['read', 'write']);
  const rows: [Partial<CredentialRecord> & { words: string[] }, Demand, Verdict][] = [
    [{ words: ['modify_env'] }, both, 'insufficient_scope'],
    [{ words: ['modify_env', 'run_scripts'] }, both, 'ok'],
    [{ words: ['all'] }, both, 'ok'],
    [{ words: SCOPES.filter((scope) => scope !== 'all') }, demand(['all'], null), 'insufficient_scope'],
    [{ kind: 'api_key', words: ['read'] }, both, 'insufficient_scope'],
    [{ kind: 'api_key', words: ['write', 'read'] }, both, 'ok'],
    [{ words: ['modify_env'] }, demand([], []), 'ok'],
    [{ kind: 'api_key', words: ['delete'] }, demand([], []), 'ok'],
    [{ words: ['all'] }, demand(['no_such_scope'], null), 'insufficient_scope'],
    [{ words: ['all'] }, demand([''], null), 'insufficient_scope'],
    [{ kind: 'api_key', words: [...PERMISSIONS] }, demand(null, ['admin']), 'insufficient_scope'],
  ];
  for (const [facts, asked, verdict] of rows) assert.equal(judge(record(facts), 'not_needed', asked, NOW), verdict);
});

test('any one of the rights of a route suffices, and an empty list is met by nobody', () => {
  const any: Demand = { access_token: needAny('access_token', []), api_key: needAny('api_key', ['read', 'deploy']) };
  assert.equal(judge(record({ kind: 'api_key', words: ['deploy'] }), 'not_needed', any, NOW), 'ok');
  assert.equal(judge(record({ kind: 'api_key', words: ['write'] }), 'not_needed', any, NOW), 'insufficient_scope');
  assert.equal(judge(record({ words: ['all'] }), 'not_needed', any, NOW), 'insufficient_scope');
});

test('each right opens itself alone, but for all, and CVE-2026-72826: empty or unknown rights open nothing', () => {
  for (const [kind, words] of [
    ['access_token', SCOPES],
    ['api_key', PERMISSIONS],
  ] as const) {
    for (const held of words) {
      for (const asked of words) {
        const expected = held === asked || held === 'all' ? 'ok' : 'insufficient_scope';
        const need: Demand = { access_token: null, api_key: null, [kind]: needAll(kind, [asked]) };
        assert.equal(judge(record({ kind, words: [held] }), 'not_needed', need, NOW), expected, `${held} → ${asked}`);
      }
    }
    for (const rights of [[], ['nonsense'], ['__proto__']]) {
      for (const asked of words) {
        const need: Demand = { access_token: null, api_key: null, [kind]: needAll(kind, [asked]) };
        assert.equal(judge(record({ kind, words: rights }), 'not_needed', need, NOW), 'insufficient_scope');
      }
    }
  }
});

test('rights come back as the words they were given in', () => {
  assert.deepEqual(wordsOf('access_token', grantedBy('access_token', ['run_scripts', 'modify_env'])), [
    'modify_env',
    'run_scripts',
  ]);
  assert.deepEqual(wordsOf('access_token', grantedBy('access_token', ['modify_env', 'all'])), ['all', 'modify_env']);
  assert.deepEqual(wordsOf('api_key', grantedBy('api_key', PERMISSIONS)), [...PERMISSIONS]);
});
