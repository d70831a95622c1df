import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { ErrorBreadcrumb, ErrorFrame } from '../contract/errors.ts';
import { Problem } from '../contract/problem.ts';
import { ERROR_LEVELS, type ErrorLevel, RESOURCE_LIMITS } from '../contract/words.ts';
import { checkJson, createPauses, type JsonLimits } from './bounded-json.ts';
import { clampToNow, readClientInstant } from './client-time.ts';
import type { ReportedError } from './error-grouping.ts';

const UNPACKERS = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/** Unpacks a body off the main thread. Throws `too_large`, `invalid_request`, `unsupported_media_type`. */
export async function unpack(body: Buffer, encoding: string | undefined): Promise<Buffer> {
  const name = (encoding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  if (name !== 'gzip' && name !== 'deflate' && name !== 'br') {
    throw new Problem('unsupported_media_type', 'Content-Encoding takes gzip, deflate or br.');
  }
  try {
    return await UNPACKERS[name](body, { maxOutputLength: RESOURCE_LIMITS.errorEnvelopeUnpacked });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new Problem('too_large');
    throw new Problem('invalid_request', `The body is not ${name}.`);
  }
}

type Fields = Readonly<Record<string, unknown>>;
const NO_FIELDS: Fields = {};
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : NO_FIELDS;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A text as we keep it: cut to size, without NUL and half pairs; null where there is none. */
function textOf(value: unknown, max: number): string | null {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
  const text = String(value).replaceAll('\0', '').slice(0, max).toWellFormed();
  return text === '' ? null : text;
}
const word = (value: unknown) => textOf(value, RESOURCE_LIMITS.errorWord);

function frameOf(value: unknown): ErrorFrame {
  const { function: name, filename, abs_path: path, module, lineno, in_app: inApp } = fieldsOf(value);
  return {
    function: word(name),
    file: textOf(filename ?? path ?? module, 500),
    line: Number.isSafeInteger(lineno) ? (lineno as number) : null,
    inApp: inApp !== false,
  };
}

function breadcrumbOf(value: unknown): ErrorBreadcrumb {
  const { timestamp, category, level, message } = fieldsOf(value);
  const at = readClientInstant(timestamp);
  return {
    at: at === null ? null : new Date(at).toISOString(),
    category: word(category),
    level: word(level),
    message: textOf(message, 1_000),
  };
}

function tagsOf(value: unknown): Record<string, string> {
  const pairs = Array.isArray(value) ? value.map((one) => listOf(one)) : Object.entries(fieldsOf(value));
  const tags: [string, string][] = [];
  for (const [name, text] of pairs.slice(0, RESOURCE_LIMITS.errorTags)) {
    const [key, kept] = [word(name), word(text)];
    if (key !== null && key !== '__proto__' && kept !== null) tags.push([key, kept]);
  }
  return Object.fromEntries(tags);
}

/** An `event` item as an error. SDKs differ in what they send: what can't be read is left out, never refused. */
function errorOf(value: unknown, now: number): ReportedError {
  const event = fieldsOf(value);
  const { exception, logentry, breadcrumbs, fingerprint, level } = event;
  // The last of chained exceptions is the one that was thrown.
  const thrown = fieldsOf((Array.isArray(exception) ? exception : listOf(fieldsOf(exception)['values'])).at(-1));
  const said = fieldsOf(logentry);
  const message = thrown['value'] ?? said['formatted'] ?? said['message'] ?? fieldsOf(event['message'])['formatted'];
  const frames = listOf(fieldsOf(thrown['stacktrace'])['frames']).slice(-RESOURCE_LIMITS.errorFrames);
  const crumbs = Array.isArray(breadcrumbs) ? breadcrumbs : listOf(fieldsOf(breadcrumbs)['values']);
  const tags = tagsOf(event['tags']);
  const parts = listOf(fingerprint).slice(0, RESOURCE_LIMITS.errorFingerprint).map(word);
  const known = parts.filter((part) => part !== null);
  return {
    type: word(thrown['type']) ?? 'Message',
    message: textOf(message ?? event['message'], RESOURCE_LIMITS.errorMessage) ?? '',
    stack: null,
    frames: frames.map(frameOf).reverse(),
    breadcrumbs: crumbs.slice(-RESOURCE_LIMITS.errorBreadcrumbs).map(breadcrumbOf),
    tags,
    level: ERROR_LEVELS.find((one) => one === level) ?? (level === 'log' ? 'info' : ('error' satisfies ErrorLevel)),
    release: word(event['release']),
    environment: word(event['environment']),
    app: tags['app'] ?? null,
    fingerprint: known.length === 0 ? null : known,
    at: clampToNow(readClientInstant(event['timestamp']) ?? now, now),
  };
}

/** Bytes of a header that are looked at for a DSN. */
const HEADER_BYTES = 16_384;
/** Of a header line. */
const HEADER_LIMITS: JsonLimits = { depth: 32, values: 1_000 };
/** Of an event: SDKs cut what is nested deeper, and send a few thousand values with all their frames' variables. */
const EVENT_LIMITS: JsonLimits = { depth: 128, values: 50_000 };

async function jsonOf(bytes: Uint8Array, limits: JsonLimits): Promise<unknown> {
  await checkJson(bytes, limits);
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new Problem('invalid_request', 'The envelope is not well-formed.');
  }
}

