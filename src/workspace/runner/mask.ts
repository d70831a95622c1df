import { redactSecrets } from '../../contract/redact.ts';

/** Shorter ones are found in every other word, and guessed by trying. */
const SHORTEST = 4;
/** Values that stand in the environment of every second app and hide nothing. */
const PLAIN =
  /^(?:true|false|null|none|auto|info|warn|error|debug|test|testing|staging|production|development|localhost|\d{1,5})$/i;
const BLOT = '[secret]';

/** Hides what must not be seen in a line. */
export interface Mask {
  /** The first `length` characters of a line, with every secret that begins in them blotted out. */
  (line: string, length: number): string;
  /** Characters beyond the first `length` of a line that it looks at. */
  readonly longest: number;
}

/** A value in the forms in which programs print it: as it is, line by line, as JSON, in an address, in base64. */
function formsOf(value: string): string[] {
  const whole = [
    value,
    JSON.stringify(value).slice(1, -1),
    value.isWellFormed() ? encodeURIComponent(value) : value,
    Buffer.from(value).toString('base64'),
  ];
  // Lines are what a mask is given, so a value of several is looked for line by line.
  return [...whole, ...value.split(/\r?\n/)].map((form) => form.trim()).filter((form) => !form.includes('\n'));
}

/**
 * Characters of a secret that are compared. A line that has so many in common with one hides the rest as well, so
 * that masking costs no more per character, however long the secrets are.
 */
const COMPARED = 256;

/** A node of a compressed trie over the beginnings of secrets. */
interface TrieNode {
  /** The characters between the parent and this node. */
  edge: string;
  /** Characters of the longest secret that begins so; 0 where none ends here. */
  length: number;
  children: Map<number, TrieNode>;
}

function commonLength(one: string, other: string): number {
  let at = 0;
  while (at < one.length && at < other.length && one.charCodeAt(at) === other.charCodeAt(at)) at++;
  return at;
}

function insert(root: TrieNode, secret: string): void {
  const key = secret.slice(0, COMPARED);
  let node = root;
  for (let at = 0; at < key.length; ) {
    const rest = key.slice(at);
    const child = node.children.get(rest.charCodeAt(0));
    if (child === undefined) {
      node.children.set(rest.charCodeAt(0), { edge: rest, length: secret.length, children: new Map() });
      return;
    }
    const common = commonLength(child.edge, rest);
    if (common < child.edge.length) {
      const lower = { ...child, edge: child.edge.slice(common) };
      child.children = new Map([[lower.edge.charCodeAt(0), lower]]);
      child.edge = child.edge.slice(0, common);
      child.length = 0;
    }
    at += common;
    node = child;
  }
  node.length = Math.max(node.length, secret.length);
}

/** Characters of the longest secret that begins at a place of a line; 0 where none does. */
function lengthAt(root: TrieNode, line: string, place: number): number {
  let found = 0;
  let at = place;
  for (let node = root.children.get(line.charCodeAt(at)); node !== undefined; ) {
    if (node.edge.length > 1 && !line.startsWith(node.edge, at)) break;
    at += node.edge.length;
    if (node.length > 0) found = Math.max(found, node.length);
    node = node.children.get(line.charCodeAt(at));
  }
  return found;
}

/** Makes a mask that hides these values and everything that looks like a secret of ours. */
export function createMask(values: Iterable<string>): Mask {
  const root: TrieNode = { edge: '', length: 0, children: new Map() };
  let longest = 0;
  for (const value of values) {
    if (PLAIN.test(value)) continue;
    for (const form of formsOf(value)) {
      if (form.length < SHORTEST) continue;
      insert(root, form);
      longest = Math.max(longest, Math.min(form.length, COMPARED));
    }
  }

  function mask(line: string, length: number): string {
    let shown = '';
    let seen = 0;
    let hides = false;
    for (let at = 0; at < length && at < line.length && seen < length; at++) {
      const hidden = lengthAt(root, line, at);
      if (hidden === 0) continue;
      if (at >= seen) shown += line.slice(seen, at) + BLOT;
      seen = Math.max(seen, at + hidden);
      hides = true;
    }
    if (!hides) return redactSecrets(line).slice(0, length);
    return redactSecrets(shown + line.slice(seen, Math.max(seen, length)));
  }
  // Secrets of ours are shorter than this.
  return Object.assign(mask, { longest: Math.max(128, longest) });
}
