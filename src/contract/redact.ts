import { SECRET_PREFIXES, SECRET_RANDOM_LENGTH } from './vocabulary.ts';

const SECRET_PATTERN = `(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]{${SECRET_RANDOM_LENGTH},}`;
const ALL_SECRETS = new RegExp(SECRET_PATTERN, 'g');
const ANY_SECRET = new RegExp(SECRET_PATTERN);

/**
 * Replaces every part of a text that has the form of a Devpilot secret with `[secret]`. Apply this to everything that
 * is logged or recorded.
 */
export function redactSecrets(text: string): string {
  return text.replace(ALL_SECRETS, '[secret]');
}

/** Like `redactSecrets`; returns null if there is no text. */
export const redactSecretsOrNull = (text: string | null | undefined): string | null =>
  text === null || text === undefined ? null : redactSecrets(text);

/**
 * Matches words that can be secrets of other systems, by their length (`FOREIGN_PREFIX_LIMITS` and
 * `FOREIGN_SECRET_LIMITS`) and characters. Characters that are rare in secrets are excluded.
 */
const LONG_WORDS = /[0-9A-Za-z][0-9A-Za-z._~+-]{22,511}/g;
let isForeignSecret: (text: string) => boolean = () => false;

/**
 * Sets the function with which `redactLogText` recognizes secrets of other systems. The function is global, because a
 * process has one log.
 */
export function setForeignSecretRecognizer(isForeign: (text: string) => boolean): void {
  isForeignSecret = isForeign;
}

/**
 * Like `redactSecrets`, but also replaces secrets of other systems whose prefixes any workspace declares. Only for
 * logs, because the prefixes of one workspace must not change the data of another workspace.
 */
export function redactLogText(text: string): string {
  return redactSecrets(text).replace(LONG_WORDS, (word) => (isForeignSecret(word) ? '[secret]' : word));
}

/** Returns the positions of the parts of a text that have the form of a Devpilot secret, with their lengths. */
export function secretLengthsIn(text: string): ReadonlyMap<number, number> {
  return new Map([...text.matchAll(ALL_SECRETS)].map(({ 0: secret, index }) => [index, secret.length]));
}

/** Matches a Devpilot secret, or the beginning of one that contains at least the prefix, at the end of a text. */
const SECRET_START = new RegExp(`(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]*$`);

/**
 * Returns the position of a Devpilot secret that could continue after the end of `text`; the length of the text if
 * there is none.
 */
export const unfinishedSecretStart = (text: string): number => SECRET_START.exec(text)?.index ?? text.length;

/** Returns whether `text`, verbatim or percent-decoded, contains a part with the form of a Devpilot secret. */
export function containsSecret(text: string): boolean {
  if (ANY_SECRET.test(text)) return true;
  if (!text.includes('%')) return false;
  // Each escape is decoded separately, because an invalid escape elsewhere must not hide a secret.
  return ANY_SECRET.test(
    text.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
}
