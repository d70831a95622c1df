import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY, FAILURE_LIMITS, HOUR, MINUTE } from '../contract/limits.ts';
import { countFailure, listRecentFailures } from '../store/failures.ts';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { createFailureLimiter, type FailureStore, waitMsAfter } from './failure-limiter.ts';
import { hashPassphrase } from './passphrase.ts';
import { createPassphraseVerifier } from './passphrase-verifier.ts';
import type { CredentialRecord } from './record.ts';
import { createTrustedClients, type ReadUsedAddresses } from './trusted-clients.ts';

const PASSPHRASE_LIMITS = FAILURE_LIMITS.passphrase;
const NOW = 1_800_000_000_000;
const CORRECT = 'correct horse';

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
  restrictions: null,
  row: -1,
});

/** The passphrase verifier of one node, for one token. */
function setUpNode(
  id: string,
  failures: FailureStore,
  passphraseHash: string,
  readUsedAddresses: ReadUsedAddresses = async () => [],
) {
  let now = NOW;
  const passphraseVerifier = createPassphraseVerifier(
    createFailureLimiter(failures, PASSPHRASE_LIMITS),
    createTrustedClients(readUsedAddresses),
  );
  const record = recordOf(id, passphraseHash);
  return {
    passphraseVerifier,
    record,
    advance: (ms: number) => {
      now += ms;
    },
    /** Verifies as `authenticate` does: from the cache if possible, otherwise with a hash. */
    verify: async (passphrase: string | null, address = '10.0.0.1') =>
      passphraseVerifier.checkCached(record, passphrase, address, now) ??
      passphraseVerifier.verify(record, passphrase ?? '', address, () => now),
    checkCached: (passphrase: string | null, address = '10.0.0.1') =>
      passphraseVerifier.checkCached(record, passphrase, address, now),
    retryAfter: (address = '10.0.0.1') => passphraseVerifier.retryAfterSeconds(record, address, now),
  };
}

test('the limits are five failures per address in 15 minutes and fifty from all addresses in an hour', () => {
  const failuresOfA = (count: number, at: number) => Array.from({ length: count }, () => ({ address: 'a', at }));
  assert.equal(waitMsAfter(failuresOfA(4, NOW), 'a', PASSPHRASE_LIMITS, NOW), 0);
  assert.equal(waitMsAfter(failuresOfA(5, NOW), 'a', PASSPHRASE_LIMITS, NOW), 15 * MINUTE);
  assert.equal(waitMsAfter(failuresOfA(5, NOW), 'a', PASSPHRASE_LIMITS, NOW + 15 * MINUTE - 1), 1);
  assert.equal(waitMsAfter(failuresOfA(5, NOW), 'a', PASSPHRASE_LIMITS, NOW + 15 * MINUTE), 0);
  assert.equal(waitMsAfter(failuresOfA(5, NOW), 'b', PASSPHRASE_LIMITS, NOW), 0);
  const fiftyFailures = Array.from({ length: 50 }, (_, index) => ({ address: `s${index}`, at: NOW }));
  assert.equal(waitMsAfter(fiftyFailures.slice(1), 'b', PASSPHRASE_LIMITS, NOW), 0);
  assert.equal(waitMsAfter(fiftyFailures, 'b', PASSPHRASE_LIMITS, NOW), HOUR);
  assert.equal(waitMsAfter(fiftyFailures, 'b', PASSPHRASE_LIMITS, NOW + HOUR), 0);
  assert.equal(waitMsAfter(fiftyFailures, 'b', PASSPHRASE_LIMITS, NOW, true), 0);
});

