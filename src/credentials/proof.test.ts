import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FAILURE_LIMITS, HOUR, MINUTE } from '../contract/words.ts';
import { insertFailure, recentFailures } from '../store/failures.ts';
import { openTestStore, type TestStore } from '../testing/store.ts';
import { createFailureLimiter, type FailureStore, waitAfter } from './failures.ts';
import { hashPassphrase } from './passphrase.ts';
import { createProof } from './proof.ts';
import type { CredentialRecord } from './record.ts';

const BOUNDS = FAILURE_LIMITS.passphrase;
const NOW = 1_800_000_000_000;
const RIGHT = 'correct horse';

let house: TestStore;
let failures: FailureStore;
let phc: string;
before(async () => {
  house = await openTestStore();
  failures = {
    recentFailures: (subject, since) => recentFailures(house.store.read, subject, since),
    addFailure: (subject, { address, at }) =>
      house.store.transaction((trx) => insertFailure(trx, subject, address, at)),
  };
  phc = await hashPassphrase(RIGHT);
});
after(() => house.close());

const recordOf = (id: string, passphraseHash: string | null = phc): CredentialRecord => ({
  kind: 'access_token',
  id,
  name: 'CI',
  workspace: { id: 'wsp_1', gone: false },
  rights: 1,
  active: true,
  expiresAt: null,
  createdAt: 1,
  passphraseHash,
  row: -1,
});

function setUp(id: string) {
  let now = NOW;
  const proof = createProof(createFailureLimiter(failures, BOUNDS));
  const record = recordOf(id);
  return {
    proof,
    record,
    pass: (span: number) => {
      now += span;
    },
    /** As a judgement asks: quickly, and with a hash if it must be. */
    prove: async (passphrase: string | null, address = '10.0.0.1') =>
      proof.quick(record, passphrase, address, now) ?? proof.check(record, passphrase ?? '', address, () => now),
    quick: (passphrase: string | null, address = '10.0.0.1') => proof.quick(record, passphrase, address, now),
    retryAfter: (address = '10.0.0.1') => proof.retryAfter(record, address, now),
  };
}

test('a window holds five failures of an address for 15 minutes and fifty of all addresses for an hour', () => {
  const own = (count: number, at: number) => Array.from({ length: count }, () => ({ address: 'a', at }));
  assert.equal(waitAfter(own(4, NOW), 'a', BOUNDS, NOW), 0);
  assert.equal(waitAfter(own(5, NOW), 'a', BOUNDS, NOW), 15 * MINUTE);
  assert.equal(waitAfter(own(5, NOW), 'a', BOUNDS, NOW + 15 * MINUTE - 1), 1);
  assert.equal(waitAfter(own(5, NOW), 'a', BOUNDS, NOW + 15 * MINUTE), 0);
  assert.equal(waitAfter(own(5, NOW), 'b', BOUNDS, NOW), 0);
  const many = Array.from({ length: 50 }, (_, at) => ({ address: `s${at}`, at: NOW }));
  assert.equal(waitAfter(many.slice(1), 'b', BOUNDS, NOW), 0);
  assert.equal(waitAfter(many, 'b', BOUNDS, NOW), HOUR);
  assert.equal(waitAfter(many, 'b', BOUNDS, NOW + HOUR), 0);
  assert.equal(waitAfter(many, 'b', BOUNDS, NOW, true), 0);
});

test('a token without a passphrase needs none, and one with a passphrase asks for it', async () => {
  const { proof, quick } = setUp('tok_plain');
  assert.equal(proof.quick(recordOf('tok_none', null), null, 'a', NOW), 'not_needed');
  assert.equal(proof.quick(recordOf('tok_none', null), 'whatever', 'a', NOW), 'not_needed');
  assert.equal(quick(null), 'missing');
});

test('a pair that was proven once needs no hash the second time, whatever its composition', async () => {
  const { quick, prove } = setUp('tok_proven');
  assert.equal(quick(RIGHT), null);
  assert.equal(await prove(RIGHT), 'correct');
  assert.equal(quick(RIGHT), 'correct');
  assert.equal(quick(RIGHT, '10.9.9.9'), 'correct');
  assert.equal(quick('incorrect horse'), null);
});

test('five wrong tries of an address are judged; then even the right passphrase is limited, for 15 minutes', async () => {
  const { quick, prove, pass, retryAfter } = setUp('tok_five');
  assert.equal(await prove(RIGHT), 'correct');
  for (let count = 0; count < 5; count++) assert.equal(await prove(`wrong ${count}`), 'incorrect');
  assert.equal(quick(RIGHT), 'limited');
  assert.equal(quick('wrong again'), 'limited');
  assert.equal(retryAfter(), 15 * 60);
  assert.equal(quick(RIGHT, '10.0.0.2'), 'correct');
  pass(15 * MINUTE - 1);
  assert.equal(quick(RIGHT), 'limited');
  assert.equal(retryAfter(), 1);
  pass(1);
  assert.equal(quick(RIGHT), 'correct');
});

test('after fifty failures from anywhere in an hour every address is limited', async () => {
  const { quick, prove, pass } = setUp('tok_fifty');
  assert.equal(await prove(RIGHT), 'correct');
  await house.store.transaction(async (trx) => {
    for (let at = 0; at < 49; at++) await insertFailure(trx, 'tok_fifty', `10.1.0.${at}`, NOW);
  });
  assert.equal(await prove('wrong', '10.2.0.1'), 'incorrect');
  assert.equal(quick(RIGHT, '10.3.0.1'), 'limited');
  pass(HOUR);
  assert.equal(quick(RIGHT, '10.3.0.1'), 'correct');
});

test('CVE-2026-27801: forty wrong tries in parallel are five judged and thirty-five limited', async () => {
  for (const [id, word] of [
    ['tok_parallel', (at: number) => `wrong ${at}`],
    ['tok_parallel_same', () => 'the same wrong one'],
  ] as const) {
    const { prove } = setUp(id);
    const verdicts = await Promise.all(Array.from({ length: 40 }, (_, at) => prove(word(at))));
    assert.equal(verdicts.filter((verdict) => verdict === 'incorrect').length, 5, id);
    assert.equal(verdicts.filter((verdict) => verdict === 'limited').length, 35, id);
    assert.equal((await failures.recentFailures(id, 0)).length, 5, id);
  }
});

test('CVE-2026-35597: failures are in the store, so a restart forgives none', async () => {
  const first = setUp('tok_restart');
  for (let count = 0; count < 5; count++) await first.prove('wrong');
  const second = setUp('tok_restart');
  assert.equal(await second.prove(RIGHT), 'limited');
});

test('many right tries at once share one hash and are all right', async () => {
  const { prove } = setUp('tok_crowd');
  const verdicts = await Promise.all(Array.from({ length: 500 }, () => prove(RIGHT)));
  assert.deepEqual([...new Set(verdicts)], ['correct']);
});
