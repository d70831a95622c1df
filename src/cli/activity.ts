import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ActivityEvent } from '../contract/activity.ts';
import { parseLossless } from '../contract/lossless-json.ts';
import type { ActivityGroup, Interval } from '../contract/platform-vocabulary.ts';
import type { CloudEventInput } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { readFileOrStdin } from './files.ts';
import { type PeriodOptions, parseCount, parsePeriod } from './input.ts';
import { formatInstant, printJson, printList, printNote, takeFirst } from './output.ts';

export interface EventListOptions extends RemoteOptions, PeriodOptions {
  readonly type: string | undefined;
  readonly source: string | undefined;
  readonly subject: string | undefined;
  readonly limit: string;
  readonly csv: true | undefined;
}

const pipeToStdout = (stream: ReadableStream<Uint8Array>): Promise<void> =>
  pipeline(Readable.fromWeb(stream as never), process.stdout, { end: false });

/** Lists the newest events that match the options, or prints all of them as CSV. */
export async function listEvents(options: EventListOptions): Promise<void> {
  const { activity } = connect(options);
  const { type, source, subject } = options;
  const query = { type, source, subject, ...parsePeriod(options) };
  if (options.csv === true) return pipeToStdout(await activity.csv(query));
  const events = await takeFirst(activity.all(query), parseCount('--limit', options.limit));
  await printList<ActivityEvent>(
    events,
    [
      { title: 'TIME', getValue: ({ time }) => formatInstant(time, 'never') },
      { title: 'TYPE', getValue: (event) => event.type },
      { title: 'SOURCE', getValue: (event) => event.source },
      { title: 'SUBJECT', getValue: (event) => event.subject },
      { title: 'ID', getValue: ({ id }) => id },
    ],
    options,
  );
}

export interface AnalyticsOptions extends RemoteOptions, PeriodOptions {
  readonly interval: string | undefined;
  readonly groupBy: string | undefined;
  readonly csv: true | undefined;
}

/** Prints the number of events and of unique subjects per interval. */
export async function showAnalytics(options: AnalyticsOptions): Promise<void> {
  const { activity } = connect(options);
  const query = {
    interval: options.interval as Interval | undefined,
    groupBy: options.groupBy as ActivityGroup | undefined,
    ...parsePeriod(options),
  };
  if (options.csv === true) return pipeToStdout(await activity.analyticsCsv(query));
  const analytics = await activity.analytics(query);
  if (options.json === true) return printJson(analytics);
  const rows = analytics.series.flatMap(({ key, points }) => points.map((point) => ({ key, ...point })));
  await printList(
    rows,
    [
      { title: 'TIME', getValue: ({ at }) => at },
      { title: 'GROUP', getValue: ({ key }) => key },
      { title: 'COUNT', getValue: ({ count }) => count },
      { title: 'SUBJECTS', getValue: ({ subjects }) => subjects },
    ],
    options,
    ({ key }) => key ?? '',
  );
  printNote(`${analytics.total} events.`, options);
}

const MAX_EVENTS_PER_REQUEST = 1000;

function parseJson(text: string): unknown {
  try {
    return parseLossless(text);
  } catch {
    return undefined;
  }
}

/** Parses events from text: a JSON object, an array of objects, or one object per line. */
function parseEvents(text: string): CloudEventInput[] {
  const parsed = parseJson(text);
  const parseLines = () =>
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map(parseJson);
  const events = parsed === undefined ? parseLines() : [parsed].flat();
  if (events.length === 0) throw new Failure('The input contains no events.');
  const invalidIndex = events.findIndex((event) => typeof event !== 'object' || event === null || Array.isArray(event));
  if (invalidIndex !== -1) throw new Failure(`Event ${invalidIndex + 1} is not a JSON object.`);
  return events as CloudEventInput[];
}

export interface SendOptions extends RemoteOptions {
  readonly type: string | undefined;
  readonly source: string | undefined;
  readonly subject: string | undefined;
  readonly id: string | undefined;
  readonly data: string | undefined;
}

async function eventFromOptions({ type, source, subject, id, data }: SendOptions): Promise<CloudEventInput> {
  if (type === undefined || source === undefined) {
    throw new Failure('Pass a file of CloudEvents, - for standard input, or --type and --source.');
  }
  const text = data === '-' ? await readFileOrStdin('-') : data;
  const value = text === undefined ? undefined : parseJson(text);
  if (text !== undefined && value === undefined) throw new Failure('--data must be JSON, or - for standard input.');
  return {
    specversion: '1.0',
    id: id ?? randomUUID(),
    source,
    type,
    ...(subject !== undefined && { subject }),
    ...(value !== undefined && { datacontenttype: 'application/json', data: value }),
  };
}

/** Returns the events of a file. Throws if options describe another event. */
async function eventsFromFile(
  file: string,
  { type, source, subject, id, data }: SendOptions,
): Promise<CloudEventInput[]> {
  const eventOptions = { '--type': type, '--source': source, '--subject': subject, '--id': id, '--data': data };
  const option = Object.entries(eventOptions).find(([, value]) => value !== undefined)?.[0];
  if (option !== undefined) throw new Failure(`${option} describes a single event. It cannot be combined with a file.`);
  return parseEvents(await readFileOrStdin(file));
}

/**
 * Sends events, up to 1,000 per request. The server ignores events that it has stored already, so a failed command can
 * be repeated.
 */
export async function sendEvents(file: string | undefined, options: SendOptions): Promise<void> {
  const events = file === undefined ? [await eventFromOptions(options)] : await eventsFromFile(file, options);
  const { activity } = connect(options);
  const total = { accepted: 0, duplicates: 0 };
  for (let offset = 0; offset < events.length; offset += MAX_EVENTS_PER_REQUEST) {
    const { accepted, duplicates } = await activity.send(events.slice(offset, offset + MAX_EVENTS_PER_REQUEST));
    total.accepted += accepted;
    total.duplicates += duplicates;
  }
  if (options.json === true) await printJson(total);
  else printNote(`Events sent: ${total.accepted} new, ${total.duplicates} duplicates.`, options);
}
