import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedFields, emptyToNull } from './form-values.ts';

test('only the fields that differ are changes, whether they are strings, lists or objects', () => {
  const before = { name: 'Shop', hooks: ['build'], check: { url: '/', timeoutSeconds: 60 }, note: null };
  assert.deepEqual(changedFields<object>(before, structuredClone(before)), {});
  assert.deepEqual(changedFields<object>(before, { ...before, hooks: ['build', 'restart'], note: '' }), {
    hooks: ['build', 'restart'],
    note: '',
  });
  assert.deepEqual(changedFields<object>(before, { ...before, check: null }), { check: null });
});

test('a field that only the form has is a change, and a field missing from the form is not', () => {
  assert.deepEqual(changedFields<object>({ id: 'app_1' }, { password: 'new' }), { password: 'new' });
});

test('text is trimmed, and empty text becomes null', () => {
  assert.deepEqual([emptyToNull(' '), emptyToNull(' main ')], [null, 'main']);
});
