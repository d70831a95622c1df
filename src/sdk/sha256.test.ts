import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256, sha256InJavaScript } from './sha256.ts';

const hex = (digest: string) => Buffer.from(digest, 'latin1').toString('hex');

test('matches the test vectors of FIPS 180-4', () => {
  const vectors: readonly [string, string][] = [
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ];
  for (const [text, digest] of vectors) {
    assert.equal(hex(sha256InJavaScript(text)), digest);
    assert.equal(hex(sha256(text)), digest);
  }
});

test("matches the runtime's SHA-256 for ASCII text of various lengths", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 300 }), (text) => {
      assert.equal(sha256InJavaScript(text), hash('sha256', text, 'latin1'));
    }),
    { numRuns: 2000 },
  );
});
