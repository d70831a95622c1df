import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DAY, MINUTE } from '../../contract/limits.ts';
import { DEFAULT_POLICY } from '../../contract/policy.ts';
import type { CredentialKind } from '../../contract/vocabulary.ts';
import { formatDate } from '../components/format.ts';
import { validateName } from '../validation.ts';
import { type CredentialFormValues, NEW_CREDENTIAL } from './credential-form-values.ts';
import {
  type ExpiryChoice,
  type ExpiryLimits,
  expiryLimits,
  expiryOptions,
  fitExpiry,
  shortestCoveringExpiry,
  toExpiresAt,
  validateExpiry,
} from './expiry.ts';
import { ACCESS_TOKENS, API_KEYS, hintText } from './kinds.ts';
import { estimateStrength, generatePassphrase } from './passphrase.ts';
import { applyPreset, isChosen, PRESETS } from './presets.ts';
import { groupReplacements, isShownBelowItsPredecessor, rotationOf } from './rotation.ts';
import { summarize } from './summary.ts';

const now = new Date(2027, 0, 15, 12).getTime();
const NO_MAXIMUM = { now, latest: null };

describe('Expiry', () => {
  const onDate = (dateText: string) => ({ choice: 'date', dateText }) as const;

  test('a duration starts now, a date means the end of the day, "never" is null, and "keep" is the current expiry', () => {
    assert.equal(toExpiresAt({ choice: '30', dateText: '' }, NO_MAXIMUM), new Date(now + 30 * DAY).toISOString());
    const date = toExpiresAt(onDate('24 Feb 2027'), NO_MAXIMUM);
    assert.equal(date, new Date(2027, 1, 24, 23, 59, 59, 999).toISOString());
    assert.equal(toExpiresAt({ choice: 'never', dateText: '' }, NO_MAXIMUM), null);
    assert.equal(
      toExpiresAt({ choice: 'keep', dateText: '' }, NO_MAXIMUM, '2028-01-01T00:00:00.000Z'),
      '2028-01-01T00:00:00.000Z',
    );
  });

  test('a date that is missing, past or nonexistent is an error, and is never read as "no expiry"', () => {
    for (const [text, message] of [
      ['', 'Choose a date'],
      ['14 Jan 2027', 'The date must be today or later'],
      ['30 Feb 2027', 'There is no 30 February 2027.'],
      ['30 Feb', 'There is no 30 February.'],
    ] as const) {
      assert.equal(validateExpiry(onDate(text), NO_MAXIMUM), message);
      assert.equal(toExpiresAt(onDate(text), NO_MAXIMUM), undefined, text);
    }
    assert.equal(validateExpiry(onDate('15 Jan 2027'), NO_MAXIMUM), null);
  });

  test('every date that the calendar writes into the field is read as that date', () => {
    for (let day = 0; day < 366; day++) {
      const time = new Date(2028, 0, 1 + day, 12).getTime();
      const expiresAt = toExpiresAt(onDate(formatDate(time)), NO_MAXIMUM);
      assert.equal(new Date(expiresAt ?? 0).toDateString(), new Date(time).toDateString(), formatDate(time));
    }
  });

  test('a replacement gets the shortest option that covers the whole lifetime of the old credential, at most a year; no expiry if the old one never expires', () => {
    const expiryForDays = (days: number) =>
      shortestCoveringExpiry(new Date(now).toISOString(), new Date(now + days * DAY).toISOString());
    assert.deepEqual(
      [7, 29, 90, 1000].map((days) => expiryForDays(days).choice),
      ['7', '30', '90', '365'],
    );
    assert.equal(shortestCoveringExpiry(new Date(now).toISOString(), null).choice, 'never');
  });
});

