import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY, FAILURE_LIMITS, HOUR, MINUTE } from '../contract/limits.ts';
import { countFailure, recentFailures } from '../store/failures.ts';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { createFailureLimiter, type FailureStore, waitMsAfter } from './failure-limiter.ts';
import { hashPassphrase } from './passphrase.ts';
import { createPassphraseVerifier } from './passphrase-verifier.ts';
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
  workspace: { id: 'wsp_1', revoked: false },
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
  const passphraseVerifier = createPassphraseVerifier(
    createFailureLimiter(failures, BOUNDS),
    createTrustedClients(used),
  );
  const record = recordOf(id, passphraseHash);
  return {
    proof: passphraseVerifier,
    record,
    pass: (span: number) => {
      now += span;
    },
    /** As a judgement asks: quickly, and with a hash if it must be. */
    prove: async (passphrase: string | null, address = '10.0.0.1') =>
      passphraseVerifier.checkCached(record, passphrase, address, now) ??
      passphraseVerifier.verify(record, passphrase ?? '', address, () => now),
    quick: (passphrase: string | null, address = '10.0.0.1') =>
      passphraseVerifier.checkCached(record, passphrase, address, now),
    retryAfter: (address = '10.0.0.1') => passphraseVerifier.retryAfterSeconds(record, address, now),
  };
}

test('a window holds five failures of an address for 15 minutes and fifty of all addresses for an hour', () => {
  const own = (count: number, index: number) => Array.from({ length: count }, () => ({ address: 'a', at: index }));
  assert.equal(waitMsAfter(own(4, NOW), 'a', BOUNDS, NOW), 0);
  assert.equal(waitMsAfter(own(5, NOW), 'a', BOUNDS, NOW), 15 * MINUTE);
  assert.equal(waitMsAfter(own(5, NOW), 'a', BOUNDS, NOW + 15 * MINUTE - 1), 1);
  assert.equal(waitMsAfter(own(5, NOW), 'a', BOUNDS, NOW + 15 * MINUTE), 0);
  assert.equal(waitMsAfter(own(5, NOW), 'b', BOUNDS, NOW), 0);
  const many = Array.from({ length: 50 }, (_, index) => ({ address: `s${index}`, at: NOW }));
  assert.equal(waitMsAfter(many.slice(1), 'b', BOUNDS, NOW), 0);
  assert.equal(waitMsAfter(many, 'b', BOUNDS, NOW), HOUR);
  assert.equal(waitMsAfter(many, 'b', BOUNDS, NOW + HOUR), 0);
  assert.equal(waitMsAfter(many, 'b', BOUNDS, NOW, true), 0);
});

