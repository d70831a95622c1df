import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ActivityEvent } from '../contract/activity.ts';
import type { ActivityGroup, Interval } from '../contract/words.ts';
import type { SentEvent } from '../sdk/client.ts';
import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { readGiven } from './files.ts';
import { readCount, readPast } from './input.ts';
import { note, printJson, printList, showInstant, taken } from './output.ts';

export interface EventListOptions extends Common {
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: string;
  readonly csv?: true;
}

/** From when to when, each an instant or how long ago. */
const periodOf = ({ from, to }: { readonly from?: string; readonly to?: string }) => ({
  from: readPast('--from', from),
  to: readPast('--to', to),
});

const pour = (stream: ReadableStream<Uint8Array>): Promise<void> =>
  pipeline(Readable.fromWeb(stream as never), process.stdout, { end: false });

/** Lists events, newest first, or writes them as CSV. */
export async function listEvents(options: EventListOptions): Promise<void> {
  const { activity } = connect(options);
  const { type, source, subject } = options;
  const query = { type, source, subject, ...periodOf(options) };
  if (options.csv === true) return pour(await activity.csv(query));
  const events = await taken(activity.all(query), readCount('--limit', options.limit) ?? 50);
  await printList<ActivityEvent>(
    events,
    [
      { title: 'TIME', of: ({ time }) => showInstant(time, 'never') },
      { title: 'TYPE', of: (event) => event.type },
      { title: 'SOURCE', of: (event) => event.source },
      { title: 'SUBJECT', of: (event) => event.subject },
      { title: 'ID', of: ({ id }) => id },
    ],
    options,
  );
}

export interface AnalyticsOptions extends Common {
  readonly interval?: string;
  readonly groupBy?: string;
  readonly from?: string;
  readonly to?: string;
  readonly csv?: true;
}

/** Counts and distinct subjects over time. */
export async function showAnalytics(options: AnalyticsOptions): Promise<void> {
  const { activity } = connect(options);
  const query = {
    interval: options.interval as Interval | undefined,
    groupBy: options.groupBy as ActivityGroup | undefined,
    ...periodOf(options),
  };
  if (options.csv === true) return pour(await activity.analyticsCsv(query));
  const analytics = await activity.analytics(query);
  if (options.json === true) return printJson(analytics);
  const rows = analytics.series.flatMap(({ key, points }) => points.map((point) => ({ key, ...point })));
  await printList(
    rows,
    [
      { title: 'AT', of: ({ at }) => at },
      { title: 'KEY', of: ({ key }) => key },
      { title: 'COUNT', of: ({ count }) => count },
      { title: 'SUBJECTS', of: ({ subjects }) => subjects },
    ],
    options,
    ({ key }) => key ?? '',
  );
  note(`${analytics.total} events.`, options);
}

/** What one request takes. */
const BATCH = 1000;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The events of a text: one object, an array of them, or one on each line. */
function eventsOf(text: string): SentEvent[] {
  const whole = parse(text);
  const lines = () =>
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map(parse);
  const events = whole === undefined ? lines() : Array.isArray(whole) ? whole : [whole];
  if (events.length === 0) throw new Failure('There is no event in it.');
  const bad = events.findIndex((one) => typeof one !== 'object' || one === null || Array.isArray(one));
  if (bad !== -1) throw new Failure(`Event ${bad + 1} is no JSON object.`);
  return events as SentEvent[];
}

export interface SendOptions extends Common {
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  readonly id?: string;
  readonly data?: string;
}

async function oneEvent({ type, source, subject, id, data }: SendOptions): Promise<SentEvent> {
  if (type === undefined || source === undefined) {
    throw new Failure('Give a file of CloudEvents, - for standard input, or --type and --source.');
  }
  const text = data === '-' ? await readGiven('-') : data;
  const value = text === undefined ? undefined : parse(text);
  if (text !== undefined && value === undefined) throw new Failure('--data takes JSON, or - for standard input.');
  return {
    specversion: '1.0',
    id: id ?? randomUUID(),
    source,
    type,
    ...(subject !== undefined && { subject }),
    ...(value !== undefined && { datacontenttype: 'application/json', data: value }),
  };
}

/** Sends events, 1,000 a request. What was sent before is not stored again, so a try that failed can be repeated. */
export async function sendEvents(file: string | undefined, options: SendOptions): Promise<void> {
  const events = file === undefined ? [await oneEvent(options)] : eventsOf(await readGiven(file));
  const { activity } = connect(options);
  const total = { accepted: 0, duplicates: 0 };
  for (let at = 0; at < events.length; at += BATCH) {
    const { accepted, duplicates } = await activity.send(events.slice(at, at + BATCH));
    total.accepted += accepted;
    total.duplicates += duplicates;
  }
  if (options.json === true) await printJson(total);
  else note(`Sent ${total.accepted} events; ${total.duplicates} were there already.`, options);
}
