import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../contract/problem.ts';
import { createFindRecord } from './find-record.ts';
import { createLeakyBucketLimiter } from './leaky-bucket-limiter.ts';
import type { StoredCredential } from './record.ts';
import { createRecordCache } from './record-cache.ts';
import { createRecordRegistry } from './registry.ts';

const LIMITS = { burst: 10, perSecond: 5, maxClients: 3 };
const ADDRESS = '10.0.0.1';

const stored: StoredCredential = {
  kind: 'api_key',
  id: 'key_1',
  name: 'one',
  workspaceId: 'wsp_1',
  rights: ['read'],
  active: true,
  expiresAt: null,
  createdAt: 1,
  passphraseHash: null,
};

/** A registry over a store that has a record for every digest that begins with `known`. */
function setUp(options: { capacity?: number; holdsLease?: () => boolean } = {}) {
  let now = 1_800_000_000_000;
  let reads = 0;
  const unknownSecretLimiter = createLeakyBucketLimiter(LIMITS);
  const registry = createRecordRegistry({
    lease: { holds: options.holdsLease ?? (() => true) },
    cache: createRecordCache(options.capacity ?? 100),
    read(digest) {
      reads++;
      return Promise.resolve(digest.startsWith('known') ? { ...stored, id: digest } : null);
    },
  });
  const find = createFindRecord(registry, unknownSecretLimiter, () => now);
  return {
    registry,
    unknownSecretLimiter,
    reads: () => reads,
    advance: (ms: number) => {
      now += ms;
    },
    /**
     * Resolves to the ID of the record, to null if there is none, or to the seconds to wait if the limit is reached.
     */
    find: async (digest: string, address = ADDRESS) => {
      try {
        return (await find(digest, address))?.id ?? null;
      } catch (error) {
        assert.ok(error instanceof Problem && error.code === 'rate_limited');
        return error.extensions.retryAfter;
      }
    },
  };
}

test('an address may look up a burst of unknown secrets, then as many per second as the bucket drains', async () => {
  const { find, reads, advance, unknownSecretLimiter } = setUp();
  for (let count = 0; count < 10; count++) assert.equal(await find(`guess ${count}`), null);
  assert.equal(await find('one more'), 1);
  assert.equal(reads(), 10);
  assert.equal(unknownSecretLimiter.refusalCount(), 1);
  assert.equal(await find('from elsewhere', '10.0.0.2'), null);
  advance(1000);
  for (let count = 0; count < 5; count++) assert.equal(await find(`later ${count}`), null);
  assert.equal(await find('too soon'), 1);
});

test('successful look-ups are never counted', async () => {
  const { find } = setUp();
  for (let count = 0; count < 1000; count++) assert.equal(await find(`known_${count}`), `known_${count}`);
});

test("a flood of unknown secrets neither evicts cached records nor limits their look-ups, even after the node's lease has expired", async () => {
  let holdsLease = true;
  const { find, registry, reads } = setUp({ capacity: 5, holdsLease: () => holdsLease });
  for (let count = 0; count < 5; count++) await find(`known_${count}`);
  for (let count = 0; count < 100; count++) await find(`guess ${count}`);
  assert.equal(registry.size(), 5);
  assert.equal(reads(), 15);
  for (let count = 0; count < 5; count++) assert.equal(await find(`known_${count}`), `known_${count}`);
  assert.equal(reads(), 15);
  holdsLease = false;
  assert.equal(await find('known_1'), 'known_1');
  assert.equal(reads(), 16);
});

test('when too many addresses are tracked, the one that least recently sent an unknown secret is forgotten', async () => {
  const { find } = setUp();
  for (let count = 0; count < 10; count++) await find(`guess ${count}`);
  assert.equal(await find('again'), 1);
  for (const other of ['10.0.0.2', '10.0.0.3', '10.0.0.4']) await find('other', other);
  assert.equal(await find('again'), null);
});

test('a clock that goes back neither drains the bucket nor extends the wait', async () => {
  const { find, advance } = setUp();
  for (let count = 0; count < 10; count++) await find(`guess ${count}`);
  advance(-60_000);
  assert.equal(await find('again'), 1);
  advance(60_200);
  assert.equal(await find('again'), null);
});
