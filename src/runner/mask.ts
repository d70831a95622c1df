import {
  mayHaveEscapeSequences,
  unfinishedSequenceStart,
  withoutEscapeSequences,
} from '../contract/escape-sequences.ts';
import { secretLengthsIn, unfinishedSecretStart } from '../contract/redact.ts';

/** Shorter values are not masked, because they occur in many words and are easily guessed. */
const MIN_SECRET_LENGTH = 4;
/** Values that are common in environments but not secret. */
const COMMON_VALUE =
  /^(?:true|false|null|none|auto|info|warn|error|debug|test|testing|staging|production|development|localhost|\d{1,5})$/i;
const REPLACEMENT = '[secret]';

/** Hides secrets in a line. */
export interface Mask {
  /** Returns the first `length` characters of a line; every secret that begins in them is replaced as a whole. */
  (line: string, length: number): string;
  /** Number of characters beyond `length` that the line must include for every secret to be found. */
  readonly lookahead: number;
  /**
   * Returns how many characters of an unfinished line can be shown: the characters before the possible beginning of a
   * secret or an escape sequence at its end.
   */
  showableLength(line: string): number;
}

/** Returns the forms in which programs print a value: verbatim, each line alone, as JSON, URL-encoded, in base64. */
function encodingsOf(value: string): string[] {
  const encodings = [
    value,
    JSON.stringify(value).slice(1, -1),
    value.isWellFormed() ? encodeURIComponent(value) : value,
    Buffer.from(value).toString('base64'),
  ];
  // A mask receives single lines, so a multi-line value is searched for line by line.
  return [...encodings, ...value.split(/\r?\n/)].map((form) => form.trim()).filter((form) => !form.includes('\n'));
}

/**
 * Maximum number of characters of a secret that are compared. If a line contains the first `MAX_COMPARED_LENGTH`
 * characters of a longer secret, as many characters as the secret has are masked. This bounds the cost per character
 * for secrets of any length.
 */
const MAX_COMPARED_LENGTH = 256;

/** Devpilot's own secrets have fewer characters than this. */
const DEVPILOT_SECRET_LOOKAHEAD = 128;

/** A node of a compressed trie of secret prefixes. */
interface TrieNode {
  /** The characters between the parent and this node. */
  edge: string;
  /** Length of the longest secret whose compared characters end at this node; 0 if there is none. */
  secretLength: number;
  children: Map<number, TrieNode>;
}

function commonPrefixLength(a: string, b: string): number {
  let index = 0;
  while (index < a.length && index < b.length && a.charCodeAt(index) === b.charCodeAt(index)) index++;
  return index;
}

function insertSecret(root: TrieNode, secret: string): void {
  const key = secret.slice(0, MAX_COMPARED_LENGTH);
  let node = root;
  for (let offset = 0; offset < key.length; ) {
    const suffix = key.slice(offset);
    const child = node.children.get(suffix.charCodeAt(0));
    if (child === undefined) {
      node.children.set(suffix.charCodeAt(0), { edge: suffix, secretLength: secret.length, children: new Map() });
      return;
    }
    const common = commonPrefixLength(child.edge, suffix);
    if (common < child.edge.length) {
      const lower = { ...child, edge: child.edge.slice(common) };
      child.children = new Map([[lower.edge.charCodeAt(0), lower]]);
      child.edge = child.edge.slice(0, common);
      child.secretLength = 0;
    }
    offset += common;
    node = child;
  }
  node.secretLength = Math.max(node.secretLength, secret.length);
}

/** Returns the length of the longest secret that begins at a position of a line; 0 if none does. */
function secretLengthAt(root: TrieNode, line: string, start: number): number {
  let longest = 0;
  let offset = start;
  for (let node = root.children.get(line.charCodeAt(offset)); node !== undefined; ) {
    if (node.edge.length > 1 && !line.startsWith(node.edge, offset)) break;
    offset += node.edge.length;
    if (node.secretLength > 0) longest = Math.max(longest, node.secretLength);
    node = node.children.get(line.charCodeAt(offset));
  }
  return longest;
}

/** Returns whether the end of a line, from a position, may be the beginning of a longer secret. */
function mayContinueAt(root: TrieNode, line: string, start: number): boolean {
  let offset = start;
  for (let node = root.children.get(line.charCodeAt(offset)); node !== undefined; ) {
    const part = line.slice(offset, offset + node.edge.length);
    if (!node.edge.startsWith(part)) return false;
    offset += part.length;
    if (offset === line.length) return part.length < node.edge.length || node.children.size > 0;
    node = node.children.get(line.charCodeAt(offset));
  }
  return false;
}

