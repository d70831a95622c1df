import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { mintSecret } from '../authorization/secret.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import { PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import { type RawResponse, sendRawRequest } from '../testing/raw-http.ts';
import {
  bearer,
  cookieOf,
  createKey,
  createToken,
  createWorkspaceFor,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

const IDENTITY_HEADERS = [
  'devpilot-credential-id',
  'devpilot-credential-kind',
  'devpilot-credential-name',
  'devpilot-workspace-id',
  'devpilot-scopes',
  'devpilot-permissions',
  'devpilot-expires-at',
];

let now = Date.now();
let testServer: TestServer;
let owner: TestPerson;
let tokenWithAll: { id: string; secret: string };
let token: { id: string; secret: string };
let apiKey: { id: string; secret: string };
before(async () => {
  testServer = await startTestServer({ clock: () => now });
  owner = await signUpOwner(testServer);
  tokenWithAll = await createToken(owner, ['all'], { name: 'Ünï 100% "ok"; 🔑' });
  token = await createToken(owner, ['modify_env', 'run_scripts']);
  apiKey = await createKey(owner, ['read', 'deploy']);
});
after(() => testServer.close());

const authorize = (query: string, secret: string) =>
  testServer.call<{ code: string; detail: string; required?: string[] }>(`/v1/authorize${query}`, {
    headers: bearer(secret),
  });

function expectIdentityHeaders(response: RawResponse, isAuthorized: boolean): void {
  assert.equal(response.headers.get('cache-control'), 'no-store');
  for (const name of IDENTITY_HEADERS) assert.ok(response.headers.has(name), `${name} of ${response.status}`);
  if (!isAuthorized) for (const name of IDENTITY_HEADERS) assert.equal(response.headers.get(name), '');
}

test('the response to an accepted credential is 200 without a body, and its headers describe the credential', async () => {
  const response = await authorize('', tokenWithAll.secret);
  assert.equal(response.status, 200);
  assert.equal(response.text, '');
  const identity = Object.fromEntries(IDENTITY_HEADERS.map((name) => [name, response.headers.get(name)]));
  assert.deepEqual(identity, {
    'devpilot-credential-id': tokenWithAll.id,
    'devpilot-credential-kind': 'access_token',
    'devpilot-credential-name': encodeURIComponent('Ünï 100% "ok"; 🔑'),
    'devpilot-workspace-id': owner.workspaceId,
    'devpilot-scopes': SCOPES.join(' '),
    'devpilot-permissions': '',
    'devpilot-expires-at': '',
  });
  const byKey = await authorize('', apiKey.secret);
  assert.equal(byKey.headers.get('devpilot-credential-kind'), 'api_key');
  assert.equal(byKey.headers.get('devpilot-scopes'), '');
  assert.equal(byKey.headers.get('devpilot-permissions'), 'read deploy');
});

test('an access token needs all requested scopes, an API key all requested permissions; if only scopes or only permissions are requested, the other kind of credential is refused', async () => {
  const rows: [query: string, secret: string, status: number, code?: string][] = [
    ['', token.secret, 200],
    ['', apiKey.secret, 200],
    ['?scope=modify_env', token.secret, 200],
    ['?scope=modify_env', tokenWithAll.secret, 200],
    ['?scope=modify_env', apiKey.secret, 403, 'wrong_credential_kind'],
    ['?scope=modify_env&scope=run_scripts', token.secret, 200],
    ['?scope=modify_env+run_scripts', token.secret, 200],
    ['?scope=modify_env%20run_scripts', token.secret, 200],
    ['?scope=modify_env,run_scripts', token.secret, 200],
    ['?scope=modify_env+basic_deployment', token.secret, 403, 'insufficient_scope'],
    ['?scope=modify_env&scope=basic_deployment', token.secret, 403, 'insufficient_scope'],
    ['?scope=modify_env&scope=basic_deployment', tokenWithAll.secret, 200],
    ['?scope=all', token.secret, 403, 'insufficient_scope'],
    ['?permission=read', apiKey.secret, 200],
    ['?permission=read+deploy', apiKey.secret, 200],
    ['?permission=read&permission=write', apiKey.secret, 403, 'insufficient_scope'],
    ['?permission=read', tokenWithAll.secret, 403, 'wrong_credential_kind'],
    ['?scope=modify_env&permission=read', token.secret, 200],
    ['?scope=modify_env&permission=read', apiKey.secret, 200],
    ['?scope=basic_deployment&permission=read', token.secret, 403, 'insufficient_scope'],
    ['?scope=modify_env&permission=write', apiKey.secret, 403, 'insufficient_scope'],
    // A query template that expands to an empty or unknown name must not grant access.
    ['?scope=', tokenWithAll.secret, 403, 'insufficient_scope'],
    ['?scope', tokenWithAll.secret, 403, 'insufficient_scope'],
    ['?scope=+', tokenWithAll.secret, 403, 'insufficient_scope'],
    ['?permission=', apiKey.secret, 403, 'insufficient_scope'],
    ['?scope=Modify_Env', token.secret, 403, 'insufficient_scope'],
    ['?scope=nonsense', tokenWithAll.secret, 403, 'insufficient_scope'],
    ['?scope=read', tokenWithAll.secret, 403, 'insufficient_scope'],
    ['?scope=__proto__', tokenWithAll.secret, 403, 'insufficient_scope'],
    // An unsupported parameter is refused, because it might be a misspelled requirement. So is a malformed resource.
    ...['scopes', 'Scope', 'SCOPE', 'scope[]', 'scope%5B%5D', 'permissions', 'Permission', 'resource', 'other', ''].map(
      (name): [string, string, number, string] => [`?${name}=modify_env`, token.secret, 403, 'forbidden'],
    ),
    ['?scope=modify_env&scopes=all', token.secret, 403, 'forbidden'],
    ['?scope=modify_env&scopes=all', tokenWithAll.secret, 403, 'forbidden'],
    ['?permission=read&resource=app:web', apiKey.secret, 200],
    ['?permission=read&resource=web', apiKey.secret, 403, 'forbidden'],
    ['?other', apiKey.secret, 403, 'forbidden'],
    ['?sc%6Fpe=modify_env', token.secret, 200],
    ['?&scope=modify_env&', token.secret, 200],
    ['?', token.secret, 200],
    ['?scope=%zz', tokenWithAll.secret, 403, 'insufficient_scope'],
  ];
  for (const [query, secret, status, code] of rows) {
    const response = await authorize(query, secret);
    assert.equal(response.status, status, `${query} → ${response.status} ${response.text}`);
    if (code !== undefined) assert.equal(response.body.code, code, query);
  }
  const misspelled = await authorize('?scopes=all', tokenWithAll.secret);
  assert.equal(
    misspelled.body.detail,
    'The parameter "scopes" is not supported. The supported parameters are scope, permission and resource.',
  );
  assert.equal((await testServer.call('/v1/authorize?scopes=all')).status, 401);
  const blank = await authorize('?scope=', tokenWithAll.secret);
  assert.equal(blank.body.detail, 'The requested scope is empty. Name at least one scope.');
  const refused = await authorize('?scope=modify_env+basic_deployment', token.secret);
  assert.deepEqual(refused.body.required, ['modify_env', 'basic_deployment']);
  // The token has one of the two scopes.
  assert.equal(refused.body.detail, 'The credential needs the scopes modify_env and basic_deployment.');
  assert.match(refused.headers.get('www-authenticate') ?? '', /scope="modify_env basic_deployment"/);
});

test('a malformed scope is refused like an unknown one, and cannot corrupt a header', async () => {
  for (const [query, required] of [
    ['?scope=run_scripts%00', 'run_scripts\u0000'],
    ['?scope=%ff', '\ufffd'],
    ['?scope=%22%5c', '"\\'],
    ['?scope=%F0%9F%94%91', '🔑'],
  ] as const) {
    const response = await authorize(query, token.secret);
    assert.equal(response.status, 403, query);
    assert.equal(response.body.code, 'insufficient_scope');
    assert.deepEqual(response.body.required, [required]);
    assert.match(response.headers.get('www-authenticate') ?? '', /^[\x20-\x7e]+, scope="[\x21\x23-\x5b\x5d-\x7e]+"$/);
  }
});

test('each scope and permission meets only its own requirement; the scope "all" meets the requirement of every scope', async () => {
  for (const scope of SCOPES) {
    const { secret } = await createToken(owner, [scope]);
    for (const requested of SCOPES) {
      const expected = scope === requested || scope === 'all' ? 200 : 403;
      assert.equal((await authorize(`?scope=${requested}`, secret)).status, expected, `${scope} → ${requested}`);
    }
  }
  for (const permission of PERMISSIONS) {
    const { secret } = await createKey(owner, [permission]);
    for (const requested of PERMISSIONS) {
      assert.equal((await authorize(`?permission=${requested}`, secret)).status, permission === requested ? 200 : 403);
    }
  }
});

test('meeting one requirement does not meet another (unlike in CVE-2021-32701)', async () => {
  for (let count = 0; count < 3; count++) {
    assert.equal((await authorize('?scope=modify_env', token.secret)).status, 200);
    assert.equal((await authorize('?scope=basic_deployment', token.secret)).status, 403);
  }
});

test('every response has every identity header, empty if there is no value (unlike in CVE-2026-30851, CVE-2026-52845)', async () => {
  const forged = IDENTITY_HEADERS.flatMap((name) => [`${name}: forged`, `${name.replaceAll('-', '_')}: forged`]);
  const rows: [headers: string[], status: number][] = [
    [[`Authorization: Bearer ${tokenWithAll.secret}`], 200],
    [[], 401],
    [['Authorization: Bearer nonsense'], 401],
    [[`Authorization: Bearer ${mintSecret('api_key')}`], 401],
    [[`Authorization: Bearer ${tokenWithAll.secret}`, `X-API-Key: ${apiKey.secret}`], 401],
    [[`Authorization: Bearer ${tokenWithAll.secret}`, `Authorization: Bearer ${token.secret}`], 401],
    [[`Authorization: Bearer ${owner.cookie.split('=')[1]}`], 401],
    [[`Cookie: ${owner.cookie}`], 401],
  ];
  for (const [headers, status] of rows) {
    const response = await sendRawRequest(testServer.url, ['GET /v1/authorize HTTP/1.1', ...headers, ...forged]);
    assert.equal(response.status, status, headers.join());
    expectIdentityHeaders(response, status === 200);
    assert.ok(![...response.headers.values()].some((value) => value.includes('forged')));
    if (status === 401) assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer realm="devpilot"/);
  }
  for (const [query, secret] of [
    ['?permission=read', tokenWithAll.secret],
    ['?scope=all', token.secret],
  ]) {
    const response = await sendRawRequest(testServer.url, [
      `GET /v1/authorize${query} HTTP/1.1`,
      `Authorization: Bearer ${secret}`,
      ...forged,
    ]);
    assert.equal(response.status, 403);
    expectIdentityHeaders(response, false);
  }
  const withSecretInQuery = await sendRawRequest(testServer.url, [
    `GET /v1/authorize?x=${tokenWithAll.secret} HTTP/1.1`,
  ]);
  assert.equal(withSecretInQuery.status, 401);
  expectIdentityHeaders(withSecretInQuery, false);
});

