import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import vm from 'node:vm';
import { resolvePositions } from '../platform/errors/source-maps/source-map.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { injectDebugId, readSourceMapPairs } from './source-map-files.ts';

const ID = '8f3c2a1b-0000-4000-8000-0000000000ab';
const root = temporaryDirectory();
/** Maps line 1, column 1 to line 3 of the source, and line 2, column 1 to line 4. */
const map = { version: 3, sources: ['a.ts'], names: [], mappings: 'AAEA;AACA' };

test('adding a debug ID changes neither the behavior of a script nor the source positions of its lines', () => {
  for (const [script, isStrict, firstLine] of [
    ['this.result=(function(){return this})()\n1', false, 2],
    ['"use strict";this.result=(function(){return this})()\n1', true, 2],
    ["/*! license **/ // more\n'use strict'\nthis.result=(function(){return this})()", true, 2],
    ['#!/usr/bin/env node\nthis.result=(function(){return this})()', false, 1],
    ['#!/usr/bin/env node\n"use strict";this.result=(function(){return this})()', true, 1],
    ['this.result=(function(){return this})()\n//# sourceMappingURL=a.js.map\n', false, 2],
    ['this.result=(function(){return this})()//# sourceMappingURL=none', false, 2],
  ] as const) {
    const injected = injectDebugId(script, map, ID);
    const sandbox: { result?: unknown; _sentryDebugIds?: Record<string, string> } = {};
    vm.runInNewContext(injected.script.replace(/^#![^\n]*/, ''), sandbox);
    assert.equal(sandbox.result === undefined, isStrict, injected.script);
    assert.deepEqual(Object.values(sandbox._sentryDebugIds ?? {}), [ID]);
    assert.match(injected.script, new RegExp(`^//# debugId=${ID}$`, 'm'));
    assert.equal(injected.map['debugId'], ID);
    assert.equal(resolvePositions(injected.map, [{ line: firstLine, column: 1 }])[0]?.line, 3, script);
    const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('//#'));
    assert.equal(lines(injected.script).length - lines(script).length, 1);
  }
  const { map: indexed } = injectDebugId('', { version: 3, sections: [{ offset: { line: 0, column: 5 }, map }] }, ID);
  assert.deepEqual(indexed['sections'], [{ offset: { line: 1, column: 5 }, map }]);
});

test('scripts are paired with the source maps that they reference, only within the directory', () => {
  const directory = join(root, 'dist');
  mkdirSync(join(directory, 'assets'), { recursive: true });
  mkdirSync(join(directory, 'node_modules'));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const mapText = JSON.stringify(map);
  writeFileSync(join(root, 'outside.map'), mapText);
  write('assets/named.js', '1\n//# sourceMappingURL=other%20name.map?v=1');
  write('assets/other name.map', mapText);
  write('beside.mjs', '1');
  write('beside.mjs.map', mapText);
  const inlineMap = Buffer.from(mapText).toString('base64');
  write('inline.cjs', `1\n//# sourceMappingURL=data:application/json;base64,${inlineMap}\n`);
  write('known.js', `1\n//# debugId=${ID.toUpperCase()}\n`);
  write('known.js.map', mapText);
  write('outside.js', '1\n//# sourceMappingURL=../outside.map');
  write('remote.js', '1\n//# sourceMappingURL=https://example.com/remote.js.map');
  write('percent.js', '1\n//# sourceMappingURL=100%.js.map');
  write('100%.js.map', mapText);
  write('node_modules/x.js', '1');
  write('node_modules/x.js.map', mapText);
  assert.deepEqual(
    readSourceMapPairs(directory, { inject: false }).map(({ file, debugId }) => [file, debugId]),
    [['known.js', ID]],
  );
  assert.equal(readFileSync(join(directory, 'known.js'), 'utf8'), `1\n//# debugId=${ID.toUpperCase()}\n`);
  // `known.js` has a debug ID, but does not report it, so it is modified too.
  const pairs = readSourceMapPairs(directory, { inject: true });
  assert.deepEqual(
    pairs.map(({ file, injected }) => [file, injected]),
    [
      ['assets/named.js', true],
      ['beside.mjs', true],
      ['inline.cjs', true],
      ['known.js', true],
      ['percent.js', true],
    ],
  );
  assert.equal(new Set(pairs.map(({ debugId }) => debugId)).size, 5);
  const pairsOfSecondRun = readSourceMapPairs(directory, { inject: true });
  assert.deepEqual(
    pairsOfSecondRun.map((pair) => [pair.debugId, pair.map]),
    pairs.map((pair) => [pair.debugId, pair.map]),
  );
  assert.ok(pairsOfSecondRun.every(({ injected }) => !injected));
  assert.equal(readFileSync(join(root, 'outside.map'), 'utf8'), mapText);
  write('known.js.map', JSON.stringify({ ...map, debugId: ID.replace('8f', '9f') }));
  assert.throws(() => readSourceMapPairs(directory, { inject: true }), /different debug IDs/);
  write('known.js.map', '{');
  assert.throws(() => readSourceMapPairs(directory, { inject: true }), /is not a JSON object/);
  assert.throws(() => readSourceMapPairs(join(root, 'nothing'), { inject: true }), /is not a directory/);
});
