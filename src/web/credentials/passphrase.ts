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
      const isFair = byte < 256 - (256 % ALPHABET.length);
      if (isFair && characters.length < GROUP_COUNT * GROUP_LENGTH)
        characters.push(ALPHABET[byte % ALPHABET.length] ?? '');
    }
  }
  const text = characters.join('');
  return Array.from({ length: GROUP_COUNT }, (_, index) =>
    text.slice(index * GROUP_LENGTH, (index + 1) * GROUP_LENGTH),
  ).join('-');
}

export type Strength = 'weak' | 'fair' | 'strong';

const CHARACTER_CLASSES: readonly [RegExp, number][] = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/[0-9]/, 10],
  [/[^a-zA-Z0-9]/, 32],
];

/** Returns a rough estimate from variety and length. Sequences and repeated characters count for little. */
export function estimateStrength(passphrase: string): Strength {
  const characters = [...passphrase];
  const alphabet = CHARACTER_CLASSES.reduce((sum, [pattern, size]) => (pattern.test(passphrase) ? sum + size : sum), 0);
  const variedCount = characters.filter((character, index) => {
    const step =
      index === 0 ? 2 : Math.abs((character.codePointAt(0) ?? 0) - (characters[index - 1]?.codePointAt(0) ?? 0));
    return step > 1;
  }).length;
  const distinct = new Set(characters).size;
  const bits = Math.log2(Math.max(alphabet, 2)) * Math.min(variedCount, distinct * 1.6);
  return bits < 45 ? 'weak' : bits < 75 ? 'fair' : 'strong';
}
