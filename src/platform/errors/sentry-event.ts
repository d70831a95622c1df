import type { ErrorBreadcrumb } from '../../contract/errors.ts';
import { MINUTE, RESOURCE_LIMITS } from '../../contract/limits.ts';
import { ERROR_LEVELS, type ErrorLevel } from '../../contract/platform-vocabulary.ts';
import { parseClientInstant, replaceFutureTime } from '../client-time.ts';
import { asArray, asObject, type JsonObject } from '../json-values.ts';
import type { ReportedError } from './error-grouping.ts';
import { readFrames } from './sentry-frames.ts';
import { toShortText, toText, valuesOf } from './sentry-values.ts';

/** A smaller difference between the clocks is ignored, because the envelope may have been delayed by that time. */
const MIN_CLOCK_DRIFT_MS = 55 * MINUTE;

/**
 * Returns the milliseconds by which a sender's clock is behind the clock of this server, given the time of sending
 * according to the sender; 0 if that is not a time or the difference is small. Pure.
 */
export function clockDriftOf(sentAt: unknown, now: number): number {
  const sentAtMs = parseClientInstant(sentAt);
  const driftMs = sentAtMs === null ? 0 : now - sentAtMs;
  return Math.abs(driftMs) < MIN_CLOCK_DRIFT_MS ? 0 : driftMs;
}

const LEVEL_ALIASES: Readonly<Record<string, ErrorLevel>> = {
  log: 'info',
  trace: 'debug',
  warn: 'warning',
  critical: 'fatal',
};
/** Levels by the numbers of Python's logging module, divided by ten. */
const NUMBERED_LEVELS: readonly ErrorLevel[] = ['debug', 'debug', 'info', 'warning', 'error', 'fatal'];

function parseLevel(value: unknown): ErrorLevel {
  if (typeof value === 'number') return NUMBERED_LEVELS[Math.min(5, Math.max(0, Math.floor(value / 10)))] ?? 'error';
  const name = typeof value === 'string' ? value.toLowerCase() : '';
  const alias = Object.hasOwn(LEVEL_ALIASES, name) ? LEVEL_ALIASES[name] : undefined;
  return ERROR_LEVELS.find((level) => level === name) ?? alias ?? 'error';
}

function parseBreadcrumb(value: unknown, driftMs: number): ErrorBreadcrumb {
  const { timestamp, category, level, message } = asObject(value);
  const at = correctTime(timestamp, driftMs);
  return {
    at: at === null ? null : new Date(at).toISOString(),
    category: toShortText(category),
    level: toShortText(level),
    message: toText(message, 1_000),
  };
}

/** Converts a sender's time to this server's clock, in epoch milliseconds; null if it is not a time. */
function correctTime(value: unknown, driftMs: number): number | null {
  const time = parseClientInstant(value);
  return time === null ? null : (parseClientInstant((time + driftMs) / 1000) ?? time);
}

function parseTags(value: unknown): Record<string, string> {
  const pairs = Array.isArray(value) ? value.map((pair) => asArray(pair)) : Object.entries(asObject(value));
  const tags: [string, string][] = [];
  for (const [name, text] of pairs.slice(0, RESOURCE_LIMITS.errorTags)) {
    const key = toShortText(name);
    const shortValue = toShortText(text);
    if (key !== null && key !== '__proto__' && shortValue !== null) tags.push([key, shortValue]);
  }
  return Object.fromEntries(tags);
}

/** Returns a text, or the JSON of an object or array that some SDKs send instead. */
const toLenientText = (value: unknown): string | null =>
  toText(typeof value === 'object' && value !== null ? JSON.stringify(value) : value, RESOURCE_LIMITS.errorMessage);

const PLACEHOLDER = /%\((\w{1,64})\)[sdifr]|%[sdifr]|\{(\w{0,64})\}/g;