describe('Expiry under a maximum lifetime', () => {
  const withMaximum = (maxLifetimeDays: number, createdAt: string | null = null) =>
    expiryLimits({ ...DEFAULT_POLICY, maxLifetimeDays }, now, createdAt);
  const option = (choice: ExpiryChoice) => ({ choice, dateText: '' });
  const allowed = (limits: ExpiryLimits, current?: string | null) =>
    expiryOptions(limits, current).flatMap(({ value, disabled }) => (disabled ? [] : [value]));

  test('the options within the maximum are allowed, and the longest allowed lifetime is added if none equals it', () => {
    assert.deepEqual(allowed(NO_MAXIMUM), ['7', '30', '60', '90', '365', 'date', 'never']);
    assert.deepEqual(allowed(withMaximum(30)), ['7', '30', 'date']);
    assert.deepEqual(allowed(withMaximum(45)), ['7', '30', 'latest', 'date']);
    assert.deepEqual(allowed(withMaximum(1)), ['latest', 'date']);
    const createdAt = new Date(now - 20 * DAY).toISOString();
    assert.deepEqual(allowed(withMaximum(30, createdAt), null), ['keep', '7', 'latest', 'date']);
    assert.deepEqual(allowed(withMaximum(10, createdAt), null), ['keep', 'date']);
  });

  test('a new credential expires at least a minute before its maximum lifetime ends, so that a server whose clock is behind accepts it', () => {
    const latest = new Date(now + 30 * DAY - MINUTE).toISOString();
    assert.equal(toExpiresAt(option('30'), withMaximum(30)), latest);
    assert.equal(toExpiresAt(option('7'), withMaximum(30)), new Date(now + 7 * DAY).toISOString());
    assert.equal(toExpiresAt(option('latest'), withMaximum(45)), new Date(now + 45 * DAY - MINUTE).toISOString());
    assert.equal(
      validateExpiry(option('30'), withMaximum(30), now + DAY / 2),
      null,
      'half a day after the form was opened',
    );
  });

  test('an option beyond the maximum is replaced by the longest allowed option, and is rejected if it is submitted anyway', () => {
    assert.deepEqual(fitExpiry(option('90'), withMaximum(30)), option('30'));
    assert.deepEqual(fitExpiry(option('never'), withMaximum(45)), option('latest'));
    assert.deepEqual(fitExpiry(option('90'), withMaximum(90)), option('90'));
    assert.deepEqual(fitExpiry(option('keep'), withMaximum(1)), option('keep'));
    for (const choice of ['never', '365'] as const) {
      assert.equal(validateExpiry(option(choice), withMaximum(30)), 'The policy of the workspace does not allow this');
    }
  });

  test('the latest accepted date is the last day that ends within the maximum', () => {
    const onDay = (day: number) => ({ choice: 'date', dateText: formatDate(now + day * DAY) }) as const;
    assert.equal(validateExpiry(onDay(29), withMaximum(30)), null);
    assert.match(
      validateExpiry(onDay(30), withMaximum(30)) ?? '',
      /^The policy of the workspace allows no expiry later than 14 Feb 2027/,
    );
    assert.equal(toExpiresAt(onDay(30), withMaximum(30)), undefined);
  });
});

describe('Passphrases', () => {
  test('generated passphrases are strong and unique', () => {
    const generated = new Set(Array.from({ length: 200 }, generatePassphrase));
    assert.equal(generated.size, 200);
    for (const passphrase of generated) assert.equal(estimateStrength(passphrase), 'strong');
  });

  test('sequences, repetitions and short words are weak', () => {
    for (const weak of ['aaaaaaaaaaaaaaaaaaaa', '12345678', 'abcdefghijkl', 'password']) {
      assert.equal(estimateStrength(weak), 'weak', weak);
    }
    assert.notEqual(estimateStrength('correct horse battery staple'), 'weak');
  });
});

describe('Presets', () => {
  const chosenPresets = (kind: CredentialKind, values: CredentialFormValues) =>
    PRESETS[kind].filter((preset) => isChosen(preset, values));

  test('a preset grants only rights that its kind of credential has, and no two presets grant the same rights', () => {
    for (const { kind, rightGroups } of [ACCESS_TOKENS, API_KEYS]) {
      const known = rightGroups.flatMap(({ rights }) => rights);
      for (const preset of PRESETS[kind]) {
        assert.deepEqual(
          preset.rights.filter((right) => !known.includes(right)),
          [],
          preset.name,
        );
        const values = { ...NEW_CREDENTIAL, ...applyPreset(kind, preset, NEW_CREDENTIAL) };
        assert.equal(validateName(values.name), null);
        assert.deepEqual(chosenPresets(kind, values), [preset]);
      }
    }
    assert.deepEqual(chosenPresets('api_key', NEW_CREDENTIAL), []);
  });

  test('a preset replaces the name of another preset, but not a name that the user entered', () => {
    const [first, second] = PRESETS.access_token;
    assert.ok(first !== undefined && second !== undefined);
    const nameAfter = (name: string) => applyPreset('access_token', second, { ...NEW_CREDENTIAL, name }).name;
    assert.deepEqual(['', ' ', first.name, 'Nightly'].map(nameAfter), [
      second.name,
      second.name,
      second.name,
      'Nightly',
    ]);
  });
});

