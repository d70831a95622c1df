import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DAY } from '../../contract/words.ts';
import { placeToGo } from '../sign-in/place.ts';
import { expiresAtOf, expiryLike, expiryProblem } from './expiry.ts';
import { makePassphrase, strengthOf } from './passphrase.ts';
import { summarize } from './summary.ts';

const now = new Date(2027, 0, 15, 12).getTime();

describe('Expiry', () => {
  test('a span counts from now, a date ends with its day, never is null', () => {
    assert.equal(expiresAtOf({ choice: '30', date: null }, now), new Date(now + 30 * DAY).toISOString());
    const date = expiresAtOf({ choice: 'date', date: '2027-02-24' }, now);
    assert.equal(date, new Date(2027, 1, 24, 23, 59, 59, 999).toISOString());
    assert.equal(expiresAtOf({ choice: 'never', date: null }, now), null);
    assert.equal(
      expiresAtOf({ choice: 'keep', date: null }, now, '2028-01-01T00:00:00.000Z'),
      '2028-01-01T00:00:00.000Z',
    );
  });

  test('a date must be chosen and lie ahead; today still does', () => {
    assert.equal(expiryProblem({ choice: 'date', date: null }, now), 'Choose a date');
    assert.equal(expiryProblem({ choice: 'date', date: '2027-01-14' }, now), 'The date must lie in the future');
    assert.equal(expiryProblem({ choice: 'date', date: '2027-01-15' }, now), null);
  });

  test('a replacement lives as long as what it replaces was given', () => {
    const given = (days: number) => expiryLike(new Date(now).toISOString(), new Date(now + days * DAY).toISOString());
    assert.deepEqual(
      [7, 29, 90, 1000].map((days) => given(days).choice),
      ['7', '30', '90', '365'],
    );
    assert.equal(expiryLike(new Date(now).toISOString(), null).choice, 'never');
  });
});

describe('Passphrases', () => {
  test('made ones are strong, within the limits and never the same', () => {
    const made = new Set(Array.from({ length: 200 }, makePassphrase));
    assert.equal(made.size, 200);
    for (const one of made) assert.equal(strengthOf(one), 'strong');
  });

  test('runs and repetitions count for little', () => {
    for (const weak of ['aaaaaaaaaaaaaaaaaaaa', '12345678', 'abcdefghijkl', 'password']) {
      assert.equal(strengthOf(weak), 'weak', weak);
    }
    assert.notEqual(strengthOf('correct horse battery staple'), 'weak');
  });
});

test('a summary says in words what is about to be', () => {
  const expiresAt = new Date(2027, 1, 24, 12).toISOString();
  assert.equal(
    summarize({ rights: ['basic_deployment', 'activity_tracker_analytics'], expiresAt, passphrase: true }),
    'May deploy and read analytics until 24 Feb 2027; asks for a passphrase.',
  );
  assert.equal(summarize({ rights: ['all'], expiresAt: null }), 'May do everything an access token can, with no end.');
});

// ASVS 3.7.2
test('sign-in leads back to places of our own alone', () => {
  const origin = 'https://devpilot.example.com';
  assert.equal(placeToGo('/settings/api-keys?q=x', origin), '/settings/api-keys?q=x');
  for (const from of [
    undefined,
    '',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/sign-in',
    '/\t/evil.example',
  ]) {
    assert.equal(placeToGo(from, origin), '/', String(from));
  }
});
