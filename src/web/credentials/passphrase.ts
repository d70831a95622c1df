/** Letters and digits without those that look alike. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const GROUP_COUNT = 5;
const GROUP_LENGTH = 5;

/** Returns a passphrase of 145 random bits, in groups that can be read aloud. */
export function generatePassphrase(): string {
  const characters: string[] = [];
  while (characters.length < GROUP_COUNT * GROUP_LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(64))) {
      // Larger bytes would make the first characters of the alphabet more likely.
      const isUnbiased = byte < 256 - (256 % ALPHABET.length);
      if (isUnbiased && characters.length < GROUP_COUNT * GROUP_LENGTH)
        characters.push(ALPHABET[byte % ALPHABET.length] ?? '');
    }
  }
  const text = characters.join('');
  return Array.from({ length: GROUP_COUNT }, (_, index) =>
    text.slice(index * GROUP_LENGTH, (index + 1) * GROUP_LENGTH),
  ).join('-');
}

export type Strength = 'weak' | 'fair' | 'strong';

const FAIR_BITS = 45;
const STRONG_BITS = 75;
/** Each distinct character adds at most this many characters to the length that counts. */
const MAX_COUNT_PER_CHARACTER = 1.6;
/** Patterns of characters, each with the assumed size of its alphabet. */
const CHARACTER_CLASSES: readonly [RegExp, number][] = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/[0-9]/, 10],
  [/[^a-zA-Z0-9]/, 32],
];

/** Returns a rough estimate from variety and length. Sequences and repeated characters count for little. */
export function estimateStrength(passphrase: string): Strength {
  const characters = [...passphrase];
  const alphabetSize = CHARACTER_CLASSES.reduce(
    (sum, [pattern, size]) => (pattern.test(passphrase) ? sum + size : sum),
    0,
  );
  const codePoints = characters.map((character) => character.codePointAt(0) ?? 0);
  // Characters that neither repeat nor continue a sequence such as "abc".
  const variedCount = codePoints.filter((codePoint, index) => {
    const previous = codePoints[index - 1];
    return previous === undefined || Math.abs(codePoint - previous) > 1;
  }).length;
  const distinctCount = new Set(characters).size;
  const bits = Math.log2(Math.max(alphabetSize, 2)) * Math.min(variedCount, distinctCount * MAX_COUNT_PER_CHARACTER);
  if (bits < FAIR_BITS) return 'weak';
  return bits < STRONG_BITS ? 'fair' : 'strong';
}
