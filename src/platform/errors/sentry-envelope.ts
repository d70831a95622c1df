import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { createYielder, type JsonLimits } from '../bounded-json.ts';
import { decompressBody } from '../content-encoding.ts';
import { asObject, type JsonObject } from '../json-values.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ReportedError } from './error-grouping.ts';
import { clockDriftOf, parseEvent } from './sentry-event.ts';
import { parseSentryJson } from './sentry-json.ts';
import { toText } from './sentry-values.ts';

const MAX_HEADER_BYTES = 16_384;
const HEADER_LIMITS: JsonLimits = { depth: 32, values: 1_000 };
/** SDKs truncate deeper nesting. An event with the local variables of all frames has a few thousand values. */
const EVENT_LIMITS: JsonLimits = { depth: 128, values: 50_000 };
const MAX_ITEMS = 100;

const eventTooLarge = () => new Problem('too_large', 'An event must be at most 1 MiB.');

/** The content of an envelope: the sender's event ID, and the reported errors. */
export interface Envelope {
  readonly eventId: string | null;
  readonly errors: readonly ReportedError[];
}

async function readHeader(reader: ByteReader): Promise<JsonObject> {
  const line = await reader.readLine(MAX_HEADER_BYTES);
  if (line === null) throw new Problem('too_large', 'A header of an envelope must be at most 16 KiB.');
  return asObject(await parseSentryJson(line, HEADER_LIMITS));
}

/** Returns the `dsn` in the header of an envelope without consuming the header; null if there is none. */
export async function peekEnvelopeDsn(reader: ByteReader): Promise<string | null> {
  const line = await reader.peekLine(MAX_HEADER_BYTES);
  const { dsn } = line === null ? {} : asObject(await parseSentryJson(line, HEADER_LIMITS).catch(() => null));
  return typeof dsn === 'string' ? dsn : null;
}

/** Returns the payload of an event. Skips the payload of any other item and returns null. */
async function readPayload(reader: ByteReader, length: unknown, isEvent: boolean): Promise<Buffer | null> {
  const max = RESOURCE_LIMITS.errorEventBytes;
  if (typeof length !== 'number') {
    if (!isEvent) {
      await reader.skipLine();
      return null;
    }
    const line = await reader.readLine(max);
    if (line === null) throw eventTooLarge();
    return line;
  }
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new Problem('invalid_request', 'The length of an item must be a whole number of bytes.');
  }
  if (isEvent && length > max) throw eventTooLarge();
  let payload: Buffer | null = null;
  if (isEvent) payload = await reader.readBytes(length);
  else await reader.skipBytes(length);
  // A newline follows the payload, except possibly at the end of the envelope.
  const afterPayload = await reader.readLine(0);
  if (afterPayload === null)
    throw new Problem('invalid_request', 'The length in an item header is not the length of its payload.');
  return payload;
}

/**
 * Reads an envelope (develop.sentry.dev/sdk/data-model/envelopes): a header line, then items of a header line and a
 * payload. Events are read. Attachments, sessions, transactions and other items are skipped without being buffered.
 * Items beyond `MAX_ITEMS` are ignored. If the limit of the reader is exceeded after errors were read, these errors are
 * returned. Throws `invalid_request` for a malformed envelope, `too_large` for a header, an event or an envelope that
 * is too large.
 */
export async function readEnvelope(reader: ByteReader, now: number): Promise<Envelope> {
  const yieldIfDue = createYielder();
  const header = await readHeader(reader);
  const driftMs = clockDriftOf(header['sent_at'], now);
  const errors: ReportedError[] = [];
  let eventId = toText(header['event_id'], 64);
  let eventBytes = 0;
  try {
    for (let count = 0; count < MAX_ITEMS && !(await reader.isAtEnd()); count++) {
      if (await reader.skipNewline()) continue;
      const { type, length } = await readHeader(reader);
      const payload = await readPayload(reader, length, type === 'event');
      if (payload === null) continue;
      eventBytes += payload.length;
      if (eventBytes > RESOURCE_LIMITS.errorEnvelopeEventBytes) {
        throw new Problem('too_large', 'The events of an envelope must be at most 8 MiB.');
      }
      const event = await parseSentryJson(payload, EVENT_LIMITS);
      eventId ??= toText(asObject(event)['event_id'], 64);
      const error = parseEvent(event, now, driftMs);
      if (error !== null) errors.push(error);
      await yieldIfDue();
    }
  } catch (error) {
    if (!reader.isLimitExceeded() || errors.length === 0) throw error;
  }
  return { eventId, errors };
}

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;
const OPENING_BRACE = 0x7b;

/** Whether a body begins with a zlib header (RFC 1950): method 8, and two bytes that are a multiple of 31. */
function isZlib(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/**
 * Decodes a body that old SDKs sent in base64, zlib or both without a `Content-Encoding` header. Throws `too_large`,
 * `invalid_request`.
 */
async function unpackEvent(body: Buffer): Promise<Buffer> {
  if (body[0] === OPENING_BRACE) return body;
  const text = body.toString('latin1');
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : body;
  return isZlib(bytes) ? decompressBody(bytes, 'deflate', RESOURCE_LIMITS.errorEventBytes) : bytes;
}

/**
 * Reads the body of `/store/`, which is one event. `sentAt` is the time of sending according to the sender. Throws
 * `invalid_request`, `too_large`.
 */
export async function readStoreBody(body: Buffer, now: number, sentAt: unknown = null): Promise<Envelope> {
  const bytes = await unpackEvent(body);
  if (bytes.length > RESOURCE_LIMITS.errorEventBytes) throw eventTooLarge();
  const event = await parseSentryJson(bytes, EVENT_LIMITS);
  if (typeof event !== 'object' || event === null) throw new Problem('invalid_request', 'The event is not an object.');
  const error = parseEvent(event, now, clockDriftOf(sentAt, now));
  return { eventId: toText(asObject(event)['event_id'], 64), errors: error === null ? [] : [error] };
}
