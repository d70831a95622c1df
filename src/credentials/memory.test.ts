import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMemory, type NewRecord } from './memory.ts';
import { labelOf } from './record.ts';
import { createSmallMemory } from './small-memory.ts';

const MEMORIES = { 'memory of rows': createMemory, 'memory of objects': createSmallMemory };

const workspace = { id: 'wsp_1', gone: false };
const recordOf = (at: number, version = 0): NewRecord => ({
  kind: at % 2 === 0 ? 'access_token' : 'api_key',
  label: labelOf(`tok_${at}`, `name ${version}`),
  id: `tok_${at}`,
  name: `name ${version}`,
  workspace,
  rights: at,
  active: at % 3 !== 0,
  expiresAt: at % 4 === 0 ? null : 253_402_300_799_999 - at,
  createdAt: at * 1e10,
  passphraseHash: at % 5 === 0 ? `$argon2id$${at}` : null,
});

/** Digests of which many share their first word, so that they ask for the same place, and some their second too. */
function digestOf(at: number): string {
  const bytes = new Uint8Array(32).fill(255);
  bytes[0] = at % 3;
  bytes[4] = at % 5;
  bytes[31] = at;
  return String.fromCharCode(...bytes);
}

const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), at: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), at: fc.nat(255) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), at: fc.constant(0) }) },
);

for (const [name, create] of Object.entries(MEMORIES)) {
  test(`${name}: whatever is set, deleted and cleared in whatever order, it holds what a Map would`, () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 400 }), (commands) => {
        const memory = create(1000);
        const model = new Map<number, NewRecord>();
        for (const [version, { do: verb, at }] of commands.entries()) {
          if (verb === 'set') {
            memory.set(digestOf(at), recordOf(at, version));
            model.set(at, recordOf(at, version));
          } else if (verb === 'delete') {
            memory.delete(digestOf(at));
            model.delete(at);
          } else {
            memory.clear();
            model.clear();
          }
        }
        assert.equal(memory.size(), model.size);
        const rows = new Set<number>();
        for (let at = 0; at < 256; at++) {
          const found = memory.get(digestOf(at));
          const expected = model.get(at);
          assert.equal(found !== null, expected !== undefined);
          if (found === null || expected === undefined) continue;
          for (const [fact, value] of Object.entries(expected)) assert.deepEqual(found[fact as keyof NewRecord], value);
          rows.add(found.row);
        }
        assert.equal(rows.size, model.size, 'each has a row of its own');
        assert.ok(!rows.has(-1));
      }),
      { numRuns: 200 },
    );
  });

  test(`${name}: more records than there is room for: the bound holds, those in use stay, and what is found is right`, () => {
    const memory = create(10_000);
    const digest = (at: number) => String.fromCharCode(at & 255, (at >> 8) & 255, (at >> 16) & 255).padEnd(32, 'x');
    for (let at = 0; at < 50_000; at++) {
      memory.set(digest(at), recordOf(at));
      assert.equal(memory.get(digest(7))?.id, at >= 7 ? 'tok_7' : undefined);
    }
    assert.equal(memory.size(), 10_000);
    let found = 0;
    for (let at = 0; at < 50_000; at++) {
      const record = memory.get(digest(at));
      if (record === null) continue;
      found++;
      assert.equal(record.id, `tok_${at}`);
    }
    assert.equal(found, 10_000);
  });

  test(`${name}: records of a workspace that is gone are not given`, () => {
    const memory = create(10);
    const other = { id: 'wsp_2', gone: false };
    memory.set(digestOf(1), { ...recordOf(1), workspace: other });
    memory.set(digestOf(2), recordOf(2));
    other.gone = true;
    assert.equal(memory.get(digestOf(1)), null);
    assert.notEqual(memory.get(digestOf(2)), null);
  });
}