describe('The summary', () => {
  const expiresAt = new Date(2027, 1, 24, 12).toISOString();
  const summarizeToken = (input: Partial<Parameters<typeof summarize>[0]>) =>
    summarize({ rights: ['basic_deployment'], rightNoun: 'scope', expiresAt, now, ...input });

  test('describes the credential in words', () => {
    assert.equal(
      summarizeToken({ rights: ['basic_deployment', 'activity_tracker_analytics'], passphrase: 'set' }),
      'Can deploy and read analytics until 24 Feb 2027; passphrase required.',
    );
    assert.equal(
      summarizeToken({ rights: ['all'], expiresAt: null }),
      'Can do everything an access token can, and never expires.',
    );
    assert.equal(
      summarizeToken({ expiresAt: new Date(2027, 1, 24, 23, 59, 59, 999).toISOString() }),
      'Can deploy until the end of 24 Feb 2027.',
    );
    assert.equal(
      summarizeToken({ rights: ['read'], rightNoun: 'permission', guard: true, active: false }),
      'Can read resources until 24 Feb 2027; can be used by an SDK guard; inactive until you enable it.',
    );
    assert.equal(
      summarizeToken({ passphrase: 'missing', restrictions: ['only from 203.0.113.7'] }),
      'Can deploy until 24 Feb 2027; passphrase not yet entered; only from 203.0.113.7.',
    );
  });

  test('is correct while the form is incomplete, and for an expired credential', () => {
    for (const state of [{}, { expiresAt: null }, { expiresAt: undefined }, { active: false }]) {
      assert.equal(summarizeToken({ rights: [], ...state }), 'Grants no access yet: select at least one scope.');
    }
    assert.equal(summarizeToken({ expiresAt: undefined }), 'Can deploy; no valid expiry date entered yet.');
    assert.equal(
      summarizeToken({ expiresAt: new Date(2027, 0, 3, 12).toISOString() }),
      'Expired on 3 Jan 2027: requests are rejected until you choose a later expiry.',
    );
    assert.equal(
      summarizeToken({ rights: ['deploy'], guard: true }),
      'Can deploy until 24 Feb 2027; an SDK guard also needs the permission read.',
    );
  });
});

test('an imported credential, which has no hint, is shown as imported', () => {
  assert.deepEqual([hintText({ hint: 'a1b2' }), hintText({ hint: '' })], ['…a1b2', 'imported']);
});

describe('Rotation', () => {
  const row = (id: string, links: { replaces?: string; replacedBy?: string } = {}) => ({
    id,
    replaces: links.replaces ?? null,
    replacedBy: links.replacedBy ?? null,
  });
  const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id).join(' ');

  test('a credential is the old or the new credential of its rotation; of two rotations, the later is returned', () => {
    assert.equal(rotationOf(row('a')), null);
    assert.deepEqual(rotationOf(row('old', { replacedBy: 'new' })), { oldId: 'old', newId: 'new' });
    assert.deepEqual(rotationOf(row('new', { replaces: 'old' })), { oldId: 'old', newId: 'new' });
    assert.deepEqual(rotationOf(row('b', { replaces: 'a', replacedBy: 'c' })), { oldId: 'b', newId: 'c' });
  });

  test('each replacement is directly below the credential it replaces, at the position of whichever came first; other rows keep their order', () => {
    const [old, replacement] = [row('old', { replacedBy: 'new' }), row('new', { replaces: 'old' })];
    assert.equal(idsOf(groupReplacements([row('x'), replacement, row('y'), old, row('z')])), 'x old new y z');
    assert.equal(idsOf(groupReplacements([old, row('x'), replacement])), 'old new x');
    assert.equal(
      idsOf(
        groupReplacements([
          row('c', { replaces: 'b' }),
          row('a', { replacedBy: 'b' }),
          row('b', { replaces: 'a', replacedBy: 'c' }),
        ]),
      ),
      'a b c',
    );
    // The replaced credential is on another page.
    assert.equal(idsOf(groupReplacements([row('x'), replacement])), 'x new');
    assert.equal(isShownBelowItsPredecessor(replacement, [old, replacement]), true);
    assert.equal(isShownBelowItsPredecessor(replacement, [replacement]), false);
  });
});
