import { SECRET_PREFIXES, SECRET_RANDOM_LENGTH } from './vocabulary.ts';

const SHAPE = `(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]{${SECRET_RANDOM_LENGTH},}`;
const SECRET_SHAPES = new RegExp(SHAPE, 'g');
const SECRET_SHAPE = new RegExp(SHAPE);

/**
 * Replaces everything in `text` with the form of a Devpilot secret. Use it for everything that is logged or recorded.
 */
export function redactSecrets(text: string): string {
  return text.replace(SECRET_SHAPES, '[secret]');
}

/** Returns the length of everything in `text` with the form of a Devpilot secret, by its position. */
export function secretLengthsIn(text: string): ReadonlyMap<number, number> {
  return new Map([...text.matchAll(SECRET_SHAPES)].map(({ 0: secret, index }) => [index, secret.length]));
}

/** Returns whether `text`, verbatim or percent-decoded, contains something with the form of a Devpilot secret. */
export function containsSecret(text: string): boolean {
  if (SECRET_SHAPE.test(text)) return true;
  if (!text.includes('%')) return false;
  // Decoded escape by escape: an invalid escape elsewhere must not hide a secret.
  return SECRET_SHAPE.test(
    text.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
}
