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
  createKey,
  createToken,
  createWorkspaceFor,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

const IDENTITY = [
  'devpilot-credential-id',
  'devpilot-credential-kind',
  'devpilot-credential-name',
  'devpilot-workspace-id',
  'devpilot-scopes',
  'devpilot-permissions',
];

let now = Date.now();
let testServer: TestServer;
let owner: TestPerson;
let all: { id: string; secret: string };
let env: { id: string; secret: string };
let key: { id: string; secret: string };
before(async () => {
  testServer = await startTestServer({ clock: () => now });
  owner = await signUpOwner(testServer);
  all = await createToken(owner, ['all'], { name: 'Ünï 100% "ok"; 🔑' });
  env = await createToken(owner, ['modify_env', 'run_scripts']);
  key = await createKey(owner, ['read', 'deploy']);
});
after(() => testServer.close());

const authorize = (query: string, secret: string) =>
  testServer.call<{ code: string; detail: string; required?: string[] }>(`/v1/authorize${query}`, {
    headers: bearer(secret),
  });

function expectIdentity(response: RawResponse, filled: boolean): void {
  assert.equal(response.headers.get('cache-control'), 'no-store');
  for (const name of IDENTITY) assert.ok(response.headers.has(name), `${name} is missing: ${response.status}`);
  if (!filled) for (const name of IDENTITY) assert.equal(response.headers.get(name), '');
}

test('an accepted credential is answered with 200 without a body, and is described by headers alone', async () => {
  const response = await authorize('', all.secret);
  assert.equal(response.status, 200);
  assert.equal(response.text, '');
  const identity = Object.fromEntries(IDENTITY.map((name) => [name, response.headers.get(name)]));
  assert.deepEqual(identity, {
    'devpilot-credential-id': all.id,
    'devpilot-credential-kind': 'access_token',
    'devpilot-credential-name': encodeURIComponent('Ünï 100% "ok"; 🔑'),
    'devpilot-workspace-id': owner.workspaceId,
    'devpilot-scopes': SCOPES.join(' '),
    'devpilot-permissions': '',
  });
  const byKey = await authorize('', key.secret);
  assert.equal(byKey.headers.get('devpilot-credential-kind'), 'api_key');
  assert.equal(byKey.headers.get('devpilot-scopes'), '');
  assert.equal(byKey.headers.get('devpilot-permissions'), 'read deploy');
});

