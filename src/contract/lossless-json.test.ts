import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseLossless } from './lossless-json.ts';

test('a text with numbers that a double cannot represent is written as it was read', () => {
  for (const text of [
    '9007199254740993',
    '-123456789012345678901234567890',
    '1e400',
    '-1E-400',
    '0.1000000000000000055',
    '[1.50,{"a":12345678901234567890,"b":"12345678901234567890"}]',
    '{"__proto__":12345678901234567890}',
  ]) {
    assert.equal(JSON.stringify(parseLossless(text)), text);
  }
  assert.throws(() => parseLossless('12345678901234567890x'), SyntaxError);
});

test('any JSON value is parsed as by JSON.parse', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      assert.equal(JSON.stringify(parseLossless(text)), JSON.stringify(JSON.parse(text)));
    }),
    { numRuns: 200 },
  );
});
