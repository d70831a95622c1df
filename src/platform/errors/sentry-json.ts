import { Problem } from '../../contract/problem.ts';
import { checkJsonLimits, type JsonLimits } from '../bounded-json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Replacements of equal length for tokens that are not JSON, but that JSON encoders in Python and Go write. */
const REPLACEMENTS = [
  { token: Buffer.from('-Infinity'), json: Buffer.from('null     ') },
  { token: Buffer.from('Infinity'), json: Buffer.from('null    ') },
  { token: Buffer.from('NaN'), json: Buffer.from('"" ') },
];
const FIRST_BYTES = new Set(REPLACEMENTS.map(({ token }) => token[0]));

const startsAt = (bytes: Uint8Array, token: Uint8Array, offset: number) =>
  token.every((byte, index) => bytes[offset + index] === byte);

/** Replaces NaN and infinities outside of strings, in linear time. Pure. */
function replaceNonJsonNumbers(source: Uint8Array): Buffer {
  const bytes = Buffer.from(source);
  let inString = false;
  for (let offset = 0; offset < bytes.length; offset++) {
    const byte = bytes[offset];
    if (inString && byte === BACKSLASH) offset++;
    else if (byte === QUOTE) inString = !inString;
    else if (!inString && FIRST_BYTES.has(byte)) {
      const replacement = REPLACEMENTS.find(({ token }) => startsAt(bytes, token, offset));
      if (replacement === undefined) continue;
      bytes.set(replacement.json, offset);
      offset += replacement.json.length - 1;
    }
  }
  return bytes;
}

/**
 * Parses JSON as Sentry SDKs write it. It may contain a byte order mark, NaN, which becomes an empty text, and
 * infinities, which become null. Throws `invalid_request`, and `too_large` for too many values.
 */
export async function parseSentryJson(bytes: Uint8Array, limits: JsonLimits): Promise<unknown> {
  await checkJsonLimits(bytes, limits);
  const parse = (json: Uint8Array): unknown =>
    JSON.parse(
      Buffer.from(json)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    );
  try {
    return parse(bytes);
  } catch {
    try {
      return parse(replaceNonJsonNumbers(bytes));
    } catch {
      throw new Problem('invalid_request', 'The envelope or event contains malformed JSON.');
    }
  }
}
