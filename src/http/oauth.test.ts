import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

interface OAuthErrorBody {
  readonly error: string;
  readonly error_description: string;
  readonly code: string;
}

let server: TestServer;
let owner: TestPerson;
let key: string;
let token: string;
before(async () => {
  server = await startTestServer();
  owner = await signUpOwner(server);
  key = (await createKey(owner, ['read'])).secret;
  token = (await createToken(owner, ['modify_env'])).secret;
});
after(() => server.close());

const post = <Body = OAuthErrorBody>(path: string, fields: Record<string, string>, headers = {}) =>
  server.call<Body>(path, { method: 'POST', body: new URLSearchParams(fields), headers });
const basicAuthorization = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

test('errors contain error and error_description (RFC 6749, section 5.2) and a problem code', async () => {
  const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' };
  const keyWithoutRead = (await createKey(owner, ['deploy'])).secret;
  const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
  type Fields = Record<string, string>;
  const rows: [path: string, fields: Fields, headers: Fields, status: number, error: string, code: string][] = [
    ['/v1/introspect', {}, bearer(key), 400, 'invalid_request', 'validation_failed'],
    ['/v1/introspect', { token }, {}, 401, 'invalid_client', 'missing_credential'],
    ['/v1/introspect', { token }, basicAuthorization('x', 'nonsense'), 401, 'invalid_client', 'invalid_token'],
    ['/v1/introspect', { token, client_secret: 'nonsense' }, {}, 401, 'invalid_client', 'invalid_token'],
    ['/v1/introspect', { token, client_secret: token }, {}, 401, 'invalid_client', 'invalid_token'],
    ['/v1/introspect', { token, client_secret: key }, bearer(key), 400, 'invalid_request', 'invalid_request'],
    ['/v1/introspect', { token, client_secret: keyWithoutRead }, {}, 403, 'insufficient_scope', 'insufficient_scope'],
    ['/v1/introspect', { token }, bearer(token), 403, 'unauthorized_client', 'wrong_credential_kind'],
    ['/v1/revoke', {}, formHeaders, 400, 'invalid_request', 'validation_failed'],
    ['/v1/device/code', { client_id: 'a\0' }, {}, 400, 'invalid_request', 'validation_failed'],
    ['/v1/oauth/token', {}, formHeaders, 400, 'invalid_request', 'validation_failed'],
    ['/v1/oauth/token', { grant_type: 'password' }, {}, 400, 'unsupported_grant_type', 'invalid_request'],
    ['/v1/oauth/token', { grant_type: DEVICE_GRANT }, {}, 400, 'invalid_request', 'validation_failed'],
    ['/v1/oauth/token', { grant_type: DEVICE_GRANT, device_code: 'x' }, {}, 400, 'invalid_grant', 'invalid_request'],
  ];
  for (const [path, fields, headers, status, error, code] of rows) {
    const response = await post(path, fields, headers);
    const label = `${path} ${Object.keys(fields)}: ${response.text}`;
    assert.deepEqual([response.status, response.body.error, response.body.code], [status, error, code], label);
    assert.equal(response.headers.get('content-type'), 'application/json', label);
    assert.equal(response.headers.get('cache-control'), 'no-store', label);
    // The characters that RFC 6749 allows in error_description.
    assert.match(response.body.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/, label);
    assert.equal(response.headers.has('www-authenticate'), status === 401 || status === 403, label);
  }
  const [repeatedField, plainText] = await Promise.all([
    server.call<OAuthErrorBody>('/v1/revoke', { method: 'POST', headers: formHeaders, body: 'token=a&token=b' }),
    server.call<OAuthErrorBody>('/v1/revoke', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }),
  ]);
  assert.deepEqual([repeatedField.status, repeatedField.body.error], [400, 'invalid_request']);
  assert.deepEqual([plainText.status, plainText.body.error], [415, 'invalid_request']);
});

describe('introspection', () => {
  test('a client authenticates by Bearer, Basic or client_secret, with any client_id', async () => {
    const responses = await Promise.all([
      post<{ active: boolean }>('/v1/introspect', { token }, bearer(key)),
      post<{ active: boolean }>('/v1/introspect', { token }, basicAuthorization('billing', key)),
      post<{ active: boolean }>('/v1/introspect', { token, client_id: 'billing', client_secret: key }),
      post<{ active: boolean }>('/v1/introspect', { token, client_secret: key }),
      post<{ active: boolean }>('/v1/introspect', { token, client_id: 'billing', client_secret: '' }, bearer(key)),
    ]);
    for (const { status, body } of responses) assert.deepEqual([status, body.active], [200, true]);
  });

  test('a client_secret in JSON or in the query is not accepted', async () => {
    const json = await server.call<OAuthErrorBody>('/v1/introspect', { body: { token, client_secret: key } });
    assert.equal(json.status, 415);
    const query = await post(`/v1/introspect?client_secret=${key}`, { token });
    assert.deepEqual([query.status, query.body.error], [400, 'invalid_request']);
  });

  test('whitespace around the token is trimmed, and unknown parameters are ignored', async () => {
    const introspected = await post<{ active: boolean }>(
      '/v1/introspect?audience=x',
      { token: ` ${token}\r\n`, resource: 'https://example.com', scope: 'x' },
      bearer(key),
    );
    assert.deepEqual([introspected.status, introspected.body.active], [200, true], introspected.text);
  });
});

test('revocation trims whitespace around the token and ignores unknown parameters and clients', async () => {
  const { secret } = await createToken(owner, ['modify_env']);
  const fields = { token: `\t${secret} `, client_id: 'x', client_secret: 'unknown', audience: 'x' };
  assert.equal((await post('/v1/revoke', fields)).status, 200);
  assert.equal((await server.call('/v1/whoami', { headers: bearer(secret) })).status, 401);
  assert.equal((await post('/v1/revoke', { token: ' ' })).status, 200);
});
