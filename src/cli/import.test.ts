import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IMPORT_LIMITS, LIMITS } from '../contract/limits.ts';
import { toChunks } from './import.ts';
import type { ImportLine } from './import-file.ts';

function createLines(count: number, description: string): ImportLine[] {
  const credential: ImportLine['credential'] = {
    kind: 'api_key',
    digest: 'a'.repeat(64),
    name: 'CI',
    permissions: ['read'],
    description,
  };
  return Array.from({ length: count }, (_, index) => ({ line: index + 1, credential }));
}

test('a chunk exceeds neither the maximum number of credentials nor the maximum size of a request', () => {
  const sizes = (lines: readonly ImportLine[]) => toChunks(lines).map(({ length }) => length);
  assert.deepEqual(sizes(createLines(IMPORT_LIMITS.credentials + 1, 'CI')), [IMPORT_LIMITS.credentials, 1]);
  // Each character has three bytes in UTF-8.
  const lines = createLines(IMPORT_LIMITS.credentials, '字'.repeat(LIMITS.description.max));
  const chunks = toChunks(lines);
  assert.deepEqual(chunks.flat(), lines);
  for (const chunk of chunks) {
    const body = JSON.stringify({ credentials: chunk.map(({ credential }) => credential) });
    assert.ok(Buffer.byteLength(body) <= LIMITS.bodyBytes);
  }
});