/** What an envelope brings: its event's id as its sender gave it, and the errors in it. */
export interface Envelope {
  readonly eventId: string | null;
  readonly errors: readonly ReportedError[];
}

/** The `dsn` in the header of an envelope; null where it names none or is no envelope. */
export async function dsnOfEnvelope(body: Buffer): Promise<string | null> {
  const end = body.indexOf(10);
  const header = body.subarray(0, end === -1 ? body.length : end);
  if (header.length > HEADER_BYTES) return null;
  const { dsn } = fieldsOf(await jsonOf(header, HEADER_LIMITS).catch(() => null));
  return typeof dsn === 'string' ? dsn : null;
}

/** Reads the body of `/store/`: one event. Throws `invalid_request`, `too_large`. */
export async function readStoredEvent(body: Buffer, now: number): Promise<Envelope> {
  if (body.length > RESOURCE_LIMITS.errorEvent) throw new Problem('too_large', 'An event must be at most 1 MiB.');
  const event = await jsonOf(body, EVENT_LIMITS);
  if (typeof event !== 'object' || event === null) throw new Problem('invalid_request', 'The event is not an object.');
  return { eventId: textOf(fieldsOf(event)['event_id'], 64), errors: [errorOf(event, now)] };
}

const ITEMS_MAX = 100;

/**
 * Reads an envelope (develop.sentry.dev/sdk/data-model/envelopes): a header line, then items of a header
 * line and a payload. Events are taken; sessions, transactions and all else are skipped.
 * Throws `invalid_request` for what is none, `too_large` for an event that is.
 */
export async function readEnvelope(body: Buffer, now: number): Promise<Envelope> {
  let at = 0;
  function line(): Buffer {
    const end = body.indexOf(10, at);
    const bytes = body.subarray(at, end === -1 ? body.length : end);
    at = end === -1 ? body.length : end + 1;
    return bytes;
  }
  const pause = createPauses();
  const header = fieldsOf(await jsonOf(line(), HEADER_LIMITS));
  const errors: ReportedError[] = [];
  for (let count = 0; at < body.length && count < ITEMS_MAX; count++) {
    const head = line();
    if (head.length === 0) continue;
    const { type, length } = fieldsOf(await jsonOf(head, HEADER_LIMITS));
    let payload: Buffer;
    if (typeof length === 'number') {
      if (!Number.isSafeInteger(length) || length < 0 || at + length > body.length) {
        throw new Problem('invalid_request', 'The envelope ends before an item does.');
      }
      payload = body.subarray(at, at + length);
      at += length + 1;
    } else payload = line();
    if (type !== 'event') continue;
    if (payload.length > RESOURCE_LIMITS.errorEvent) throw new Problem('too_large', 'An event must be at most 1 MiB.');
    errors.push(errorOf(await jsonOf(payload, EVENT_LIMITS), now));
    await pause();
  }
  return { eventId: textOf(header['event_id'], 64), errors };
}