test('a token needs all scopes named, a key all permissions, and if only one is named the other kind is refused', async () => {
  const rows: [string, string, number, string?][] = [
    ['', env.secret, 200],
    ['', key.secret, 200],
    ['?scope=modify_env', env.secret, 200],
    ['?scope=modify_env', all.secret, 200],
    ['?scope=modify_env', key.secret, 403, 'wrong_credential_kind'],
    ['?scope=modify_env&scope=run_scripts', env.secret, 200],
    ['?scope=modify_env+run_scripts', env.secret, 200],
    ['?scope=modify_env%20run_scripts', env.secret, 200],
    ['?scope=modify_env,run_scripts', env.secret, 200],
    ['?scope=modify_env+basic_deployment', env.secret, 403, 'insufficient_scope'],
    ['?scope=modify_env&scope=basic_deployment', env.secret, 403, 'insufficient_scope'],
    ['?scope=modify_env&scope=basic_deployment', all.secret, 200],
    ['?scope=all', env.secret, 403, 'insufficient_scope'],
    ['?permission=read', key.secret, 200],
    ['?permission=read+deploy', key.secret, 200],
    ['?permission=read&permission=write', key.secret, 403, 'insufficient_scope'],
    ['?permission=read', all.secret, 403, 'wrong_credential_kind'],
    ['?scope=modify_env&permission=read', env.secret, 200],
    ['?scope=modify_env&permission=read', key.secret, 200],
    ['?scope=basic_deployment&permission=read', env.secret, 403, 'insufficient_scope'],
    ['?scope=modify_env&permission=write', key.secret, 403, 'insufficient_scope'],
    // A template that expanded to nothing, or to an unknown name, must not grant access.
    ['?scope=', all.secret, 403, 'insufficient_scope'],
    ['?scope', all.secret, 403, 'insufficient_scope'],
    ['?scope=+', all.secret, 403, 'insufficient_scope'],
    ['?permission=', key.secret, 403, 'insufficient_scope'],
    ['?scope=Modify_Env', env.secret, 403, 'insufficient_scope'],
    ['?scope=nonsense', all.secret, 403, 'insufficient_scope'],
    ['?scope=read', all.secret, 403, 'insufficient_scope'],
    ['?scope=__proto__', all.secret, 403, 'insufficient_scope'],
    // An unsupported parameter may have been meant as a requirement.
    ...['scopes', 'Scope', 'SCOPE', 'scope[]', 'scope%5B%5D', 'permissions', 'Permission', 'resource', 'other', ''].map(
      (name): [string, string, number, string] => [`?${name}=modify_env`, env.secret, 403, 'forbidden'],
    ),
    ['?scope=modify_env&scopes=all', env.secret, 403, 'forbidden'],
    ['?scope=modify_env&scopes=all', all.secret, 403, 'forbidden'],
    ['?permission=read&resource=app:web', key.secret, 200],
    ['?permission=read&resource=web', key.secret, 403, 'forbidden'],
    ['?other', key.secret, 403, 'forbidden'],
    ['?sc%6Fpe=modify_env', env.secret, 200],
    ['?&scope=modify_env&', env.secret, 200],
    ['?', env.secret, 200],
    ['?scope=%zz', all.secret, 403, 'insufficient_scope'],
  ];
  for (const [query, secret, status, code] of rows) {
    const response = await authorize(query, secret);
    assert.equal(response.status, status, `${query} → ${response.status} ${response.text}`);
    if (code !== undefined) assert.equal(response.body.code, code, query);
  }
  const misspelled = await authorize('?scopes=all', all.secret);
  assert.equal(misspelled.body.detail, 'The parameter "scopes" is not supported. Use scope, permission and resource.');
  assert.equal((await testServer.call('/v1/authorize?scopes=all')).status, 401);
  const blank = await authorize('?scope=', all.secret);
  assert.equal(blank.body.detail, 'The requested scope is empty. Name at least one scope.');
  const refused = await authorize('?scope=modify_env+basic_deployment', env.secret);
  assert.deepEqual(refused.body.required, ['modify_env', 'basic_deployment']);
  assert.match(refused.headers.get('www-authenticate') ?? '', /scope="modify_env basic_deployment"/);
});

test('a malformed requirement is refused like any other, and breaks no header', async () => {
  for (const [query, required] of [
    ['?scope=run_scripts%00', 'run_scripts\u0000'],
    ['?scope=%ff', '\ufffd'],
    ['?scope=%22%5c', '"\\'],
    ['?scope=%F0%9F%94%91', '🔑'],
  ] as const) {
    const response = await authorize(query, env.secret);
    assert.equal(response.status, 403, query);
    assert.equal(response.body.code, 'insufficient_scope');
    assert.deepEqual(response.body.required, [required]);
    assert.match(response.headers.get('www-authenticate') ?? '', /^[\x20-\x7e]+, scope="[\x21\x23-\x5b\x5d-\x7e]+"$/);
  }
});

