import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { BASE62, SECRET_PREFIXES, type SecretKind } from '../contract/vocabulary.ts';
import { checksumOf, digestOf, digestToBytes, hintOf, mintSecret, secretKindOf } from './secret.ts';

const KINDS = Object.keys(SECRET_PREFIXES) as SecretKind[];

/** The layouts in `docs/secret-format.md`: prefix, 40 random base62 characters, checksum of 6 base62 characters. */
const LAYOUTS: Readonly<Record<SecretKind, RegExp>> = {
  access_token: /^workspace_token_[0-9A-Za-z]{40}[0-9A-Za-z]{6}$/,
  api_key: /^dp_[0-9A-Za-z]{40}[0-9A-Za-z]{6}$/,
  session: /^devpilot_session_[0-9A-Za-z]{40}[0-9A-Za-z]{6}$/,
};

test('a secret has the documented layout and ends in a checksum of everything before it', () => {
  for (const kind of KINDS) {
    for (let count = 0; count < 200; count++) {
      const secret = mintSecret(kind);
      assert.match(secret, LAYOUTS[kind]);
      let checksum = 0;
      for (const character of secret.slice(-6)) checksum = checksum * 62 + BASE62.indexOf(character);
      assert.equal(checksum, crc32(secret.slice(0, -6)));
      assert.equal(secretKindOf(secret), kind);
    }
  }
});

test('a checksum has leading zeros, and the alphabet is digits, upper case, lower case', () => {
  assert.equal(checksumOf(''), '000000');
  // The check value of CRC-32 (ISO 3309): 0xCBF43926 of "123456789".
  let value = 0xcbf43926;
  let expected = '';
  while (value > 0) {
    expected = BASE62.charAt(value % 62) + expected;
    value = Math.floor(value / 62);
  }
  assert.equal(checksumOf('123456789'), expected.padStart(6, '0'));
});

test('secrets are unique, and all characters of the alphabet are about equally frequent', () => {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  for (let count = 0; count < 3000; count++) {
    const secret = mintSecret('api_key');
    seen.add(secret);
    for (const character of secret.slice(3, 43)) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  assert.equal(seen.size, 3000);
  assert.equal(counts.size, 62);
  const mean = (3000 * 40) / 62;
  for (const [character, count] of counts) assert.ok(Math.abs(count - mean) < mean * 0.2, `${character}: ${count}`);
});

test('random strings are refused', () => {
  const start = fc.constantFrom('', 'w', 'workspace_token_', 'dp_', 'devpilot_session_', '\0', 'DP_');
  fc.assert(
    fc.property(start, fc.string({ unit: 'binary', maxLength: 80 }), (prefix, tail) => {
      assert.equal(secretKindOf(prefix + tail), null);
    }),
    { numRuns: 2000 },
  );
});

test('a secret with one character changed, added or removed, or two neighboring characters swapped, is refused', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS),
      fc.nat(),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
      (kind, position, character) => {
        const secret = mintSecret(kind);
        const index = position % secret.length;
        const changed = secret.slice(0, index) + character + secret.slice(index + 1);
        if (changed !== secret) assert.equal(secretKindOf(changed), null);
        assert.equal(secretKindOf(secret.slice(0, index) + secret.slice(index + 1)), null);
        assert.equal(secretKindOf(secret.slice(0, index) + character + secret.slice(index)), null);
        const swappedPair = [...secret.slice(index, index + 2)].reverse().join('');
        const swapped = secret.slice(0, index) + swappedPair + secret.slice(index + 2);
        if (swapped !== secret) assert.equal(secretKindOf(swapped), null);
        assert.equal(secretKindOf(` ${secret}`), null);
        assert.equal(secretKindOf(`${secret}\n`), null);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a secret is refused under the prefix of another kind', () => {
  const secret = mintSecret('api_key');
  assert.equal(secretKindOf(`workspace_token_${secret.slice(3)}`), null);
  assert.equal(secretKindOf(`devpilot_session_${secret.slice(3)}`), null);
});

test('a digest is the SHA-256, and a hint is the last four characters', () => {
  const secret = mintSecret('access_token');
  assert.deepEqual(Buffer.from(digestToBytes(digestOf(secret))), createHash('sha256').update(secret).digest());
  assert.equal(hintOf(secret), secret.slice(-4));
});
