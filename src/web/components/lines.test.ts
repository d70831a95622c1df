import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineStream } from './lines.ts';

test('lines are whole, however the stream is cut', async () => {
  const text = '{"a":1}\n{"b":"é"}\n{"c":3}';
  for (const size of [1, 3, 7, 100]) {
    const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    const stream = new ReadableStream<string>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    const lines = await Array.fromAsync(stream.pipeThrough(lineStream()));
    assert.deepEqual(lines, ['{"a":1}', '{"b":"é"}', '{"c":3}']);
  }
});
