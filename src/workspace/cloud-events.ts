import { LAST_INSTANT } from '../contract/instant.ts';
import { Problem } from '../contract/problem.ts';
import { RESOURCE_LIMITS } from '../contract/words.ts';
import { checkJson, createPauses, type JsonLimits, splitJsonArray } from './bounded-json.ts';
import { clampToNow } from './client-time.ts';

/** An event as it is kept. `data` is JSON. */
export interface ActivityEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly data: string | null;
}

type Attributes = Readonly<Record<string, unknown>>;

function refuse(index: number | null, field: string, message: string): Problem {
  const name = index === null ? field : `${index}.${field}`;
  return new Problem('validation_failed', `${name}: ${message}`, { errors: [{ field: name, message }] });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
function textOf(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new Problem('invalid_request', 'The body is not UTF-8.');
  }
}

/** One event; its data as text may be six times as long with every character escaped. */
const EVENT_BYTES = 8 * RESOURCE_LIMITS.activityData;
/** Values are bounded by the bytes of an event: each is read in a turn of its own. */
const EVENT_LIMITS: JsonLimits = { depth: 64, values: EVENT_BYTES };

function refuseLong(bytes: Uint8Array, index: number | null): void {
  if (bytes.length > EVENT_BYTES) throw refuse(index, 'data', 'takes up to 64 KiB');
}

/** Reads what was found to keep to limits. */
function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(body));
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('invalid_request', 'The body is not well-formed JSON.');
  }
}

async function jsonOf(body: Uint8Array): Promise<unknown> {
  await checkJson(body, EVENT_LIMITS);
  return parse(body);
}

function wordOf(attributes: Attributes, field: string, index: number | null): string {
  const value = attributes[field];
  const max = RESOURCE_LIMITS.activityWord;
  const good = typeof value === 'string' && value !== '' && value.length <= max;
  if (!good) throw refuse(index, field, `takes 1 to ${max} characters`);
  if (!value.isWellFormed() || /[\0-\x1f\x7f]/.test(value))
    throw refuse(index, field, 'must not contain control characters');
  return value;
}

/** RFC 3339, as the specification asks. */
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)$/;

function timeOf(value: unknown, index: number | null, now: number): number {
  if (value === undefined || value === null) return now;
  const at = typeof value === 'string' && TIME.test(value) ? Date.parse(value.toUpperCase()) : Number.NaN;
  if (!(at >= 0 && at <= LAST_INSTANT)) throw refuse(index, 'time', 'must be an RFC 3339 instant from 1970 to 9999');
  return clampToNow(at, now);
}

const isJson = (type: string) => /^[^;]*[/+]json\s*(?:;|$)/i.test(type);

/** The data of an event in JSON format: as it is, or what its base64 stands for where that is JSON. */
async function dataOf(attributes: Attributes, index: number | null): Promise<unknown> {
  const { data, data_base64: encoded, datacontenttype: type } = attributes;
  if (encoded === undefined) return data;
  if (data !== undefined) throw refuse(index, 'data', 'must not come with data_base64');
  if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    throw refuse(index, 'data_base64', 'takes base64');
  }
  if (typeof type !== 'string' || !isJson(type)) return encoded;
  const bytes = Buffer.from(encoded, 'base64');
  await checkJson(bytes, EVENT_LIMITS);
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw refuse(index, 'data_base64', 'is not JSON, though datacontenttype says so');
  }
}

