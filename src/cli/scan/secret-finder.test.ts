import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mintSecret } from '../../authorization/secret.ts';
import type { SecretKind } from '../../contract/vocabulary.ts';
import { createSecretFinder, type SecretMatch } from './secret-finder.ts';

function findIn(text: string | Buffer, chunkSize = 1_000_000): SecretMatch[] {
  const matches: SecretMatch[] = [];
  const finder = createSecretFinder((match) => matches.push(match));
  const bytes = Buffer.from(text as string);
  for (let index = 0; index < bytes.length; index += chunkSize) {
    finder.write(bytes.subarray(index, index + chunkSize));
  }
  finder.end();
  return matches;
}

const token = mintSecret('access_token');
const key = mintSecret('api_key');

test('finds secrets between any other characters, with their line numbers', () => {
  const text = `first\nTOKEN="${token}"\n\nhttps://x:${key}@host\n"a\\n${key}z"`;
  assert.deepEqual(findIn(text), [
    { secret: token, kind: 'access_token', line: 2 },
    { secret: key, kind: 'api_key', line: 4 },
    { secret: key, kind: 'api_key', line: 5 },
  ]);
});

test('finds nothing in strings that only resemble secrets', () => {
  const wrongCharacter = token.endsWith('a') ? 'b' : 'a';
  assert.deepEqual(findIn(`${token.slice(0, -1)}${wrongCharacter} dp_ workspace_token_abc ${key.slice(0, -1)}`), []);
});

test('finds a secret directly after an incomplete one', () => {
  assert.deepEqual(findIn(`dp_${'a'.repeat(20)}${key}`).length, 1);
});

test('finds secrets in UTF-16 with a byte order mark', () => {
  assert.equal(findIn(Buffer.from(`\ufeffx\n${key}\n`, 'utf16le'))[0]?.line, 2);
});

test('finds the same secrets however the bytes are split into chunks', () => {
  const piece = fc.oneof(
    fc.constantFrom<SecretKind>('access_token', 'api_key', 'session').map((kind) => mintSecret(kind)),
    fc.constantFrom('\n', 'dp_', 'x', ' ', 'workspace_token_', '\r\n', 'é'),
    fc.string({ maxLength: 80 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 200 }), (pieces, size) => {
      const text = pieces.join('');
      assert.deepEqual(findIn(text, size), findIn(text));
    }),
    { numRuns: 300 },
  );
});