test('each right meets its own requirement and no other', async () => {
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

test('CVE-2021-32701: meeting one requirement does not meet another', async () => {
  for (let count = 0; count < 3; count++) {
    assert.equal((await authorize('?scope=modify_env', env.secret)).status, 200);
    assert.equal((await authorize('?scope=basic_deployment', env.secret)).status, 403);
  }
});

test('CVE-2026-30851, CVE-2026-52845: every response has every identity header, blank if there is no value', async () => {
  const forged = IDENTITY.flatMap((name) => [`${name}: forged`, `${name.replaceAll('-', '_')}: forged`]);
  const rows: [string[], number][] = [
    [[`Authorization: Bearer ${all.secret}`], 200],
    [[], 401],
    [['Authorization: Bearer nonsense'], 401],
    [[`Authorization: Bearer ${mintSecret('api_key')}`], 401],
    [[`Authorization: Bearer ${all.secret}`, `X-API-Key: ${key.secret}`], 401],
    [[`Authorization: Bearer ${all.secret}`, `Authorization: Bearer ${env.secret}`], 401],
    [[`Authorization: Bearer ${owner.cookie.split('=')[1]}`], 401],
    [[`Cookie: ${owner.cookie}`], 401],
  ];
  for (const [headers, status] of rows) {
    const response = await sendRawRequest(testServer.url, ['GET /v1/authorize HTTP/1.1', ...headers, ...forged]);
    assert.equal(response.status, status, headers.join());
    expectIdentity(response, status === 200);
    assert.ok(![...response.headers.values()].some((value) => value.includes('forged')));
    if (status === 401) assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer realm="devpilot"/);
  }
  for (const [query, secret] of [
    ['?permission=read', all.secret],
    ['?scope=all', env.secret],
  ]) {
    const response = await sendRawRequest(testServer.url, [
      `GET /v1/authorize${query} HTTP/1.1`,
      `Authorization: Bearer ${secret}`,
      ...forged,
    ]);
    assert.equal(response.status, 403);
    expectIdentity(response, false);
  }
  const leaked = await sendRawRequest(testServer.url, [`GET /v1/authorize?x=${all.secret} HTTP/1.1`]);
  assert.equal(leaked.status, 401);
  expectIdentity(leaked, false);
});

test('a credential is refused with 403 if the request names another workspace, and accepted if it names its own', async () => {
  const neighbour = await createWorkspaceFor(owner, testServer, 'Next door');
  const rows: [string[], number][] = [
    [[owner.workspaceId], 200],
    [['acme'], 200],
    [[''], 200],
    [[neighbour.workspaceId], 403],
    [['next-door'], 403],
    [['nowhere'], 403],
    [['acme', 'acme'], 403],
  ];
  for (const [names, status] of rows) {
    const response = await sendRawRequest(testServer.url, [
      'GET /v1/authorize HTTP/1.1',
      `Authorization: Bearer ${env.secret}`,
      ...names.map((name) => `Devpilot-Workspace: ${name}`),
    ]);
    assert.equal(response.status, status, names.join());
    expectIdentity(response, status === 200);
  }
});

test('every method and every body is authorized alike: 200, 401 or 403 and nothing else', async () => {
  const big = Buffer.alloc(2 * 1024 * 1024, 0x61);
  const bodies: [string[], Uint8Array | string][] = [
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
      const accepted = await send(method, env.secret, body);
      // A client that sent `Expect: 100-continue` first receives 100.
      const status = accepted.status === 100 ? Number(accepted.text.split(' ')[1]) : accepted.status;
      assert.equal(status, 200, label);
      if (accepted.status === 200) expectIdentity(accepted, true);
    }
    assert.equal((await send(method, null, [[], ''])).status, 401, method);
    assert.equal((await send(method, env.secret, [[], ''], '?scope=all')).status, 403, method);
  }
  for (const method of ['POST', 'PUT', 'PROPFIND', 'DELETE', 'GET']) {
    const length = `Content-Length: ${big.length}`;
    assert.equal((await send(method, env.secret, [[length, 'Content-Type: application/json'], big])).status, 200);
    assert.equal((await send(method, null, [[length], big])).status, 401);
  }
});

test('each of many concurrent requests gets its own response', async () => {
  const kinds = [
    { secret: all.secret, query: '', status: 200, credential: all.id },
    { secret: key.secret, query: '', status: 200, credential: key.id },
    { secret: env.secret, query: '?scope=all', status: 403, credential: '' },
    { secret: mintSecret('api_key'), query: '', status: 401, credential: '' },
    { secret: 'nonsense', query: '', status: 401, credential: '' },
  ];
  const requested = Array.from({ length: 40 }, (_, round) =>
    kinds.map((kind, index) => ({ ...kind, id: `asked-${round}-${index}` })),
  ).flat();
  const responses = await Promise.all(
    requested.map(({ id, secret, query }) =>
      testServer.call(`/v1/authorize${query}`, { headers: { authorization: `Bearer ${secret}`, 'x-request-id': id } }),
    ),
  );
  assert.deepEqual(
    responses.map(({ status, headers }) => [
      headers.get('x-request-id'),
      status,
      headers.get('devpilot-credential-id'),
    ]),
    requested.map(({ id, status, credential }) => [id, status, credential]),
  );
});