forEachEngine('proofs of passphrases', (engine) => {
  let store: Store;
  let failures: FailureStore;
  let phc: string;
  before(async () => {
    store = await engine.open();
    failures = {
      recentFailures: (subject, since) => recentFailures(store.read, subject, since),
      countFailureIfAllowed: (subject, failure, since, allows) =>
        store.transaction((trx) => countFailure(trx, subject, failure, since, allows)),
    };
    phc = await hashPassphrase(RIGHT, 'ws_1');
  });
  after(() => store.close());
  const setUp = (id: string) => setUpOn(id, failures, phc);

  test('a token without a passphrase needs none, and one with a passphrase asks for it', async () => {
    const { proof: passphraseVerifier, quick } = setUp('tok_plain');
    assert.equal(passphraseVerifier.checkCached(recordOf('tok_none', null), null, 'a', NOW), 'not_needed');
    assert.equal(passphraseVerifier.checkCached(recordOf('tok_none', null), 'whatever', 'a', NOW), 'not_needed');
    assert.equal(quick(null), 'missing');
  });

  test('a pair that was proven once needs no hash the second time, whatever its composition', async () => {
    const { quick, prove: verify } = setUp('tok_proven');
    assert.equal(quick(RIGHT), null);
    assert.equal(await verify(RIGHT), 'correct');
    assert.equal(quick(RIGHT), 'correct');
    assert.equal(quick(RIGHT, '10.9.9.9'), 'correct');
    assert.equal(quick('incorrect horse'), null);
  });

  test('five wrong tries of an address are judged; then even the right passphrase is limited, for 15 minutes', async () => {
    const { quick, prove: verify, pass, retryAfter } = setUp('tok_five');
    assert.equal(await verify(RIGHT), 'correct');
    for (let count = 0; count < 5; count++) assert.equal(await verify(`wrong ${count}`), 'incorrect');
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
    const { quick, prove: verify, pass } = setUp('tok_fifty');
    assert.equal(await verify(RIGHT), 'correct');
    for (let index = 0; index < 49; index++) {
      const failure = { address: `10.1.0.${index}`, at: NOW };
      await failures.countFailureIfAllowed('tok_fifty', failure, 0, () => true);
    }
    assert.equal(await verify('wrong', '10.2.0.1'), 'incorrect');
    assert.equal(await verify(RIGHT, '10.3.0.1'), 'limited');
    assert.equal(quick(RIGHT, '10.3.0.1'), 'limited');
    pass(HOUR);
    assert.equal(quick(RIGHT, '10.3.0.1'), 'correct');
  });

  test('others do not lock an address from which the right pair was used in the last 30 days, only it itself', async () => {
    const used = [{ address: '2001:db8::1', at: NOW - 29 * DAY }];
    let reads = 0;
    const {
      quick,
      prove: verify,
      pass,
      retryAfter,
    } = setUpOn('tok_trusted', failures, phc, async (_workspace, _id, since) => {
      reads++;
      return used.filter(({ at: index }) => index > since).map(({ address }) => address);
    });
    for (let index = 0; index < 50; index++) {
      await failures.countFailureIfAllowed('tok_trusted', { address: `10.1.0.${index}`, at: NOW }, 0, () => true);
    }
    const [own, neighbour, stranger] = ['2001:db8::1', '2001:db8::ffff', '2001:db8:0:1::1'] as const;
    assert.equal(await verify(RIGHT, own), 'correct');
    assert.equal(quick(RIGHT, neighbour), 'correct', 'a client is a network');
    assert.equal(await verify(RIGHT, stranger), 'limited');
    assert.equal(reads, 2);
    for (let again = 0; again < 20; again++) assert.equal(await verify(RIGHT, stranger), 'limited');
    assert.equal(reads, 2, 'tries that are locked cost no read each');
    assert.equal(retryAfter(stranger), HOUR / 1000);
    for (let count = 0; count < 5; count++) assert.equal(await verify(`wrong ${count}`, own), 'incorrect');
    assert.equal(await verify(RIGHT, own), 'limited');
    assert.equal(retryAfter(own), (15 * MINUTE) / 1000);
    pass(16 * MINUTE);
    assert.equal(await verify(RIGHT, own), 'correct');
    used.splice(0, 1, { address: own, at: NOW - 30 * DAY });
    pass(MINUTE);
    assert.equal(await verify(RIGHT, own), 'limited');
  });

  test('CVE-2026-27801: forty wrong tries in parallel are five judged and thirty-five limited', async () => {
    for (const [id, word] of [
      ['tok_parallel', (index: number) => `wrong ${index}`],
      ['tok_parallel_same', () => 'the same wrong one'],
    ] as const) {
      const { prove: verify } = setUp(id);
      const results = await Promise.all(Array.from({ length: 40 }, (_, index) => verify(word(index))));
      assert.equal(results.filter((result) => result === 'incorrect').length, 5, id);
      assert.equal(results.filter((result) => result === 'limited').length, 35, id);
      assert.equal((await failures.recentFailures(id, 0)).length, 5, id);
    }
  });

  test('on three nodes at once five wrong tries of an address are told, and a right one counts as their order has it', async () => {
    const nodes = [setUp('tok_nodes'), setUp('tok_nodes'), setUp('tok_nodes')];
    const results = await Promise.all(
      nodes.flatMap(({ prove: verify }, node) =>
        Array.from({ length: 15 }, (_, index) => verify(`wrong ${node} ${index}`)),
      ),
    );
    assert.equal(results.filter((result) => result === 'incorrect').length, 5);
    assert.equal(results.filter((result) => result === 'limited').length, 40);
    assert.equal((await failures.recentFailures('tok_nodes', 0)).length, 5);
    for (const { prove: verify } of nodes) assert.equal(await verify(RIGHT), 'limited');
  });

  test('on three nodes at once fifty wrong tries from anywhere are told', async () => {
    const nodes = [setUp('tok_anywhere'), setUp('tok_anywhere'), setUp('tok_anywhere')];
    const results = await Promise.all(
      nodes.flatMap(({ prove: verify }, node) =>
        Array.from({ length: 20 }, (_, index) => verify('wrong', `10.${node}.0.${index}`)),
      ),
    );
    assert.equal(results.filter((result) => result === 'incorrect').length, 50);
    assert.equal(results.filter((result) => result === 'limited').length, 10);
  });

  test('a right passphrase whose hash took until the limit was reached elsewhere opens nothing', async () => {
    let hashing = false;
    const slow: FailureStore = {
      ...failures,
      async recentFailures(subject, since) {
        // The second read comes after the hash: by then another node has counted five.
        if (hashing)
          for (let index = 0; index < 5; index++)
            await failures.countFailureIfAllowed(subject, { address: '10.0.0.1', at: NOW }, 0, () => true);
        hashing = true;
        return failures.recentFailures(subject, since);
      },
    };
    const { prove: verify, quick } = setUpOn('tok_slow', slow, phc);
    assert.equal(await verify(RIGHT), 'limited');
    assert.equal(quick(RIGHT), 'limited');
  });

  test('right tries on many nodes at once are all right', async () => {
    const nodes = Array.from({ length: 8 }, () => setUp('tok_together'));
    const results = await Promise.all(nodes.map(({ prove: verify }) => verify(RIGHT)));
    assert.deepEqual([...new Set(results)], ['correct']);
    assert.equal((await failures.recentFailures('tok_together', 0)).length, 0);
  });

  test('CVE-2026-35597: failures are in the store, so a restart forgives none', async () => {
    const first = setUp('tok_restart');
    for (let count = 0; count < 5; count++) await first.prove('wrong');
    const second = setUp('tok_restart');
    assert.equal(await second.prove(RIGHT), 'limited');
  });

  test('many right tries at once share one hash and are all right', async () => {
    const { prove: verify } = setUp('tok_crowd');
    const results = await Promise.all(Array.from({ length: 500 }, () => verify(RIGHT)));
    assert.deepEqual([...new Set(results)], ['correct']);
  });
});
