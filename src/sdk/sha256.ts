/** The constants of FIPS 180-4: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS = new Uint32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);
const INITIAL_STATE = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

const wordAt = (words: Uint32Array, index: number): number => words[index] ?? 0;
const rotateRight = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

/** Returns ASCII text as padded blocks of 64 bytes, in 32-bit words. */
function toPaddedWords(text: string): Uint32Array {
  const words = new Uint32Array((((text.length + 8) >> 6) + 1) * 16);
  for (let index = 0; index < text.length; index++) {
    words[index >> 2] = wordAt(words, index >> 2) | (text.charCodeAt(index) << (24 - (index & 3) * 8));
  }
  words[text.length >> 2] = wordAt(words, text.length >> 2) | (0x80 << (24 - (text.length & 3) * 8));
  words[words.length - 1] = text.length * 8;
  return words;
}

/** Updates the state with one block (FIPS 180-4, section 6.2.2, with its names `a` to `h`, `t1` and `t2`). */
function compress(state: Uint32Array, words: Uint32Array, offset: number, schedule: Uint32Array): void {
  for (let round = 0; round < 64; round++) {
    if (round < 16) {
      schedule[round] = wordAt(words, offset + round);
      continue;
    }
    const early = wordAt(schedule, round - 15);
    const late = wordAt(schedule, round - 2);
    schedule[round] =
      wordAt(schedule, round - 16) +
      (rotateRight(early, 7) ^ rotateRight(early, 18) ^ (early >>> 3)) +
      wordAt(schedule, round - 7) +
      (rotateRight(late, 17) ^ rotateRight(late, 19) ^ (late >>> 10));
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let round = 0; round < 64; round++) {
    const t1 =
      (h +
        (rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25)) +
        ((e & f) ^ (~e & g)) +
        wordAt(ROUND_CONSTANTS, round) +
        wordAt(schedule, round)) |
      0;
    const t2 = ((rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] = wordAt(state, index) + word;
  });
}

/**
 * Returns the SHA-256 (FIPS 180-4) of ASCII text as 32 characters U+0000–U+00FF, for runtimes whose own implementation
 * is asynchronous. The input is a secret with 238 random bits, so timing differences reveal nothing useful.
 */
export function sha256InJavaScript(text: string): string {
  const state = new Uint32Array(INITIAL_STATE);
  const schedule = new Uint32Array(64);
  const words = toPaddedWords(text);
  for (let offset = 0; offset < words.length; offset += 16) compress(state, words, offset, schedule);
  let digest = '';
  for (const word of state) {
    digest += String.fromCharCode(word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff);
  }
  return digest;
}

type Hash = (algorithm: string, text: string, encoding: string) => string;

/** Returns the runtime's synchronous SHA-256, which Node, Deno and Bun have; null if there is none. */
function findNativeSha256(): ((text: string) => string) | null {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => { hash?: Hash } | undefined };
  };
  try {
    const hash = process?.getBuiltinModule?.('node:crypto')?.hash;
    if (hash === undefined || hash('sha256', 'abc', 'latin1') !== sha256InJavaScript('abc')) return null;
    return (text) => hash('sha256', text, 'latin1');
  } catch {
    return null;
  }
}

/** Returns the SHA-256 of a secret as 32 characters U+0000–U+00FF, one per byte. */
export const sha256: (text: string) => string = findNativeSha256() ?? sha256InJavaScript;