test('pipelined requests on one connection are answered in order', async () => {
  const recordedRequest = (id: string, secret: string) =>
    `GET /v1/authorize HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${id}\r\nAuthorization: Bearer ${secret}\r\n\r\n`;
  const before = [
    recordedRequest('a', all.secret),
    recordedRequest('b', 'nonsense'),
    'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: c\r\n\r\n',
  ];
  const last = `${before.join('')}GET /v1/authorize HTTP/1.1`;
  const response = await sendRawRequest(testServer.url, [
    last,
    'X-Request-Id: d',
    `Authorization: Bearer ${key.secret}`,
  ]);
  assert.deepEqual([response.status, response.headers.get('x-request-id')], [200, 'a']);
  assert.deepEqual(
    [...response.text.matchAll(/HTTP\/1\.1 (\d+)|^x-request-id: (\w)/gim)].map(([, status, id]) => status ?? id),
    ['401', 'b', '200', 'c', '200', 'd'],
  );
});

test('a token is refused from the exact millisecond of its expiry, and a key while it is disabled', async () => {
  const expiring = await createToken(owner, ['all'], { expiresAt: new Date(now + 5000).toISOString() });
  now += 4999;
  assert.equal((await authorize('', expiring.secret)).status, 200);
  now += 1;
  const dead = await authorize('', expiring.secret);
  assert.equal(dead.status, 401);
  assert.equal(dead.body.code, 'token_expired');
  const switched = await createKey(owner, ['read']);
  const active = (on: boolean) => owner.call(`/v1/api-keys/${switched.id}`, { method: 'PATCH', body: { active: on } });
  assert.equal((await authorize('', switched.secret)).status, 200);
  assert.equal((await active(false)).status, 200);
  assert.equal((await authorize('', switched.secret)).body.code, 'token_inactive');
  assert.equal((await active(true)).status, 200);
  assert.equal((await authorize('', switched.secret)).status, 200);
});

test('passphrase failures are limited end to end: 401 here with Retry-After, 429 elsewhere, also for the correct one', async () => {
  const { id, secret } = await createToken(owner, ['all'], { passphrase: 'the right one' });
  const authorizeFrom = (path: string, passphrase: string) =>
    testServer.call<{ code: string }>(path, { headers: { ...bearer(secret), 'access-token-passphrase': passphrase } });
  assert.equal((await authorizeFrom('/v1/authorize', 'the right one')).status, 200);
  const count = await Promise.all(Array.from({ length: 40 }, (_, n) => authorizeFrom('/v1/authorize', `wrong ${n}`)));
  assert.ok(count.every(({ status }) => status === 401));
  assert.equal(count.filter(({ body }) => body.code === 'passphrase_incorrect').length, 5);
  assert.equal(count.filter(({ body }) => body.code === 'rate_limited').length, 35);
  const limited = await authorizeFrom('/v1/authorize', 'the right one');
  assert.equal(limited.status, 401);
  assert.equal(limited.body.code, 'rate_limited');
  assert.ok(Number(limited.headers.get('retry-after')) > 800);
  const elsewhere = await authorizeFrom('/v1/whoami', 'the right one');
  assert.equal(elsewhere.status, 429);
  assert.equal(elsewhere.body.code, 'rate_limited');
  assert.ok(Number(elsewhere.headers.get('retry-after')) > 800);
  now += 15 * 60_000;
  assert.equal((await authorizeFrom('/v1/authorize', 'the right one')).status, 200);
  const events = await owner.call<{ data: { action: string; detail: { reason: string; count: number } }[] }>(
    `/v1/audit-events?credential=${id}`,
  );
  const failed = events.body.data.filter(({ action }) => action === 'credential.passphrase_failed');
  assert.equal(
    failed.reduce((sum, { detail }) => sum + detail.count, 0),
    5,
  );
  const denied = events.body.data.filter(({ detail }) => detail.reason === 'rate_limited');
  assert.equal(
    denied.reduce((sum, { detail }) => sum + detail.count, 0),
    37,
  );
});