type Range = readonly [start: number, end: number];

/** Creates a mask that hides the secrets of a trie and every text in the format of a Devpilot secret. */
function createTrieMask(root: TrieNode, lookahead: number): Mask {
  /** Returns the ranges of the secrets that begin in the first `length` characters. */
  function secretsIn(line: string, length: number): Range[] {
    // Searches the whole line, because a secret may end after the first `length` characters.
    const secretLengths = secretLengthsIn(line);
    const ranges: Range[] = [];
    for (let index = 0; index < length && index < line.length; index++) {
      const secretLength = Math.max(secretLengthAt(root, line, index), secretLengths.get(index) ?? 0);
      if (secretLength > 0) ranges.push([index, index + secretLength]);
    }
    return ranges;
  }

  /**
   * Returns the first position from which the end of a line may be the beginning of a secret; the length of the line if
   * there is none.
   */
  function unfinishedStart(line: string): number {
    for (let index = Math.max(0, line.length - lookahead); index < line.length; index++)
      if (mayContinueAt(root, line, index)) return Math.min(index, unfinishedSecretStart(line));
    return unfinishedSecretStart(line);
  }

  /**
   * Returns the ranges of secrets, including those that escape sequences interrupt, such as a partly highlighted
   * secret.
   */
  function interruptedSecretsIn(line: string, length: number): Range[] {
    const { text, positions } = withoutEscapeSequences(line);
    const positionInLine = (index: number) => positions[Math.min(index, text.length)] ?? line.length;
    const ranges = secretsIn(text, text.length).map(
      ([start, end]): Range => [positionInLine(start), positionInLine(end - 1) + 1],
    );
    // A truncated line may end within such a secret, because the lookahead does not include the escape sequences.
    return line.length > length ? [...ranges, [positionInLine(unfinishedStart(text)), line.length]] : ranges;
  }

  function mask(line: string, length: number): string {
    const ranges = secretsIn(line, length);
    if (mayHaveEscapeSequences(line)) {
      ranges.push(...interruptedSecretsIn(line, length));
      ranges.sort(([a], [b]) => a - b);
    }
    let masked = '';
    let maskedEnd = 0;
    for (const [start, end] of ranges) {
      if (start >= length || maskedEnd >= length) break;
      if (start >= maskedEnd && end > start) masked += line.slice(maskedEnd, start) + REPLACEMENT;
      maskedEnd = Math.max(maskedEnd, end);
    }
    return masked + line.slice(maskedEnd, Math.max(maskedEnd, length));
  }

  function showableLength(line: string): number {
    const end = unfinishedSequenceStart(line);
    if (!mayHaveEscapeSequences(line)) return Math.min(end, unfinishedStart(line));
    const { text, positions } = withoutEscapeSequences(line.slice(0, end));
    return Math.min(end, positions[unfinishedStart(text)] ?? end);
  }
  return Object.assign(mask, { lookahead, showableLength });
}

const createTrie = (): TrieNode => ({ edge: '', secretLength: 0, children: new Map() });

/** Hides only text in the format of a Devpilot secret. */
export const DEVPILOT_SECRETS_MASK = createTrieMask(createTrie(), DEVPILOT_SECRET_LOOKAHEAD);

/**
 * Creates a mask that hides the values, except short and common ones, and every text in the format of a Devpilot
 * secret. The trie makes the cost per character independent of the number of secrets (`mask.test.ts` limits the CPU
 * time). Without this requirement, one search per secret would be sufficient. Calls `yieldIfDue` before each value,
 * because 1,000 values with thousands of lines would block the event loop for too long.
 */
export async function createMask(values: Iterable<string>, yieldIfDue: () => Promise<void> | undefined): Promise<Mask> {
  const root = createTrie();
  let lookahead = DEVPILOT_SECRET_LOOKAHEAD;
  for (const value of values) {
    await yieldIfDue();
    if (COMMON_VALUE.test(value)) continue;
    for (const form of encodingsOf(value)) {
      if (form.length < MIN_SECRET_LENGTH) continue;
      insertSecret(root, form);
      lookahead = Math.max(lookahead, Math.min(form.length, MAX_COMPARED_LENGTH));
    }
  }
  return createTrieMask(root, lookahead);
}
