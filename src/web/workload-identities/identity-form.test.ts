import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDENTITY_RULES, NEW_IDENTITY_VALUES } from './identity-form.ts';

test('conditions must identify one workload; the error is a message for the field', () => {
  const values = { ...NEW_IDENTITY_VALUES, provider: 'other', issuer: 'https://ci.example.com' } as const;
  assert.equal(IDENTITY_RULES.conditions('sub=job-1', values), null);
  assert.match(IDENTITY_RULES.conditions('sub=*', values) ?? '', /^Must identify one repository/);
  assert.equal(IDENTITY_RULES.conditions('sub', values), 'Enter one claim=value per line.');
});
