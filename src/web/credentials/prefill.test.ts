import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEW_CREDENTIAL } from './credential-form-values.ts';
import { ACCESS_TOKENS, API_KEYS } from './kinds.ts';
import { readPrefill } from './prefill.ts';

const now = new Date(2027, 0, 15, 12).getTime();

function readLink(query: string, kind = ACCESS_TOKENS) {
  const search = new URLSearchParams(query);
  return readPrefill((name) => search.get(name) ?? undefined, kind, now);
}

test('a link fills in the name, the rights, the expiry and the description of an API key, and nothing else', () => {
  const token = readLink(
    'new&name=CI&scopes=basic_deployment,error_tracker&expires=30d&passphrase=x&description=y&active=no',
  );
  assert.deepEqual(token, {
    values: {
      ...NEW_CREDENTIAL,
      name: 'CI',
      rights: ['basic_deployment', 'error_tracker'],
      expiry: { choice: '30', dateText: '' },
    },
    ignored: [],
  });
  const key = readLink('new&description=Reads&permissions=read+view_logs&expires=never&guard=true', API_KEYS);
  assert.deepEqual(key?.values, {
    ...NEW_CREDENTIAL,
    description: 'Reads',
    rights: ['read', 'view_logs'],
    expiry: { choice: 'never', dateText: '' },
  });
});

test('a link without the parameter new fills in nothing, and the parameter new alone opens an empty form', () => {
  assert.equal(readLink('name=CI&scopes=all'), null);
  assert.deepEqual(readLink('new'), { values: NEW_CREDENTIAL, ignored: [] });
});

test('an expiry is one of the options, or a date', () => {
  for (const [expires, expected] of [
    ['1w', { choice: '7', dateText: '' }],
    ['1y', { choice: '365', dateText: '' }],
    ['45d', { choice: 'date', dateText: '1 Mar 2027' }],
    ['2027-02-24', { choice: 'date', dateText: '2027-02-24' }],
  ] as const) {
    assert.deepEqual(readLink(`new&expires=${expires}`)?.values.expiry, expected, expires);
  }
});

test('unknown rights and expiries are ignored, and listed by name', () => {
  const prefill = readLink('new&scopes=all,read,everything&expires=soon');
  assert.deepEqual(prefill?.values.rights, ['all']);
  assert.deepEqual(prefill?.values.expiry, NEW_CREDENTIAL.expiry);
  assert.deepEqual(prefill?.ignored, ['the scope read', 'the scope everything', 'the expiry soon']);
  for (const expires of ['0d', '12h', '-1d', '9999y', '2027-02-30', '24 Feb 2027']) {
    assert.deepEqual(readLink(`new&expires=${expires}`)?.ignored, [`the expiry ${expires}`]);
  }
});
