import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { CODES } from '../contract/error-codes.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { forEachEngine } from '../testing/engines.ts';
import { sendRawRequest } from '../testing/raw-http.ts';
import {
  createKey,
  createToken,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';

/** A body that must be refused, and the field that the error must name. */
type InvalidBody = [body: unknown, field: string];

forEachEngine('bad input', (engine) => {
  let now = Date.now();
  let testServer: TestServer;
  let owner: TestPerson;
  let keyId: string;
  before(async () => {
    testServer = await startTestServer({ clock: () => now, environment: await engine.environment() });
    owner = await signUpOwner(testServer);
    keyId = (await createKey(owner, ['read'])).id;
  });
  after(() => testServer.close());

  /** Returns everything that the requests of these tests could change, as one string. */
  async function readState(): Promise<string> {
    const paths = ['/v1/access-tokens', '/v1/api-keys', '/v1/members', '/v1/invitations', '/v1/workspaces', '/v1/me'];
    const responses = await Promise.all(paths.map((path) => owner.call(path)));
    for (const response of responses) assert.equal(response.status, 200, response.text);
    const events = await owner.call<{ data: { id: string }[] }>('/v1/audit-events?limit=1');
    return JSON.stringify([responses.map(({ text }) => text), events.body.data[0]?.id]);
  }

  /** Checks that a response is a problem with this code, and has every field that a problem must have. */
  function expectProblem(response: TestResponse<ProblemBody>, code: keyof typeof CODES, label: string): void {
    const { status, body, headers, text } = response;
    assert.equal(status, CODES[code].status, `${label} → ${status} ${text.slice(0, 300)}`);
    assert.equal(headers.get('content-type'), 'application/problem+json', label);
    assert.equal(headers.get('cache-control'), 'no-store', label);
    assert.equal(body.code, code, label);
    assert.equal(body.status, status, label);
    assert.equal(body.type, `/docs/problems/${code}`, label);
    assert.equal(body.title, CODES[code].title, label);
    assert.ok(body.detail.length > 0, label);
    assert.equal(body.requestId, headers.get('x-request-id'), label);
    assert.ok(!/\n\s+at |node_modules|select |insert |SQLITE/i.test(text), `${label}: ${text}`);
  }

  /** Sends each body, which must be refused with an error that names its field, and checks that nothing changed. */
  async function expectRefused(
    rows: readonly InvalidBody[],
    send: (body: unknown) => Promise<TestResponse<ProblemBody>>,
  ): Promise<void> {
    const stateBefore = await readState();
    for (const [body, field] of rows) {
      const label = (JSON.stringify(body) ?? 'no body').slice(0, 120);
      const response = await send(body);
      expectProblem(response, 'validation_failed', label);
      const fields = response.body.errors?.map((error) => error.field) ?? [];
      assert.ok(fields.includes(field), `${label}: ${JSON.stringify(response.body.errors)} does not name ${field}`);
      assert.ok(response.body.errors?.every(({ message }) => message.length > 0));
    }
    assert.equal(await readState(), stateBefore);
  }

  const token = { name: 'Deploys', scopes: ['modify_env'] };
  const key = { name: 'Billing', permissions: ['read'] };
  const postTo = (path: string) => (body: unknown) => owner.call<ProblemBody>(path, { method: 'POST', body });

  const BAD_NAMES = [
    undefined,
    null,
    1,
    true,
    {},
    [],
    ['abc'],
    '',
    'ab',
    '   ',
    ' ab ',
    '\u00a0\u2003\u3000',
    'e\u0301e\u0301', // two characters after Unicode normalization
    '🔑🔑',
    'x'.repeat(256),
    '🔑'.repeat(256),
    'x'.repeat(100_000),
    'a\u0000b',
    'a\nb',
    'a\u007fb',
    'a\u0085b',
    'a\u2028b',
    'ab\ud800',
    '\udc00ab',
    '\u200b\u200b\u200b',
    '\u3164\u3164\u3164',
    '\u2800 \u2800',
    'a\u202egnp.exe',
    'a\u2067gnp.exe',
  ];
  const BAD_EXPIRIES = [
    1,
    true,
    {},
    '',
    'never',
    'tomorrow',
    '2030-01-01',
    '2030-01-01T00:00:00',
    '2030-13-01T00:00:00Z',
    '2030-02-30T00:00:00Z',
    '2030-01-01T24:00:01Z',
    '2030-01-01 00:00:00Z',
    '10000-01-01T00:00:00Z',
    '+010000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-01:00', // year 10000 in UTC
    '-000001-01-01T00:00:00Z',
    '2000-01-01T00:00:00Z',
    '1970-01-01T00:00:00.000Z',
  ];
  const UNKNOWN_FIELDS = [
    'secret',
    'workspaceId',
    'createdBy',
    'userId',
    'id',
    'digest',
    'useCount',
    'Name',
    'constructor',
    '',
  ];

  test('an access token with an invalid field is refused with the name of the field', async () => {
    const rows: InvalidBody[] = [
      ...BAD_NAMES.map((name): InvalidBody => [{ ...token, name }, 'name']),
      ...[undefined, null, 'all', 1, {}, [], ['ALL'], [''], [null], [['all']], ['read']].map(
        (scopes): InvalidBody => [
          { ...token, scopes },
          Array.isArray(scopes) && scopes.length > 0 ? 'scopes.0' : 'scopes',
        ],
      ),
      [{ ...token, scopes: ['modify_env', 'modify_env'] }, 'scopes'],
      [{ ...token, scopes: ['modify_env', 'nonsense'] }, 'scopes.1'],
      [{ ...token, scopes: ['__proto__'] }, 'scopes.0'],
      ...[
        1,
        true,
        {},
        [],
        '',
        '1234567',
        '🔑'.repeat(7),
        'x'.repeat(256),
        '🔑'.repeat(256),
        'e\u0301'.repeat(7),
        'tab\tinside',
        ' space before',
        'space after\u3000',
        '\ud800aaaaaaaa',
      ].map((passphrase): InvalidBody => [{ ...token, passphrase }, 'passphrase']),
      ...BAD_EXPIRIES.map((expiresAt): InvalidBody => [{ ...token, expiresAt }, 'expiresAt']),
      [{ ...token, expiresAt: new Date(now).toISOString() }, 'expiresAt'],
      [{ ...token, expiresAt: new Date(now - 1).toISOString() }, 'expiresAt'],
      ...UNKNOWN_FIELDS.map((field): InvalidBody => [{ ...token, [field]: 'x' }, field]),
      [{ ...token, active: false }, 'active'],
      [{ ...token, description: 'x' }, 'description'],
      [{ ...token, permissions: ['read'] }, 'permissions'],
      [{}, 'name'],
      [[], 'body'],
      [[token], 'body'],
      ['"text"', 'body'],
      ['null', 'body'],
      ['1', 'body'],
      ['', 'body'],
      [undefined, 'body'],
    ];
    await expectRefused(rows, (body) =>
      owner.call<ProblemBody>('/v1/access-tokens', {
        method: 'POST',
        body,
        ...(typeof body === 'string' && { headers: { 'content-type': 'application/json' } }),
      }),
    );
  });

  test('an API key with an invalid field is refused with the name of the field, on creation and on edit', async () => {
    const invalidFields: InvalidBody[] = [
      ...[null, 'read', [], ['all'], ['modify_env'], ['READ']].map(
        (permissions): InvalidBody => [
          { permissions },
          Array.isArray(permissions) && permissions.length > 0 ? 'permissions.0' : 'permissions',
        ],
      ),
      [{ permissions: ['read', 'write', 'read'] }, 'permissions'],
      ...[1, {}, [], 'x'.repeat(1001), '🔑'.repeat(1001), 'a\u0000b', 'a\u001bb'].map(
        (description): InvalidBody => [{ description }, 'description'],
      ),
      ...[null, 'true', 0, 1, {}].map((active): InvalidBody => [{ active }, 'active']),
      ...BAD_EXPIRIES.map((expiresAt): InvalidBody => [{ expiresAt }, 'expiresAt']),
      ...UNKNOWN_FIELDS.map((field): InvalidBody => [{ [field]: 'x' }, field]),
      [{ passphrase: 'long enough' }, 'passphrase'],
      [{ scopes: ['all'] }, 'scopes'],
    ];
    await expectRefused(
      [
        ...invalidFields.map(([body, field]): InvalidBody => [{ ...key, ...(body as object) }, field]),
        [{ name: 'Billing' }, 'permissions'],
      ],
      postTo('/v1/api-keys'),
    );
    await expectRefused(
      [
        ...invalidFields,
        ...BAD_NAMES.filter((name) => name !== undefined).map((name): InvalidBody => [{ name }, 'name']),
      ],
      (body) => owner.call<ProblemBody>(`/v1/api-keys/${keyId}`, { method: 'PATCH', body }),
    );
  });

  test('fields outside the schema are refused by name, including __proto__ (unlike in CVE-2025-61928)', async () => {
    const stateBefore = await readState();
    for (const field of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      for (const [path, method, body] of [
        ['/v1/access-tokens', 'POST', `{"name":"Deploys","scopes":["all"],"${field}":{"active":true}}`],
        ['/v1/api-keys', 'POST', `{"name":"Billing","permissions":["read"],"${field}":1}`],
        [`/v1/api-keys/${keyId}`, 'PATCH', `{"${field}":{"role":"owner"}}`],
        ['/v1/workspaces', 'POST', `{"name":"Third","${field}":{}}`],
      ] as const) {
        const headers = { 'content-type': 'application/json' };
        const response = await owner.call<ProblemBody>(path, { method, body, headers });
        expectProblem(response, 'validation_failed', `${field} at ${path}`);
        assert.ok(
          response.body.errors?.some((error) => error.field === field),
          response.text,
        );
      }
    }
    assert.equal(await readState(), stateBefore);
    assert.equal(({} as { active?: boolean }).active, undefined);
  });

  test('values of the minimum and maximum length are accepted, and returned values are normalized', async () => {
    const names: [name: string, normalized: string][] = [
      ['abc', 'abc'],
      ['  abc  ', 'abc'],
      ['x'.repeat(255), 'x'.repeat(255)],
      ['🔑🔑🔑', '🔑🔑🔑'],
      ['🔑'.repeat(255), '🔑'.repeat(255)],
      ['Cafe\u0301', 'Café'],
      [`${'e\u0301'.repeat(255)}`, 'é'.repeat(255)],
      ['a b\u00a0c', 'a b\u00a0c'],
      ['מפתח \u200f(בדיקה)', 'מפתח \u200f(בדיקה)'],
      ['👩\u200d💻👩\u200d💻', '👩\u200d💻👩\u200d💻'],
    ];
    for (const [name, normalized] of names) {
      assert.equal((await createToken(owner, ['all'], { name })).name, normalized);
      assert.equal((await createKey(owner, ['read'], { name })).name, normalized);
    }
    for (const passphrase of [
      '12345678',
      'x'.repeat(255),
      '🔑'.repeat(8),
      '🔑'.repeat(255),
      'pässwört',
      'two  spaces inside',
    ]) {
      assert.equal((await createToken(owner, ['all'], { passphrase })).hasPassphrase, true);
    }
    assert.equal((await createToken(owner, ['all'], { passphrase: null })).hasPassphrase, false);
    const expiries: [expiresAt: string | null, normalized: string | null][] = [
      [null, null],
      ['2030-01-01T00:00:00Z', '2030-01-01T00:00:00.000Z'],
      ['2030-01-01T02:00:00+02:00', '2030-01-01T00:00:00.000Z'],
      ['2030-01-01T00:00:00.123456Z', '2030-01-01T00:00:00.123Z'],
      ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
      [new Date(now + 1).toISOString(), new Date(now + 1).toISOString()],
    ];
    for (const [expiresAt, normalized] of expiries) {
      assert.equal((await createToken(owner, ['all'], { expiresAt })).expiresAt, normalized);
    }
    for (const description of [null, '', 'x'.repeat(1000), '🔑'.repeat(1000), 'two\nlines']) {
      assert.equal((await createKey(owner, ['read'], { description })).description, description);
    }
  });

  test('a body that is not JSON, is too large or has another media type is refused before it is validated', async () => {
    const stateBefore = await readState();
    const path = '/v1/access-tokens';
    const json = { 'content-type': 'application/json' };
    const validBody = JSON.stringify(token);
    const rows: [headers: Record<string, string>, body: string | Uint8Array, code: keyof typeof CODES][] = [
      [json, validBody.slice(0, -1), 'invalid_request'],
      [json, '{', 'invalid_request'],
      [json, 'hello', 'invalid_request'],
      [json, `\ufeff${validBody}x`, 'invalid_request'],
      [json, `${validBody}${validBody}`, 'invalid_request'],
      [json, "{'name':'x'}", 'invalid_request'],
      [json, new Uint8Array([0xff, 0xfe, 0x7b]), 'invalid_request'],
      [json, JSON.stringify({ ...token, name: 'x'.repeat(2 * 1024 * 1024) }), 'too_large'],
      [json, ' '.repeat(2 * 1024 * 1024), 'too_large'],
      [{ 'content-type': 'text/plain' }, validBody, 'unsupported_media_type'],
      [{ 'content-type': 'application/x-www-form-urlencoded' }, 'name=Deploys', 'unsupported_media_type'],
      [{ 'content-type': 'multipart/form-data; boundary=x' }, validBody, 'unsupported_media_type'],
      [{ 'content-type': 'application/xml' }, validBody, 'unsupported_media_type'],
      [{ 'content-type': 'application/jsonx' }, validBody, 'unsupported_media_type'],
      [{ 'content-type': 'application/merge-patch+json' }, validBody, 'unsupported_media_type'],
      [{ 'content-type': 'nonsense' }, validBody, 'unsupported_media_type'],
    ];
    for (const [headers, body, code] of rows) {
      const response = await owner.call<ProblemBody>(path, { method: 'POST', headers, body });
      expectProblem(response, code, `${headers['content-type']} ${String(body).slice(0, 40)}`);
    }
    assert.equal(await readState(), stateBefore);
  });

  test('a tab or invalid text in Content-Type never bypasses validation (unlike in CVE-2026-25223)', async () => {
    const stateBefore = await readState();
    const invalidBody = JSON.stringify({ name: 'ab', scopes: [], evil: 1 });
    for (const type of [
      'application/json\t',
      'application/json\t; charset=utf-8',
      '\tapplication/json',
      'application/json\ta',
      'application/json a',
      'application/json;',
      'APPLICATION/JSON',
      'application/json;\tcharset=utf-8',
      'application/json,text/plain',
      'application/\tjson',
    ]) {
      const response = await sendRawRequest(
        testServer.url,
        [
          'POST /v1/access-tokens HTTP/1.1',
          `Cookie: ${owner.cookie}`,
          `Origin: ${testServer.url}`,
          `Content-Type: ${type}`,
          `Content-Length: ${invalidBody.length}`,
        ],
        invalidBody,
      );
      const allowedStatuses = type.trim().includes('\t') ? [415] : [415, 422];
      assert.ok(
        allowedStatuses.includes(response.status),
        `${JSON.stringify(type)} → ${response.status} ${response.text}`,
      );
    }
    assert.equal(await readState(), stateBefore);
  });

  test('unusual paths never bypass authorization (unlike in CVE-2026-33808)', async () => {
    const stateBefore = await readState();
    const protectedPaths = [
      '/v1/access-tokens',
      `/v1/api-keys/${keyId}`,
      '/v1/members',
      '/v1/audit-events',
      '/v1/me',
      '/v1/whoami',
    ];
    for (const path of protectedPaths) {
      const unusualUrls = [
        `/${path}`,
        path.replace('/v1', '/v1/'),
        `${path};a=b`,
        `${path}/`,
        `${path}//`,
        `${path}/.`,
        `/x/..${path}`,
        path.replace('/v1', '/v1/.'),
        path.replace('/v1', '/%76%31'),
        path.replace('v1', 'V1'),
        `${path}%00`,
        `${path}%2f`,
        `${path}%`,
        `${path}%zz`,
        `${path}?`,
        `${path}#x`,
        `${path}\\`,
        `http://elsewhere${path}`,
      ];
      for (const url of unusualUrls) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          const response = await sendRawRequest(testServer.url, [`${method} ${url} HTTP/1.1`]);
          assert.ok([400, 401, 404, 405].includes(response.status), `${method} ${url} → ${response.status}`);
          assert.equal(response.headers.get('content-type'), 'application/problem+json', `${method} ${url}`);
        }
      }
    }
    assert.equal(await readState(), stateBefore);
  });

  test('text that is not well-formed Unicode, or contains NUL, is refused in text fields', async () => {
    const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Till' } });
    const rows: [method: string, path: string, body: Record<string, unknown>][] = [
      ['POST', '/v1/access-tokens', { name: 'Deploys', scopes: ['all'], passphrase: 'a passphrase' }],
      ['POST', '/v1/api-keys', { name: 'Billing', description: 'for invoices', permissions: ['read'] }],
      ['PATCH', `/v1/api-keys/${keyId}`, { name: 'Billing', description: 'for invoices' }],
      ['POST', '/v1/workspaces', { name: 'Acme' }],
      ['POST', '/v1/invitations', { email: 'grace@example.com', role: 'member' }],
      ['POST', '/v1/projects', { name: 'Till', slug: 'till-two', description: 'at the counter' }],
      [
        'POST',
        '/v1/apps',
        { name: 'Till', projectId: project.body.id, branch: 'main', directory: 'web', logCommand: 'journalctl' },
      ],
      ['POST', '/v1/servers', { name: 'Counter', kind: 'ssh', host: 'counter.example.com', user: 'deploy' }],
      ['PATCH', '/v1/me', { name: 'Ada Lovelace' }],
      ['POST', '/v1/sessions', { email: owner.email, password: 'not the password' }],
    ];
    for (const [method, path, body] of rows) {
      for (const [field, value] of Object.entries(body)) {
        if (typeof value !== 'string') continue;
        for (const invalidText of [`${value}\0`, `\0${value}`, `${value}\ud800`, `\udc00${value}`]) {
          const response = await owner.call<ProblemBody>(path, { method, body: { ...body, [field]: invalidText } });
          const label = `${method} ${path} ${field} ${JSON.stringify(invalidText)} → ${response.status} ${response.text}`;
          assert.ok([400, 401, 422].includes(response.status), label);
          if (response.status !== 401)
            expectProblem(response, response.status === 400 ? 'invalid_request' : 'validation_failed', label);
        }
      }
    }
  });

  test('an unknown URL gets 404, and an unsupported method gets 405 with Allow', async () => {
    const rows: [method: string, path: string, code: keyof typeof CODES, allowedMethod?: string][] = [
      ['GET', '/v1/nothing', 'not_found'],
      ['POST', '/v1/nothing', 'not_found'],
      ['GET', '/v2/access-tokens', 'not_found'],
      ['GET', `/v1/access-tokens/${'x'.repeat(65)}`, 'not_found'],
      ['GET', `/v1/access-tokens/${'x'.repeat(299)}`, 'not_found'],
      ['GET', `/v1/access-tokens/${'x'.repeat(1000)}`, 'not_found'],
      ['GET', '/v1/access-tokens/a%00b', 'not_found'],
      ['GET', "/v1/access-tokens/'%20or%201=1--", 'not_found'],
      ['DELETE', `/v1/api-keys/${'é'.repeat(30)}`, 'not_found'],
      ['PUT', '/v1/access-tokens', 'method_not_allowed', 'GET'],
      ['DELETE', '/v1/access-tokens', 'method_not_allowed', 'POST'],
      ['PATCH', `/v1/access-tokens/${keyId}`, 'immutable', 'DELETE'],
      ['PUT', `/v1/access-tokens/${keyId}`, 'immutable', 'DELETE'],
      ['PUT', `/v1/api-keys/${keyId}`, 'method_not_allowed', 'PATCH'],
      ['GET', '/v1/introspect', 'method_not_allowed', 'POST'],
      ['PROPFIND', '/v1/members', 'method_not_allowed', 'GET'],
      ['OPTIONS', '/v1/members', 'method_not_allowed', 'GET'],
    ];
    for (const [method, path, code, allowedMethod] of rows) {
      const response = await owner.call<ProblemBody>(path, { method });
      expectProblem(response, code, `${method} ${path.slice(0, 60)}`);
      if (allowedMethod !== undefined)
        assert.match(response.headers.get('allow') ?? '', new RegExp(`\\b${allowedMethod}\\b`));
    }
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json']) {
      const edit = { method: 'PATCH', body: 'x', headers: { 'content-type': type } };
      expectProblem(await testServer.call<ProblemBody>(`/v1/access-tokens/${keyId}`, edit), 'immutable', type);
    }
    const withBody = await owner.call<ProblemBody>('/v1/nothing', {
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    });
    expectProblem(withBody, 'not_found', 'an unknown URL with a body');
  });

  test('each invalid query parameter is refused by name, as is a cursor of another list', async () => {
    await createToken(owner, ['all']);
    const page = await owner.call<{ nextCursor: string }>('/v1/access-tokens?limit=1');
    const cursor = page.body.nextCursor;
    const forgedCursor = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const rows: [path: string, field: string][] = [
      ['/v1/access-tokens?limit=0', 'limit'],
      ['/v1/access-tokens?limit=201', 'limit'],
      ['/v1/access-tokens?limit=-1', 'limit'],
      ['/v1/access-tokens?limit=1.5', 'limit'],
      ['/v1/access-tokens?limit=1e2', 'limit'],
      ['/v1/access-tokens?limit=abc', 'limit'],
      ['/v1/access-tokens?limit=', 'limit'],
      ['/v1/access-tokens?limit=1&limit=2', 'limit'],
      ['/v1/access-tokens?limit[]=1', 'limit[]'],
      ['/v1/access-tokens?cursor=', 'cursor'],
      ['/v1/access-tokens?cursor=nonsense', 'cursor'],
      [`/v1/access-tokens?cursor=${'x'.repeat(5000)}`, 'cursor'],
      [`/v1/access-tokens?cursor=${cursor.slice(0, -3)}`, 'cursor'],
      [`/v1/access-tokens?sort=name&cursor=${cursor}`, 'cursor'],
      [`/v1/access-tokens?sort=createdAt&cursor=${cursor}`, 'cursor'],
      [`/v1/members?cursor=${cursor}`, 'cursor'],
      [`/v1/audit-events?cursor=${cursor}`, 'cursor'],
      [`/v1/access-tokens?cursor=${forgedCursor(['-createdAt', 'x', 'tok_1'])}`, 'cursor'],
      [`/v1/access-tokens?cursor=${forgedCursor(['-createdAt', 1e300, 'tok_1'])}`, 'cursor'],
      [`/v1/access-tokens?cursor=${forgedCursor(['-createdAt', 1, { a: 1 }])}`, 'cursor'],
      [`/v1/access-tokens?cursor=${forgedCursor({})}`, 'cursor'],
      ['/v1/access-tokens?sort=secret', 'sort'],
      ['/v1/access-tokens?sort=--name', 'sort'],
      ['/v1/access-tokens?status=inactive', 'status'],
      ['/v1/api-keys?status=gone', 'status'],
      ['/v1/access-tokens?scope=read', 'scope'],
      ['/v1/access-tokens?permission=read', 'permission'],
      ['/v1/api-keys?permission=all', 'permission'],
      ['/v1/api-keys?scope=all', 'scope'],
      [`/v1/api-keys?q=${'x'.repeat(256)}`, 'q'],
      ['/v1/api-keys?unusedForDays=-1', 'unusedForDays'],
      ['/v1/api-keys?unusedForDays=x', 'unusedForDays'],
      ['/v1/api-keys?expiresWithinDays=0', 'expiresWithinDays'],
      ['/v1/access-tokens?expiresWithinDays=36501', 'expiresWithinDays'],
      ['/v1/access-tokens?neverExpires=1', 'neverExpires'],
      ['/v1/api-keys?neverExpires=', 'neverExpires'],
      ['/v1/api-keys?expand=secret', 'expand'],
      ['/v1/api-keys?__proto__=1', '__proto__'],
      ['/v1/audit-events?action=nonsense', 'action'],
      ['/v1/audit-events?from=yesterday', 'from'],
      ['/v1/audit-events?to=2030-01-01', 'to'],
    ];
    const stateBefore = await readState();
    for (const [path, field] of rows) {
      const response = await owner.call<ProblemBody>(path);
      expectProblem(response, 'validation_failed', path);
      assert.ok(
        response.body.errors?.some((error) => error.field === field),
        `${path}: ${response.text}`,
      );
      const messages = response.body.errors?.map((error) => `${error.field}: ${error.message}`) ?? [];
      assert.equal(new Set(messages).size, messages.length, `${path} repeats no message`);
    }
    assert.equal(await readState(), stateBefore);
  });

  test('a name of any length can be searched for in full', async () => {
    const name = '🗝'.repeat(255);
    const { id } = await createKey(owner, ['read'], { name });
    const page = await owner.call<{ data: { id: string }[] }>(`/v1/api-keys?q=${encodeURIComponent(name)}`);
    assert.deepEqual(
      page.body.data.map((key) => key.id),
      [id],
    );
  });

  test('a list of the longest names sorted by name can be paged to its end', async () => {
    for (let count = 0; count < 3; count++) await createKey(owner, ['delete'], { name: '🔑'.repeat(255) });
    const pagedIds: string[] = [];
    let cursor = '';
    do {
      const page = await owner.call<{ data: { id: string }[]; nextCursor: string | null }>(
        `/v1/api-keys?sort=-name&permission=delete&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      assert.equal(page.status, 200, page.text);
      pagedIds.push(...page.body.data.map(({ id }) => id));
      cursor = page.body.nextCursor ?? '';
    } while (cursor !== '');
    assert.equal(new Set(pagedIds).size, 3);
  });

  test('duplicate, oversized and malformed headers are refused', async () => {
    const sessionHeaders = [`Cookie: ${owner.cookie}`, `Origin: ${testServer.url}`];
    const body = JSON.stringify(token);
    const length = `Content-Length: ${Buffer.byteLength(body)}`;
    const rows: [lines: string[], body: string, statuses: number[]][] = [
      [
        [
          'POST /v1/access-tokens HTTP/1.1',
          ...sessionHeaders,
          'Content-Type: text/plain',
          'Content-Type: application/json',
          length,
        ],
        body,
        [415],
      ],
      [
        ['POST /v1/access-tokens HTTP/1.1', ...sessionHeaders, 'Content-Type: application/json', length, length],
        body,
        [400],
      ],
      [
        [
          'POST /v1/access-tokens HTTP/1.1',
          ...sessionHeaders,
          'Content-Type: application/json',
          length,
          'Transfer-Encoding: chunked',
        ],
        body,
        [400],
      ],
      [
        [
          'POST /v1/access-tokens HTTP/1.1',
          ...sessionHeaders,
          `Origin: https://evil.example`,
          'Content-Type: application/json',
          length,
        ],
        body,
        [403],
      ],
      [
        [
          'POST /v1/access-tokens HTTP/1.1',
          ...sessionHeaders,
          'Idempotency-Key: a',
          'Idempotency-Key: b',
          'Content-Type: application/json',
          length,
        ],
        body,
        [422],
      ],
      [
        [
          'POST /v1/access-tokens HTTP/1.1',
          ...sessionHeaders,
          'Idempotency-Key: \xe9',
          'Content-Type: application/json',
          length,
        ],
        body,
        [422],
      ],
      [
        [
          'POST /v1/access-tokens HTTP/1.1',
          ...sessionHeaders,
          `Idempotency-Key: ${'x'.repeat(256)}`,
          'Content-Type: application/json',
          length,
        ],
        body,
        [422],
      ],
      [['GET /v1/access-tokens HTTP/1.1', ...sessionHeaders, 'Devpilot-Workspace: \xff\xfe'], '', [404]],
      [
        ['GET /v1/access-tokens HTTP/1.1', ...sessionHeaders, 'Devpilot-Workspace: acme', 'Devpilot-Workspace: acme'],
        '',
        [404],
      ],
      [['GET /v1/access-tokens HTTP/1.1', ...sessionHeaders, `Devpilot-Workspace: ${'x'.repeat(5000)}`], '', [404]],
      [['GET /v1/access-tokens HTTP/1.1', ...sessionHeaders, `X-Padding: ${'x'.repeat(40_000)}`], '', [400, 431]],
      [['GET /v1/access-tokens HTTP/9.9', ...sessionHeaders], '', [400]],
      [['nonsense'], '', [400]],
      [['GET /v1/access-tokens HTTP/1.1', 'Broken Header'], '', [400]],
      [['GET /v1/\xff\xfe HTTP/1.1'], '', [400, 404]],
    ];
    const stateBefore = await readState();
    for (const [lines, requestBody, statuses] of rows) {
      const response = await sendRawRequest(testServer.url, lines, requestBody);
      assert.ok(
        statuses.includes(response.status),
        `${lines.join(' | ').slice(0, 200)} → ${response.status} ${response.text}`,
      );
      assert.equal(response.headers.get('content-type'), 'application/problem+json', lines.join(' | ').slice(0, 200));
    }
    assert.equal(await readState(), stateBefore);
  });

  test('sign-ups, workspaces and invitations with invalid fields are refused', async () => {
    const person = { name: 'Eve', email: 'eve@example.com', password: PASSWORD };
    const signUp = (body: unknown) => testServer.call<ProblemBody>('/v1/people', { method: 'POST', body });
    await expectRefused(
      [
        ...[
          '',
          'eve',
          'eve@',
          '@example.com',
          'a b@example.com',
          `${'x'.repeat(250)}@example.com`,
          1,
          null,
          ['a@b.co'],
          'a@b.co\u0000',
        ].map((email): InvalidBody => [{ ...person, email }, 'email']),
        ...['', '1234567', 'x'.repeat(256), 1, null, {}].map(
          (password): InvalidBody => [{ ...person, password }, 'password'],
        ),
        ...['', '  ', 'x'.repeat(256), 'a\nb', null].map((name): InvalidBody => [{ ...person, name }, 'name']),
        [{ ...person, role: 'owner' }, 'role'],
        [{ ...person, setupCode: 1 }, 'setupCode'],
      ],
      signUp,
    );
    await expectRefused(
      [
        [{ name: 'ab' }, 'name'],
        [{ name: 'Third', slug: 'Not A Slug' }, 'slug'],
        [{ name: 'Third', slug: '-x' }, 'slug'],
        [{ name: 'Third', slug: '' }, 'slug'],
        [{ name: 'Third', ownerId: 'per_x' }, 'ownerId'],
      ],
      postTo('/v1/workspaces'),
    );
    await expectRefused(
      [
        [{ email: 'x@example.com', role: 'owner' }, 'role'],
        [{ email: 'x@example.com', role: 'Admin' }, 'role'],
        [{ email: 'x@example.com' }, 'role'],
        [{ email: 'x', role: 'member' }, 'email'],
      ],
      postTo('/v1/invitations'),
    );
  });

  test('fuzz: the response of a list to any query is 200, 400 or 422', async () => {
    const name = fc.constantFrom(
      'limit',
      'cursor',
      'q',
      'status',
      'scope',
      'createdBy',
      'unusedForDays',
      'expiresWithinDays',
      'neverExpires',
      'sort',
      'x',
      '',
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('1', '-name', 'active', 'all', 'true'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 4 }), async (pairs) => {
        const query = new URLSearchParams(pairs.map(([name, value]) => [name, value.toWellFormed()]));
        const response = await owner.call(`/v1/access-tokens?${query}`);
        assert.ok([200, 400, 422].includes(response.status), `${query} → ${response.status}`);
      }),
      { numRuns: 150 },
    );
  });

  test('fuzz: any cursor is accepted or refused, and never causes an internal error', async () => {
    const cursorText = fc.oneof(
      fc.json({ maxDepth: 2 }),
      fc
        .tuple(fc.constantFrom('-createdAt', 'name'), fc.oneof(fc.integer(), fc.double(), fc.string()), fc.string())
        .map((parts) => JSON.stringify(parts)),
      fc.string({ unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(cursorText, fc.constantFrom('', '&sort=name'), async (text, sort) => {
        const cursor = Buffer.from(text).toString('base64url');
        const response = await owner.call(`/v1/access-tokens?cursor=${cursor}${sort}`);
        assert.ok([200, 422].includes(response.status), `${text} → ${response.status}`);
      }),
      { numRuns: 150 },
    );
  });

  test('fuzz: any JSON body is accepted or refused, and never causes an internal error', async () => {
    now += 1;
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 3, stringUnit: 'binary' }), async (body) => {
        const headers = { 'content-type': 'application/json' };
        const response = await owner.call(`/v1/api-keys/${keyId}`, { method: 'PATCH', headers, body });
        assert.ok([200, 422].includes(response.status), `${body} → ${response.status} ${response.text}`);
      }),
      { numRuns: 150 },
    );
  });
});
