import { createHash } from 'node:crypto';
import { LAST_INSTANT } from '../../contract/instant.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { parseLossless } from '../../contract/lossless-json.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import { redactSecrets } from '../../contract/redact.ts';
import { checkJsonLimits, createYielder, type JsonLimits, splitJsonArray } from '../bounded-json.ts';
import { replaceFutureTime } from '../client-time.ts';

/** An event as it is stored, with secrets redacted. `data` is JSON text. */
export interface ReceivedEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly data: string | null;
  /** JSON of `StoredAttributes`; null if there are none. */
  readonly attributes?: string | null;
}

/** Attributes of an event that have no column of their own. */
export interface StoredAttributes {
  /** Whether the data is binary data, encoded in base64. */
  readonly base64?: true;
  /** `datacontenttype`, `dataschema` and extension attributes. */
  readonly values?: Readonly<Record<string, AttributeValue>>;
}
type AttributeValue = string | number | boolean;

type Attributes = Readonly<Record<string, unknown>>;

/** Returns a `validation_failed` problem about a field of the event at `index` of a batch, or of a single event. */
const fieldProblem = (index: number | null, field: string, message: string): Problem =>
  invalidField(index === null ? field : `${index}.${field}`, message);

const utf8Decoder = new TextDecoder('utf-8', { fatal: true });
function decodeUtf8(body: Uint8Array): string {
  try {
    return utf8Decoder.decode(body);
  } catch {
    throw new Problem('invalid_request', 'The body is not UTF-8.');
  }
}

/**
 * Maximum size of an event as it is sent. Escaped JSON data can be six times its stored size; the rest leaves room for
 * the attributes.
 */
const MAX_EVENT_BYTES = 8 * RESOURCE_LIMITS.activityDataBytes;
/** The number of values is limited only by the size of the event, because events are parsed one at a time. */
const EVENT_LIMITS: JsonLimits = { depth: 64, values: MAX_EVENT_BYTES };

function checkEventSize(bytes: Uint8Array, index: number | null): void {
  if (bytes.length > MAX_EVENT_BYTES)
    throw fieldProblem(index, 'data', 'must be at most 64 KiB, and the whole event at most 512 KiB');
}

/** Parses JSON whose limits were already checked. */
function parseChecked(body: Uint8Array): unknown {
  try {
    return parseLossless(decodeUtf8(body));
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('invalid_request', 'The body is not well-formed JSON.');
  }
}

async function parseJson(body: Uint8Array): Promise<unknown> {
  await checkJsonLimits(body, EVENT_LIMITS);
  return parseChecked(body);
}

/** Checks an attribute that must not be empty, and returns it. */
function requireText(value: unknown, field: string, index: number | null): string {
  const max = RESOURCE_LIMITS.activityFieldLength;
  const isValid = typeof value === 'string' && value !== '' && value.length <= max;
  if (!isValid) throw fieldProblem(index, field, `must be 1 to ${max} characters`);
  if (!value.isWellFormed() || /[\0-\x1f\x7f]/.test(value))
    throw fieldProblem(index, field, 'must be well-formed Unicode without control characters');
  return value;
}

