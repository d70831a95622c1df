import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Declared } from './server/settings-table.ts';

/**
 * Omissions that the compiler must find. `npm run check` fails where one of these lines compiles, since an unused
 * `@ts-expect-error` is an error.
 */
const OMISSIONS = {
  // @ts-expect-error a setting without a description for the documentation
  setting: { default: null, accepts: 'a text', parse: (text) => text } satisfies Declared<string>,
};

test('every planted omission is refused by the compiler, which `npm run check` shows', () => {
  assert.ok(Object.keys(OMISSIONS).length > 0);
});