/** One event from its attributes (CloudEvents 1.0, section 3). Throws `validation_failed`, with its index in a batch. */
async function eventOf(value: unknown, index: number | null, now: number): Promise<ActivityEvent> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(index, 'specversion', 'takes a CloudEvent, a JSON object');
  }
  const attributes = value as Attributes;
  if (attributes['specversion'] !== '1.0') throw refuse(index, 'specversion', 'takes 1.0');
  const { subject, time } = attributes;
  const data = await dataOf(attributes, index);
  const json = data === undefined || data === null ? null : JSON.stringify(data);
  if (json !== null && Buffer.byteLength(json) > RESOURCE_LIMITS.activityData) {
    throw refuse(index, 'data', 'takes up to 64 KiB');
  }
  return {
    id: wordOf(attributes, 'id', index),
    source: wordOf(attributes, 'source', index),
    type: wordOf(attributes, 'type', index),
    subject: subject === undefined || subject === null ? null : wordOf(attributes, 'subject', index),
    at: timeOf(time, index, now),
    data: json,
  };
}

/** A header's value as the HTTP binding writes it (section 3.1.3.2): percent-encoded UTF-8, perhaps quoted. */
function headerText(value: string): string {
  const text =
    value.startsWith('"') && value.endsWith('"') && value.length > 1
      ? value.slice(1, -1).replace(/\\(.)/g, '$1')
      : value;
  try {
    return decodeURIComponent(text.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
  } catch {
    return text;
  }
}

async function binaryEvent(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  type: string,
  body: Uint8Array,
  now: number,
): Promise<ActivityEvent> {
  refuseLong(body, null);
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('ce-') && typeof value === 'string') attributes[name.slice(3)] = headerText(value);
  }
  delete attributes['data'];
  delete attributes['data_base64'];
  if (body.length > 0) {
    if (type === '' || isJson(type)) attributes['data'] = await jsonOf(body);
    else if (/^text\//i.test(type)) attributes['data'] = textOf(body);
    else attributes['data'] = Buffer.from(body).toString('base64');
  }
  return eventOf(attributes, null, now);
}

/** The events of a batch, one after the other, so that a long one does not hold the event loop; null for what is no array. */
async function batchOf(body: Uint8Array, now: number): Promise<ActivityEvent[] | null> {
  const max = RESOURCE_LIMITS.activityBatch;
  const parts = await splitJsonArray(body, { depth: EVENT_LIMITS.depth + 1, values: body.length }, max);
  if (parts === null) return null;
  if (parts.length > max) throw refuse(null, 'body', `takes up to ${max} events`);
  const events: ActivityEvent[] = [];
  const pause = createPauses();
  for (const [index, part] of parts.entries()) {
    refuseLong(part, index);
    events.push(await eventOf(parse(part), index, now));
    await pause();
  }
  return events;
}

const withoutMark = (body: Uint8Array): Uint8Array =>
  body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;

/**
 * Reads a request of the CloudEvents 1.0 HTTP binding in structured, batched or binary mode. Plain
 * `application/json` is read as structured or batched as well. Throws `unsupported_media_type`,
 * `invalid_request`, and `validation_failed` naming the index of the first event that is not one.
 */
export async function readCloudEvents(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Uint8Array,
  now: number,
): Promise<ActivityEvent[]> {
  const type = typeof headers['content-type'] === 'string' ? headers['content-type'].trim() : '';
  const [media = ''] = type.toLowerCase().split(';');
  const plain = media.trim() === 'application/json';
  if (headers['ce-specversion'] !== undefined && !media.startsWith('application/cloudevents')) {
    return [await binaryEvent(headers, type, body, now)];
  }
  if (!plain && !/^application\/cloudevents(?:-batch)?\+json\s*$/.test(media)) {
    throw new Problem(
      'unsupported_media_type',
      'Send application/cloudevents+json, application/cloudevents-batch+json, or any type with the headers of binary mode (ce-id, ce-source, ce-type, ce-specversion).',
    );
  }
  const text = withoutMark(body);
  const batched = media.includes('-batch');
  const events = plain || batched ? await batchOf(text, now) : null;
  if (events !== null) return events;
  refuseLong(text, null);
  const value = await jsonOf(text);
  if (batched) throw refuse(null, 'body', 'takes an array of CloudEvents');
  return [await eventOf(value, null, now)];
}
