/**
 * IP addresses and CIDR ranges (RFC 4632, RFC 4291), for the restriction `addresses`. Runs in browsers and in guards,
 * so it uses no library. An address is stored as four 32-bit words; an IPv4 address uses only the last word. An
 * IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) is treated as the IPv4 address.
 */

export interface AddressRange {
  readonly family: 4 | 6;
  /** The first address, with the host bits zero. */
  readonly words: readonly number[];
  /** Number of leading bits that an address must share: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly prefixLength: number;
}

/** The third word of an IPv4-mapped address, and the length of the prefix of all such addresses. */
const MAPPED_WORD = 0xffff;
const MAPPED_PREFIX_LENGTH = 96;
const DOT = 46;
const COLON = 58;
const ZERO = 48;
const LETTER_A = 97;

/**
 * Parses `text` from `start` as a dotted IPv4 address. Returns it as an unsigned number, or -1 if it is not an address.
 */
function parseDotted(text: string, start: number): number {
  let value = 0;
  let part = 0;
  let digitCount = 0;
  let partCount = 1;
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (digitCount === 0 || ++partCount > 4) return -1;
      value = value * 256 + part;
      part = 0;
      digitCount = 0;
      continue;
    }
    const digit = code - ZERO;
    // Leading zeros are rejected, because some parsers read them as octal.
    if (digit < 0 || digit > 9 || (digitCount > 0 && part === 0)) return -1;
    part = part * 10 + digit;
    digitCount++;
    if (part > 255) return -1;
  }
  return partCount === 4 && digitCount > 0 ? value * 256 + part : -1;
}

/** Returns the value of a hexadecimal digit, given as a character code; -1 for any other character. */
function hexDigit(code: number): number {
  if (code >= ZERO && code <= ZERO + 9) return code - ZERO;
  // Setting this bit converts an ASCII letter to lower case.
  const letter = code | 0x20;
  return letter >= LETTER_A && letter <= LETTER_A + 5 ? letter - LETTER_A + 10 : -1;
}

/** The result of `parseGroups`, reused so that nothing is allocated. */
const groups = new Uint32Array(8);

/** Parses an IPv6 address without a zone into `groups`. Returns whether the text is an IPv6 address. */
function parseGroups(text: string): boolean {
  let count = 0;
  /** The number of groups before `::`; -1 if the text contains no `::`. */
  let gap = -1;
  let index = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gap = 0;
    index = 2;
  }
  while (index < text.length) {
    const start = index;
    let value = 0;
    let code = 0;
    for (; index < text.length; index++) {
      code = text.charCodeAt(index);
      const digit = hexDigit(code);
      if (digit === -1) break;
      value = value * 16 + digit;
    }
    if (index < text.length && code === DOT) {
      const ipv4 = parseDotted(text, start);
      if (ipv4 === -1 || count > 6) return false;
      groups[count++] = ipv4 >>> 16;
      groups[count++] = ipv4 & 0xffff;
      break;
    }
    if (index === start || index - start > 4 || count === 8) return false;
    groups[count++] = value;
    if (index === text.length) break;
    if (code !== COLON || ++index === text.length) return false;
    if (text.charCodeAt(index) === COLON) {
      if (gap !== -1) return false;
      gap = count;
      index++;
    }
  }
  if (gap === -1) return count === 8;
  if (count > 7) return false;
  groups.copyWithin(8 - (count - gap), gap, count);
  groups.fill(0, gap, 8 - (count - gap));
  return true;
}

/**
 * Parses an address into four words. Returns its family, or 0 if the text is not an address. Allocates nothing, because
 * it runs for every request with a credential that has the restriction `addresses`.
 */
export function parseAddress(text: string, words: Uint32Array): 0 | 4 | 6 {
  words.fill(0);
  // The longest text has six groups and a dotted IPv4 address.
  if (text.length > 45) return 0;
  if (!text.includes(':')) {
    const ipv4 = parseDotted(text, 0);
    if (ipv4 === -1) return 0;
    words[3] = ipv4;
    return 4;
  }
  if (!parseGroups(text)) return 0;
  for (let word = 0; word < 4; word++) {
    words[word] = (groups[word * 2] ?? 0) * 0x1_0000 + (groups[word * 2 + 1] ?? 0);
  }
  if (words[0] !== 0 || words[1] !== 0 || words[2] !== MAPPED_WORD) return 6;
  words[2] = 0;
  return 4;
}

/** An address in brackets, with or without a port, or an IPv4 address with a port. */
const BRACKETED_OR_WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|(\d+(?:\.\d+){3}):\d+)$/;
const scratch = new Uint32Array(4);

