import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safeReturnPath } from './return-path.ts';

// ASVS 3.7.2 (redirects to other hosts)
test('sign-in redirects only to paths of its own origin, and not to the sign-in page', () => {
  const origin = 'https://devpilot.example.com';
  assert.equal(safeReturnPath('/settings/api-keys?q=x', origin), '/settings/api-keys?q=x');
  for (const from of [
    undefined,
    '',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/sign-in',
    '/\t/evil.example',
  ]) {
    assert.equal(safeReturnPath(from, origin), '/', String(from));
  }
});
