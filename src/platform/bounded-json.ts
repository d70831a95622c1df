import { setImmediate } from 'node:timers/promises';
import { Problem } from '../contract/problem.ts';

/** How deep arrays and objects may be nested, and how many values they may hold together. */
export interface JsonLimits {
  readonly depth: number;
  readonly values: number;
}

/** What the body of a request may hold where its route does not declare otherwise. */
export const JSON_LIMITS: JsonLimits = { depth: 32, values: 2_000 };

const SLICE_MS = 10;

/** Returns a function that gives the event loop back once `SLICE_MS` have passed since it was last given back. */
export function createYielder(): () => Promise<void> | undefined {
  let sliceStartMs = performance.now();
  return () => {
    if (performance.now() - sliceStartMs < SLICE_MS) return undefined;
    return setImmediate().then(() => {
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
  /** The next byte is escaped. */
  escaped: boolean;
  /** Where elements of the outermost array or object end; only collected where somebody wants them. */
  readonly ends: number[] | null;
}

/** Counts over part of a text. It only counts: whether the text is JSON is for `JSON.parse` to say. */
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
  Object.assign(scan, { depth, values, inString, escaped: offset > to });
}

/** Bytes that are looked at between two looks at the clock. */
const CHUNK_BYTES = 262_144;

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
 * Resolves where a text in UTF-8 keeps to limits, in time that is linear in its bytes and in turns of the
 * event loop. Throws `invalid_request` for one that is nested too deep, `too_large` for one of too many values:
 * before it is parsed, since what parses and checks it costs far more per value than this.
 */
export const checkJsonLimits = (bytes: Uint8Array, limits: JsonLimits): Promise<void> => scanText(bytes, limits);

/** Where the blanks end that begin at `from`. */
function skipWhitespace(bytes: Uint8Array, from: number): number {
  let offset = from;
  for (let byte = bytes[offset]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[offset])
    offset++;
  return offset;
}

/**
 * The parts of a JSON array, each the bytes of one element, so that a long one can be read in turns of the event
 * loop; each must still be parsed. Of an array of more than `most` only more than `most` are returned, without a
 * look at the rest. Null where the text is no array. Throws as `checkJsonLimits` does, and `invalid_request` where the
 * array does not end or something follows it.
 */
export async function splitJsonArray(
  bytes: Uint8Array,
  limits: JsonLimits,
  maxElements: number,
): Promise<Uint8Array[] | null> {
  const first = skipWhitespace(bytes, 0);
  if (bytes[first] !== OPEN_ARRAY) return null;
  const ends: number[] = [];
  await scanText(bytes, limits, ends, maxElements);
  const close = ends.at(-1) ?? -1;
  const isWhole = ends.length <= maxElements;
  if (isWhole && (bytes[close] !== CLOSE_ARRAY || skipWhitespace(bytes, close + 1) < bytes.length)) {
    throw new Problem('invalid_request', 'The body is not well-formed JSON.');
  }
  if (skipWhitespace(bytes, first + 1) === close) return [];
  const parts: Uint8Array[] = [];
  let from = first + 1;
  for (const end of isWhole ? ends : ends.slice(0, maxElements + 1)) {
    parts.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return parts;
}
