import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredCredential } from './record.ts';
import { createRecordCache } from './record-cache.ts';
import { createRecordRegistry } from './registry.ts';

const stored = (id: string, workspaceId = 'wsp_1', name = 'one'): StoredCredential => ({
  kind: 'api_key',
  id,
  name,
  workspaceId,
  rights: ['read'],
  active: true,
  expiresAt: null,
  createdAt: 1,
  passphraseHash: null,
});

/** A registry over a table of credentials. After `holdReads(true)`, each read stays open until the test ends it. */
function setUp(options: { capacity?: number; holds?: () => boolean } = {}) {
  const table = new Map<string, StoredCredential>();
  const openReads: { digest: string; end: () => void; fail: (error: Error) => void }[] = [];
  let reads = 0;
  let isHolding = false;
  const registry = createRecordRegistry({
    lease: { holds: options.holds ?? (() => true) },
    cache: createRecordCache(options.capacity ?? 1000),
    read(digest) {
      reads++;
      const credential = table.get(digest) ?? null;
      if (!isHolding) return Promise.resolve(credential);
      return new Promise((resolve, reject) => openReads.push({ digest, end: () => resolve(credential), fail: reject }));
    },
  });
  return {
    table,
    registry,
    openReads,
    reads: () => reads,
    holdReads: (hold: boolean) => {
      isHolding = hold;
    },
  };
}
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('a record is read once and then cached; an unknown digest is never cached', async () => {
  const { table, registry, reads } = setUp();
  table.set('a', stored('key_a'));
  assert.equal(registry.findCached('a'), null);
  assert.equal((await registry.find('a'))?.id, 'key_a');
  assert.equal((await registry.find('a'))?.id, 'key_a');
  assert.equal(registry.findCached('a')?.id, 'key_a');
  assert.equal(reads(), 1);
  assert.equal(await registry.find('unknown'), null);
  assert.equal(await registry.find('unknown'), null);
  assert.equal(reads(), 3);
  assert.equal(registry.size(), 1);
});

test('1,000 parallel look-ups of an uncached digest share one read', async () => {
  const { table, registry, openReads, holdReads, reads } = setUp();
  table.set('a', stored('key_a'));
  holdReads(true);
  const lookUps = Promise.all(Array.from({ length: 1000 }, () => registry.find('a')));
  await nextTurn();
  assert.equal(reads(), 1);
  openReads[0]?.end();
  const records = await lookUps;
  assert.equal(new Set(records).size, 1);
  assert.equal(records[0]?.id, 'key_a');
});

test('a failed read rejects all its look-ups, is not cached, and is retried by the next look-up', async () => {
  const { table, registry, openReads, holdReads } = setUp();
  table.set('a', stored('key_a'));
  holdReads(true);
  const waiting = [registry.find('a'), registry.find('a')].map((promise) =>
    promise.catch((error: Error) => error.message),
  );
  await nextTurn();
  openReads[0]?.fail(new Error('no store'));
  assert.deepEqual(await Promise.all(waiting), ['no store', 'no store']);
  holdReads(false);
  assert.equal((await registry.find('a'))?.id, 'key_a');
});

test('a revoked record is removed from the cache immediately (unlike in CVE-2026-46554)', async () => {
  const { table, registry } = setUp();
  table.set('a', stored('key_a'));
  table.set('b', stored('key_b'));
  await registry.find('a');
  await registry.find('b');
  table.delete('a');
  registry.apply({ workspaceId: 'wsp_1', digest: 'a' });
  assert.equal(registry.findCached('a'), null);
  assert.equal(await registry.find('a'), null);
  assert.equal(registry.findCached('b')?.id, 'key_b');
});

test('a read that began before a revocation is repeated, and the stale record is not cached', async () => {
  const { table, registry, openReads, holdReads, reads } = setUp();
  table.set('a', stored('key_a', 'wsp_1', 'before'));
  holdReads(true);
  const early = registry.find('a');
  await nextTurn();
  table.set('a', stored('key_a', 'wsp_1', 'after'));
  registry.apply({ workspaceId: 'wsp_1', digest: 'a' });
  holdReads(false);
  openReads[0]?.end();
  assert.equal((await early)?.name, 'after');
  assert.equal(registry.findCached('a')?.name, 'after');
  assert.equal(reads(), 2);
});

test('a look-up after a revocation does not share a read that began before it', async () => {
  const { table, registry, openReads, holdReads } = setUp();
  table.set('a', stored('key_a'));
  holdReads(true);
  const early = registry.find('a');
  await nextTurn();
  table.delete('a');
  registry.apply({ workspaceId: 'wsp_1', digest: 'a' });
  const late = registry.find('a');
  await nextTurn();
  assert.equal(openReads.length, 2);
  holdReads(false);
  openReads[1]?.end();
  assert.equal(await late, null);
  openReads[0]?.end();
  assert.equal(await early, null);
  assert.equal(registry.findCached('a'), null);
});

test('under continuous revocations a read still ends, and its record is not cached', async () => {
  const { table, registry, openReads, holdReads, reads } = setUp();
  table.set('a', stored('key_a'));
  holdReads(true);
  const lookUp = registry.find('a');
  for (let number = 1; number <= 3; number++) {
    await nextTurn();
    registry.apply({ workspaceId: 'wsp_2', digest: 'other' });
    openReads[number - 1]?.end();
  }
  assert.equal((await lookUp)?.id, 'key_a');
  assert.equal(reads(), 3);
  assert.equal(registry.findCached('a'), null);
});

test('revoking a workspace removes all of its records and no others', async () => {
  const { table, registry } = setUp();
  table.set('a', stored('key_a', 'wsp_1'));
  table.set('b', stored('key_b', 'wsp_1'));
  table.set('c', stored('key_c', 'wsp_2'));
  for (const digest of ['a', 'b', 'c']) await registry.find(digest);
  table.delete('a');
  table.delete('b');
  registry.apply({ workspaceId: 'wsp_1', digest: null });
  assert.equal(registry.findCached('a'), null);
  assert.equal(await registry.find('b'), null);
  assert.equal(registry.findCached('c')?.id, 'key_c');
});

test('without the lease the cache is not used, and each look-up reads from the store', async () => {
  let held = true;
  const { table, registry, reads } = setUp({ holds: () => held });
  table.set('a', stored('key_a'));
  await registry.find('a');
  held = false;
  assert.equal(registry.findCached('a'), null);
  await registry.find('a');
  await registry.find('a');
  assert.equal(reads(), 3);
});

test('the cache is bounded, and records in use are not evicted', async () => {
  const { table, registry, reads } = setUp({ capacity: 100 });
  for (let index = 0; index < 300; index++) table.set(`d${index}`, stored(`key_${index}`));
  await registry.find('d0');
  for (let index = 1; index < 300; index++) {
    await registry.find(`d${index}`);
    assert.ok(registry.findCached('d0') !== null, `evicted at ${index}`);
    assert.ok(registry.size() <= 100);
  }
  const before = reads();
  await registry.find('d0');
  assert.equal(reads(), before);
  registry.clear();
  assert.equal(registry.size(), 0);
});
