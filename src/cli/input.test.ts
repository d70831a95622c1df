import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from './failure.ts';
import { parseExpiry, parseInstant, parsePeriod } from './input.ts';
import { formatRate, readRestrictions } from './restriction-options.ts';

const NOW = Date.parse('2027-01-15T12:00:00.000Z');
const NO_OPTIONS = { address: undefined, project: undefined, app: undefined, rate: undefined, maxUses: undefined };

/** Runs a function in a time zone. */
function inTimeZone<Result>(timeZone: string, run: () => Result): Result {
  const previous = process.env['TZ'];
  process.env['TZ'] = timeZone;
  try {
    return run();
  } finally {
    if (previous === undefined) delete process.env['TZ'];
    else process.env['TZ'] = previous;
  }
}

test('--expires accepts never, a duration or a date-time', () => {
  assert.equal(parseExpiry('never', NOW), null);
  assert.equal(parseExpiry('30d', NOW), '2027-02-14T12:00:00.000Z');
  assert.equal(parseExpiry('2027-02-24T09:00:00+01:00', NOW), '2027-02-24T08:00:00.000Z');
});

test('--expires with a date means the end of that day in the local time zone', () => {
  for (const [timeZone, date, expected] of [
    ['UTC', '2027-02-24', '2027-02-24T23:59:59.999Z'],
    ['Europe/Berlin', '2027-02-24', '2027-02-24T22:59:59.999Z'],
    ['America/Los_Angeles', '2028-02-29', '2028-03-01T07:59:59.999Z'],
    ['Pacific/Auckland', '2027-12-31', '2027-12-31T10:59:59.999Z'],
    // The clocks were set back at midnight, so that the last hour of the day occurred twice.
    ['America/Sao_Paulo', '2018-02-17', '2018-02-18T02:59:59.999Z'],
    // The clocks were set forward at midnight, so that the next day began at one o'clock.
    ['America/Sao_Paulo', '2018-11-03', '2018-11-04T02:59:59.999Z'],
  ] as const) {
    assert.equal(
      inTimeZone(timeZone, () => parseExpiry(date, NOW)),
      expected,
      `${date} in ${timeZone}`,
    );
  }
});

test('a start date means the start of that day in the local time zone, an end date the start of the next day', () => {
  for (const [timeZone, start, end] of [
    ['UTC', '2027-02-24T00:00:00.000Z', '2027-02-25T00:00:00.000Z'],
    ['Europe/Berlin', '2027-02-23T23:00:00.000Z', '2027-02-24T23:00:00.000Z'],
    ['America/Los_Angeles', '2027-02-24T08:00:00.000Z', '2027-02-25T08:00:00.000Z'],
  ] as const) {
    inTimeZone(timeZone, () => {
      assert.equal(parseInstant('--at', '2027-02-24', NOW), start);
      assert.deepEqual(parsePeriod({ from: '2027-02-24', to: '2027-02-24' }, NOW), { from: start, to: end });
    });
  }
  assert.deepEqual(parsePeriod({ from: '7d', to: '2027-01-15T10:00:00+01:00' }, NOW), {
    from: '2027-01-08T12:00:00.000Z',
    to: '2027-01-15T09:00:00.000Z',
  });
  assert.deepEqual(parsePeriod({ from: undefined, to: undefined }, NOW), { from: undefined, to: undefined });
});

test('a date in another format is rejected, and a day that does not exist is not parsed as another day', () => {
  for (const text of ['2027-02-30', '2027-02-29', '2027-04-31', '2027-13-01', '2027-02-30T09:00:00Z', '24.02.2027']) {
    assert.throws(() => parseExpiry(text, NOW), /--expires must be a duration .* a date such as 2027-02-24/, text);
    assert.throws(() => parseInstant('--at', text, NOW), /--at must be .* a date such as 2027-02-24/, text);
    assert.throws(() => parsePeriod({ from: undefined, to: text }, NOW), /--to must be/, text);
  }
});

test('restrictions are read from their options; "any" or "unlimited" removes a restriction', () => {
  assert.deepEqual(readRestrictions(NO_OPTIONS), {});
  const set = { address: ['::1'], project: ['storefront'], app: ['shop', 'api'], rate: '100/min', maxUses: '5' };
  assert.deepEqual(readRestrictions(set).restrictions, {
    addresses: ['::1'],
    projects: ['storefront'],
    apps: ['shop', 'api'],
    rate: { requests: 100, seconds: 60 },
    maxUses: 5,
  });
  const removed = { address: ['any'], project: ['any'], app: ['any'], rate: 'unlimited', maxUses: 'unlimited' };
  assert.deepEqual(readRestrictions(removed).restrictions, {
    addresses: [],
    projects: [],
    apps: [],
    rate: null,
    maxUses: null,
  });
});

test('a rate is parsed, and formatted in its shortest form', () => {
  const rates: [text: string, requests: number, seconds: number, shown?: string][] = [
    ['100/min', 100, 60],
    ['5/10s', 5, 10],
    ['1/s', 1, 1],
    ['1000/h', 1000, 3600],
    ['2/2h', 2, 7200],
    ['1/day', 1, 86_400],
    ['90/90s', 90, 90],
    ['1/sec', 1, 1, '1/s'],
    ['60/60s', 60, 60, '60/min'],
    ['1/24hour', 1, 86_400, '1/day'],
  ];
  for (const [text, requests, seconds, shown = text] of rates) {
    const { restrictions } = readRestrictions({ ...NO_OPTIONS, rate: text });
    assert.deepEqual(restrictions, { rate: { requests, seconds } }, text);
    assert.equal(formatRate({ requests, seconds }), shown);
  }
  assert.equal(formatRate(null), 'unlimited');
  for (const rate of ['', '100', '/min', '100/', '100/fortnight', '-1/min', '1.5/s', '100 per min', '1/constructor']) {
    assert.throws(() => readRestrictions({ ...NO_OPTIONS, rate }), Failure, rate);
  }
});
