import { setImmediate } from 'node:timers/promises';
import type { ActivityEvent, ActivityQuery, AnalyticsQuery } from '../../contract/activity.ts';
import { toIsoString } from '../../contract/instant.ts';
import { DAY, RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { Page } from '../../contract/paging.ts';
import { INTERVALS, type Interval } from '../../contract/platform-vocabulary.ts';
import { invalidField } from '../../contract/problem.ts';
import { deleteOldActivity, listActivity, listWorkspacesWithActivity } from '../../store/activity.ts';
import { readSeries } from '../../store/activity-series.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { ActivityEventTable } from '../../store/schema/activity.ts';
import { createYielder } from '../bounded-json.ts';
import type { PlatformContext } from '../context.ts';
import type { StoredAttributes } from './cloud-events.ts';

/** An event with the stored JSON text as its data, so that no number in the data loses precision. */
export type ListedEvent = Omit<ActivityEvent, 'data'> & { readonly data: string | null };

function serializeEvent(row: ActivityEventTable): ListedEvent {
  const { id, source, type, subject, data } = row;
  const { base64 = false, values = {} } =
    row.attributes === null ? {} : (JSON.parse(row.attributes) as StoredAttributes);
  return {
    id,
    source,
    type,
    subject,
    time: toIsoString(row.at),
    data,
    dataEncoding: base64 ? 'base64' : 'json',
    attributes: values,
    receivedAt: toIsoString(row.received_at),
  };
}

/** Serializes a page of events one event at a time, so that other requests are not delayed. */
export async function* eventsAsJson({ data: events, nextCursor }: Page<ListedEvent>): AsyncGenerator<string> {
  const yieldIfDue = createYielder();
  yield '{"data":[';
  for (const [index, { data, ...event }] of events.entries()) {
    yield `${index === 0 ? '' : ','}${JSON.stringify(event).slice(0, -1)},"data":${data ?? 'null'}}`;
    await yieldIfDue();
  }
  yield `],"nextCursor":${JSON.stringify(nextCursor)}}`;
}

const parseInstant = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text));

/** Lists events, newest first. Throws `validation_failed` for a cursor of another list. */
export async function listEvents(
  context: PlatformContext,
  workspaceId: string,
  query: ActivityQuery,
): Promise<Page<ListedEvent>> {
  const page = readPageRequest(query, '-time', 'number');
  const { type, source, subject } = query;
  const filter = { type, source, subject, from: parseInstant(query.from), to: parseInstant(query.to) };
  const rows = await listActivity(context.store.read, workspaceId, filter, page);
  return toPage(rows, page.limit, '-time', (row) => ({ value: row.at, id: String(row.sequence) }), serializeEvent);
}

/** Default and maximum number of intervals in a chart. */
const CHART_LENGTHS: Readonly<Record<Interval, { readonly defaultCount: number; readonly maxCount: number }>> = {
  minute: { defaultCount: 60, maxCount: 2_880 },
  hour: { defaultCount: 48, maxCount: 2_232 },
  day: { defaultCount: 30, maxCount: 3_660 },
};

/**
 * Returns the range of whole intervals for a query, by default up to the current interval. Throws `validation_failed`
 * for a range that is too long or reversed. Pure.
 */
function chartRange(
  query: AnalyticsQuery,
  interval: Interval,
  now: number,
): { from: number; to: number; intervalCount: number } {
  const intervalMs = INTERVALS[interval];
  const { defaultCount, maxCount } = CHART_LENGTHS[interval];
  const to = Math.ceil((parseInstant(query.to) ?? now + 1) / intervalMs) * intervalMs;
  const from = Math.floor((parseInstant(query.from) ?? to - defaultCount * intervalMs) / intervalMs) * intervalMs;
  const intervalCount = (to - from) / intervalMs;
  if (!(intervalCount > 0)) throw invalidField('from', 'must be before to');
  if (intervalCount > maxCount)
    throw invalidField(
      'from',
      `must be at most ${maxCount} intervals of one ${interval} before to; use a shorter range or a longer interval`,
    );
  return { from, to, intervalCount };
}

/** `Analytics`, but with the points of each series as JSON text without brackets, because there may be thousands. */
export interface Chart {
  readonly interval: Interval;
  readonly total: number;
  readonly series: readonly { readonly key: string | null; readonly points: string }[];
}

/**
 * Returns counts over time. Reads only the roll-ups, so that the cost does not grow with the number of events. Throws
 * `validation_failed` for an invalid range.
 */
export async function getAnalytics(
  context: PlatformContext,
  workspaceId: string,
  query: AnalyticsQuery,
): Promise<Chart> {
  const interval = query.interval ?? 'day';
  const { from, to, intervalCount } = chartRange(query, interval, context.clock());
  const { min, max } = RESOURCE_LIMITS.activitySeries;
  const maxSeries = Math.min(max, Math.max(min, Math.floor(RESOURCE_LIMITS.activityPoints / intervalCount)));
  const range = { interval, from, to };
  const { total, series } = await readSeries(
    context.store.read,
    workspaceId,
    query.groupBy ?? 'type',
    range,
    maxSeries,
  );
  return { interval, total, series: series.map(({ key, points }) => ({ key: key === '' ? null : key, points })) };
}

/**
 * Serializes a chart as `Analytics`, one series per turn of the event loop, so that authorization requests are not
 * delayed.
 */
export async function* analyticsAsJson({ interval, total, series }: Chart): AsyncGenerator<string> {
  yield `{"interval":"${interval}","total":${total},"series":[`;
  for (const [index, { key, points }] of series.entries()) {
    await setImmediate();
    yield `${index === 0 ? '' : ','}{"key":${JSON.stringify(key)},"points":[${points}]}`;
  }
  yield ']}';
}

const DELETE_BATCH_SIZE = 5_000;

/**
 * Deletes the events and roll-ups of all days that ended before `before` (epoch milliseconds), in small batches, so
 * that other writers are not blocked. Deletes only whole days, so that counts per minute, hour and day agree.
 */
export async function deleteExpiredActivity({ store }: Pick<PlatformContext, 'store'>, before: number): Promise<void> {
  const dayStart = Math.floor(before / DAY) * DAY;
  for (const workspaceId of await listWorkspacesWithActivity(store.read)) {
    for (let hasMore = true; hasMore; ) {
      hasMore = await store.transaction((trx) => deleteOldActivity(trx, workspaceId, dayStart, DELETE_BATCH_SIZE));
    }
  }
}
