import { setImmediate } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { ActivityEvent, ActivityQuery, Analytics } from '../contract/activity.ts';
import { csvLine } from '../contract/csv.ts';
import type { Page } from '../contract/schemas.ts';
import { LIMITS, RESOURCE_LIMITS } from '../contract/words.ts';
import type { Chart } from '../workspace/activity.ts';

export const CSV_TYPE = 'text/csv; charset=utf-8';

/** Whether a request asks for CSV instead of JSON (RFC 4180). */
export const asksForCsv = ({ headers }: FastifyRequest): boolean => headers.accept?.includes('text/csv') === true;

const EVENT_COLUMNS: readonly (readonly [string, (event: ActivityEvent) => string | null])[] = [
  ['time', ({ time }) => time],
  ['source', ({ source }) => source],
  ['type', ({ type }) => type],
  ['subject', ({ subject }) => subject],
  ['id', ({ id }) => id],
  ['data', ({ data }) => (data === null ? null : JSON.stringify(data))],
  ['receivedAt', ({ receivedAt }) => receivedAt],
];

/**
 * Events as CSV, page by page and only as fast as the client takes them, at most `activityCsv` of them.
 * `first` was read before the answer began, so that a bad query is still refused.
 */
export async function* eventLines(
  first: Page<ActivityEvent>,
  query: ActivityQuery,
  list: (query: ActivityQuery) => Promise<Page<ActivityEvent>>,
): AsyncGenerator<string> {
  yield csvLine(EVENT_COLUMNS.map(([name]) => name));
  let page = first;
  for (let left: number = RESOURCE_LIMITS.activityCsv; ; ) {
    const events = page.data.slice(0, left);
    yield events.map((event) => csvLine(EVENT_COLUMNS.map(([, cell]) => cell(event)))).join('');
    left -= events.length;
    if (page.nextCursor === null || left <= 0) return;
    page = await list({ ...query, cursor: page.nextCursor, limit: String(LIMITS.page.max) });
  }
}

/** A chart's points as CSV, a line a point, a series at a time. */
export async function* analyticsLines({ series }: Chart): AsyncGenerator<string> {
  yield csvLine(['at', 'key', 'count', 'subjects']);
  for (const { key, points } of series) {
    await setImmediate();
    const all = JSON.parse(`[${points}]`) as Analytics['series'][number]['points'];
    yield all.map(({ at, count, subjects }) => csvLine([at, key, count, subjects])).join('');
  }
}