forEachEngine('verification of passphrases', (engine) => {
  let store: Store;
  let failures: FailureStore;
  let passphraseHash: string;
  before(async () => {
    store = await engine.open();
    failures = {
      recentFailures: (subject, since) => listRecentFailures(store.read, subject, since),
      countFailureIfAllowed: (subject, failure, since, allows) =>
        store.transaction((trx) => countFailure(trx, subject, failure, since, allows)),
    };
    passphraseHash = await hashPassphrase(CORRECT, 'ws_1');
  });
  after(() => store.close());
  const setUp = (id: string) => setUpNode(id, failures, passphraseHash);

  test('a passphrase is required only for tokens that have one', async () => {
    const { passphraseVerifier, checkCached } = setUp('tok_plain');
    assert.equal(passphraseVerifier.checkCached(recordOf('tok_none', null), null, 'a', NOW), 'not_needed');
    assert.equal(passphraseVerifier.checkCached(recordOf('tok_none', null), 'whatever', 'a', NOW), 'not_needed');
    assert.equal(checkCached(null), 'missing');
  });

  test('a verified passphrase needs no hash the second time, from any address', async () => {
    const { checkCached, verify } = setUp('tok_verified');
    assert.equal(checkCached(CORRECT), null);
    assert.equal(await verify(CORRECT), 'correct');
    assert.equal(checkCached(CORRECT), 'correct');
    assert.equal(checkCached(CORRECT, '10.9.9.9'), 'correct');
    assert.equal(checkCached('incorrect horse'), null);
  });

  test('after five wrong attempts from one address even the correct passphrase is limited for 15 minutes', async () => {
    const { checkCached, verify, advance, retryAfter } = setUp('tok_five');
    assert.equal(await verify(CORRECT), 'correct');
    for (let count = 0; count < 5; count++) assert.equal(await verify(`wrong ${count}`), 'incorrect');
    assert.equal(checkCached(CORRECT), 'limited');
    assert.equal(checkCached('wrong again'), 'limited');
    assert.equal(retryAfter(), 15 * 60);
    assert.equal(checkCached(CORRECT, '10.0.0.2'), 'correct');
    advance(15 * MINUTE - 1);
    assert.equal(checkCached(CORRECT), 'limited');
    assert.equal(retryAfter(), 1);
    advance(1);
    assert.equal(checkCached(CORRECT), 'correct');
  });

  test('after fifty failures within an hour every address is limited, unless it is trusted', async () => {
    const { checkCached, verify, advance } = setUp('tok_fifty');
    assert.equal(await verify(CORRECT), 'correct');
    for (let index = 0; index < 49; index++) {
      const failure = { address: `10.1.0.${index}`, at: NOW };
      await failures.countFailureIfAllowed('tok_fifty', failure, 0, () => true);
    }
    assert.equal(await verify('wrong', '10.2.0.1'), 'incorrect');
    assert.equal(await verify(CORRECT, '10.3.0.1'), 'limited');
    assert.equal(checkCached(CORRECT, '10.3.0.1'), 'limited');
    advance(HOUR);
    assert.equal(checkCached(CORRECT, '10.3.0.1'), 'correct');
  });

  test('a client that used the secret with its passphrase in the last 30 days is limited only by its own failures', async () => {
    const used = [{ address: '2001:db8::1', at: NOW - 29 * DAY }];
    let reads = 0;
    const { checkCached, verify, advance, retryAfter } = setUpNode(
      'tok_trusted',
      failures,
      passphraseHash,
      async (_workspace, _id, since) => {
        reads++;
        return used.filter(({ at }) => at > since).map(({ address }) => address);
      },
    );
    for (let index = 0; index < 50; index++) {
      await failures.countFailureIfAllowed('tok_trusted', { address: `10.1.0.${index}`, at: NOW }, 0, () => true);
    }
    const [ownAddress, neighbor, stranger] = ['2001:db8::1', '2001:db8::ffff', '2001:db8:0:1::1'] as const;
    assert.equal(await verify(CORRECT, ownAddress), 'correct');
    assert.equal(checkCached(CORRECT, neighbor), 'correct', 'a client is a network');
    assert.equal(await verify(CORRECT, stranger), 'limited');
    assert.equal(reads, 2);
    for (let again = 0; again < 20; again++) assert.equal(await verify(CORRECT, stranger), 'limited');
    assert.equal(reads, 2, 'limited attempts cause no further read');
    assert.equal(retryAfter(stranger), HOUR / 1000);
    for (let count = 0; count < 5; count++) assert.equal(await verify(`wrong ${count}`, ownAddress), 'incorrect');
    assert.equal(await verify(CORRECT, ownAddress), 'limited');
    assert.equal(retryAfter(ownAddress), (15 * MINUTE) / 1000);
    advance(16 * MINUTE);
    assert.equal(await verify(CORRECT, ownAddress), 'correct');
    used.splice(0, 1, { address: ownAddress, at: NOW - 30 * DAY });
    advance(MINUTE);
    assert.equal(await verify(CORRECT, ownAddress), 'limited');
  });

  test('of forty wrong attempts in parallel, five are refused as incorrect and thirty-five as limited (unlike in CVE-2026-27801)', async () => {
    for (const [id, wrongPassphrase] of [
      ['tok_parallel', (index: number) => `wrong ${index}`],
      ['tok_parallel_same', () => 'the same wrong passphrase'],
    ] as const) {
      const { verify } = setUp(id);
      const results = await Promise.all(Array.from({ length: 40 }, (_, index) => verify(wrongPassphrase(index))));
      assert.equal(results.filter((result) => result === 'incorrect').length, 5, id);
      assert.equal(results.filter((result) => result === 'limited').length, 35, id);
      assert.equal((await failures.recentFailures(id, 0)).length, 5, id);
    }
  });

  test('of wrong attempts from one address on three nodes in parallel, five are refused as incorrect and all others as limited', async () => {
    const nodes = [setUp('tok_nodes'), setUp('tok_nodes'), setUp('tok_nodes')];
    const results = await Promise.all(
      nodes.flatMap(({ verify }, node) => Array.from({ length: 15 }, (_, index) => verify(`wrong ${node} ${index}`))),
    );
    assert.equal(results.filter((result) => result === 'incorrect').length, 5);
    assert.equal(results.filter((result) => result === 'limited').length, 40);
    assert.equal((await failures.recentFailures('tok_nodes', 0)).length, 5);
    for (const { verify } of nodes) assert.equal(await verify(CORRECT), 'limited');
  });

  test('of wrong attempts from many addresses on three nodes in parallel, fifty are refused as incorrect and all others as limited', async () => {
    const nodes = [setUp('tok_anywhere'), setUp('tok_anywhere'), setUp('tok_anywhere')];
    const results = await Promise.all(
      nodes.flatMap(({ verify }, node) =>
        Array.from({ length: 20 }, (_, index) => verify('wrong', `10.${node}.0.${index}`)),
      ),
    );
    assert.equal(results.filter((result) => result === 'incorrect').length, 50);
    assert.equal(results.filter((result) => result === 'limited').length, 10);
  });

  test('a correct passphrase is limited if another node reached the limit during its hash', async () => {
    let isSecondRead = false;
    const slowStore: FailureStore = {
      ...failures,
      async recentFailures(subject, since) {
        // The second read follows the hash; by then another node has counted five failures.
        if (isSecondRead) {
          for (let index = 0; index < 5; index++)
            await failures.countFailureIfAllowed(subject, { address: '10.0.0.1', at: NOW }, 0, () => true);
        }
        isSecondRead = true;
        return failures.recentFailures(subject, since);
      },
    };
    const { verify, checkCached } = setUpNode('tok_slow', slowStore, passphraseHash);
    assert.equal(await verify(CORRECT), 'limited');
    assert.equal(checkCached(CORRECT), 'limited');
  });

  test('correct attempts on many nodes in parallel all succeed', async () => {
    const nodes = Array.from({ length: 8 }, () => setUp('tok_together'));
    const results = await Promise.all(nodes.map(({ verify }) => verify(CORRECT)));
    assert.deepEqual([...new Set(results)], ['correct']);
    assert.equal((await failures.recentFailures('tok_together', 0)).length, 0);
  });

  test('failures are stored, so they survive a restart (unlike in CVE-2026-35597)', async () => {
    const first = setUp('tok_restart');
    for (let count = 0; count < 5; count++) await first.verify('wrong');
    const second = setUp('tok_restart');
    assert.equal(await second.verify(CORRECT), 'limited');
  });

  test('more correct attempts in parallel than can wait for a hash all succeed, because they share one hash', async () => {
    const { verify } = setUp('tok_crowd');
    const results = await Promise.all(Array.from({ length: 500 }, () => verify(CORRECT)));
    assert.deepEqual([...new Set(results)], ['correct']);
  });
});
