import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { createPatternMatcher } from './pattern-matcher.ts';

const sharedMatcher = createPatternMatcher();
after(() => sharedMatcher.close());
const resultOf = async (pattern: string, value: string | null) =>
  (await sharedMatcher.match('wsp_1', [{ pattern, value }]))?.[0];

test('a pattern must match the whole value', async () => {
  assert.equal(await resultOf('[a-z]+', 'abc'), 'match');
  assert.equal(await resultOf('[a-z]+', 'abc1'), 'mismatch');
  assert.equal(await resultOf('[a-z]+', 'abc\n'), 'mismatch');
  assert.equal(await resultOf('a|ab', 'ab'), 'match');
  assert.equal(await resultOf('a|b', 'axb'), 'mismatch');
  assert.equal(await resultOf('^v\\d+$', 'v12'), 'match');
  assert.equal(await resultOf('.', '😀'), 'match');
  assert.equal(await resultOf('[\\w-.]+', 'a-b.c'), 'match');
});

test('an invalid pattern is reported, even if anchors around it would make it valid', async () => {
  for (const pattern of ['(', 'a)|(?:b', '[z-a]', '*', '(?<n>a)(?<n>b)'])
    assert.equal(await resultOf(pattern, null), 'invalid', pattern);
  assert.equal(await resultOf('(?:a{1,99999}){1,99999}', null), 'match');
});

test('a pattern with catastrophic backtracking is stopped, and the next pattern is matched', async () => {
  let timerCalls = 0;
  const timer = setInterval(() => timerCalls++, 5);
  assert.equal(await sharedMatcher.match('wsp_1', [{ pattern: '(a+)+b', value: 'a'.repeat(5000) }]), null);
  clearInterval(timer);
  // The event loop of this process was not blocked.
  assert.ok(timerCalls > 2, String(timerCalls));
  assert.equal(await resultOf('a+b', 'aab'), 'match');
});

test('a worker that fails while it is idle is replaced', async () => {
  const started = once(process, 'worker') as Promise<[Worker]>;
  const matcher = createPatternMatcher();
  const matches = () => matcher.match('wsp_1', [{ pattern: 'a', value: 'a' }]);
  assert.deepEqual(await matches(), ['match']);
  const [worker] = await started;
  worker.emit('error', new Error('out of memory'));
  await worker.terminate();
  assert.deepEqual(await matches(), ['match']);
  await matcher.close();
});

test('the time limit applies to each pattern, so a script can have many costly patterns', async () => {
  const check = { pattern: '[\\p{L}\\p{N}\\p{S}\\p{P}]'.repeat(10), value: 'abcdefghij' };
  assert.deepEqual(await sharedMatcher.match('wsp_many', Array(50).fill(check)), Array(50).fill('match'));
});

test('a workspace waits for at most two slow checks of other workspaces, even if many workspaces send them', async () => {
  const hostile = { pattern: '(a+)+$', value: `${'a'.repeat(60)}b` };
  let isStopped = false;
  let slowChecks = 0;
  const loop = async (workspaceId: string) => {
    while (!isStopped) {
      assert.equal(await sharedMatcher.match(workspaceId, [hostile]), null);
      slowChecks++;
    }
  };
  const workspaceIds = Array.from({ length: 10 }, (_, index) => `wsp_hostile_${index}`);
  // The first check of each workspace marks it as slow.
  for (const workspaceId of workspaceIds) assert.equal(await sharedMatcher.match(workspaceId, [hostile]), null);
  const loops = workspaceIds.map(loop);
  for (let request = 0; request < 5; request++) {
    const slowChecksBefore = slowChecks;
    assert.deepEqual(await sharedMatcher.match('wsp_neighbor', [{ pattern: 'a+b', value: 'aab' }]), ['match']);
    const waitedFor = slowChecks - slowChecksBefore;
    assert.ok(waitedFor <= 2, `waited for ${waitedFor} slow checks`);
  }
  isStopped = true;
  await Promise.all(loops);
});

test('any pattern with any value has a result', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 40 }),
      async (pattern, value) => {
        const results = await sharedMatcher.match('wsp_1', [
          { pattern, value },
          { pattern: 'x', value: 'x' },
        ]);
        assert.equal(results?.[1], 'match');
        assert.ok(['match', 'mismatch', 'invalid'].includes(String(results?.[0])));
      },
    ),
    { numRuns: 200 },
  );
});
