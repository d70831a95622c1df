import { SECRET_PREFIXES, SECRET_RANDOM_LENGTH } from './vocabulary.ts';

const SHAPE = `(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]{${SECRET_RANDOM_LENGTH},}`;
const SECRET_SHAPES = new RegExp(SHAPE, 'g');
const SECRET_SHAPE = new RegExp(SHAPE);

/** Replaces everything in `text` that looks like a secret of ours; what may be logged or recorded goes through here. */
export function redactSecrets(text: string): string {
  return text.replace(SECRET_SHAPES, '[secret]');
}

/** Tells whether `text`, as it stands or percent-decoded, holds something that looks like a secret of ours. */
export function containsSecret(text: string): boolean {
  if (SECRET_SHAPE.test(text)) return true;
  if (!text.includes('%')) return false;
  // Decoded character by character: one bad escape elsewhere must not hide a secret.
  return SECRET_SHAPE.test(
    text.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
}
