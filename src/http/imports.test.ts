import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { ApiKey } from '../contract/api-keys.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { CredentialImport } from '../contract/imports.ts';
import type { CountedPage, Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { redactLogText } from '../contract/redact.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

type Refusal = Pick<ProblemBody, 'code' | 'errors'>;

const digestOf = (secret: string) => hash('sha256', secret, 'hex');
let secretCount = 0;
const newSecret = (prefix: string) => `${prefix}${String(++secretCount).padStart(24, '0')}`;
const tokenEntry = (secret: string, fields: object = {}) => ({
  kind: 'access_token',
  digest: digestOf(secret),
  name: 'From Acme',
  scopes: ['basic_deployment'],
  ...fields,
});
const keyEntry = (secret: string, fields: object = {}) => ({
  kind: 'api_key',
  digest: digestOf(secret),
  name: 'From Acme',
  permissions: ['read'],
  ...fields,
});
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

forEachEngine('import of credentials', (engine) => {
  let testServer: TestServer;
  let ada: TestPerson;
  let environment: Readonly<Record<string, string>>;
  before(async () => {
    environment = await engine.environment();
    testServer = await startTestServer({ environment });
    ada = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const importCredentials = (person: TestPerson, credentials: readonly object[], query = '') =>
    person.call<CredentialImport & Refusal>(`/v1/credentials/import${query}`, {
      method: 'POST',
      body: { credentials },
    });
  async function declarePrefixes(person: TestPerson, foreignPrefixes: readonly string[]): Promise<void> {
    const { status, text } = await person.call('/v1/policy', { method: 'PATCH', body: { foreignPrefixes } });
    assert.equal(status, 200, text);
  }
  const authorize = async (headers: Readonly<Record<string, string>>, query = '') =>
    (await testServer.call(`/v1/authorize${query}`, { headers })).status;
  async function revoke(secret: string): Promise<void> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams({ token: secret }).toString();
    assert.equal((await testServer.call('/v1/revoke', { method: 'POST', headers, body })).status, 200);
  }
  const totalOf = async (person: TestPerson, path: string) =>
    (await person.call<CountedPage<AccessToken | ApiKey>>(path)).body.total;

  test('an imported credential is accepted in every header while its workspace declares the prefix', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Moving');
    const [tokenSecret, keySecret] = [newSecret('acme_live_'), newSecret('acme_live_')];
    const restrictions = { addresses: ['127.0.0.0/8', '::1'], maxUses: 50 };
    const imported = await importCredentials(owner, [
      tokenEntry(tokenSecret, { restrictions, expiresAt: '2099-01-01T00:00:00.000Z' }),
      keyEntry(keySecret, { description: 'Billing' }),
    ]);
    assert.equal(imported.status, 200, imported.text);
    assert.deepEqual(
      imported.body.credentials.map(({ kind, name }) => [kind, name]),
      [
        ['access_token', 'From Acme'],
        ['api_key', 'From Acme'],
      ],
    );
    assert.equal(await authorize(bearer(tokenSecret)), 401, 'the prefix is not declared');
    const adaInOtherWorkspace = await createWorkspaceFor(ada, testServer, 'Neighbor');
    await declarePrefixes(adaInOtherWorkspace, ['acme_']);
    assert.equal(await authorize(bearer(tokenSecret)), 401, 'the prefix is declared by another workspace');

    await declarePrefixes(owner, ['acme_live_', 'old.']);
    assert.equal(await authorize(bearer(tokenSecret), '?scope=basic_deployment'), 200);
    assert.equal(await authorize(bearer(tokenSecret), '?scope=run_scripts'), 403);
    assert.equal(await authorize(bearer(tokenSecret), '?permission=read'), 403);
    for (const headers of [
      bearer(keySecret),
      { 'x-api-key': keySecret },
      basic(`${keySecret}:`),
      basic(`anyone:${keySecret}`),
    ]) {
      assert.equal(await authorize(headers, '?permission=read'), 200, JSON.stringify(headers));
    }
    assert.equal(await authorize(basic(`${keySecret}:${tokenSecret}`)), 401, 'two credentials');
    const ownKey = await createKey(owner, ['read']);
    assert.equal(
      await authorize(basic(`acme_live_a-long-user-name-00000:${ownKey.secret}`)),
      200,
      'a user name is not a secret',
    );
    assert.equal(await authorize(bearer(newSecret('acme_live_'))), 401, 'the secret was not imported');
    assert.equal(redactLogText(`failed for ${tokenSecret}.`), 'failed for [secret]');

    const { body } = await testServer.call<{ active: boolean; client_id: string }>('/v1/introspect', {
      method: 'POST',
      headers: { ...bearer(keySecret), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token: tokenSecret }).toString(),
    });
    const [importedToken, importedKey] = imported.body.credentials;
    assert.deepEqual([body.active, body.client_id], [true, importedToken?.id]);
    const storedToken = await owner.call<AccessToken>(`/v1/access-tokens/${importedToken?.id}`);
    assert.deepEqual(
      [storedToken.body.restrictions.maxUses, storedToken.body.hint, storedToken.body.useCount],
      [50, '', 2],
    );
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${importedKey?.id}`);
    assert.deepEqual(
      log.body.data.map(({ action, detail }) => [action, detail]),
      [['api_key.created', { after: { permissions: ['read'], expiresAt: null, active: true, imported: true } }]],
    );

    await revoke(keySecret);
    assert.equal(await authorize(bearer(keySecret)), 401, 'revoked by its holder');
    await declarePrefixes(owner, []);
    assert.equal(await authorize(bearer(tokenSecret)), 401, 'the prefix is no longer declared');
  });

  test('another node accepts a prefix soon after it is declared, and refuses it soon after it is removed', {
    skip: engine.name === 'sqlite' && 'SQLite supports one node only',
  }, async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Several nodes');
    const secret = newSecret('far_');
    assert.equal((await importCredentials(owner, [keyEntry(secret)])).status, 200);
    const otherNode = await startTestServer({ environment });
    const isAccepted = async () => (await otherNode.call('/v1/authorize', { headers: bearer(secret) })).status === 200;
    try {
      assert.equal(await isAccepted(), false);
      await declarePrefixes(owner, ['far_']);
      await until(isAccepted);
      await declarePrefixes(owner, []);
      await until(async () => !(await isAccepted()));
    } finally {
      await otherNode.close();
    }
  });

  test('an import is all or nothing, and a refusal names the position of the invalid credential without repeating a value', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Strict');
    const [importedSecret, ownSecret] = [newSecret('acme_'), mintSecret('api_key')];
    await declarePrefixes(owner, ['acme_']);
    assert.equal((await importCredentials(owner, [keyEntry(importedSecret)])).status, 200);
    const { status } = await owner.call('/v1/policy', { method: 'PATCH', body: { allowAll: false } });
    assert.equal(status, 200);
    const adaInOtherWorkspace = await createWorkspaceFor(ada, testServer, 'Another');
    assert.equal(
      (await importCredentials(adaInOtherWorkspace, [keyEntry(importedSecret)])).status,
      422,
      'a secret is unique across workspaces',
    );
    const rows: [credential: object, field: string][] = [
      [keyEntry(importedSecret), 'digest'],
      [keyEntry('', { digest: ownSecret }), 'digest'],
      [keyEntry('', { digest: newSecret('acme_') }), 'digest'],
      [keyEntry(newSecret('x'), { name: `Key ${ownSecret}` }), 'name'],
      [keyEntry(newSecret('x'), { description: `It is ${importedSecret}` }), 'description'],
      [keyEntry(newSecret('x'), { expiresAt: '2020-01-01T00:00:00.000Z' }), 'expiresAt'],
      [keyEntry(newSecret('x'), { restrictions: { apps: ['nowhere'] } }), 'restrictions.apps.0'],
      [keyEntry(newSecret('x'), { scopes: ['all'] }), 'scopes'],
      [keyEntry(newSecret('x'), { guard: true }), 'guard'],
      [tokenEntry(newSecret('x'), { scopes: ['all'] }), 'scopes'],
      [tokenEntry(newSecret('x'), { kind: 'session' }), 'kind'],
    ];
    for (const [credential, field] of rows) {
      const refused = await importCredentials(owner, [keyEntry(newSecret('y')), credential]);
      const fields = refused.body.errors?.map((error) => error.field);
      assert.deepEqual([refused.status, fields], [422, [`credentials.1.${field}`]], refused.text);
      for (const value of [ownSecret, importedSecret, digestOf(importedSecret)])
        assert.equal(refused.text.includes(value), false);
    }
    const valid = keyEntry(newSecret('z'));
    assert.equal((await importCredentials(owner, [valid, valid])).status, 422);
    const dryRun = await importCredentials(owner, [valid], '?dryRun=true');
    assert.deepEqual([dryRun.status, dryRun.body], [200, { dryRun: true, credentials: [] }]);
    assert.equal(await totalOf(owner, '/v1/api-keys'), 1);
    assert.equal((await importCredentials(owner, [])).status, 422);
    assert.equal(
      (await importCredentials(await signUpMember(testServer, owner, 'member', 'bob@example.com'), [valid])).status,
      403,
    );
  });

  test('a deleted secret can be imported again only by its own workspace, as the same kind of credential', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Deletes');
    const neighbor = await createWorkspaceFor(ada, testServer, 'Takes over');
    const { id, secret } = await createKey(owner, ['read']);
    assert.equal((await owner.call(`/v1/api-keys/${id}`, { method: 'DELETE' })).status, 204);
    for (const [person, entry] of [
      [neighbor, keyEntry(secret)],
      [neighbor, tokenEntry(secret)],
      [owner, tokenEntry(secret)],
    ] as const) {
      const refused = await importCredentials(person, [entry]);
      assert.deepEqual([refused.status, refused.body.errors?.[0]?.field], [422, 'credentials.0.digest'], refused.text);
      assert.equal(await authorize(bearer(secret)), 401);
    }
    assert.equal((await importCredentials(owner, [keyEntry(secret)])).status, 200);
    assert.equal(await authorize(bearer(secret)), 200);
  });

  test('one request imports hundreds of credentials', {
    skip: engine.name === 'postgres' && 'one engine is enough',
  }, async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Large');
    const largestImport = Array.from({ length: 300 }, () => keyEntry(newSecret('acme_')));
    const imported = await importCredentials(owner, largestImport);
    assert.deepEqual([imported.status, imported.body.credentials.length], [200, 300]);
    assert.equal(await totalOf(owner, '/v1/api-keys?limit=1'), 300);
    assert.equal(
      (await importCredentials(owner, [...largestImport, ...largestImport])).status,
      422,
      'too many credentials',
    );
  });
});