test('a credential is refused with 403 if the request names another workspace, and accepted if it names its own', async () => {
  const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Next door');
  const rows: [names: string[], status: number][] = [
    [[owner.workspaceId], 200],
    [['acme'], 200],
    [[''], 200],
    [[ownerInOtherWorkspace.workspaceId], 403],
    [['next-door'], 403],
    [['nowhere'], 403],
    [['acme', 'acme'], 403],
  ];
  for (const [names, status] of rows) {
    const response = await sendRawRequest(testServer.url, [
      'GET /v1/authorize HTTP/1.1',
      `Authorization: Bearer ${token.secret}`,
      ...names.map((name) => `Devpilot-Workspace: ${name}`),
    ]);
    assert.equal(response.status, status, names.join());
    expectIdentityHeaders(response, status === 200);
  }
});

test('requests of every method except CONNECT, with any body, are authorized alike, with 200, 401 or 403', async () => {
  const largeBody = Buffer.alloc(2 * 1024 * 1024, 0x61);
  const bodies: [headers: string[], body: Uint8Array | string][] = [
    [[], ''],
    [['Content-Type: application/json', 'Content-Length: 9'], '{"broken"'],
    [['Content-Type: text/plain', 'Content-Length: 2'], 'hi'],
    [['Content-Type: application/json\tx', 'Content-Length: 2'], '{}'],
    [['Content-Type: nonsense', 'Content-Length: 2'], 'hi'],
    [['Content-Type: multipart/form-data; boundary=x', 'Content-Length: 2'], 'hi'],
    [['Content-Length: 3'], 'abc'],
    [['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'],
    [['Expect: 100-continue', 'Content-Length: 2'], 'hi'],
    [['Expect: something-else', 'Content-Length: 2'], 'hi'],
  ];
  const send = async (method: string, secret: string | null, [headers, body]: (typeof bodies)[number], path = '') =>
    sendRawRequest(
      testServer.url,
      [
        `${method} /v1/authorize${path} HTTP/1.1`,
        ...(secret === null ? [] : [`Authorization: Bearer ${secret}`]),
        ...headers,
      ],
      body,
    );
  for (const method of METHODS.filter((method) => method !== 'CONNECT')) {
    for (const body of method === 'HEAD' ? bodies.slice(0, 1) : bodies) {
      const label = `${method} ${body[0].join()}`;
      const accepted = await send(method, token.secret, body);
      // A client that sent `Expect: 100-continue` first receives 100.
      const status = accepted.status === 100 ? Number(accepted.text.split(' ')[1]) : accepted.status;
      assert.equal(status, 200, label);
      if (accepted.status === 200) expectIdentityHeaders(accepted, true);
    }
    assert.equal((await send(method, null, [[], ''])).status, 401, method);
    assert.equal((await send(method, token.secret, [[], ''], '?scope=all')).status, 403, method);
  }
  for (const method of ['POST', 'PUT', 'PROPFIND', 'DELETE', 'GET']) {
    const length = `Content-Length: ${largeBody.length}`;
    assert.equal(
      (await send(method, token.secret, [[length, 'Content-Type: application/json'], largeBody])).status,
      200,
    );
    assert.equal((await send(method, null, [[length], largeBody])).status, 401);
  }
});

test('each of many concurrent requests gets its own response', async () => {
  const variants = [
    { secret: tokenWithAll.secret, query: '', status: 200, credential: tokenWithAll.id },
    { secret: apiKey.secret, query: '', status: 200, credential: apiKey.id },
    { secret: token.secret, query: '?scope=all', status: 403, credential: '' },
    { secret: mintSecret('api_key'), query: '', status: 401, credential: '' },
    { secret: 'nonsense', query: '', status: 401, credential: '' },
  ];
  const requests = Array.from({ length: 40 }, (_, round) =>
    variants.map((variant, index) => ({ ...variant, id: `request-${round}-${index}` })),
  ).flat();
  const responses = await Promise.all(
    requests.map(({ id, secret, query }) =>
      testServer.call(`/v1/authorize${query}`, { headers: { authorization: `Bearer ${secret}`, 'x-request-id': id } }),
    ),
  );
  assert.deepEqual(
    responses.map(({ status, headers }) => [
      headers.get('x-request-id'),
      status,
      headers.get('devpilot-credential-id'),
    ]),
    requests.map(({ id, status, credential }) => [id, status, credential]),
  );
});

test('pipelined requests on one connection get their responses in order', async () => {
  const rawRequest = (id: string, secret: string) =>
    `GET /v1/authorize HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${id}\r\nAuthorization: Bearer ${secret}\r\n\r\n`;
  const firstRequests = [
    rawRequest('a', tokenWithAll.secret),
    rawRequest('b', 'nonsense'),
    'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: c\r\n\r\n',
  ];
  const response = await sendRawRequest(testServer.url, [
    `${firstRequests.join('')}GET /v1/authorize HTTP/1.1`,
    'X-Request-Id: d',
    `Authorization: Bearer ${apiKey.secret}`,
  ]);
  assert.deepEqual([response.status, response.headers.get('x-request-id')], [200, 'a']);
  assert.deepEqual(
    [...response.text.matchAll(/HTTP\/1\.1 (\d+)|^x-request-id: (\w)/gim)].map(([, status, id]) => status ?? id),
    ['401', 'b', '200', 'c', '200', 'd'],
  );
});

test('a token is refused from the exact millisecond of its expiry, and an API key while it is inactive', async () => {
  const expiring = await createToken(owner, ['all'], { expiresAt: new Date(now + 5000).toISOString() });
  now += 4999;
  assert.equal((await authorize('', expiring.secret)).status, 200);
  now += 1;
  const expired = await authorize('', expiring.secret);
  assert.equal(expired.status, 401);
  assert.equal(expired.body.code, 'token_expired');
  const toggledKey = await createKey(owner, ['read']);
  const setActive = (active: boolean) =>
    owner.call(`/v1/api-keys/${toggledKey.id}`, { method: 'PATCH', body: { active } });
  assert.equal((await authorize('', toggledKey.secret)).status, 200);
  assert.equal((await setActive(false)).status, 200);
  assert.equal((await authorize('', toggledKey.secret)).body.code, 'token_inactive');
  assert.equal((await setActive(true)).status, 200);
  assert.equal((await authorize('', toggledKey.secret)).status, 200);
});

test('after too many wrong passphrases even the correct one is refused: with 401 on /v1/authorize, with 429 on other routes', async () => {
  const { id, secret } = await createToken(owner, ['all'], { passphrase: 'the right one' });
  const sendPassphrase = (path: string, passphrase: string) =>
    testServer.call<{ code: string }>(path, { headers: { ...bearer(secret), 'access-token-passphrase': passphrase } });
  assert.equal((await sendPassphrase('/v1/authorize', 'the right one')).status, 200);
  const guesses = await Promise.all(
    Array.from({ length: 40 }, (_, n) => sendPassphrase('/v1/authorize', `wrong ${n}`)),
  );
  assert.ok(guesses.every(({ status }) => status === 401));
  assert.equal(guesses.filter(({ body }) => body.code === 'passphrase_incorrect').length, 5);
  assert.equal(guesses.filter(({ body }) => body.code === 'rate_limited').length, 35);
  const limited = await sendPassphrase('/v1/authorize', 'the right one');
  assert.equal(limited.status, 401);
  assert.equal(limited.body.code, 'rate_limited');
  assert.ok(Number(limited.headers.get('retry-after')) > 800);
  const onOtherRoute = await sendPassphrase('/v1/whoami', 'the right one');
  assert.equal(onOtherRoute.status, 429);
  assert.equal(onOtherRoute.body.code, 'rate_limited');
  assert.ok(Number(onOtherRoute.headers.get('retry-after')) > 800);
  now += 15 * 60_000;
  assert.equal((await sendPassphrase('/v1/authorize', 'the right one')).status, 200);
  const events = await owner.call<{ data: { action: string; detail: { reason: string; count: number } }[] }>(
    `/v1/audit-events?credential=${id}`,
  );
  const failureEvents = events.body.data.filter(({ action }) => action === 'credential.passphrase_failed');
  assert.equal(
    failureEvents.reduce((sum, { detail }) => sum + detail.count, 0),
    5,
  );
  const refusalEvents = events.body.data.filter(({ detail }) => detail.reason === 'rate_limited');
  assert.equal(
    refusalEvents.reduce((sum, { detail }) => sum + detail.count, 0),
    37,
  );
});

test('each request with an accepted credential counts as one use, and a refused one does not', async () => {
  const { id, secret } = await createToken(owner, ['modify_env']);
  for (let count = 0; count < 7; count++) await authorize('?scope=modify_env', secret);
  await authorize('?scope=all', secret);
  await testServer.call('/v1/access-tokens', { headers: bearer(secret) });
  await testServer.call('/v1/whoami', { headers: bearer(secret) });
  const readUseCount = async () => (await owner.call<{ useCount: number }>(`/v1/access-tokens/${id}`)).body.useCount;
  assert.equal(await readUseCount(), 8);
});

test('the uses of a credential list the required rights and the refusals', async () => {
  const { id, secret } = await createToken(owner, ['all']);
  for (const query of ['?scope=modify_env', '?scope=modify_env,run_scripts', '', '?permission=read']) {
    await authorize(query, secret);
  }
  await testServer.call('/v1/access-tokens', { headers: bearer(secret) });
  await testServer.call('/v1/access-tokens', { headers: bearer(secret) });
  assert.equal((await testServer.call('/v1/deployments', { headers: bearer(secret) })).status, 200);
  now += 61_000;
  const { body } = await owner.call<CredentialUses>(`/v1/access-tokens/${id}/uses`);
  assert.deepEqual(Object.fromEntries(body.rights.map(({ right, app, count }) => [right, [app, count]])), {
    modify_env: [null, 2],
    run_scripts: [null, 1],
    basic_deployment: [null, 1],
  });
  assert.ok(body.rights.every(({ lastUsedAt }) => Date.parse(lastUsedAt) <= now));
  const reasons = body.refusals.map(({ reason, count }) => [reason, count]);
  assert.deepEqual(reasons, [['wrong_credential_kind', 3]]);
});

test('refusals are counted under documented error codes, not under internal reasons', async () => {
  const rate = { requests: 1, seconds: 3600 };
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Refusing' } });
  const restrictions = { rate, projects: [project.body.id] };
  const { id, secret } = await createKey(owner, ['read'], { restrictions });
  const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Refusing');
  const headerOfOtherWorkspace = { 'devpilot-workspace': ownerInOtherWorkspace.workspaceId };
  assert.equal(
    (await testServer.call('/v1/projects', { headers: { ...bearer(secret), ...headerOfOtherWorkspace } })).status,
    404,
  );
  assert.equal((await authorize('?resource=app:unknown', secret)).status, 403);
  assert.deepEqual([(await authorize('', secret)).status, (await authorize('', secret)).status], [200, 403]);
  assert.equal((await authorize('?permission=write', secret)).status, 403);
  now += 61_000;
  const { body } = await owner.call<CredentialUses>(`/v1/api-keys/${id}/uses`);
  const counts = body.refusals.map(({ reason, count }) => `${reason} ${count}`);
  assert.deepEqual(counts.sort(), ['forbidden 2', 'insufficient_scope 1', 'rate_limited 1']);
});

test('uses around an edit of a key are counted exactly', async () => {
  const { id, secret } = await createKey(owner, ['read']);
  for (let edit = 0; edit < 5; edit++) {
    const uses = Array.from({ length: 10 }, () => authorize('', secret));
    const edited = owner.call(`/v1/api-keys/${id}`, { method: 'PATCH', body: { description: `edit ${edit}` } });
    assert.ok((await Promise.all(uses)).every(({ status }) => status === 200));
    assert.equal((await edited).status, 200);
  }
  assert.equal((await owner.call<{ useCount: number }>(`/v1/api-keys/${id}`)).body.useCount, 50);
});

test('introspection (RFC 7662) describes a valid credential of the same workspace, and no other', async () => {
  const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
  const tokenOfOtherWorkspace = await createToken(ownerInOtherWorkspace, ['all']);
  const expiresAt = new Date(now + 3_600_000).toISOString();
  const targetToken = await createToken(owner, ['modify_env', 'run_scripts'], {
    expiresAt,
    passphrase: 'the right one',
  });
  const inactiveKey = await createKey(owner, ['read'], { active: false });
  const send = (form: Record<string, string>, headers: Record<string, string> = bearer(apiKey.secret)) =>
    testServer.call<Record<string, unknown>>('/v1/introspect', { body: new URLSearchParams(form), headers });
  const active = await send({
    token: targetToken.secret,
    passphrase: 'the right one',
    token_type_hint: 'access_token',
  });
  assert.equal(active.status, 200);
  assert.deepEqual(active.body, {
    active: true,
    scope: 'modify_env run_scripts',
    client_id: targetToken.id,
    sub: owner.workspaceId,
    token_type: 'Bearer',
    iss: testServer.url,
    iat: Math.floor(Date.parse(targetToken.createdAt) / 1000),
    exp: Math.floor(Date.parse(expiresAt) / 1000),
    kind: 'access_token',
  });
  const ofKey = await send({ token: apiKey.secret }, { 'x-api-key': apiKey.secret });
  assert.equal((await send({ token: tokenWithAll.secret })).body['scope'], SCOPES.join(' '));
  assert.equal(ofKey.body['kind'], 'api_key');
  assert.equal(ofKey.body['scope'], 'read deploy');
  assert.ok(!('exp' in ofKey.body));
  const basic = { authorization: `Basic ${Buffer.from(`client:${apiKey.secret}`).toString('base64')}` };
  assert.equal((await send({ token: apiKey.secret }, basic)).body['active'], true);
  const inactive: Record<string, string>[] = [
    { token: targetToken.secret },
    { token: targetToken.secret, passphrase: 'wrong' },
    { token: tokenOfOtherWorkspace.secret },
    { token: inactiveKey.secret },
    { token: mintSecret('access_token') },
    { token: owner.cookie.split('=')[1] ?? '' },
    { token: 'nonsense' },
    { token: '' },
    { token: 'x'.repeat(5000) },
    { token: `\u0000${targetToken.secret}` },
  ];
  for (const form of inactive) {
    const response = await send(form);
    const label = JSON.stringify(form).slice(0, 80);
    assert.equal(response.status, 200, label);
    assert.equal(response.text, '{"active":false}', label);
  }
  const recordOfOtherWorkspace = await ownerInOtherWorkspace.call<{ useCount: number }>(
    `/v1/access-tokens/${tokenOfOtherWorkspace.id}`,
  );
  assert.equal(recordOfOtherWorkspace.body.useCount, 0);
});

test('revocation (RFC 7009): the holder of a secret can revoke it, and the response is always 200', async () => {
  const revokedToken = await createToken(owner, ['all'], { passphrase: 'not needed to revoke' });
  const signedIn = await testServer.call('/v1/sessions', {
    body: { email: owner.email, password: PASSWORD },
  });
  const session = cookieOf(signedIn).split('=')[1] ?? '';
  const revoke = (secret: string, headers: Record<string, string> = {}) =>
    testServer.call('/v1/revoke', { body: new URLSearchParams({ token: secret, token_type_hint: 'x' }), headers });
  for (const secret of [
    revokedToken.secret,
    revokedToken.secret,
    session,
    mintSecret('api_key'),
    'nonsense',
    '',
    'x'.repeat(5000),
  ]) {
    const response = await revoke(secret);
    assert.equal(response.status, 200, secret.slice(0, 20));
    assert.equal(response.text, '');
  }
  assert.equal((await revoke('nonsense', { authorization: 'Basic Y2xpZW50OnNlY3JldA==' })).status, 200);
  assert.equal((await authorize('', revokedToken.secret)).body.code, 'invalid_token');
  assert.equal((await owner.call(`/v1/access-tokens/${revokedToken.id}`)).status, 404);
  assert.equal((await testServer.call('/v1/me', { headers: bearer(session) })).status, 401);
  assert.equal((await owner.call('/v1/me')).status, 200);
  const events = await owner.call<{ data: { action: string; actor: { kind: string; id: string } }[] }>(
    `/v1/audit-events?credential=${revokedToken.id}`,
  );
  const deleted = events.body.data.find(({ action }) => action === 'access_token.deleted');
  assert.deepEqual(deleted?.actor, { kind: 'access_token', id: revokedToken.id, name: revokedToken.name });
});

test('whoami returns the principal, its workspace and its rights', async () => {
  const send = async (headers: Record<string, string>) =>
    (await testServer.call<Record<string, unknown>>('/v1/whoami', { headers })).body;
  const workspace = { id: owner.workspaceId, name: 'Acme', slug: 'acme' };
  assert.deepEqual(await send(bearer(token.secret)), {
    principal: { kind: 'access_token', id: token.id, name: 'CI/CD Pipeline' },
    workspace,
    rights: { role: null, scopes: ['modify_env', 'run_scripts'], permissions: [] },
    expiresAt: null,
  });
  assert.deepEqual((await send(bearer(apiKey.secret)))['rights'], {
    role: null,
    scopes: [],
    permissions: ['read', 'deploy'],
  });
  const person = await owner.call<Record<string, unknown>>('/v1/whoami');
  assert.deepEqual(person.body['rights'], { role: 'owner', scopes: [], permissions: [] });
  assert.deepEqual(person.body['workspace'], workspace);
});

test('under load, no request is accepted that starts after the response to a deletion', async () => {
  for (let round = 0; round < 10; round++) {
    const { id, secret } = await createKey(owner, ['read']);
    let isDeleted = false;
    let acceptedAfterDeletion = 0;
    /** Sends requests until the key is deleted, and one more. */
    const runClient = async () => {
      for (;;) {
        const startedAfterDeletion = isDeleted;
        const { status } = await authorize('', secret);
        if (startedAfterDeletion && status !== 401) acceptedAfterDeletion++;
        if (startedAfterDeletion) return;
      }
    };
    const clients = Array.from({ length: 8 }, runClient);
    assert.equal((await owner.call(`/v1/api-keys/${id}`, { method: 'DELETE' })).status, 204);
    isDeleted = true;
    await Promise.all(clients);
    assert.equal(acceptedAfterDeletion, 0);
  }
});

test('deleting a workspace revokes its credentials immediately', async () => {
  const doomed = await createWorkspaceFor(owner, testServer, 'Doomed');
  const { secret } = await createKey(doomed, ['read']);
  assert.equal((await authorize('', secret)).status, 200);
  const deleted = await doomed.call(`/v1/workspaces/${doomed.workspaceId}`, { method: 'DELETE' });
  assert.equal(deleted.status, 204);
  assert.equal((await authorize('', secret)).body.code, 'invalid_token');
});

test('unusual paths never bypass authorization (unlike in CVE-2026-33808)', async () => {
  for (const path of [
    '//v1/authorize',
    '/v1//authorize',
    '/v1/authorize/',
    '/v1/authorize;x',
    '/v1/./authorize',
    '/V1/AUTHORIZE',
    '/v1/authorize%00',
    '/v1/%61uthorize',
  ]) {
    const response = await sendRawRequest(testServer.url, [`GET ${path} HTTP/1.1`]);
    assert.ok([401, 404, 400].includes(response.status), `${path} → ${response.status}`);
  }
});

test('fuzz: the response to any query is 200, 401 or 403', async () => {
  const character = fc.constantFrom(...'scope=permission&+%20,;?/#abz09_-~\'"<>[]{}|^`\\');
  await fc.assert(
    fc.asyncProperty(fc.array(character, { maxLength: 40 }), async (characters) => {
      const query = characters.join('').replaceAll(' ', '+').replaceAll('#', '');
      const response = await sendRawRequest(testServer.url, [
        `GET /v1/authorize?${query} HTTP/1.1`,
        `Authorization: Bearer ${tokenWithAll.secret}`,
      ]);
      assert.ok([200, 401, 403].includes(response.status), `${query} → ${response.status} ${response.text}`);
      expectIdentityHeaders(response, response.status === 200);
    }),
    { numRuns: 150 },
  );
});
