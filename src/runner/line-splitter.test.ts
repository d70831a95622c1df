import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLineSplitter, createMarkerExtractor } from './line-splitter.ts';
import { createMask } from './mask.ts';

function splitLines(
  chunks: readonly Uint8Array[],
  secrets: readonly string[],
  limits = { maxLineCharacters: 50, maxTotalCharacters: 100_000 },
) {
  const lines: string[] = [];
  let onFullCalls = 0;
  const splitter = createLineSplitter({
    mask: createMask(secrets),
    limits,
    budget: { remaining: limits.maxTotalCharacters },
    onLine: (text) => lines.push(text),
    onFull: () => onFullCalls++,
  });
  for (const chunk of chunks) splitter.write(chunk);
  splitter.flush();
  return { lines, onFullCalls };
}

test('an unfinished line is shown as in a terminal, without the beginning of a secret', () => {
  const splitter = createLineSplitter({
    mask: createMask(['pass-word']),
    limits: { maxLineCharacters: 5000, maxTotalCharacters: 100_000 },
    budget: { remaining: 100_000 },
    onLine: () => undefined,
    onFull: () => undefined,
  });
  const shown = [
    'one\n',
    'Progress 10%',
    '\rProgress 20%\r',
    '\rkey=pass',
    '-word;',
    '\u001b[3',
    '1mred',
    '\n',
    'é'.repeat(3000),
  ].map((text) => {
    splitter.write(Buffer.from(text));
    return splitter.unfinishedLine();
  });
  assert.deepEqual(shown.slice(0, -1), [
    null,
    'Progress 10%',
    'Progress 20%',
    'key=',
    'key=[secret];',
    'key=[secret];',
    'key=[secret];\u001b[31mred',
    null,
  ]);
  assert.equal(shown.at(-1)?.length, 2000);
});

/** Splits bytes into chunks of any size. */
const inChunks = (bytes: fc.Arbitrary<Buffer>) =>
  fc.tuple(bytes, fc.array(fc.nat(60), { maxLength: 20 })).map(([buffer, sizes]) => {
    const chunks: Buffer[] = [];
    let offset = 0;
    for (const size of sizes) {
      chunks.push(buffer.subarray(offset, offset + size));
      offset += size;
    }
    return [...chunks, buffer.subarray(offset)];
  });

test('lines are bounded, well-formed and independent of how the bytes are split into chunks', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array)),
    fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', '😀'), maxLength: 300 }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(inChunks(bytes), (chunks) => {
      const { lines } = splitLines(chunks, ['secret']);
      assert.deepEqual(lines, splitLines([Buffer.concat(chunks)], ['secret']).lines);
      for (const line of lines) assert.ok(line.length <= 52 && !line.includes('\n'));
    }),
  );
});

test('a secret is never output, regardless of its position and its chunks', () => {
  const secret = 'tr0ub4dor&3';
  const text = fc.array(fc.constantFrom(secret, 'x', 'tr0u', ' ', '\n', 'yyyyyyyyyyyyy'), { maxLength: 60 });
  fc.assert(
    fc.property(inChunks(text.map((parts) => Buffer.from(parts.join('')))), (chunks) => {
      for (const line of splitLines(chunks, [secret]).lines) assert.ok(!line.includes(secret.slice(0, 8)), line);
    }),
  );
});

test('no line is output after the budget is used up, and onFull is called once', () => {
  const { lines, onFullCalls } = splitLines([Buffer.from('line\n'.repeat(1000))], [], {
    maxLineCharacters: 50,
    maxTotalCharacters: 1000,
  });
  assert.ok(lines.length < 20);
  assert.equal(onFullCalls, 1);
});

test('markers are removed at any position, and all other bytes are passed on', () => {
  fc.assert(
    fc.property(
      inChunks(
        fc
          .array(fc.constantFrom('\u001edp 1 end 7\n', 'text', '\u001e', '\u001edp', '\n', '\u001edp 2 end 0\n'))
          .map((parts) => Buffer.from(parts.join(''))),
      ),
      (chunks) => {
        const markers: string[] = [];
        let passed = '';
        const extractor = createMarkerExtractor(
          '\u001edp 1 ',
          (word, value) => markers.push(`${word} ${value}`),
          (chunk) => (passed += Buffer.from(chunk).toString()),
        );
        for (const chunk of chunks) extractor.write(chunk);
        extractor.flush();
        const input = Buffer.concat(chunks).toString();
        assert.equal(passed, input.replaceAll('\u001edp 1 end 7\n', ''));
        assert.equal(markers.length, input.split('\u001edp 1 end 7\n').length - 1);
      },
    ),
  );
});
