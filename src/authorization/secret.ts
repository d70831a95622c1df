import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  BASE62,
  HINT_LENGTH,
  SECRET_CHECKSUM_LENGTH,
  SECRET_PREFIXES,
  SECRET_RANDOM_LENGTH,
  type SecretKind,
} from '../contract/vocabulary.ts';
import type { Digest } from './record.ts';

export type { Digest } from './record.ts';

const TAIL_LENGTH = SECRET_RANDOM_LENGTH + SECRET_CHECKSUM_LENGTH;
/** The largest multiple of 62 below 256. Larger bytes are discarded, so that all characters are equally likely. */
const UNBIASED_BYTE_COUNT = 248;

const IS_BASE62 = new Uint8Array(128);
for (const character of BASE62) IS_BASE62[character.charCodeAt(0)] = 1;

/**
 * Tables for computing CRC-32 (ISO 3309) four bytes at a time ("slicing", Kounavis and Berry 2005), in the loop of
 * `secretKindOf` that reads the characters anyway. This takes a quarter of the time of passing the string to zlib. If
 * the results of the benchmark `decision` were as good without the tables, they could be deleted, and `secretKindOf`
 * would compare the checksum with `checksumOf`. Table `n` contains, for each byte, the CRC of that byte followed by `n`
 * zero bytes.
 */
const CRC_TABLES = new Int32Array(4 * 256);
for (let index = 0; index < 4 * 256; index++) {
  let value = index < 256 ? index : (CRC_TABLES[index - 256] ?? 0);
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ ((value & 1) * 0xedb88320);
  CRC_TABLES[index] = value;
}
/** State of the CRC after the prefix of each kind. */
const CRC_OF_PREFIX: Readonly<Record<SecretKind, number>> = {
  access_token: ~crc32(SECRET_PREFIXES.access_token),
  api_key: ~crc32(SECRET_PREFIXES.api_key),
  session: ~crc32(SECRET_PREFIXES.session),
};

/** Returns the CRC-32 of `textBeforeChecksum` as six base62 characters, with leading zeros. */
export function checksumOf(textBeforeChecksum: string): string {
  let value = crc32(textBeforeChecksum);
  let checksum = '';
  for (let digit = 0; digit < SECRET_CHECKSUM_LENGTH; digit++) {
    checksum = BASE62.charAt(value % 62) + checksum;
    value = Math.floor(value / 62);
  }
  return checksum;
}

/**
 * Returns a new secret of the given kind: its prefix, 40 random base62 characters (238 bits from the system's
 * generator; ASVS 11.5.1) and the CRC-32 of everything before it as 6 base62 characters.
 */
export function mintSecret(kind: SecretKind): string {
  let secret: string = SECRET_PREFIXES[kind];
  const length = secret.length + SECRET_RANDOM_LENGTH;
  while (secret.length < length) {
    for (const byte of randomBytes(64)) {
      if (byte < UNBIASED_BYTE_COUNT && secret.length < length) secret += BASE62.charAt(byte % 62);
    }
  }
  return secret + checksumOf(secret);
}

/**
 * Returns the kind of a secret, or null if its prefix, length, alphabet or checksum is wrong
 * (`docs/secret-format.md`). Needs neither a hash nor the store, so that random input is refused cheaply.
 */
export function secretKindOf(text: string): SecretKind | null {
  const kind = text.startsWith('w') ? 'access_token' : text.startsWith('dp') ? 'api_key' : 'session';
  const prefix = SECRET_PREFIXES[kind];
  if (text.length !== prefix.length + TAIL_LENGTH || !text.startsWith(prefix)) return null;
  const checksumStart = text.length - SECRET_CHECKSUM_LENGTH;
  let crc = CRC_OF_PREFIX[kind];
  let isBase62 = 1;
  for (let index = prefix.length; index < checksumStart; index += 4) {
    const first = text.charCodeAt(index);
    const second = text.charCodeAt(index + 1);
    const third = text.charCodeAt(index + 2);
    const fourth = text.charCodeAt(index + 3);
    isBase62 &= (IS_BASE62[first] ?? 0) & (IS_BASE62[second] ?? 0) & (IS_BASE62[third] ?? 0) & (IS_BASE62[fourth] ?? 0);
    crc ^= first | (second << 8) | (third << 16) | (fourth << 24);
    crc =
      (CRC_TABLES[768 + (crc & 255)] ?? 0) ^
      (CRC_TABLES[512 + ((crc >>> 8) & 255)] ?? 0) ^
      (CRC_TABLES[256 + ((crc >>> 16) & 255)] ?? 0) ^
      (CRC_TABLES[crc >>> 24] ?? 0);
  }
  if (isBase62 === 0) return null;
  let value = ~crc >>> 0;
  for (let index = text.length - 1; index >= checksumStart; index--) {
    if (text.charCodeAt(index) !== BASE62.charCodeAt(value % 62)) return null;
    // `>>> 0` truncates to an unsigned integer, which V8 divides faster than a double.
    value = (value / 62) >>> 0;
  }
  return kind;
}

/** Returns the SHA-256 of a secret (ASVS 6.5.2: secrets of at least 112 bits may be stored as a plain hash). */
export function digestOf(secret: string): Digest {
  return hash('sha256', secret, 'latin1');
}

export function digestToBytes(digest: Digest): Uint8Array {
  return Buffer.from(digest, 'latin1');
}

export function digestFromBytes(bytes: Uint8Array): Digest {
  return Buffer.from(bytes).toString('latin1');
}

/** Returns the last characters of a secret, which may be displayed. */
export function hintOf(secret: string): string {
  return secret.slice(-HINT_LENGTH);
}
