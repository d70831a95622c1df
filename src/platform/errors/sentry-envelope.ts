import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { ErrorBreadcrumb, ErrorFrame } from '../../contract/errors.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { ERROR_LEVELS, type ErrorLevel } from '../../contract/platform-vocabulary.ts';
import { Problem } from '../../contract/problem.ts';
import { redactSecrets } from '../../contract/redact.ts';
import { checkJsonLimits, createYielder, type JsonLimits } from '../bounded-json.ts';
import { clampToNow, parseClientInstant } from '../client-time.ts';
import type { ReportedError } from './error-grouping.ts';

const DECOMPRESSORS = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/** Decompresses a body off the main thread. Throws `too_large`, `invalid_request`, `unsupported_media_type`. */
export async function decompress(body: Buffer, encoding: string | undefined): Promise<Buffer> {
  const name = (encoding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  if (name !== 'gzip' && name !== 'deflate' && name !== 'br') {
    throw new Problem('unsupported_media_type', 'Content-Encoding must be gzip, deflate or br.');
  }
  try {
    return await DECOMPRESSORS[name](body, { maxOutputLength: RESOURCE_LIMITS.errorEnvelopeUnpackedBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new Problem('too_large');
    throw new Problem('invalid_request', `The body is not ${name}.`);
  }
}

type JsonObject = Readonly<Record<string, unknown>>;
const EMPTY_OBJECT: JsonObject = {};
const asObject = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : EMPTY_OBJECT;
const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Returns a text as it is stored: truncated, without secrets, NUL and lone surrogates; null if there is none. */
function toText(value: unknown, max: number): string | null {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
  // Truncated only afterwards: that must not make a secret unrecognizable. The length of an event is limited.
  const text = redactSecrets(String(value).replaceAll('\0', '')).slice(0, max).toWellFormed();
  return text === '' ? null : text;
}
const toShortText = (value: unknown) => toText(value, RESOURCE_LIMITS.errorFieldLength);

function parseFrame(value: unknown): ErrorFrame {
  const { function: name, filename, abs_path: path, module, lineno, in_app: inApp } = asObject(value);
  return {
    function: toShortText(name),
    file: toText(filename ?? path ?? module, 500),
    line: Number.isSafeInteger(lineno) ? (lineno as number) : null,
    inApp: inApp !== false,
  };
}

function parseBreadcrumb(value: unknown): ErrorBreadcrumb {
  const { timestamp, category, level, message } = asObject(value);
  const timestampMs = parseClientInstant(timestamp);
  return {
    at: timestampMs === null ? null : new Date(timestampMs).toISOString(),
    category: toShortText(category),
    level: toShortText(level),
    message: toText(message, 1_000),
  };
}

function parseTags(value: unknown): Record<string, string> {
  const pairs = Array.isArray(value) ? value.map((pair) => asArray(pair)) : Object.entries(asObject(value));
  const tags: [string, string][] = [];
  for (const [name, text] of pairs.slice(0, RESOURCE_LIMITS.errorTags)) {
    const [key, shortValue] = [toShortText(name), toShortText(text)];
    if (key !== null && key !== '__proto__' && shortValue !== null) tags.push([key, shortValue]);
  }
  return Object.fromEntries(tags);
}

/** Converts an `event` item. SDKs differ in what they send: parts that cannot be read are omitted, never refused. */
function parseError(value: unknown, now: number): ReportedError {
  const event = asObject(value);
  const { exception, logentry, breadcrumbs, fingerprint, level } = event;
  // The last of chained exceptions is the one that was thrown.
  const thrown = asObject((Array.isArray(exception) ? exception : asArray(asObject(exception)['values'])).at(-1));
  const logEntry = asObject(logentry);
  const message =
    thrown['value'] ?? logEntry['formatted'] ?? logEntry['message'] ?? asObject(event['message'])['formatted'];
  const frames = asArray(asObject(thrown['stacktrace'])['frames']).slice(-RESOURCE_LIMITS.errorFrames);
  const crumbs = Array.isArray(breadcrumbs) ? breadcrumbs : asArray(asObject(breadcrumbs)['values']);
  const tags = parseTags(event['tags']);
  const parts = asArray(fingerprint).slice(0, RESOURCE_LIMITS.errorFingerprint).map(toShortText);
  const fingerprintParts = parts.filter((part) => part !== null);
  return {
    type: toShortText(thrown['type']) ?? 'Message',
    message: toText(message ?? event['message'], RESOURCE_LIMITS.errorMessage) ?? '',
    stack: null,
    frames: frames.map(parseFrame).reverse(),
    breadcrumbs: crumbs.slice(-RESOURCE_LIMITS.errorBreadcrumbs).map(parseBreadcrumb),
    tags,
    level:
      ERROR_LEVELS.find((errorLevel) => errorLevel === level) ??
      (level === 'log' ? 'info' : ('error' satisfies ErrorLevel)),
    release: toShortText(event['release']),
    environment: toShortText(event['environment']),
    app: tags['app'] ?? null,
    fingerprint: fingerprintParts.length === 0 ? null : fingerprintParts,
    at: clampToNow(parseClientInstant(event['timestamp']) ?? now, now),
  };
}

/** Bytes of a header that are searched for a DSN. */
const MAX_HEADER_BYTES = 16_384;
/** Limits of a header line. */
const HEADER_LIMITS: JsonLimits = { depth: 32, values: 1_000 };
/**
 * Limits of an event: SDKs truncate deeper nesting, and send a few thousand values with the variables of all frames.
 */
const EVENT_LIMITS: JsonLimits = { depth: 128, values: 50_000 };

async function parseJson(bytes: Uint8Array, limits: JsonLimits): Promise<unknown> {
  await checkJsonLimits(bytes, limits);
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new Problem('invalid_request', 'The envelope is not well-formed.');
  }
}

/** Content of an envelope: the event id given by its sender, and the errors. */
export interface Envelope {
  readonly eventId: string | null;
  readonly errors: readonly ReportedError[];
}

/** Returns the `dsn` in the header of an envelope; null if there is none or the body is not an envelope. */
export async function readEnvelopeDsn(body: Buffer): Promise<string | null> {
  const end = body.indexOf(10);
  const header = body.subarray(0, end === -1 ? body.length : end);
  if (header.length > MAX_HEADER_BYTES) return null;
  const { dsn } = asObject(await parseJson(header, HEADER_LIMITS).catch(() => null));
  return typeof dsn === 'string' ? dsn : null;
}

/** Reads the body of `/store/`: one event. Throws `invalid_request`, `too_large`. */
export async function readStoredEvent(body: Buffer, now: number): Promise<Envelope> {
  if (body.length > RESOURCE_LIMITS.errorEventBytes) throw new Problem('too_large', 'An event must be at most 1 MiB.');
  const event = await parseJson(body, EVENT_LIMITS);
  if (typeof event !== 'object' || event === null) throw new Problem('invalid_request', 'The event is not an object.');
  return { eventId: toText(asObject(event)['event_id'], 64), errors: [parseError(event, now)] };
}

const MAX_ITEMS = 100;

/**
 * Reads an envelope (develop.sentry.dev/sdk/data-model/envelopes): a header line, then items of a header line and a
 * payload. Events are read; sessions, transactions and other items are skipped. Throws `invalid_request` for a
 * malformed envelope, `too_large` for an event that is too large.
 */
export async function readEnvelope(body: Buffer, now: number): Promise<Envelope> {
  let offset = 0;
  function readLine(): Buffer {
    const end = body.indexOf(10, offset);
    const bytes = body.subarray(offset, end === -1 ? body.length : end);
    offset = end === -1 ? body.length : end + 1;
    return bytes;
  }
  const yieldIfDue = createYielder();
  const header = asObject(await parseJson(readLine(), HEADER_LIMITS));
  const errors: ReportedError[] = [];
  for (let count = 0; offset < body.length && count < MAX_ITEMS; count++) {
    const itemHeader = readLine();
    if (itemHeader.length === 0) continue;
    const { type, length } = asObject(await parseJson(itemHeader, HEADER_LIMITS));
    let payload: Buffer;
    if (typeof length === 'number') {
      if (!Number.isSafeInteger(length) || length < 0 || offset + length > body.length) {
        throw new Problem('invalid_request', 'The envelope ends in the middle of an item.');
      }
      payload = body.subarray(offset, offset + length);
      offset += length + 1;
    } else payload = readLine();
    if (type !== 'event') continue;
    if (payload.length > RESOURCE_LIMITS.errorEventBytes)
      throw new Problem('too_large', 'An event must be at most 1 MiB.');
    errors.push(parseError(await parseJson(payload, EVENT_LIMITS), now));
    await yieldIfDue();
  }
  return { eventId: toText(header['event_id'], 64), errors };
}
