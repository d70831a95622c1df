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
export function createPauses(): () => Promise<void> | undefined {
  let began = performance.now();
  return () => {
    if (performance.now() - began < SLICE_MS) return undefined;
    return setImmediate().then(() => {
      began = performance.now();
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

interface Scan {
  depth: number;
  values: number;
  inString: boolean;
  /** The next byte is escaped. */
  escaped: boolean;
  /** Where elements of the outermost array or object end; only collected where somebody wants them. */
  readonly ends: number[] | null;
}

/** Counts over part of a text. It only counts: whether the text is JSON is for `JSON.parse` to say. */
function scanPart(scan: Scan, bytes: Uint8Array, from: number, to: number, limits: JsonLimits): void {
  let { depth, values, inString } = scan;
  let at = from;
  if (scan.escaped && at < to) at++;
  for (; at < to; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === COMMA) {
      values++;
      if (depth === 1) scan.ends?.push(at);
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      values++;
      depth++;
      if (depth > limits.depth) {
        throw new Problem('invalid_request', `The body must not be nested more than ${limits.depth} levels deep.`);
      }
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      depth--;
      if (depth === 0) scan.ends?.push(at);
    }
    if (values > limits.values) {
      throw new Problem('too_large', `The body must not hold more than ${limits.values.toLocaleString('en')} values.`);
    }
  }
  Object.assign(scan, { depth, values, inString, escaped: at > to });
}

/** Bytes that are looked at between two looks at the clock. */
const PART = 262_144;

async function scanAll(
  bytes: Uint8Array,
  limits: JsonLimits,
  ends: number[] | null = null,
  mostEnds = Number.POSITIVE_INFINITY,
): Promise<void> {
  const scan: Scan = { depth: 0, values: 0, inString: false, escaped: false, ends };
  const pause = createPauses();
  for (let from = 0; from < bytes.length; from += PART) {
    scanPart(scan, bytes, from, Math.min(from + PART, bytes.length), limits);
    if (ends !== null && ends.length > mostEnds) return;
    await pause();
  }
}

/**
 * Resolves where a text in UTF-8 keeps to limits, in time that is linear in its bytes and in turns of the
 * event loop. Throws `invalid_request` for one that is nested too deep, `too_large` for one of too many values:
 * before it is parsed, since what parses and checks it costs far more per value than this.
 */
export const checkJson = (bytes: Uint8Array, limits: JsonLimits): Promise<void> => scanAll(bytes, limits);

/** Where the blanks end that begin at `from`. */
function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[at]) at++;
  return at;
}

/**
 * The parts of a JSON array, each the bytes of one element, so that a long one can be read in turns of the event
 * loop; each must still be parsed. Of an array of more than `most` only more than `most` are returned, without a
 * look at the rest. Null where the text is no array. Throws as `checkJson` does, and `invalid_request` where the
 * array does not end or something follows it.
 */
export async function splitJsonArray(
  bytes: Uint8Array,
  limits: JsonLimits,
  most: number,
): Promise<Uint8Array[] | null> {
  const first = skipBlanks(bytes, 0);
  if (bytes[first] !== OPEN_ARRAY) return null;
  const ends: number[] = [];
  await scanAll(bytes, limits, ends, most);
  const close = ends.at(-1) ?? -1;
  const isWhole = ends.length <= most;
  if (isWhole && (bytes[close] !== CLOSE_ARRAY || skipBlanks(bytes, close + 1) < bytes.length)) {
    throw new Problem('invalid_request', 'The body is not well-formed JSON.');
  }
  if (skipBlanks(bytes, first + 1) === close) return [];
  const parts: Uint8Array[] = [];
  let from = first + 1;
  for (const end of isWhole ? ends : ends.slice(0, most + 1)) {
    parts.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return parts;
}
