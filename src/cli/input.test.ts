import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpiry, parseInstant, parsePeriod } from './input.ts';

const NOW = Date.parse('2027-01-15T12:00:00.000Z');

/** Runs a function in a time zone. */
function inTimeZone<Result>(timeZone: string, run: () => Result): Result {
  const before = process.env['TZ'];
  process.env['TZ'] = timeZone;
  try {
    return run();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

test('--expires takes a duration, a date-time, a date or never', () => {
  assert.equal(parseExpiry('never', NOW), null);
  assert.equal(parseExpiry('30d', NOW), '2027-02-14T12:00:00.000Z');
  assert.equal(parseExpiry('2027-02-24T09:00:00+01:00', NOW), '2027-02-24T08:00:00.000Z');
});

test('a date means the end of that day in the local time zone', () => {
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

test('a start means the start of a date in the local time zone, and an exclusive end the start of the next day', () => {
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

test('a day that does not exist is refused instead of read as another day', () => {
  for (const text of ['2027-02-30', '2027-02-29', '2027-04-31', '2027-13-01', '2027-02-30T09:00:00Z', '24.02.2027']) {
    assert.throws(() => parseExpiry(text, NOW), /--expires must be a duration .* a date such as 2027-02-24/, text);
    assert.throws(() => parseInstant('--at', text, NOW), /--at must be .* a date such as 2027-02-24/, text);
    assert.throws(() => parsePeriod({ from: undefined, to: text }, NOW), /--to must be/, text);
  }
});
