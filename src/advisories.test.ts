import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { after, before, test } from 'node:test';
import { mintSecret } from './authorization/secret.ts';
import {
  bearer,
  createKey,
  createTestPerson,
  createToken,
  createWorkspaceFor,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from './testing/test-server.ts';

/** Published advisories of similar systems and of libraries; a test names each of them. */
const ADVISORIES = [
  'CVE-2026-46554',
  'CVE-2021-32701',
  'CVE-2025-61928',
  'CVE-2026-62667',
  'CVE-2026-72826',
  'CVE-2023-39349',
  'CVE-2026-92764',
  'CVE-2022-31667',
  'CVE-2026-24791',
  'GHSA-9rg3-v78m-26q8',
  'CVE-2026-35597',
  'CVE-2026-27801',
  'CVE-2025-55000',
  'GHSA-xg6x-h9c9-2m83',
  'CVE-2026-22706',
  'CVE-2026-23996',
  'CVE-2026-25050',
  'CVE-2026-22817',
  'CVE-2026-25223',
  'CVE-2026-33808',
  'CVE-2026-30851',
  'CVE-2026-52845',
  'CVE-2026-62386',
  'GHSA-vw58-ph65-6rxp',
  'GHSA-j72f-h752-mx4w',
  'CVE-2026-55170',
  'CVE-2024-45296',
];

let server: TestServer;
let owner: TestPerson;
before(async () => {
  server = await startTestServer();
  owner = await signUpOwner(server);
});
after(() => server.close());

const statusAt = async (path: string, secret: string) => (await server.call(path, { headers: bearer(secret) })).status;

test('every test named in the security documents exists', () => {
  const files = new Set(globSync(['src/**/*.ts', 'e2e/*.ts'], { exclude: ['**/node_modules'] }));
  const baseNames = new Set([...files].map((file) => basename(file)));
  for (const page of ['docs/asvs.md', 'docs/threat-model.md']) {
    const text = readFileSync(page, 'utf8');
    const namedTests = [...text.matchAll(/`((?:[\w-]+\/)*[\w-]+\.test\.ts|src\/testing\/[\w/-]+\.ts)`/g)].map(
      ([, file = '']) => file,
    );
    assert.ok(namedTests.length > 5, page);
    for (const file of namedTests) {
      const isPath = /^(?:src|e2e)\//.test(file);
      assert.ok(isPath ? files.has(file) : baseNames.has(basename(file)), `${page}: ${file}`);
    }
  }
});

test('every advisory has a test that names it', () => {
  const tests = globSync(['src/**/*.test.ts', 'src/testing/store-suite.ts', 'src/testing/store-suite/*.ts'], {
    exclude: ['**/node_modules'],
  })
    .filter((file) => !file.endsWith('advisories.test.ts'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const thisFile = readFileSync('src/advisories.test.ts', 'utf8');
  const isNamed = (id: string) => tests.includes(id) || new RegExp(`test\\('[^\\n]*${id}`).test(thisFile);
  assert.deepEqual(
    ADVISORIES.filter((id) => !isNamed(id)),
    [],
  );
});

test('a deleted token is refused by the very next request, although it was cached (unlike in CVE-2026-46554)', async () => {
  const { id, secret } = await createToken(owner, ['all']);
  for (let count = 0; count < 3; count++) assert.equal(await statusAt('/v1/authorize', secret), 200);
  assert.equal((await owner.call(`/v1/access-tokens/${id}`, { method: 'DELETE' })).status, 204);
  assert.equal(await statusAt('/v1/authorize', secret), 401);
});

test('a body that names a creator or a workspace is refused; the creator is the signed-in person (unlike in CVE-2025-61928)', async () => {
  for (const field of ['userId', 'createdBy', 'createdById', 'workspaceId', 'workspace_id']) {
    const refused = await owner.call('/v1/api-keys', {
      body: { name: 'Key', permissions: ['read'], [field]: 'per_x' },
    });
    assert.equal(refused.status, 422, field);
  }
  assert.equal((await createKey(owner, ['read'])).createdBy?.email, owner.email);
});

test('neither an access token nor an API key can create or edit credentials or invite people, and each needs at least one right (unlike in CVE-2026-72826)', async () => {
  const token = await createToken(owner, ['all']);
  const key = await createKey(owner, ['read', 'write', 'delete', 'manage_apps']);
  for (const { secret } of [token, key]) {
    const headers = bearer(secret);
    for (const [path, body, method] of [
      ['/v1/access-tokens', { name: 'More', scopes: ['all'] }, 'POST'],
      ['/v1/api-keys', { name: 'More', permissions: ['read'] }, 'POST'],
      [`/v1/api-keys/${key.id}`, { permissions: ['deploy'] }, 'PATCH'],
      ['/v1/invitations', { email: 'x@example.com', role: 'admin' }, 'POST'],
    ] as const) {
      assert.equal((await server.call(path, { headers, body, method })).status, 403);
    }
  }
  for (const [path, body] of [
    ['/v1/access-tokens', { name: 'None', scopes: [] }],
    ['/v1/api-keys', { name: 'None', permissions: [] }],
  ] as const) {
    assert.equal((await owner.call(path, { body })).status, 422);
  }
});

test('an API key cannot read credentials, members or the activity log (unlike in CVE-2023-39349)', async () => {
  const { id, secret } = await createKey(owner, ['read']);
  for (const path of ['/v1/access-tokens', '/v1/api-keys', `/v1/api-keys/${id}`, '/v1/members', '/v1/audit-events']) {
    assert.equal(await statusAt(path, secret), 403, path);
  }
});

test('the workspace is determined by the credential only, not by its creator or a header (unlike in CVE-2026-92764)', async () => {
  const second = await createWorkspaceFor(owner, server, 'Second');
  const { secret } = await createKey(owner, ['read']);
  const headers = bearer(secret);
  const whoami = await server.call<{ workspace: { id: string } }>('/v1/whoami', { headers });
  assert.equal(whoami.body.workspace.id, owner.workspaceId);
  const headersForSecond = { ...headers, 'devpilot-workspace': second.workspaceId };
  assert.equal((await server.call('/v1/whoami', { headers: headersForSecond })).status, 404);
  const tokenOfSecond = await createToken(second, ['all']);
  const body = new URLSearchParams({ token: tokenOfSecond.secret });
  assert.equal((await server.call('/v1/introspect', { headers, body })).text, '{"active":false}');
});

test('no query parameter embeds more data in a response, and no response contains a digest or hash of a secret (unlike in GHSA-9rg3-v78m-26q8)', async () => {
  for (const query of ['expand=secret', 'include=createdBy', 'fields=digest', 'embed=passphraseHash']) {
    assert.equal((await owner.call(`/v1/access-tokens?${query}`)).status, 422, query);
  }
  const { id, secret } = await createToken(owner, ['all'], { passphrase: 'long enough' });
  for (const path of [`/v1/access-tokens/${id}`, '/v1/access-tokens', `/v1/audit-events?credential=${id}`]) {
    const { text } = await owner.call(path);
    assert.ok(!text.includes(secret) && !/digest|argon2|passphraseHash/i.test(text), path);
  }
});

test('a session is looked up on every request, so it ends immediately (unlike in GHSA-xg6x-h9c9-2m83)', async () => {
  const signedIn = await server.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } });
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const secondSession = createTestPerson(server, { ...owner, cookie });
  for (let count = 0; count < 3; count++) assert.equal((await secondSession.call('/v1/me')).status, 200);
  const { id } = signedIn.body as { id: string };
  assert.equal((await owner.call(`/v1/sessions/${id}`, { method: 'DELETE' })).status, 204);
  assert.equal((await secondSession.call('/v1/me')).status, 401);
});

test('an unknown secret and a deleted one get the same response, except for its request ID (unlike in CVE-2026-23996)', async () => {
  const { id, secret } = await createKey(owner, ['read']);
  await owner.call(`/v1/api-keys/${id}`, { method: 'DELETE' });
  const responseTo = async (candidate: string) => {
    const { status, text, headers } = await server.call('/v1/whoami', { headers: bearer(candidate) });
    return [status, text.replace(/"requestId":"[^"]*"/, ''), headers.get('www-authenticate')];
  };
  assert.deepEqual(await responseTo(mintSecret('api_key')), await responseTo(secret));
});

test('a JSON Web Token is not accepted as a credential, with any algorithm in its header (unlike in CVE-2026-22817)', async () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const alg of ['none', 'None', 'HS256', 'RS256']) {
    const jwt = `${encode({ alg, typ: 'JWT' })}.${encode({ sub: owner.workspaceId, scope: 'all' })}.${encode('x')}`;
    assert.equal(await statusAt('/v1/whoami', jwt), 401);
    assert.equal(await statusAt('/v1/authorize', jwt), 401);
  }
});
