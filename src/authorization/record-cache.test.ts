import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_RESTRICTIONS } from '../contract/restrictions.ts';
import { createObjectRecordCache } from './object-record-cache.ts';
import { labelOf, type UncachedRecord } from './record.ts';
import { createRecordCache } from './record-cache.ts';
import { compileRestrictions } from './restrictions.ts';

const CACHES = { 'cache of rows': createRecordCache, 'cache of objects': createObjectRecordCache };

const workspace = { id: 'wsp_1', revoked: false };
const recordOf = (index: number, version = 0): UncachedRecord => ({
  kind: index % 2 === 0 ? 'access_token' : 'api_key',
  label: labelOf(`tok_${index}`, `name ${version}`),
  id: `tok_${index}`,
  name: `name ${version}`,
  workspace,
  rights: index,
  active: index % 3 !== 0,
  expiresAt: index % 4 === 0 ? null : 253_402_300_799_999 - index,
  createdAt: index * 1e10,
  passphraseHash: index % 5 === 0 ? `$argon2id$${index}` : null,
  restrictions: index % 3 === 0 ? compileRestrictions({ ...NO_RESTRICTIONS, apps: [`app_${index}`] }) : null,
});

/**
 * Returns one of 256 digests; many of them share the first word, and therefore the slot, and some also the second word.
 */
function digestOf(index: number): string {
  const bytes = new Uint8Array(32).fill(255);
  bytes[0] = index % 3;
  bytes[4] = index % 5;
  bytes[31] = index;
  return String.fromCharCode(...bytes);
}

const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('set' as const), index: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('delete' as const), index: fc.nat(255) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('clear' as const), index: fc.constant(0) }) },
);

for (const [name, create] of Object.entries(CACHES)) {
  test(`${name}: after any sequence of set, delete and clear it has the contents of a Map`, () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 400 }), (commands) => {
        const cache = create(1000);
        const model = new Map<number, UncachedRecord>();
        for (const [version, { verb, index }] of commands.entries()) {
          if (verb === 'set') {
            cache.set(digestOf(index), recordOf(index, version));
            model.set(index, recordOf(index, version));
          } else if (verb === 'delete') {
            cache.delete(digestOf(index));
            model.delete(index);
          } else {
            cache.clear();
            model.clear();
          }
        }
        assert.equal(cache.size(), model.size);
        const rows = new Set<number>();
        for (let index = 0; index < 256; index++) {
          const found = cache.get(digestOf(index));
          const expected = model.get(index);
          assert.equal(found !== null, expected !== undefined);
          if (found === null || expected === undefined) continue;
          for (const [field, value] of Object.entries(expected))
            assert.deepEqual(found[field as keyof UncachedRecord], value);
          rows.add(found.row);
        }
        assert.equal(rows.size, model.size, 'each record has its own row');
        assert.ok(!rows.has(-1));
      }),
      { numRuns: 200 },
    );
  });

  test(`${name}: beyond its capacity it evicts records that are not in use, and returns correct records`, () => {
    const cache = create(10_000);
    const digest = (index: number) =>
      String.fromCharCode(index & 255, (index >> 8) & 255, (index >> 16) & 255).padEnd(32, 'x');
    for (let index = 0; index < 50_000; index++) {
      cache.set(digest(index), recordOf(index));
      assert.equal(cache.get(digest(7))?.id, index >= 7 ? 'tok_7' : undefined);
    }
    assert.equal(cache.size(), 10_000);
    let cachedCount = 0;
    for (let index = 0; index < 50_000; index++) {
      const record = cache.get(digest(index));
      if (record === null) continue;
      cachedCount++;
      assert.equal(record.id, `tok_${index}`);
    }
    assert.equal(cachedCount, 10_000);
  });

  test(`${name}: records of a revoked workspace are not returned`, () => {
    const cache = create(10);
    const revokedWorkspace = { id: 'wsp_2', revoked: false };
    cache.set(digestOf(1), { ...recordOf(1), workspace: revokedWorkspace });
    cache.set(digestOf(2), recordOf(2));
    revokedWorkspace.revoked = true;
    assert.equal(cache.get(digestOf(1)), null);
    assert.notEqual(cache.get(digestOf(2)), null);
  });
}