/**
 * Returns the canonical text of a client's address as sockets and proxies report it: without a zone or a port, and as
 * IPv4 if it is IPv4-mapped. Returns null if the text is not an address, such as `unknown` (RFC 7239, section 6).
 */
export function canonicalAddress(text: string): string | null {
  // Most addresses have neither brackets nor a port, so the expression is evaluated only if it can match.
  const canMatch = text.endsWith(']') || text.includes(':');
  const [, bracketed, dotted] = canMatch ? (BRACKETED_OR_WITH_PORT.exec(text) ?? []) : [];
  const [address = ''] = (bracketed ?? dotted ?? text).split('%');
  const family = parseAddress(address, scratch);
  if (family === 0) return null;
  if (family === 4 && !address.includes(':')) return address;
  return formatAddressRange({ family, words: [...scratch], prefixLength: family === 4 ? 32 : 128 });
}

/** Returns whether a text is an IP address. */
export const isAddress = (text: string): boolean => parseAddress(text, new Uint32Array(4)) !== 0;

/** Returns the length of a prefix over all four words. */
const prefixBits = ({ family, prefixLength }: Pick<AddressRange, 'family' | 'prefixLength'>): number =>
  family === 4 ? MAPPED_PREFIX_LENGTH + prefixLength : prefixLength;

/** Returns a mask of the bits of word `index` that a prefix covers. `bits` is the prefix length over all four words. */
function maskOfWord(bits: number, index: number): number {
  const covered = Math.min(Math.max(bits - index * 32, 0), 32);
  return covered === 0 ? 0 : (0xffff_ffff << (32 - covered)) >>> 0;
}

/** Returns the last address of a range. */
export function lastAddressOf(range: AddressRange): number[] {
  const bits = prefixBits(range);
  return range.words.map((word, index) => (word | ~maskOfWord(bits, index)) >>> 0);
}

/** Returns whether every address of `inner` is in `outer`. Pure. */
export function containsRange(outer: AddressRange, inner: AddressRange): boolean {
  if (outer.family !== inner.family || outer.prefixLength > inner.prefixLength) return false;
  const bits = prefixBits(outer);
  return inner.words.every((word, index) => (word & maskOfWord(bits, index)) >>> 0 === outer.words[index]);
}

const PREFIX_LENGTH = /^(?:0|[1-9]\d{0,2})$/;

/** Parses an address or a CIDR range; host bits are cleared. Returns null if it is neither. */
export function parseAddressRange(text: string): AddressRange | null {
  const [address = '', length, ...extraParts] = text.split('/');
  if (extraParts.length > 0 || (length !== undefined && !PREFIX_LENGTH.test(length))) return null;
  const parsed = new Uint32Array(4);
  const family = parseAddress(address, parsed);
  if (family === 0) return null;
  const isMapped = family === 4 && address.includes(':');
  const maxLength = address.includes(':') ? 128 : 32;
  const writtenLength = length === undefined ? maxLength : Number(length);
  // A mapped range wider than all IPv4 addresses would also contain other IPv6 addresses.
  if (writtenLength > maxLength || (isMapped && writtenLength < MAPPED_PREFIX_LENGTH)) return null;
  const prefixLength = isMapped ? writtenLength - MAPPED_PREFIX_LENGTH : writtenLength;
  const bits = prefixBits({ family, prefixLength });
  const words = Array.from(parsed, (word, index) => (word & maskOfWord(bits, index)) >>> 0);
  return { family, words, prefixLength };
}

/** Formats an IPv6 address in the canonical form of RFC 5952. */
function formatIpv6(words: readonly number[]): string {
  const groupValues = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  // A single zero group is not shortened.
  let longestRun = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groupValues[from + length] === 0) length++;
    if (length > longestRun.length) longestRun = { from, length };
  }
  const hex = (values: readonly number[]) => values.map((value) => value.toString(16)).join(':');
  if (longestRun.length === 1) return hex(groupValues);
  const before = hex(groupValues.slice(0, longestRun.from));
  const after = hex(groupValues.slice(longestRun.from + longestRun.length));
  return `${before}::${after}`;
}

/** Returns the canonical text of a range; a range of one address is written as the address. */
export function formatAddressRange({ family, words, prefixLength }: AddressRange): string {
  const ipv4 = words[3] ?? 0;
  const address = family === 4 ? [24, 16, 8, 0].map((shift) => (ipv4 >>> shift) & 255).join('.') : formatIpv6(words);
  return prefixLength === (family === 4 ? 32 : 128) ? address : `${address}/${prefixLength}`;
}