test('each accepted request counts as one use, a refused one does not, and a restart keeps the count', async () => {
  const { id, secret } = await createToken(owner, ['modify_env']);
  for (let count = 0; count < 7; count++) await authorize('?scope=modify_env', secret);
  await authorize('?scope=all', secret);
  await testServer.call('/v1/access-tokens', { headers: bearer(secret) });
  await testServer.call('/v1/whoami', { headers: bearer(secret) });
  const counted = async () => (await owner.call<{ useCount: number }>(`/v1/access-tokens/${id}`)).body.useCount;
  assert.equal(await counted(), 8);
});

test('the uses of a credential name the rights that were required, and its refusals', async () => {
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

test('refusals are counted per error code of the contract, not per internal reason', async () => {
  const rate = { requests: 1, seconds: 3600 };
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Refusing' } });
  const restrictions = { rate, projects: [project.body.id] };
  const { id, secret } = await createKey(owner, ['read'], { restrictions });
  const neighbour = await createWorkspaceFor(owner, testServer, 'Refusing');
  const other = { 'devpilot-workspace': neighbour.workspaceId };
  assert.equal((await testServer.call('/v1/projects', { headers: { ...bearer(secret), ...other } })).status, 404);
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
  const neighbour = await createWorkspaceFor(owner, testServer, 'Neighbour');
  const theirs = await createToken(neighbour, ['all']);
  const expiresAt = new Date(now + 3_600_000).toISOString();
  const target = await createToken(owner, ['modify_env', 'run_scripts'], { expiresAt, passphrase: 'the right one' });
  const idle = await createKey(owner, ['read'], { active: false });
  const send = (form: Record<string, string>, headers: Record<string, string> = bearer(key.secret)) =>
    testServer.call<Record<string, unknown>>('/v1/introspect', { body: new URLSearchParams(form), headers });
  const active = await send({ token: target.secret, passphrase: 'the right one', token_type_hint: 'access_token' });
  assert.equal(active.status, 200);
  assert.deepEqual(active.body, {
    active: true,
    scope: 'modify_env run_scripts',
    client_id: target.id,
    sub: owner.workspaceId,
    token_type: 'Bearer',
    iss: testServer.url,
    iat: Math.floor(Date.parse(target.createdAt) / 1000),
    exp: Math.floor(Date.parse(expiresAt) / 1000),
    kind: 'access_token',
  });
  const keyed = await send({ token: key.secret }, { 'x-api-key': key.secret });
  assert.equal((await send({ token: all.secret })).body['scope'], SCOPES.join(' '));
  assert.equal(keyed.body['kind'], 'api_key');
  assert.equal(keyed.body['scope'], 'read deploy');
  assert.ok(!('exp' in keyed.body));
  const basic = { authorization: `Basic ${Buffer.from(`client:${key.secret}`).toString('base64')}` };
  assert.equal((await send({ token: key.secret }, basic)).body['active'], true);
  const inactive: Record<string, string>[] = [
    { token: target.secret },
    { token: target.secret, passphrase: 'wrong' },
    { token: theirs.secret },
    { token: idle.secret },
    { token: mintSecret('access_token') },
    { token: owner.cookie.split('=')[1] ?? '' },
    { token: 'nonsense' },
    { token: '' },
    { token: 'x'.repeat(5000) },
    { token: `\u0000${target.secret}` },
  ];
  for (const form of inactive) {
    const response = await send(form);
    const label = JSON.stringify(form).slice(0, 80);
    assert.equal(response.status, 200, label);
    assert.equal(response.text, '{"active":false}', label);
  }
  const theirUses = await neighbour.call<{ useCount: number }>(`/v1/access-tokens/${theirs.id}`);
  assert.equal(theirUses.body.useCount, 0);
});

test('revocation (RFC 7009): the holder of a secret can revoke it, and the response is always 200', async () => {
  const token = await createToken(owner, ['all'], { passphrase: 'never asked for' });
  const signedIn = await testServer.call('/v1/sessions', {
    body: { email: owner.email, password: 'a long and private sentence' },
  });
  const session = (signedIn.headers.get('set-cookie') ?? '').split(';')[0]?.split('=')[1] ?? '';
  const revoke = (secret: string, headers: Record<string, string> = {}) =>
    testServer.call('/v1/revoke', { body: new URLSearchParams({ token: secret, token_type_hint: 'x' }), headers });
  for (const secret of [token.secret, token.secret, session, mintSecret('api_key'), 'nonsense', '', 'x'.repeat(5000)]) {
    const response = await revoke(secret);
    assert.equal(response.status, 200, secret.slice(0, 20));
    assert.equal(response.text, '');
  }
  assert.equal((await revoke('nonsense', { authorization: 'Basic Y2xpZW50OnNlY3JldA==' })).status, 200);
  assert.equal((await authorize('', token.secret)).body.code, 'invalid_token');
  assert.equal((await owner.call(`/v1/access-tokens/${token.id}`)).status, 404);
  assert.equal((await testServer.call('/v1/me', { headers: bearer(session) })).status, 401);
  assert.equal((await owner.call('/v1/me')).status, 200);
  const events = await owner.call<{ data: { action: string; actor: { kind: string; id: string } }[] }>(
    `/v1/audit-events?credential=${token.id}`,
  );
  const deleted = events.body.data.find(({ action }) => action === 'access_token.deleted');
  assert.deepEqual(deleted?.actor, { kind: 'access_token', id: token.id, name: token.name });
});

test('whoami returns the principal, its workspace and its rights', async () => {
  const send = async (headers: Record<string, string>) =>
    (await testServer.call<Record<string, unknown>>('/v1/whoami', { headers })).body;
  const workspace = { id: owner.workspaceId, name: 'Acme', slug: 'acme' };
  assert.deepEqual(await send(bearer(env.secret)), {
    principal: { kind: 'access_token', id: env.id, name: 'CI/CD Pipeline' },
    workspace,
    rights: { role: null, scopes: ['modify_env', 'run_scripts'], permissions: [] },
    expiresAt: null,
  });
  assert.deepEqual((await send(bearer(key.secret)))['rights'], {
    role: null,
    scopes: [],
    permissions: ['read', 'deploy'],
  });
  const person = await owner.call<Record<string, unknown>>('/v1/whoami');
  assert.deepEqual(person.body['rights'], { role: 'owner', scopes: [], permissions: [] });
  assert.deepEqual(person.body['workspace'], workspace);
});

test('under load, no request that starts after a deletion was answered is accepted', async () => {
  for (let round = 0; round < 10; round++) {
    const { id, secret } = await createKey(owner, ['read']);
    let answered = false;
    let wrong = 0;
    const fire = async () => {
      for (;;) {
        const late = answered;
        const { status } = await authorize('', secret);
        if (late && status !== 401) wrong++;
        if (late) return;
      }
    };
    const clients = Array.from({ length: 8 }, fire);
    assert.equal((await owner.call(`/v1/api-keys/${id}`, { method: 'DELETE' })).status, 204);
    answered = true;
    await Promise.all(clients);
    assert.equal(wrong, 0);
  }
});

test('deleting a workspace revokes its credentials at once', async () => {
  const doomed = await createWorkspaceFor(owner, testServer, 'Doomed');
  const { secret } = await createKey(doomed, ['read']);
  assert.equal((await authorize('', secret)).status, 200);
  const deleted = await doomed.call(`/v1/workspaces/${doomed.workspaceId}`, { method: 'DELETE' });
  assert.equal(deleted.status, 204);
  assert.equal((await authorize('', secret)).body.code, 'invalid_token');
});

test('CVE-2026-33808: unusual paths never bypass authorization', async () => {
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

test('fuzz: any query is answered with 200, 401 or 403', async () => {
  const character = fc.constantFrom(...'scope=permission&+%20,;?/#abz09_-~\'"<>[]{}|^`\\');
  await fc.assert(
    fc.asyncProperty(fc.array(character, { maxLength: 40 }), async (characters) => {
      const query = characters.join('').replaceAll(' ', '+').replaceAll('#', '');
      const response = await sendRawRequest(testServer.url, [
        `GET /v1/authorize?${query} HTTP/1.1`,
        `Authorization: Bearer ${all.secret}`,
      ]);
      assert.ok([200, 401, 403].includes(response.status), `${query} → ${response.status} ${response.text}`);
      expectIdentity(response, response.status === 200);
    }),
    { numRuns: 150 },
  );
});
