import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { createPatternMatcher } from './pattern-matcher.ts';

const patterns = createPatternMatcher(500);
after(() => patterns.close());
const verdict = async (pattern: string, value: string | null) =>
  (await patterns.match('wsp_1', [{ pattern, value }]))?.[0];

test('a pattern must match the whole value', async () => {
  assert.equal(await verdict('[a-z]+', 'abc'), 'fits');
  assert.equal(await verdict('[a-z]+', 'abc1'), 'differs');
  assert.equal(await verdict('[a-z]+', 'abc\n'), 'differs');
  assert.equal(await verdict('a|ab', 'ab'), 'fits');
  assert.equal(await verdict('a|b', 'axb'), 'differs');
  assert.equal(await verdict('^v\\d+$', 'v12'), 'fits');
  assert.equal(await verdict('.', '😀'), 'fits');
  assert.equal(await verdict('[\\w-.]+', 'a-b.c'), 'fits');
});

test('an invalid pattern is reported, even if anchors around it would make it valid', async () => {
  for (const bad of ['(', 'a)|(?:b', '[z-a]', '*', '(?<n>a)(?<n>b)'])
    assert.equal(await verdict(bad, null), 'invalid', bad);
  assert.equal(await verdict('(?:a{1,99999}){1,99999}', null), 'fits');
});

test('a pattern with endless backtracking is stopped, and the next one is matched', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  assert.equal(await patterns.match('wsp_1', [{ pattern: '(a+)+b', value: 'a'.repeat(5000) }]), null);
  clearInterval(timer);
  // This process's event loop kept running meanwhile.
  assert.ok(turns > 10, String(turns));
  assert.equal(await verdict('a+b', 'aab'), 'fits');
});

test('any pattern with any value has a result', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 40 }),
      async (pattern, value) => {
        const verdicts = await patterns.match('wsp_1', [
          { pattern, value },
          { pattern: 'x', value: 'x' },
        ]);
        assert.equal(verdicts?.[1], 'fits');
        assert.ok(['fits', 'differs', 'invalid'].includes(String(verdicts?.[0])));
      },
    ),
    { numRuns: 200 },
  );
});