/** Fills the placeholders of a log message, in the syntax of Python and of other logging libraries. Pure. */
function formatMessage(template: string, params: unknown): string {
  let nextIndex = 0;
  /** Parameters that were already converted, because a template may repeat a parameter many times. */
  const texts = new Map<string, string | null>();
  const textOf = (name: string): string | null => {
    const knownText = texts.get(name);
    if (knownText !== undefined) return knownText;
    const value = Array.isArray(params) ? params[Number(name)] : asObject(params)[name];
    const text = value === null ? 'null' : toLenientText(value);
    texts.set(name, text);
    return text;
  };
  let remainingLength: number = RESOURCE_LIMITS.errorMessage;
  return template.replace(PLACEHOLDER, (placeholder, named?: string, braced?: string) => {
    const name = named ?? (braced === '' ? undefined : braced);
    const text = (remainingLength > 0 ? textOf(name ?? String(nextIndex++)) : null) ?? placeholder;
    remainingLength -= text.length;
    return text;
  });
}

interface Message {
  readonly text: string;
  /** The log message with placeholders, which similar errors share. */
  readonly template: string | null;
}

/** Reads a message, which SDKs send as text, or as a template with its parameters or with the formatted text. */
function readMessage(event: JsonObject, exception: JsonObject): Message {
  const exceptionText = toLenientText(exception['value']);
  if (exceptionText !== null) return { text: exceptionText, template: null };
  for (const value of [event['logentry'], event['sentry.interfaces.Message'], event['message']]) {
    const { message, formatted, params } = asObject(value);
    const template = toLenientText(message);
    const text = toLenientText(formatted) ?? (template === null ? null : formatMessage(template, params));
    if (text !== null) return { text: text.slice(0, RESOURCE_LIMITS.errorMessage), template };
    // Some SDKs send `false` for no message.
    if (value !== false && (typeof value !== 'object' || Array.isArray(value))) {
      const plain = toLenientText(value);
      if (plain !== null) return { text: plain, template: null };
    }
  }
  return { text: '', template: null };
}

/** Returns the exception that was thrown, which is the last of a chain; an empty object if there is none. */
function readException(event: JsonObject): JsonObject {
  const exception = event['exception'] ?? event['sentry.interfaces.Exception'];
  const chained = valuesOf(exception).findLast((value) => typeof value === 'object' && value !== null);
  return asObject(chained ?? (Object.hasOwn(asObject(exception), 'values') ? null : exception));
}

/** Types of events that are not errors. Old SDKs send them to `/store/` or as `event` items. */
const OTHER_EVENT_TYPES = ['transaction', 'csp', 'hpkp', 'expectct', 'expectstaple', 'nel'];

/**
 * Converts an `event` item; returns null if it is not an error. SDKs send different formats, so unreadable parts are
 * omitted instead of rejected.
 */
export function parseEvent(value: unknown, now: number, driftMs: number): ReportedError | null {
  const event = asObject(value);
  if (OTHER_EVENT_TYPES.some((type) => type === event['type'])) return null;
  const exception = readException(event);
  const { text, template } = readMessage(event, exception);
  const tags = parseTags(event['tags']);
  const crumbs = valuesOf(event['breadcrumbs'] ?? event['sentry.interfaces.Breadcrumbs']);
  const fingerprint = asArray(event['fingerprint'])
    .slice(0, RESOURCE_LIMITS.errorFingerprint)
    .map(toShortText)
    .filter((part) => part !== null);
  return {
    type: toShortText(exception['type']) ?? 'Message',
    message: text,
    messageTemplate: template,
    stack: null,
    frames: readFrames(event, exception),
    breadcrumbs: crumbs.slice(-RESOURCE_LIMITS.errorBreadcrumbs).map((crumb) => parseBreadcrumb(crumb, driftMs)),
    tags,
    level: parseLevel(event['level']),
    release: toShortText(event['release']),
    environment: toShortText(event['environment']),
    app: tags['app'] ?? null,
    fingerprint: fingerprint.length === 0 ? null : fingerprint,
    at: replaceFutureTime(correctTime(event['timestamp'], driftMs) ?? now, now),
  };
}
