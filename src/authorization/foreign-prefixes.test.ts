import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFindBySecret, createForeignPrefixes, type DeclaredPrefix } from './foreign-prefixes.ts';
import type { CredentialRecord } from './record.ts';
import { mintSecret } from './secret.ts';

const tail = 'x'.repeat(20);

test('text matches if 20 or more characters of a bearer token follow a declared prefix, with at most 512 characters in all', async () => {
  const prefixes = createForeignPrefixes(() => Promise.resolve([{ workspaceId: 'wsp_1', prefix: 'acme_' }]));
  assert.equal(prefixes.hasDeclaredPrefix(`acme_${tail}`), false, 'before the first read');
  await prefixes.refresh();
  const rows: [text: string, matches: boolean][] = [
    [`acme_${tail}`, true],
    [`acme_${'a/b+c~d.e-f_g='.padStart(20, '0')}`, true],
    [`acme_${'x'.repeat(507)}`, true],
    [`acme_${'x'.repeat(508)}`, false],
    [`acme_${tail.slice(1)}`, false],
    [`ACME_${tail}`, false],
    [`acme_${tail} `, false],
    [`acme_${tail}\u00e9`, false],
    [`acme${tail}`, false],
    ['', false],
    [mintSecret('api_key'), false],
  ];
  for (const [text, matches] of rows) assert.equal(prefixes.hasDeclaredPrefix(text), matches, text);
});

test('a prefix applies to the workspaces that declare it, and a slow read does not overwrite the result of a later one', async () => {
  const finishRead: ((declared: readonly DeclaredPrefix[]) => void)[] = [];
  const prefixes = createForeignPrefixes(() => new Promise((resolve) => finishRead.push(resolve)));
  const [early, late] = [prefixes.refresh(), prefixes.refresh()];
  finishRead[1]?.([
    { workspaceId: 'wsp_1', prefix: 'sk_' },
    { workspaceId: 'wsp_2', prefix: 'sk_live_' },
  ]);
  await late;
  finishRead[0]?.([]);
  await early;
  const declaredBy = (text: string) =>
    ['wsp_1', 'wsp_2', 'wsp_3'].filter((id) => prefixes.hasPrefixDeclaredBy(text, id));
  assert.deepEqual(declaredBy(`sk_live_${tail}`), ['wsp_1', 'wsp_2']);
  assert.deepEqual(declaredBy(`sk_test_${tail}`), ['wsp_1']);
});

test('malformed secrets, unknown prefixes and session secrets are not looked up, and a credential is found only if its own workspace declares the prefix', async () => {
  let lookups = 0;
  const record = { workspace: { id: 'wsp_1', revoked: false } } as CredentialRecord;
  const declared = [
    { workspaceId: 'wsp_1', prefix: 'own_' },
    { workspaceId: 'wsp_2', prefix: 'other_' },
  ];
  const prefixes = createForeignPrefixes(() => Promise.resolve(declared));
  await prefixes.refresh();
  const findRecord = () => {
    lookups++;
    return Promise.resolve(record);
  };
  const find = createFindBySecret(findRecord, prefixes);
  const findAndCount = async (secret: string) => {
    lookups = 0;
    return [(await find(secret, '192.0.2.1')) !== null, lookups];
  };
  assert.deepEqual(await findAndCount(mintSecret('access_token')), [true, 1]);
  assert.deepEqual(await findAndCount(`own_${tail}`), [true, 1]);
  assert.deepEqual(await findAndCount(`other_${tail}`), [false, 1]);
  assert.deepEqual(await findAndCount(`unknown_${tail}`), [false, 0]);
  assert.deepEqual(await findAndCount(`${mintSecret('api_key').slice(0, -1)}!`), [false, 0]);
  assert.deepEqual(await findAndCount(mintSecret('session')), [false, 0]);
});
