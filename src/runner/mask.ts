import { redactSecrets } from '../contract/redact.ts';

/** Shorter ones are found in every other word, and guessed by trying. */
const MIN_SECRET_LENGTH = 4;
/** Values that stand in the environment of every second app and hide nothing. */
const COMMON_VALUE =
  /^(?:true|false|null|none|auto|info|warn|error|debug|test|testing|staging|production|development|localhost|\d{1,5})$/i;
const REPLACEMENT = '[secret]';

/** Hides what must not be seen in a line. */
export interface Mask {
  /** The first `length` characters of a line, with every secret that begins in them blotted out. */
  (line: string, length: number): string;
  /** Characters beyond the first `length` of a line that it looks at. */
  readonly lookahead: number;
}

/** A value in the forms in which programs print it: as it is, line by line, as JSON, in an address, in base64. */
function encodingsOf(value: string): string[] {
  const encodings = [
    value,
    JSON.stringify(value).slice(1, -1),
    value.isWellFormed() ? encodeURIComponent(value) : value,
    Buffer.from(value).toString('base64'),
  ];
  // Lines are what a mask is given, so a value of several is looked for line by line.
  return [...encodings, ...value.split(/\r?\n/)].map((form) => form.trim()).filter((form) => !form.includes('\n'));
}

/**
 * Characters of a secret that are compared. A line that has so many in common with one hides the rest as well, so
 * that masking costs no more per character, however long the secrets are.
 */
const MAX_COMPARED_LENGTH = 256;

/** A node of a compressed trie over the beginnings of secrets. */
interface TrieNode {
  /** The characters between the parent and this node. */
  edge: string;
  /** Characters of the longest secret that begins so; 0 where none ends here. */
  secretLength: number;
  children: Map<number, TrieNode>;
}

function commonLength(one: string, other: string): number {
  let index = 0;
  while (index < one.length && index < other.length && one.charCodeAt(index) === other.charCodeAt(index)) index++;
  return index;
}

function insertSecret(root: TrieNode, secret: string): void {
  const key = secret.slice(0, MAX_COMPARED_LENGTH);
  let node = root;
  for (let offset = 0; offset < key.length; ) {
    const rest = key.slice(offset);
    const child = node.children.get(rest.charCodeAt(0));
    if (child === undefined) {
      node.children.set(rest.charCodeAt(0), { edge: rest, secretLength: secret.length, children: new Map() });
      return;
    }
    const common = commonLength(child.edge, rest);
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

/** Characters of the longest secret that begins at a place of a line; 0 where none does. */
function secretLengthAt(root: TrieNode, line: string, start: number): number {
  let found = 0;
  let offset = start;
  for (let node = root.children.get(line.charCodeAt(offset)); node !== undefined; ) {
    if (node.edge.length > 1 && !line.startsWith(node.edge, offset)) break;
    offset += node.edge.length;
    if (node.secretLength > 0) found = Math.max(found, node.secretLength);
    node = node.children.get(line.charCodeAt(offset));
  }
  return found;
}

/** Makes a mask that hides these values and everything that looks like a secret of ours. */
export function createMask(values: Iterable<string>): Mask {
  const root: TrieNode = { edge: '', secretLength: 0, children: new Map() };
  let lookahead = 0;
  for (const value of values) {
    if (COMMON_VALUE.test(value)) continue;
    for (const form of encodingsOf(value)) {
      if (form.length < MIN_SECRET_LENGTH) continue;
      insertSecret(root, form);
      lookahead = Math.max(lookahead, Math.min(form.length, MAX_COMPARED_LENGTH));
    }
  }

  function mask(line: string, length: number): string {
    let masked = '';
    let maskedEnd = 0;
    let isMasked = false;
    for (let index = 0; index < length && index < line.length && maskedEnd < length; index++) {
      const hidden = secretLengthAt(root, line, index);
      if (hidden === 0) continue;
      if (index >= maskedEnd) masked += line.slice(maskedEnd, index) + REPLACEMENT;
      maskedEnd = Math.max(maskedEnd, index + hidden);
      isMasked = true;
    }
    if (!isMasked) return redactSecrets(line).slice(0, length);
    return redactSecrets(masked + line.slice(maskedEnd, Math.max(maskedEnd, length)));
  }
  // Secrets of ours are shorter than this.
  return Object.assign(mask, { lookahead: Math.max(128, lookahead) });
}
