import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY, FAILURE_LIMITS, HOUR, MINUTE } from '../contract/words.ts';
import { countFailure, recentFailures } from '../store/failures.ts';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { createFailureLimiter, type FailureStore, waitAfter } from './failures.ts';
import { hashPassphrase } from './passphrase.ts';
import { createProof } from './proof.ts';
import type { CredentialRecord } from './record.ts';
import { createTrustedClients, type ReadUsedAddresses } from './trusted-clients.ts';

const BOUNDS = FAILURE_LIMITS.passphrase;
const NOW = 1_800_000_000_000;
const RIGHT = 'correct horse';

const recordOf = (id: string, passphraseHash: string | null): CredentialRecord => ({
  kind: 'access_token',
  label: `${id} CI`,
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

/** A node's proofs of one token. */
function setUpOn(id: string, failures: FailureStore, passphraseHash: string, used: ReadUsedAddresses = async () => []) {
  let now = NOW;
  const proof = createProof(createFailureLimiter(failures, BOUNDS), createTrustedClients(used));
  const record = recordOf(id, passphraseHash);
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

forEachEngine('proofs of passphrases', (engine) => {
  let store: Store;
  let failures: FailureStore;
  let phc: string;
  before(async () => {
    store = await engine.open();
    failures = {
      recentFailures: (subject, since) => recentFailures(store.read, subject, since),
      countFailure: (subject, failure, since, allows) =>
        store.transaction((trx) => countFailure(trx, subject, failure, since, allows)),
    };
    phc = await hashPassphrase(RIGHT, 'ws_1');
  });
  after(() => store.close());
  const setUp = (id: string) => setUpOn(id, failures, phc);

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
    for (let at = 0; at < 49; at++) {
      const failure = { address: `10.1.0.${at}`, at: NOW };
      await failures.countFailure('tok_fifty', failure, 0, () => true);
    }
    assert.equal(await prove('wrong', '10.2.0.1'), 'incorrect');
    assert.equal(await prove(RIGHT, '10.3.0.1'), 'limited');
    assert.equal(quick(RIGHT, '10.3.0.1'), 'limited');
    pass(HOUR);
    assert.equal(quick(RIGHT, '10.3.0.1'), 'correct');
  });

  test('others do not lock an address from which the right pair was used in the last 30 days, only it itself', async () => {
    const used = [{ address: '2001:db8::1', at: NOW - 29 * DAY }];
    let reads = 0;
    const { quick, prove, pass, retryAfter } = setUpOn('tok_trusted', failures, phc, async (_workspace, _id, since) => {
      reads++;
      return used.filter(({ at }) => at > since).map(({ address }) => address);
    });
    for (let at = 0; at < 50; at++) {
      await failures.countFailure('tok_trusted', { address: `10.1.0.${at}`, at: NOW }, 0, () => true);
    }
    const [own, neighbour, stranger] = ['2001:db8::1', '2001:db8::ffff', '2001:db8:0:1::1'] as const;
    assert.equal(await prove(RIGHT, own), 'correct');
    assert.equal(quick(RIGHT, neighbour), 'correct', 'a client is a network');
    assert.equal(await prove(RIGHT, stranger), 'limited');
    assert.equal(reads, 2);
    for (let again = 0; again < 20; again++) assert.equal(await prove(RIGHT, stranger), 'limited');
    assert.equal(reads, 2, 'tries that are locked cost no read each');
    assert.equal(retryAfter(stranger), HOUR / 1000);
    for (let count = 0; count < 5; count++) assert.equal(await prove(`wrong ${count}`, own), 'incorrect');
    assert.equal(await prove(RIGHT, own), 'limited');
    assert.equal(retryAfter(own), (15 * MINUTE) / 1000);
    pass(16 * MINUTE);
    assert.equal(await prove(RIGHT, own), 'correct');
    used.splice(0, 1, { address: own, at: NOW - 30 * DAY });
    pass(MINUTE);
    assert.equal(await prove(RIGHT, own), 'limited');
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

  test('on three nodes at once five wrong tries of an address are told, and a right one counts as their order has it', async () => {
    const nodes = [setUp('tok_nodes'), setUp('tok_nodes'), setUp('tok_nodes')];
    const verdicts = await Promise.all(
      nodes.flatMap(({ prove }, node) => Array.from({ length: 15 }, (_, at) => prove(`wrong ${node} ${at}`))),
    );
    assert.equal(verdicts.filter((verdict) => verdict === 'incorrect').length, 5);
    assert.equal(verdicts.filter((verdict) => verdict === 'limited').length, 40);
    assert.equal((await failures.recentFailures('tok_nodes', 0)).length, 5);
    for (const { prove } of nodes) assert.equal(await prove(RIGHT), 'limited');
  });

  test('on three nodes at once fifty wrong tries from anywhere are told', async () => {
    const nodes = [setUp('tok_anywhere'), setUp('tok_anywhere'), setUp('tok_anywhere')];
    const verdicts = await Promise.all(
      nodes.flatMap(({ prove }, node) => Array.from({ length: 20 }, (_, at) => prove('wrong', `10.${node}.0.${at}`))),
    );
    assert.equal(verdicts.filter((verdict) => verdict === 'incorrect').length, 50);
    assert.equal(verdicts.filter((verdict) => verdict === 'limited').length, 10);
  });

  test('a right passphrase whose hash took until the limit was reached elsewhere opens nothing', async () => {
    let hashing = false;
    const slow: FailureStore = {
      ...failures,
      async recentFailures(subject, since) {
        // The second read comes after the hash: by then another node has counted five.
        if (hashing)
          for (let at = 0; at < 5; at++)
            await failures.countFailure(subject, { address: '10.0.0.1', at: NOW }, 0, () => true);
        hashing = true;
        return failures.recentFailures(subject, since);
      },
    };
    const { prove, quick } = setUpOn('tok_slow', slow, phc);
    assert.equal(await prove(RIGHT), 'limited');
    assert.equal(quick(RIGHT), 'limited');
  });

  test('right tries on many nodes at once are all right', async () => {
    const nodes = Array.from({ length: 8 }, () => setUp('tok_together'));
    const verdicts = await Promise.all(nodes.map(({ prove }) => prove(RIGHT)));
    assert.deepEqual([...new Set(verdicts)], ['correct']);
    assert.equal((await failures.recentFailures('tok_together', 0)).length, 0);
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
});
