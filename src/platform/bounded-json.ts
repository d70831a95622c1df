import { Problem } from '../contract/problem.ts';

/**
 * Maximum nesting of arrays and objects, and maximum number of values in total. Values are counted as commas
 * and opening brackets.
 */
export interface JsonLimits {
  readonly depth: number;
  readonly values: number;
}

/** Limits of a request body, unless its route declares others. */
export const JSON_LIMITS: JsonLimits = { depth: 32, values: 2_000 };

/** Time after which a running task yields to the event loop. */
const SLICE_MS = 10;

/**
 * Functions that resume paused tasks, in the order in which the tasks were paused. Only one task is resumed per turn of
 * the event loop, so that all tasks together use at most one slice per turn.
 */
const pausedTasks: (() => void)[] = [];

function resumeNextTask(): void {
  pausedTasks.shift()?.();
  if (pausedTasks.length > 0) setImmediate(resumeNextTask);
}

function waitForTurn(): Promise<void> {
  return new Promise((resolve) => {
    pausedTasks.push(resolve);
    if (pausedTasks.length === 1) setImmediate(resumeNextTask);
  });
}

/**
 * Returns a function that yields to the event loop if `SLICE_MS` have passed since the last yield, and otherwise
 * returns undefined. Regardless of how many tasks have yielded, only one of them continues in each turn of the event
 * loop.
 */
export function createYielder(): () => Promise<void> | undefined {
  let sliceStartMs = performance.now();
  return () => {
    if (performance.now() - sliceStartMs < SLICE_MS) return undefined;
    return waitForTurn().then(() => {
      sliceStartMs = performance.now();
    });
  };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

interface ScanState {
  depth: number;
  values: number;
  inString: boolean;
  /** Whether the next byte is escaped. */
  escaped: boolean;
  /** Offsets of the ends of the outermost array's or object's elements; null if they are not needed. */
  readonly ends: number[] | null;
}

/**
 * Counts the depth and the values of a part of a JSON text. Throws if a limit is exceeded. Does not check the syntax,
 * which `JSON.parse` does.
 */
function scanChunk(scan: ScanState, bytes: Uint8Array, from: number, to: number, limits: JsonLimits): void {
  let { depth, values, inString } = scan;
  let offset = from;
  if (scan.escaped && offset < to) offset++;
  for (; offset < to; offset++) {
    const byte = bytes[offset];
    if (inString) {
      if (byte === BACKSLASH) offset++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === COMMA) {
      values++;
      if (depth === 1) scan.ends?.push(offset);
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      values++;
      depth++;
      if (depth > limits.depth) {
        throw new Problem('invalid_request', `The body must not be nested more than ${limits.depth} levels deep.`);
      }
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      depth--;
      if (depth === 0) scan.ends?.push(offset);
    }
    if (values > limits.values) {
      throw new Problem(
        'too_large',
        `The body must not contain more than ${limits.values.toLocaleString('en')} values.`,
      );
    }
  }
  // If the chunk ends with the backslash of an escape, the offset of the escaped character is beyond `to`.
  Object.assign(scan, { depth, values, inString, escaped: offset > to });
}

/** Number of bytes that are scanned before the clock is read. */
const CHUNK_BYTES = 262_144;

/** Scans a JSON text in chunks, yielding in between. Stops early when there are more than `maxEnds` ends. */
async function scanText(
  bytes: Uint8Array,
  limits: JsonLimits,
  ends: number[] | null = null,
  maxEnds = Number.POSITIVE_INFINITY,
): Promise<void> {
  const scan: ScanState = { depth: 0, values: 0, inString: false, escaped: false, ends };
  const yieldIfDue = createYielder();
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    scanChunk(scan, bytes, from, Math.min(from + CHUNK_BYTES, bytes.length), limits);
    if (ends !== null && ends.length > maxEnds) return;
    await yieldIfDue();
  }
}

/**
 * Checks that a JSON text in UTF-8 is within the limits, in linear time and in several turns of the event loop. Throws
 * `invalid_request` if it is nested too deeply, `too_large` if it has too many values. Must be called before parsing,
 * because parsing and validation cost far more per value.
 */
export const checkJsonLimits = (bytes: Uint8Array, limits: JsonLimits): Promise<void> => scanText(bytes, limits);

/** Returns the offset of the first byte from `from` that is not white space. */
function skipWhitespace(bytes: Uint8Array, from: number): number {
  let offset = from;
  for (let byte = bytes[offset]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[offset])
    offset++;
  return offset;
}

/**
 * Splits a JSON array into the bytes of its elements, so that a long array can be parsed in several turns of the event
 * loop. Returns null if the text is not an array. If the array has more than `maxElements` elements, returns the first
 * `maxElements + 1` and stops reading soon after. Throws as `checkJsonLimits` does, and `invalid_request` if the array
 * does not end or is followed by more text.
 */
export async function splitJsonArray(
  bytes: Uint8Array,
  limits: JsonLimits,
  maxElements: number,
): Promise<Uint8Array[] | null> {
  const openOffset = skipWhitespace(bytes, 0);
  if (bytes[openOffset] !== OPEN_ARRAY) return null;
  const ends: number[] = [];
  await scanText(bytes, limits, ends, maxElements);
  const closeOffset = ends.at(-1) ?? -1;
  const isWithinMax = ends.length <= maxElements;
  if (isWithinMax && (bytes[closeOffset] !== CLOSE_ARRAY || skipWhitespace(bytes, closeOffset + 1) < bytes.length)) {
    throw new Problem('invalid_request', 'The body is not well-formed JSON.');
  }
  if (skipWhitespace(bytes, openOffset + 1) === closeOffset) return [];
  const parts: Uint8Array[] = [];
  let from = openOffset + 1;
  for (const end of isWithinMax ? ends : ends.slice(0, maxElements + 1)) {
    parts.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return parts;
}
