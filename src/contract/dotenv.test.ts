import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { scaledTimeout } from '../testing/timeouts.ts';
import { trickyText } from '../testing/tricky-text.ts';
import { parseDotenv, writeDotenv, writeShellDotenv } from './dotenv.ts';

const variableName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/).filter((name) => name !== '__proto__');
function valuesOf(text: string): Record<string, string> {
  const parsed = parseDotenv(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return Object.fromEntries(parsed.values);
}

test('written variables of any value are parsed unchanged', () => {
  fc.assert(
    fc.property(fc.dictionary(variableName, trickyText, { maxKeys: 10, noNullPrototype: true }), (values) => {
      for (const write of [writeDotenv, writeShellDotenv]) {
        assert.deepEqual(valuesOf(write(Object.entries(values))), values);
      }
    }),
    { numRuns: 2000 },
  );
});

test('no text makes the parser throw or take more than linear time', () => {
  fc.assert(
    fc.property(fc.oneof(trickyText, fc.string({ unit: 'binary' })), (text) => {
      const parsed = parseDotenv(text);
      if (!parsed.ok) assert.ok(parsed.line >= 1 && parsed.line <= text.split('\n').length);
    }),
    { numRuns: 2000 },
  );
  const started = performance.now();
  parseDotenv(`A=${' #'.repeat(200_000)}\nB="${'\\'.repeat(200_000)}`);
  assert.ok(performance.now() - started < scaledTimeout(5000), 'the work is linear');
});

test('comments, export, quotes and multi-line values are parsed, and the last value of a name applies', () => {
  const text = [
    '\uFEFF# a comment',
    'PLAIN=value',
    'export EXPORTED=yes # why',
    'EMPTY=',
    'SPACES =  around the value  ',
    'HASH=a#b',
    "SINGLE='no $expansion, no \\n'",
    'DOUBLE="line\\nline \\"quoted\\" \\\\ \\q" # after',
    'BACK=`it\'s "both"`',
    'MANY="one',
    'two"',
    'TWICE=first',
    'TWICE=last',
    '',
  ].join('\r\n');
  assert.deepEqual(valuesOf(text), {
    PLAIN: 'value',
    EXPORTED: 'yes',
    EMPTY: '',
    SPACES: 'around the value',
    HASH: 'a#b',
    SINGLE: 'no $expansion, no \\n',
    DOUBLE: 'line\nline "quoted" \\ \\q',
    BACK: 'it\'s "both"',
    MANY: 'one\r\ntwo',
    TWICE: 'last',
  });
});

test('the number of an invalid line is reported', () => {
  const cases: readonly [text: string, line: number][] = [
    ['A=1\nnothing\n', 2],
    ['A=1\n\n1B=2', 3],
    ['__proto__=x', 1],
    ['A="open\nB=2', 1],
    ["A='x' y", 1],
    ['=x', 1],
  ];
  for (const [text, line] of cases) {
    const parsed = parseDotenv(text);
    assert.ok(!parsed.ok, text);
    assert.equal(parsed.line, line, text);
  }
});

test('the dotenv parser of Node.js reads the same values, even with two kinds of quotes', () => {
  const values = {
    PLAIN: 'a=b',
    QUOTE: `it's`,
    BOTH: `it's "quoted" \\ $HOME #1`,
    LINES: `it's\n"two" lines\n`,
    DOLLAR: `it's $5 \${X}`,
    BACK: "it's a`b $x",
    SPACES: '  it is  ',
    EMPTY: '',
    WORDS: 'grüße 🎉',
  };
  assert.deepEqual({ ...parseEnv(writeDotenv(Object.entries(values))) }, values);
});
