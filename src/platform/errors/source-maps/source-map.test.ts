import assert from 'node:assert/strict';
import { SourceMap } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Store } from '../../../store/store.ts';
import { scaledTimeout } from '../../../testing/timeouts.ts';
import { findSourceMapDefect, resolvePositions } from './source-map.ts';
import { createSourceMapResolver } from './source-map-resolver.ts';

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Encodes a number as base64 VLQ, as in the mappings of a source map. */
function encodeVlq(value: number): string {
  let remaining = value < 0 ? -value * 2 + 1 : value * 2;
  let text = '';
  do {
    const digit = remaining % 32;
    remaining = Math.floor(remaining / 32);
    text += BASE64[remaining > 0 ? digit + 32 : digit];
  } while (remaining > 0);
  return text;
}

type Segment = readonly [column: number, source: number, line: number, originalColumn: number, name: number];
function encodeMappings(lines: readonly (readonly Segment[])[]): string {
  const previous = [0, 0, 0, 0, 0];
  const encodeSegment = (segment: Segment) =>
    segment
      .map((value, field) => {
        const delta = value - (previous[field] ?? 0);
        previous[field] = value;
        return encodeVlq(delta);
      })
      .join('');
  return lines
    .map((segments) => {
      previous[0] = 0;
      return segments.map(encodeSegment).join(',');
    })
    .join(';');
}

const mapOf = (mappings: string, overrides: object = {}) => ({
  version: 3 as const,
  file: 'app.js',
  sourceRoot: '',
  sources: ['webpack://shop/./src/orders.ts', '../src/till.ts', '/node_modules/x/y.js'],
  sourcesContent: ['one\ntwo\nthree\nfour\nfive\nsix\nseven', 'a', ''],
  names: ['placeOrder', 'pay'],
  mappings,
  ...overrides,
});

test('positions are resolved to the original file, line, name and source', () => {
  const map = mapOf(
    encodeMappings([
      [],
      [
        [4, 0, 5, 2, 0],
        [9, 1, 0, 0, 1],
        [20, 2, 3, 1, 0],
      ],
    ]),
    { ignoreList: [2] },
  );
  const position = (column: number) => resolvePositions(map, [{ line: 2, column }])[0];
  assert.deepEqual(position(5), {
    file: 'src/orders.ts',
    line: 6,
    column: 3,
    name: 'placeOrder',
    isIgnored: false,
    context: { firstLine: 2, lines: ['two', 'three', 'four', 'five', 'six', 'seven'] },
  });
  assert.equal(position(9)?.file, 'src/orders.ts');
  assert.deepEqual(
    [position(10)?.file, position(10)?.name, position(10)?.context?.lines],
    ['src/till.ts', 'pay', ['a']],
  );
  assert.deepEqual([position(999)?.file, position(999)?.isIgnored], ['/node_modules/x/y.js', true]);
  assert.equal(position(4), null, 'before the first segment');
  assert.deepEqual(
    resolvePositions(map, [
      { line: 1, column: 1 },
      { line: 99, column: 1 },
    ]),
    [null, null],
  );
});

test('positions are resolved in a map with sections', () => {
  const sections = [
    { offset: { line: 0, column: 0 }, map: mapOf(encodeMappings([[[0, 0, 0, 0, 0]]])) },
    { offset: { line: 0, column: 100 }, map: mapOf(encodeMappings([[[0, 1, 0, 0, 1]], [[0, 0, 3, 0, 0]]])) },
  ];
  const indexed = { version: 3, sections };
  assert.equal(findSourceMapDefect(indexed), null);
  assert.deepEqual(
    resolvePositions(indexed, [
      { line: 1, column: 50 },
      { line: 1, column: 150 },
      { line: 2, column: 1 },
    ]).map((original) => [original?.file, original?.line]),
    [
      ['src/orders.ts', 1],
      ['src/till.ts', 1],
      ['src/orders.ts', 4],
    ],
  );
});

test('the resolved positions are the same as those of the Node.js decoder, for any map', () => {
  const segment = fc.tuple(fc.nat(300), fc.nat(1), fc.nat(6), fc.nat(40), fc.nat(1));
  const unsortedLine = fc.uniqueArray(segment, { selector: ([column]) => column, maxLength: 6 });
  const lines = fc.array(
    unsortedLine.map((segments) => segments.sort(([first], [second]) => first - second)),
    { minLength: 1, maxLength: 5 },
  );
  const positions = fc.array(
    fc.record({ line: fc.integer({ min: 1, max: 6 }), column: fc.integer({ min: 1, max: 320 }) }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(lines, positions, (generated, positionsToResolve) => {
      const map = mapOf(encodeMappings(generated));
      const node = new SourceMap(map);
      assert.equal(findSourceMapDefect(map), null);
      for (const [index, original] of resolvePositions(map, positionsToResolve).entries()) {
        const { line = 0, column = 0 } = positionsToResolve[index] ?? {};
        const entry = node.findEntry(line - 1, column - 1) as {
          generatedLine?: number;
          originalLine?: number;
          originalColumn?: number;
          name?: string;
        };
        const expected =
          entry.generatedLine === line - 1 ? [entry.originalLine, entry.originalColumn, entry.name] : null;
        assert.deepEqual(original && [original.line - 1, original.column - 1, original.name], expected);
      }
    }),
    { numRuns: 300 },
  );
});

test('an invalid source map is rejected, every other one can be resolved, and a large one is read in linear time', () => {
  for (const map of [
    null,
    7,
    [],
    {},
    { version: 2 },
    { version: 3 },
    mapOf('!'),
    mapOf('A,g'),
    mapOf('gggggggggA'),
    mapOf('AAAAAA'),
    { version: 3, sections: [7] },
  ]) {
    assert.notEqual(findSourceMapDefect(map), null, JSON.stringify(map));
  }
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'AgzC9+/,;!é'.split('')), maxLength: 60 }),
      fc.anything(),
      (mappings, sources) => {
        const map = { ...mapOf(mappings), sources, names: sources, sourcesContent: sources };
        if (findSourceMapDefect(map) === null)
          resolvePositions(map, [
            { line: 1, column: 1 },
            { line: 2, column: 5 },
          ]);
      },
    ),
    { numRuns: 500 },
  );
  const started = performance.now();
  const large = mapOf('AAAA,'.repeat(1_000_000));
  assert.equal(findSourceMapDefect(large), null);
  resolvePositions(
    large,
    Array.from({ length: 1_000 }, (_, column) => ({ line: 1, column })),
  );
  resolvePositions(mapOf(';'.repeat(5_000_000)), [{ line: 4_000_000, column: 1 }]);
  assert.ok(performance.now() - started < scaledTimeout(10_000), 'the work is linear');
});

test('uploads are read one at a time, regardless of how many are waiting', async () => {
  const resolver = createSourceMapResolver({} as Store);
  let concurrent = 0;
  let maxConcurrent = 0;
  const upload = async () => {
    const reply = await resolver.check('one', async () => {
      maxConcurrent = Math.max(maxConcurrent, ++concurrent);
      return Buffer.from('{');
    });
    concurrent--;
    return reply;
  };
  const replies = await Promise.all(Array.from({ length: 8 }, upload));
  await resolver.close();
  assert.deepEqual(new Set(replies.map((reply) => 'defect' in reply && reply.defect)), new Set(['must be JSON']));
  // The next upload may start just before `upload` receives the previous result.
  assert.ok(maxConcurrent <= 2, `${maxConcurrent} at a time`);
});
