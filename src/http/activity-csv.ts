import { setImmediate } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { ActivityQuery, Analytics } from '../contract/activity.ts';
import { csvRow } from '../contract/csv.ts';
import { LIMITS, RESOURCE_LIMITS } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import type { Chart, ListedEvent } from '../platform/activity/activity.ts';

export const CSV_TYPE = 'text/csv; charset=utf-8';

/** Whether a request asks for CSV instead of JSON (RFC 4180). */
export const acceptsCsv = ({ headers }: FastifyRequest): boolean => headers.accept?.includes('text/csv') === true;

const EVENT_COLUMNS: readonly (readonly [name: string, cell: (event: ListedEvent) => string | null])[] = [
  ['time', ({ time }) => time],
  ['source', ({ source }) => source],
  ['type', ({ type }) => type],
  ['subject', ({ subject }) => subject],
  ['id', ({ id }) => id],
  ['data', ({ data }) => data],
  ['receivedAt', ({ receivedAt }) => receivedAt],
];

const EVENTS_HEADER_ROW = csvRow(EVENT_COLUMNS.map(([name]) => name));
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
export const EVENTS_CSV_EXAMPLE = EVENTS_HEADER_ROW + EXAMPLE_EVENT_ROW;
export const ANALYTICS_CSV_EXAMPLE = ANALYTICS_HEADER_ROW + csvRow(['2027-02-24T09:00:00.000Z', 'order.paid', 12, 7]);

/**
 * Streams at most `RESOURCE_LIMITS.activityCsv` events as CSV. Reads the next page when the client has received the
 * previous one. The caller reads `firstPage` before the response starts, so that an invalid query is still rejected.
 */
export async function* eventsAsCsv(
  firstPage: Page<ListedEvent>,
  query: ActivityQuery,
  readPage: (query: ActivityQuery) => Promise<Page<ListedEvent>>,
): AsyncGenerator<string> {
  yield EVENTS_HEADER_ROW;
  let page = firstPage;
  let remaining: number = RESOURCE_LIMITS.activityCsv;
  for (;;) {
    const events = page.data.slice(0, remaining);
    yield events.map((event) => csvRow(EVENT_COLUMNS.map(([, cell]) => cell(event)))).join('');
    remaining -= events.length;
    if (page.nextCursor === null || remaining <= 0) return;
    page = await readPage({ ...query, cursor: page.nextCursor, limit: String(LIMITS.page.max) });
  }
}

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
