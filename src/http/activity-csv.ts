import { setImmediate } from 'node:timers/promises';
import type { Analytics } from '../contract/activity.ts';
import { csvRow } from '../contract/csv.ts';
import type { Chart, ListedEvent } from '../platform/activity/activity.ts';
import { type CsvColumns, headerRowOf } from './csv-export.ts';

export const EVENT_COLUMNS: CsvColumns<ListedEvent> = [
  ['time', ({ time }) => time],
  ['source', ({ source }) => source],
  ['type', ({ type }) => type],
  ['subject', ({ subject }) => subject],
  ['id', ({ id }) => id],
  ['data', ({ data }) => data],
  ['receivedAt', ({ receivedAt }) => receivedAt],
];

const ANALYTICS_HEADER_ROW = csvRow(['at', 'key', 'count', 'subjects']);

const EXAMPLE_EVENT_ROW = csvRow([
  '2027-02-24T09:00:00.000Z',
  '/shop',
  'order.paid',
  null,
  '1',
  '{"total":5}',
  '2027-02-24T09:00:01.000Z',
]);
export const EVENTS_CSV_EXAMPLE = headerRowOf(EVENT_COLUMNS) + EXAMPLE_EVENT_ROW;
export const ANALYTICS_CSV_EXAMPLE = ANALYTICS_HEADER_ROW + csvRow(['2027-02-24T09:00:00.000Z', 'order.paid', 12, 7]);

/** Streams the points of a chart as CSV: one line per point, grouped by series. */
export async function* analyticsAsCsv({ series }: Chart): AsyncGenerator<string> {
  yield ANALYTICS_HEADER_ROW;
  for (const { key, points } of series) {
    // A series can have thousands of points, so let the event loop handle other requests before each one.
    await setImmediate();
    const pointRows = JSON.parse(`[${points}]`) as Analytics['series'][number]['points'];
    yield pointRows.map(({ at, count, subjects }) => csvRow([at, key, count, subjects])).join('');
  }
}
