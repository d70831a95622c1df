import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DAY } from '../../contract/limits.ts';
import { safeReturnPath } from '../sign-in/return-path.ts';
import { closestExpiry, toExpiresAt, validateExpiry } from './expiry.ts';
import { estimateStrength, generatePassphrase } from './passphrase.ts';
import { summarize } from './summary.ts';

const now = new Date(2027, 0, 15, 12).getTime();

describe('Expiry', () => {
  test('a duration starts now, a date means the end of the day, never is null', () => {
    assert.equal(toExpiresAt({ choice: '30', date: null }, now), new Date(now + 30 * DAY).toISOString());
    const date = toExpiresAt({ choice: 'date', date: '2027-02-24' }, now);
    assert.equal(date, new Date(2027, 1, 24, 23, 59, 59, 999).toISOString());
    assert.equal(toExpiresAt({ choice: 'never', date: null }, now), null);
    assert.equal(
      toExpiresAt({ choice: 'keep', date: null }, now, '2028-01-01T00:00:00.000Z'),
      '2028-01-01T00:00:00.000Z',
    );
  });

  test('a date is required and must be today or later', () => {
    assert.equal(validateExpiry({ choice: 'date', date: null }, now), 'Choose a date');
    assert.equal(validateExpiry({ choice: 'date', date: '2027-01-14' }, now), 'The date must be in the future');
    assert.equal(validateExpiry({ choice: 'date', date: '2027-01-15' }, now), null);
  });

  test('a replacement gets the option closest to the lifetime of the old credential', () => {
    const expiryForDays = (days: number) =>
      closestExpiry(new Date(now).toISOString(), new Date(now + days * DAY).toISOString());
    assert.deepEqual(
      [7, 29, 90, 1000].map((days) => expiryForDays(days).choice),
      ['7', '30', '90', '365'],
    );
    assert.equal(closestExpiry(new Date(now).toISOString(), null).choice, 'never');
  });
});

describe('Passphrases', () => {
  test('generated passphrases are strong and unique', () => {
    const generated = new Set(Array.from({ length: 200 }, generatePassphrase));
    assert.equal(generated.size, 200);
    for (const passphrase of generated) assert.equal(estimateStrength(passphrase), 'strong');
  });

  test('sequences and repetitions are weak', () => {
    for (const weak of ['aaaaaaaaaaaaaaaaaaaa', '12345678', 'abcdefghijkl', 'password']) {
      assert.equal(estimateStrength(weak), 'weak', weak);
    }
    assert.notEqual(estimateStrength('correct horse battery staple'), 'weak');
  });
});

test('the summary describes the credential in words', () => {
  const expiresAt = new Date(2027, 1, 24, 12).toISOString();
  assert.equal(
    summarize({ rights: ['basic_deployment', 'activity_tracker_analytics'], expiresAt, passphrase: true }),
    'Can deploy and read analytics until 24 Feb 2027; passphrase required.',
  );
  assert.equal(
    summarize({ rights: ['all'], expiresAt: null }),
    'Can do everything an access token can, and never expires.',
  );
});

// ASVS 3.7.2
test('sign-in never redirects to another origin', () => {
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
