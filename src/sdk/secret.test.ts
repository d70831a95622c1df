import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { secretKindOf as kindInServer, mintSecret } from '../authorization/secret.ts';
import { SECRET_PREFIXES, type SecretKind } from '../contract/vocabulary.ts';
import { hintOf, secretKindOf } from './secret.ts';

const KINDS = Object.keys(SECRET_PREFIXES) as SecretKind[];

test('recognizes the kind and the hint of secrets that the server generates', () => {
  for (const kind of KINDS) {
    const secret = mintSecret(kind);
    assert.equal(secretKindOf(secret), kind);
    assert.equal(hintOf(secret), secret.slice(-4));
  }
});

test('agrees with the server after any single character of a secret is changed, added or removed', () => {
  const change = fc.tuple(fc.constantFrom(...KINDS), fc.nat(70), fc.constantFrom('', '0', 'z', '_', 'é', '\n', 'aa'));
  fc.assert(
    fc.property(change, ([kind, position, character]) => {
      const secret = mintSecret(kind);
      const changed = secret.slice(0, position) + character + secret.slice(position + 1);
      assert.equal(secretKindOf(changed), kindInServer(changed));
    }),
    { numRuns: 500 },
  );
});

test('agrees with the test vectors in docs/secret-format.md', () => {
  const page = readFileSync(new URL('../../docs/secret-format.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([A-Za-z0-9_]+)` \| (yes|no)/gm)];
  assert.equal(rows.length, 4);
  for (const [, secret = '', valid] of rows) assert.equal(secretKindOf(secret) !== null, valid === 'yes', secret);
});
