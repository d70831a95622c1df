import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../contract/problem.ts';
import { hashPassphrase, verifyPassphrase } from './passphrase.ts';

const PARTY = 'ws_1';
/** Half of the queue's capacity: the maximum number of running and waiting hashes of one party. */
const MAX_PER_PARTY = 128;

test('a hash is an argon2id PHC string with 19 MiB, two passes and one lane, and matches only its passphrase', async () => {
  const phc = await hashPassphrase('correct horse', PARTY);
  assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.equal(await verifyPassphrase(phc, 'correct horse', PARTY), true);
  for (const wrong of ['correct horse ', 'Correct horse', 'correct hors', '', 'x'.repeat(8192)]) {
    assert.equal(await verifyPassphrase(phc, wrong, PARTY), false);
  }
  assert.notEqual(await hashPassphrase('correct horse', PARTY), phc);
});

test('a passphrase matches in any Unicode normalization form, and is never truncated', async () => {
  const composed = await hashPassphrase('Åström Café 🔑', PARTY);
  assert.equal(await verifyPassphrase(composed, 'Åström Café 🔑'.normalize('NFD'), PARTY), true);
  const decomposed = await hashPassphrase('Åström Café 🔑'.normalize('NFD'), PARTY);
  assert.equal(await verifyPassphrase(decomposed, 'Åström Café 🔑', PARTY), true);
  const long = `${'é'.repeat(254)}x`;
  const hashed = await hashPassphrase(long, PARTY);
  assert.equal(await verifyPassphrase(hashed, long, PARTY), true);
  assert.equal(await verifyPassphrase(hashed, `${'é'.repeat(254)}y`, PARTY), false);
});

test('a hash with other costs is verified with those costs', async () => {
  // The argon2id test vector of the PHC reference implementation: password, somesalt, 64 MiB, t=2, p=1.
  const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  assert.equal(await verifyPassphrase(reference, 'password', PARTY), true);
  assert.equal(await verifyPassphrase(reference, 'passwore', PARTY), false);
});

test('a stored hash that is not argon2id is an error, never a match', async () => {
  for (const phc of ['', 'plain', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$AAAA', '$2b$10$abcdefghijklmnopqrstuv']) {
    await assert.rejects(verifyPassphrase(phc, 'plain', PARTY));
  }
});

test('further hashes of a party with too many waiting ones are refused, and other parties get their turn', async () => {
  const noisy = Array.from({ length: 150 }, (_, index) => hashPassphrase(`passphrase ${index}`, 'noisy'));
  let noisyDone = 0;
  for (const hash of noisy) hash.then(() => noisyDone++).catch(() => undefined);
  /** How many hashes of the noisy party were still waiting when each quiet party's hash was done. */
  const noisyWaiting: number[] = [];
  const quiet = Array.from({ length: 5 }, async (_, index) => {
    await hashPassphrase(`passphrase ${index}`, `quiet ${index}`);
    noisyWaiting.push(MAX_PER_PARTY - noisyDone);
  });
  await Promise.all(quiet);
  assert.ok(
    noisyWaiting.every((count) => count > 100),
    `the noisy party had ${noisyWaiting.join(', ')} hashes left`,
  );
  const refused = (await Promise.allSettled(noisy)).filter((result) => result.status === 'rejected');
  assert.equal(refused.length, 150 - MAX_PER_PARTY);
  for (const result of refused) assert.equal(result.reason instanceof Problem && result.reason.code, 'unavailable');
});
