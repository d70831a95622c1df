import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareReleases, isRegression } from './releases.ts';

test('releases of the same package are compared by version, and other releases cannot be compared', () => {
  const ordered = [
    '1.9.0',
    '1.10.0-alpha',
    '1.10.0-alpha.1',
    '1.10.0-beta.2',
    '1.10.0-beta.11',
    '1.10.0',
    'v2',
    '2.0.1',
  ];
  for (const [index, first] of ordered.entries()) {
    for (const [otherIndex, second] of ordered.entries()) {
      const expected = Math.sign(index - otherIndex);
      assert.equal(Math.sign(compareReleases(first, second) ?? Number.NaN), expected, `${first} ${second}`);
      assert.equal(Math.sign(compareReleases(`shop@${first}`, `shop@${second}`) ?? Number.NaN), expected);
    }
  }
  assert.equal(compareReleases('1.0.0+7', '1.0.0+8'), 0);
  for (const [first, second] of [
    ['shop@1.0', 'desk@2.0'],
    ['shop@1.0', '2.0'],
    ['4f2c9ab', '8d11e07'],
    ['1.0', 'latest'],
  ] as const) {
    assert.equal(compareReleases(first, second), null);
  }
});

test('an error is a regression if it has no release, or its release has the fix, is later, or is new and incomparable', () => {
  const seenReleases = new Set(['4f2c9ab']);
  for (const [release, fixedIn, expected] of [
    ['shop@1.0', 'shop@1.1', false],
    ['shop@1.1', 'shop@1.1', true],
    ['shop@2.0', 'shop@1.1', true],
    ['4f2c9ab', '8d11e07', false],
    ['8d11e07', '8d11e07', true],
    ['ffffff0', '8d11e07', true],
    [null, '8d11e07', true],
  ] as const) {
    assert.equal(isRegression(release, fixedIn, seenReleases), expected, `${release} ${fixedIn}`);
  }
});
