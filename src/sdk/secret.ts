import {
  BASE62,
  HINT_LENGTH,
  SECRET_CHECKSUM_LENGTH,
  SECRET_PREFIXES,
  SECRET_RANDOM_LENGTH,
  type SecretKind,
} from '../contract/vocabulary.ts';

const KINDS = Object.keys(SECRET_PREFIXES) as SecretKind[];
/** Number of characters after the prefix: random characters and checksum. */
export const SECRET_TAIL_LENGTH = SECRET_RANDOM_LENGTH + SECRET_CHECKSUM_LENGTH;

const CRC_TABLE = new Uint32Array(256).map((_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

/** Returns the CRC-32 (as in zlib, PNG and Ethernet) of ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index++)
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ text.charCodeAt(index)) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * Returns the kind of a well-formed secret, or null if its prefix, length, alphabet or checksum is wrong. The check is
 * local: a well-formed secret need not exist on a server.
 */
export function secretKindOf(text: string): SecretKind | null {
  const kind = KINDS.find((candidate) => text.startsWith(SECRET_PREFIXES[candidate]));
  if (kind === undefined || text.length !== SECRET_PREFIXES[kind].length + SECRET_TAIL_LENGTH) return null;
  if (!/^[0-9A-Za-z_]+$/.test(text)) return null;
  let remainder = crc32(text.slice(0, -SECRET_CHECKSUM_LENGTH));
  for (let index = text.length - 1; index >= text.length - SECRET_CHECKSUM_LENGTH; index--) {
    if (text.charAt(index) !== BASE62.charAt(remainder % 62)) return null;
    remainder = Math.floor(remainder / 62);
  }
  return kind;
}

/** Returns the part of a secret that may be displayed. */
export function hintOf(secret: string): string {
  return secret.slice(-HINT_LENGTH);
}
