import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY, HOUR, MINUTE } from '../../contract/limits.ts';
import { INTERVALS } from '../../contract/platform-vocabulary.ts';
import { axisLabel, axisTicks } from './chart-axis.ts';
import { buildChartData } from './chart-data.ts';
import { availableIntervals, parseChartRange } from './chart-range.ts';

const NOW = Date.parse('2027-02-24T09:30:20.000Z');
const searchGetter = (search: Record<string, string>) => (name: string) => search[name];
const time = (text: string) => Date.parse(`2027-02-${text}:00.000Z`);

test('a range is aligned to whole intervals and has an interval that a chart can show', () => {
  assert.deepEqual(parseChartRange(searchGetter({}), NOW), {
    from: time('23T09:00'),
    to: time('24T10:00'),
    interval: 'hour',
  });
  assert.deepEqual(parseChartRange(searchGetter({ since: '1h' }), NOW), {
    from: time('24T08:30'),
    to: time('24T09:32'),
    interval: 'minute',
  });
  assert.equal(parseChartRange(searchGetter({ since: '30d' }), NOW).interval, 'day');
  assert.equal(parseChartRange(searchGetter({ since: '30d', interval: 'minute' }), NOW).interval, 'day');
  assert.equal(parseChartRange(searchGetter({ since: '7d', interval: 'day' }), NOW).interval, 'day');
});

test('the axis is labeled with round local times, or with evenly spaced days', () => {
  const originalTimeZone = process.env['TZ'];
  const ticks = (search: Record<string, string>) => {
    const { from, to, interval } = parseChartRange(searchGetter(search), NOW);
    const times = Array.from({ length: (to - from) / INTERVALS[interval] }, (_, n) => from + n * INTERVALS[interval]);
    return axisTicks(times, interval).map((tick) => new Date(tick).toISOString().slice(5, 16));
  };
  try {
    process.env['TZ'] = 'Europe/Berlin';
    assert.deepEqual(ticks({}), ['02-23T11:00', '02-23T17:00', '02-23T23:00', '02-24T05:00']);
    assert.deepEqual(ticks({ since: '1h' }).slice(0, 2), ['02-24T08:30', '02-24T08:40']);
    assert.deepEqual(ticks({ since: '7d', interval: 'hour' }).slice(0, 2), ['02-17T23:00', '02-18T23:00']);
    assert.deepEqual(ticks({ since: '7d', interval: 'day' }).slice(0, 2), ['02-17T00:00', '02-18T00:00']);
    assert.deepEqual(ticks({ since: '90d' }).slice(0, 2), ['11-26T00:00', '12-08T00:00']);
    // Midnight in Kolkata is 18:30 UTC, so the first interval that starts on the new day starts at 19:00 UTC.
    process.env['TZ'] = 'Asia/Kolkata';
    assert.deepEqual(ticks({}), ['02-23T13:00', '02-23T19:00', '02-24T01:00', '02-24T07:00']);
  } finally {
    if (originalTimeZone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = originalTimeZone;
  }
  assert.equal(axisLabel(new Date(2027, 1, 24).getTime(), 'hour'), '24 Feb');
  assert.equal(axisLabel(new Date(2027, 1, 24, 6).getTime(), 'hour'), '06:00');
  assert.equal(axisLabel(Date.UTC(2027, 1, 24), 'day'), '24 Feb');
});

test('invalid values select the default range, and the end is always after the start', () => {
  const defaultRange = parseChartRange(searchGetter({}), NOW);
  assert.deepEqual(parseChartRange(searchGetter({ since: 'ever', from: 'x', interval: 'week' }), NOW), defaultRange);
  const backwards = parseChartRange(searchGetter({ from: '2027-02-24T09:00:00Z', to: '2027-02-23T09:00:00Z' }), NOW);
  assert.ok(backwards.from < backwards.to);
});

test('the available intervals depend on the length of the range', () => {
  assert.deepEqual(availableIntervals(HOUR), ['minute', 'hour']);
  assert.deepEqual(availableIntervals(7 * DAY), ['hour', 'day']);
  assert.deepEqual(availableIntervals(90 * DAY), ['day']);
  assert.deepEqual(availableIntervals(MINUTE / 2), ['day']);
});

test('intervals without events are zero, and keys beyond the sixth are combined', () => {
  const range = { from: 0, to: 3 * HOUR, interval: 'hour' } as const;
  const series = Array.from({ length: 8 }, (_, index) => ({
    key: `type.${index}`,
    points: [{ at: new Date(HOUR).toISOString(), count: 10 - index, subjects: 1 }],
  }));
  const chart = buildChartData({ interval: 'hour', total: 60, series }, range, 'count');
  assert.deepEqual(
    chart.series.map(({ key, isOther, total }) => [key, isOther, total]),
    [
      ['type.0', false, 10],
      ['type.1', false, 9],
      ['type.2', false, 8],
      ['type.3', false, 7],
      ['type.4', false, 6],
      ['type.5', false, 5],
      [null, true, 15],
    ],
  );
  assert.deepEqual(
    chart.rows.map((row) => [row.time, row['s0'], row['other']]),
    [
      [0, 0, 0],
      [HOUR, 10, 7],
      [2 * HOUR, 0, 0],
    ],
  );
  assert.equal(buildChartData({ interval: 'hour', total: 60, series }, range, 'subjects').series.length, 6);
});
