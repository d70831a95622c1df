import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineSplitter } from './line-splitter.ts';

test('chunks of any size are split into the same lines, without empty ones', async () => {
  const text = '{"a":1}\n{"b":"é"}\n\n{"c":3}';
  for (const size of [1, 3, 7, 100]) {
    const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    const stream = new ReadableStream<string>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });
    const lines = await Array.fromAsync(stream.pipeThrough(createLineSplitter()));
    assert.deepEqual(lines, ['{"a":1}', '{"b":"é"}', '{"c":3}']);
  }
});
