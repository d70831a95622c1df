import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { importWhenOnline } from './connection.ts';

test('a chunk is loaded again if the connection returned right after the first attempt, but only once', async () => {
  const fetched = mock.method(globalThis, 'fetch', () => Promise.resolve(new Response()));
  try {
    let attempts = 0;
    const failFirst = () => (++attempts === 1 ? Promise.reject(new Error('offline')) : Promise.resolve('loaded'));
    assert.equal(await importWhenOnline(failFirst), 'loaded');
    attempts = 0;
    const failAlways = () => Promise.reject(new Error(`attempt ${++attempts}`));
    await assert.rejects(importWhenOnline(failAlways), /attempt 2/);
  } finally {
    fetched.mock.restore();
  }
});
