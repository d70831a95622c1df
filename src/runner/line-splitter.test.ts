import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLineSplitter, createMarkerExtractor } from './line-splitter.ts';
import { createMask } from './mask.ts';

async function splitLines(
  chunks: readonly Uint8Array[],
  secrets: readonly string[],
  limits = { maxLineCharacters: 50, maxTotalCharacters: 100_000 },
) {
  const lines: string[] = [];
  let onFullCalls = 0;
  const splitter = createLineSplitter({
    mask: await createMask(secrets, () => undefined),
    limits,
    budget: { remaining: limits.maxTotalCharacters },
    onLine: (text) => lines.push(text),
    onFull: () => onFullCalls++,
  });
  for (const chunk of chunks) splitter.write(chunk);
  splitter.flush();
  return { lines, onFullCalls };
}

test('an unfinished line is shown as in a terminal, without the beginning of a secret', async () => {
  const splitter = createLineSplitter({
    mask: await createMask(['pass-word'], () => undefined),
    limits: { maxLineCharacters: 5000, maxTotalCharacters: 100_000 },
    budget: { remaining: 100_000 },
    onLine: () => undefined,
    onFull: () => undefined,
  });
  function unfinishedLineAfter(chunk: string): string | null {
    splitter.write(Buffer.from(chunk));
    return splitter.unfinishedLine();
  }
  assert.equal(unfinishedLineAfter('one\n'), null);
  assert.equal(unfinishedLineAfter('Progress 10%'), 'Progress 10%');
  assert.equal(unfinishedLineAfter('\rProgress 20%\r'), 'Progress 20%');
  assert.equal(unfinishedLineAfter('\rkey=pass'), 'key=');
  assert.equal(unfinishedLineAfter('-word;'), 'key=[secret];');
  // An escape sequence in two chunks.
  assert.equal(unfinishedLineAfter('\u001b[3'), 'key=[secret];');
  assert.equal(unfinishedLineAfter('1mred'), 'key=[secret];\u001b[31mred');
  assert.equal(unfinishedLineAfter('\n'), null);
  assert.equal(unfinishedLineAfter('é'.repeat(3000))?.length, 2000);
});

/** Splits arbitrary bytes into chunks of arbitrary sizes. */
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

test('lines are bounded, contain no line feed, and do not depend on how the bytes are split into chunks', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array)),
    fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', '😀'), maxLength: 300 }).map((text) => Buffer.from(text)),
  );
  await fc.assert(
    fc.asyncProperty(inChunks(bytes), async (chunks) => {
      const { lines } = await splitLines(chunks, ['secret']);
      assert.deepEqual(lines, (await splitLines([Buffer.concat(chunks)], ['secret'])).lines);
      for (const line of lines) assert.ok(line.length <= 52 && !line.includes('\n'));
    }),
  );
});

test('a secret is never output, regardless of its position and of how it is split into chunks', async () => {
  const secret = 'tr0ub4dor&3';
  const text = fc.array(fc.constantFrom(secret, 'x', 'tr0u', ' ', '\n', 'yyyyyyyyyyyyy'), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(inChunks(text.map((parts) => Buffer.from(parts.join('')))), async (chunks) => {
      const { lines } = await splitLines(chunks, [secret]);
      for (const line of lines) assert.ok(!line.includes(secret.slice(0, 8)), line);
    }),
  );
});

test('no line is output after the budget is used up, and onFull is called once', async () => {
  const { lines, onFullCalls } = await splitLines([Buffer.from('line\n'.repeat(1000))], [], {
    maxLineCharacters: 50,
    maxTotalCharacters: 1000,
  });
  assert.ok(lines.length < 20);
  assert.equal(onFullCalls, 1);
});

test('markers are removed at any position, and all other bytes are passed on', () => {
  const prefix = '\u001edp 1 ';
  const marker = `${prefix}end 7\n`;
  const markerWithOtherNonce = '\u001edp 2 end 0\n';
  const input = fc.array(fc.constantFrom(marker, markerWithOtherNonce, 'text', '\u001e', '\u001edp', '\n'));
  fc.assert(
    fc.property(inChunks(input.map((parts) => Buffer.from(parts.join('')))), (chunks) => {
      const markers: string[] = [];
      let passedText = '';
      const extractor = createMarkerExtractor(
        prefix,
        (name, value) => markers.push(`${name} ${value}`),
        (chunk) => (passedText += Buffer.from(chunk).toString()),
      );
      for (const chunk of chunks) extractor.write(chunk);
      extractor.flush();
      const inputText = Buffer.concat(chunks).toString();
      assert.equal(passedText, inputText.replaceAll(marker, ''));
      assert.deepEqual(markers, Array(inputText.split(marker).length - 1).fill('end 7'));
    }),
  );
});
