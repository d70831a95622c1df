import { SECRET_PREFIXES, SECRET_RANDOM_LENGTH } from './vocabulary.ts';

const SHAPE = `(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]{${SECRET_RANDOM_LENGTH},}`;
const SECRET_SHAPES = new RegExp(SHAPE, 'g');
const SECRET_SHAPE = new RegExp(SHAPE);

/**
 * Redacts every part of a text that has the form of a Devpilot secret. Apply it to everything that is logged or
 * recorded.
 */
export function redactSecrets(text: string): string {
  return text.replace(SECRET_SHAPES, '[secret]');
}

/**
 * Words with the length and characters of secrets of other systems; characters that are rare in secrets are excluded.
 */
const LONG_WORDS = /[0-9A-Za-z][0-9A-Za-z._~+-]{22,511}/g;
let isForeignSecret: (text: string) => boolean = () => false;

/**
 * Sets the function with which `redactLogText` recognizes secrets of other systems. It is global, because a process has
 * one log.
 */
export function recognizeForeignSecrets(isForeign: (text: string) => boolean): void {
  isForeignSecret = isForeign;
}

/**
 * Like `redactSecrets`, and also replaces secrets of other systems whose prefixes workspaces declare. Only for logs:
 * the prefixes of one workspace must not change the data of another.
 */
export function redactLogText(text: string): string {
  return redactSecrets(text).replace(LONG_WORDS, (word) => (isForeignSecret(word) ? '[secret]' : word));
}

/** Returns the lengths of the parts of a text that have the form of a Devpilot secret, by position. */
export function secretLengthsIn(text: string): ReadonlyMap<number, number> {
  return new Map([...text.matchAll(SECRET_SHAPES)].map(({ 0: secret, index }) => [index, secret.length]));
}

/** A Devpilot secret, or a part of one with its prefix, at the end of a text. */
const SECRET_START = new RegExp(`(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]*$`);

/**
 * Returns where a Devpilot secret that the end of `text` may cut off begins; the length of the text if there is none.
 */
export const unfinishedSecretStart = (text: string): number => SECRET_START.exec(text)?.index ?? text.length;

/** Returns whether `text`, verbatim or percent-decoded, contains a part with the form of a Devpilot secret. */
export function containsSecret(text: string): boolean {
  if (SECRET_SHAPE.test(text)) return true;
  if (!text.includes('%')) return false;
  // Decoded escape by escape: an invalid escape elsewhere must not hide a secret.
  return SECRET_SHAPE.test(
    text.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
}