/** Returns an ID with secrets redacted; the appended hash keeps different IDs different. */
function redactId(id: string): string {
  const redacted = redactSecrets(id);
  return redacted === id ? id : `${redacted} ${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
}

/** The format of CloudEvents timestamps. */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)$/;

function readTime(value: unknown, index: number | null, now: number): number {
  if (value === undefined || value === null) return now;
  const timeMs = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value.toUpperCase()) : Number.NaN;
  if (!(timeMs >= 0 && timeMs <= LAST_INSTANT))
    throw fieldProblem(index, 'time', 'must be an RFC 3339 date-time from 1970 to 9999');
  return replaceFutureTime(timeMs, now);
}

const CORE_ATTRIBUTES = new Set(['specversion', 'id', 'source', 'type', 'subject', 'time', 'data', 'data_base64']);
/** More lenient than CloudEvents 1.0, section 3, which allows lower-case letters and digits only. */
const ATTRIBUTE_NAME = /^[A-Za-z0-9_]+$/;

/** Reads `datacontenttype`, `dataschema` and the extension attributes; null if there are none. */
function readOtherAttributes(attributes: Attributes, index: number | null): Record<string, AttributeValue> | null {
  const { activityOtherAttributes: maxCount, activityAttributeName: maxNameLength } = RESOURCE_LIMITS;
  const otherAttributes = Object.entries(attributes).filter(
    ([name, value]) => !CORE_ATTRIBUTES.has(name) && value !== null && value !== undefined,
  );
  if (otherAttributes.length > maxCount)
    throw fieldProblem(index, 'extensions', `must be at most ${maxCount} attributes`);
  for (const [name, value] of otherAttributes) {
    if (name.length > maxNameLength || !ATTRIBUTE_NAME.test(name) || name === '__proto__') {
      throw fieldProblem(
        index,
        'extensions',
        `names must be 1 to ${maxNameLength} letters, digits and underscores, and not __proto__`,
      );
    }
    if (typeof value === 'string' && value !== '') requireText(value, name, index);
    else if (
      !['string', 'boolean', 'number'].includes(typeof value) ||
      (typeof value === 'number' && !Number.isSafeInteger(value))
    ) {
      throw fieldProblem(index, name, 'must be a string, a boolean or an integer');
    }
  }
  return otherAttributes.length === 0 ? null : (Object.fromEntries(otherAttributes) as Record<string, AttributeValue>);
}

const isJson = (type: string) => /^[^;]*[/+]json\s*(?:;|$)/i.test(type);

interface EventData {
  readonly value: unknown;
  readonly isBase64: boolean;
}

/**
 * Returns the value of `data`, or of `data_base64`: parsed if `datacontenttype` is a JSON type, otherwise still in
 * base64.
 */
async function readData(attributes: Attributes, index: number | null): Promise<EventData> {
  const { data, data_base64: encoded, datacontenttype: type } = attributes;
  if (encoded === undefined || encoded === null) return { value: data, isBase64: false };
  if (data !== undefined && data !== null)
    throw fieldProblem(index, 'data', 'must not be set together with data_base64');
  if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    throw fieldProblem(index, 'data_base64', 'must be base64');
  }
  if (typeof type !== 'string' || !isJson(type)) return { value: encoded, isBase64: true };
  const bytes = Buffer.from(encoded, 'base64');
  await checkJsonLimits(bytes, EVENT_LIMITS);
  try {
    return { value: parseLossless(bytes.toString()), isBase64: false };
  } catch {
    throw fieldProblem(index, 'data_base64', 'must be JSON, because datacontenttype is a JSON type');
  }
}

/**
 * Parses one event from its attributes (CloudEvents 1.0, section 3). `index` is its position in a batch, or null.
 * Throws `validation_failed`, and `invalid_request` if JSON in `data_base64` is nested too deeply.
 */
async function parseEvent(event: unknown, index: number | null, now: number): Promise<ReceivedEvent> {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw fieldProblem(index, 'specversion', 'must be set: every event must be a JSON object');
  }
  const attributes = event as Attributes;
  if (attributes['specversion'] !== '1.0') throw fieldProblem(index, 'specversion', 'must be 1.0');
  const { subject, time } = attributes;
  const { value, isBase64 } = await readData(attributes, index);
  const json = value === undefined || value === null ? null : JSON.stringify(value);
  const values = readOtherAttributes(attributes, index);
  const stored: StoredAttributes = { ...(isBase64 && { base64: true }), ...(values !== null && { values }) };
  if (json !== null && Buffer.byteLength(json) > RESOURCE_LIMITS.activityDataBytes) {
    throw fieldProblem(index, 'data', 'must be at most 64 KiB');
  }
  return {
    id: redactId(requireText(attributes['id'], 'id', index)),
    source: redactSecrets(requireText(attributes['source'], 'source', index)),
    type: redactSecrets(requireText(attributes['type'], 'type', index)),
    subject: subject === undefined || subject === null ? null : redactSecrets(requireText(subject, 'subject', index)),
    at: readTime(time, index, now),
    data: json === null ? null : redactSecrets(json),
    attributes: Object.keys(stored).length === 0 ? null : redactSecrets(JSON.stringify(stored)),
  };
}

/**
 * Decodes a header value of the HTTP binding (section 3.1.3.2), which is percent-encoded UTF-8 and may be quoted.
 */
function decodeHeader(value: string): string {
  // Node.js decodes header values as Latin-1; some clients send UTF-8 without percent-encoding.
  const decoded = /[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString() : value;
  const encoded = decoded.includes('\ufffd') ? value : decoded;
  const isQuoted = encoded.startsWith('"') && encoded.endsWith('"') && encoded.length > 1;
  const text = isQuoted ? encoded.slice(1, -1).replace(/\\(.)/g, '$1') : encoded;
  try {
    return decodeURIComponent(text.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
  } catch {
    return text;
  }
}

/** Reads the body of an event in binary mode. A body without a content type is parsed as JSON if that is possible. */
async function readBody(body: Uint8Array, type: string): Promise<Attributes> {
  if (body.length === 0) return {};
  if (isJson(type)) return { data: await parseJson(body) };
  if (/^text\//i.test(type)) return { data: decodeUtf8(body) };
  const binary = { data_base64: Buffer.from(body).toString('base64') };
  if (type !== '') return binary;
  return parseJson(body).then(
    (data) => ({ data }),
    () => binary,
  );
}

async function parseBinaryEvent(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  type: string,
  body: Uint8Array,
  now: number,
): Promise<ReceivedEvent> {
  checkEventSize(body, null);
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('ce-') && typeof value === 'string') attributes[name.slice(3)] = decodeHeader(value);
  }
  // The content type of the request is the content type of the data (HTTP binding, section 3.1.1).
  for (const name of ['data', 'data_base64', 'datacontenttype']) delete attributes[name];
  return parseEvent(
    { ...attributes, ...(type !== '' && { datacontenttype: type }), ...(await readBody(body, type)) },
    null,
    now,
  );
}

/**
 * Parses the events of a batch one at a time, so that a long batch does not block the event loop. Returns null if the
 * body is not an array.
 */
async function parseBatch(body: Uint8Array, now: number): Promise<ReceivedEvent[] | null> {
  const max = RESOURCE_LIMITS.activityBatch;
  const parts = await splitJsonArray(body, { depth: EVENT_LIMITS.depth + 1, values: body.length }, max);
  if (parts === null) return null;
  if (parts.length > max) throw fieldProblem(null, 'body', `must contain at most ${max} events`);
  const events: ReceivedEvent[] = [];
  const yieldIfDue = createYielder();
  for (const [index, part] of parts.entries()) {
    checkEventSize(part, index);
    events.push(await parseEvent(parseChecked(part), index, now));
    await yieldIfDue();
  }
  return events;
}

const stripByteOrderMark = (body: Uint8Array): Uint8Array =>
  body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;

/**
 * Parses a request of the CloudEvents 1.0 HTTP binding in structured, batched or binary mode. Plain
 * `application/json` is accepted as structured or batched. Throws `unsupported_media_type`, `invalid_request`,
 * and `validation_failed` with the index of the first invalid event.
 */
export async function readCloudEvents(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Uint8Array,
  now: number,
): Promise<ReceivedEvent[]> {
  const type = typeof headers['content-type'] === 'string' ? headers['content-type'].trim() : '';
  const [mediaType = ''] = type.toLowerCase().split(';');
  const isPlainJson = mediaType.trim() === 'application/json';
  if (headers['ce-specversion'] !== undefined && !mediaType.startsWith('application/cloudevents')) {
    return [await parseBinaryEvent(headers, type, body, now)];
  }
  if (!isPlainJson && !/^application\/cloudevents(?:-batch)?\+json\s*$/.test(mediaType)) {
    throw new Problem(
      'unsupported_media_type',
      'Send application/cloudevents+json, application/cloudevents-batch+json, or any other type with the binary-mode headers (ce-id, ce-source, ce-type, ce-specversion).',
    );
  }
  const json = stripByteOrderMark(body);
  const isBatch = mediaType.includes('-batch');
  const events = isPlainJson || isBatch ? await parseBatch(json, now) : null;
  if (events !== null) return events;
  checkEventSize(json, null);
  const value = await parseJson(json);
  if (isBatch) throw fieldProblem(null, 'body', 'must be an array of CloudEvents');
  return [await parseEvent(value, null, now)];
}
