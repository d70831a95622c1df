import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { mintSecret } from '../authorization/secret.ts';
import { Problem } from '../contract/problem.ts';
import { sendRawRequest } from '../testing/raw-http.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { scaledTimeout } from '../testing/timeouts.ts';
import { parseAuthorization, parseCookieValues } from './credentials-from-request.ts';

const PASSPHRASE = 'pässwort: 🔑 Ünïcode';

let testServer: TestServer;
let owner: TestPerson;
let token: string;
let tokenWithPassphrase: string;
let key: string;
before(async () => {
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  token = (await createToken(owner, ['all'])).secret;
  tokenWithPassphrase = (await createToken(owner, ['all'], { passphrase: PASSPHRASE })).secret;
  key = (await createKey(owner, ['read'])).secret;
});
after(() => testServer.close());

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');
const latin1 = (text: string) => Buffer.from(text).toString('latin1');

/** Sends the raw header lines of each row, by default to `/v1/whoami`, and checks the status and error code. */
async function expectResponses(
  rows: readonly (readonly [headers: readonly string[], status: number, code?: string, path?: string])[],
): Promise<void> {
  for (const [headers, status, code, path = '/v1/whoami'] of rows) {
    const response = await sendRawRequest(testServer.url, [`GET ${path} HTTP/1.1`, ...headers]);
    const message = `${path} ${headers.join(' | ')} → ${response.status} ${response.text}`;
    assert.equal(response.status, status, message);
    if (code !== undefined) assert.equal((JSON.parse(response.text) as { code: string }).code, code, message);
  }
}

test('a credential is accepted in every header that the API documents', async () => {
  const utf8 = latin1(PASSPHRASE);
  await expectResponses([
    [[`Authorization: Bearer ${token}`], 200],
    [[`authorization: bearer ${token}`], 200],
    [[`AUTHORIZATION: BEARER   ${token}  `], 200],
    [[`Authorization: Bearer ${key}`], 200],
    [[`X-API-Key: ${key}`], 200],
    [[`x-api-key:${key}`], 200],
    [[`Authorization: Basic ${base64(`${token}:`)}`], 200],
    [[`Authorization: basic ${base64(`${tokenWithPassphrase}:${PASSPHRASE}`)}`], 200],
    [[`Authorization: Basic ${base64(`anything:${key}`)}`], 200],
    [[`Authorization: Basic ${base64(`:${key}`)}`], 200],
    [[`Authorization: Basic ${base64(`${key}:`)}`], 200],
    [[`Authorization: Basic ${base64(`${key}:anything`)}`], 200],
    [[`Authorization: Basic ${base64(`anything:${token}`)}`], 200],
    [[`Authorization: Basic ${base64(`:${tokenWithPassphrase}`)}`, `Access-Token-Passphrase: ${utf8}`], 200],
    [[`Authorization: Bearer ${tokenWithPassphrase}`, `Access-Token-Passphrase: ${utf8}`], 200],
    [[`Authorization: Basic ${base64(`${tokenWithPassphrase}:`)}`, `Access-Token-Passphrase: ${utf8}`], 200],
    [
      [`Authorization: Basic ${base64(`${tokenWithPassphrase}:${PASSPHRASE}`)}`, `Access-Token-Passphrase: ${utf8}`],
      200,
    ],
    [[`Authorization: Bearer ${token}`, 'X-API-Key:'], 200],
    [['Authorization:', `X-API-Key: ${key}`], 200],
    [[`Authorization: Bearer ${owner.cookie.split('=')[1]}`], 200],
    [[`Cookie: other=1; ${owner.cookie}; third="x"`], 200],
  ]);
});

test('a passphrase header is read as UTF-8, in composed or decomposed form', async () => {
  const authorization = `Authorization: Bearer ${tokenWithPassphrase}`;
  await expectResponses([
    [[authorization, `Access-Token-Passphrase: ${latin1(PASSPHRASE.normalize('NFD'))}`], 200],
    [[authorization], 401, 'passphrase_required'],
    [[authorization, 'Access-Token-Passphrase:'], 401, 'passphrase_required'],
    [[authorization, 'Access-Token-Passphrase: wrong'], 401, 'passphrase_incorrect'],
    // These bytes are ISO 8859-1, which is not valid UTF-8.
    [[authorization, 'Access-Token-Passphrase: p\xe4sswort'], 400, 'invalid_request'],
    [[authorization, 'Access-Token-Passphrase: \xff\xfe'], 400, 'invalid_request'],
    [[`Authorization: Basic ${base64(`${tokenWithPassphrase}:wrong again`)}`], 401, 'passphrase_incorrect'],
    [[`Authorization: Bearer ${token}`, 'Access-Token-Passphrase: not required'], 200],
  ]);
});

test('a malformed or missing credential gets 401, and never causes an internal error', async () => {
  await expectResponses([
    [['Authorization: Bearer'], 401, 'invalid_token'],
    [['Authorization: Bearer '], 401, 'invalid_token'],
    [[`Authorization: ${token}`], 401, 'invalid_token'],
    [[`Authorization: Token ${token}`], 401, 'invalid_token'],
    [[`Authorization: Bearer "${token}"`], 401, 'invalid_token'],
    [[`Authorization: Bearer ${token},`], 401, 'invalid_token'],
    [[`Authorization: Bearer ${token.slice(0, -1)}`], 401, 'invalid_token'],
    [[`Authorization: Bearer ${token}x`], 401, 'invalid_token'],
    [[`Authorization: Bearer ${token.slice(0, -1)}\xe9`], 401, 'invalid_token'],
    [['Authorization: \xff\xfe\xfd'], 401, 'invalid_token'],
    [[`Authorization: Bearer ${mintSecret('access_token')}`], 401, 'invalid_token'],
    [[`X-API-Key: ${token}`], 401, 'invalid_token'],
    [['X-API-Key: \x80\x81'], 401, 'invalid_token'],
    [['Authorization: Basic'], 401, 'invalid_token'],
    [['Authorization: Basic !!!'], 401, 'invalid_token'],
    [[`Authorization: Basic ${base64(token)}`], 401, 'invalid_token'],
    [[`Authorization: Basic ${base64(Buffer.from([0xff, 0x3a, 0xff]))}`], 401, 'invalid_token'],
    [[`Authorization: Basic ${base64('ada@example.com:a password')}`], 401, 'invalid_token'],
    [[`Authorization: Basic ${base64(`${owner.cookie.split('=')[1]}:`)}`], 401, 'invalid_token'],
    [['Cookie: devpilot=nonsense'], 401, 'invalid_token'],
    [[], 401, 'missing_credential'],
    [['Authorization:'], 401, 'missing_credential'],
    [['Access-Token-Passphrase: alone'], 401, 'missing_credential'],
  ]);
});

test('if a well-formed secret is in a header or form that does not accept it, the refusal names the header', async () => {
  const rows: [header: string, hint: string | null][] = [
    [`Authorization: ${token}`, 'Authorization contains an access token'],
    [`Authorization: Token ${token}`, 'Authorization contains an access token'],
    [`Authorization: Bearer "${key}"`, 'Authorization contains an API key'],
    [`X-API-Key: ${token}`, 'X-API-Key contains an access token'],
    [`Private-Token: ${key}`, 'Private-Token contains an API key'],
    [`Cookie: a=b; token=${token}`, 'Cookie contains an access token'],
    [`Authorization: Bearer ${mintSecret('access_token')}`, null],
    [`X-API-Key: ${mintSecret('api_key')}`, null],
    [`Cookie: devpilot=${mintSecret('session')}`, null],
    [`Private-Token: ${key.slice(0, -1)}`, null],
  ];
  for (const [header, hint] of rows) {
    for (const path of ['/v1/whoami', '/v1/authorize']) {
      const { status, text } = await sendRawRequest(testServer.url, [`GET ${path} HTTP/1.1`, header]);
      const { detail } = JSON.parse(text) as { detail: string };
      assert.equal(status, 401, `${path} ${header}`);
      if (hint === null) assert.doesNotMatch(detail, / contains /, header);
      else assert.equal(detail.startsWith(`The header ${hint}, `), true, `${path} ${header} → ${detail}`);
    }
  }
});

test('a 401 offers Basic to all clients except browsers, which would show a password dialog', async () => {
  const basic = 'Basic realm="devpilot", charset="UTF-8"';
  const browser = 'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  const rows: [headers: string[], isBasicOffered: boolean][] = [
    [[], true],
    [['User-Agent: curl/8.14.1'], true],
    [['User-Agent: Wget/1.25.0'], true],
    [[browser], false],
    [[browser.toLowerCase()], false],
    [['User-Agent: other', 'Sec-Fetch-Mode: cors'], false],
  ];
  for (const [headers, isBasicOffered] of rows) {
    for (const [path, status] of [
      ['/v1/whoami', 401],
      ['/v1/authorize', 401],
      ['/v1/authorize?scope=all', 403],
    ] as const) {
      const authorization = status === 403 ? [`Authorization: Bearer ${key}`] : [];
      const response = await sendRawRequest(testServer.url, [`GET ${path} HTTP/1.1`, ...headers, ...authorization]);
      const challenges = response.headers.get('www-authenticate') ?? '';
      assert.equal(response.status, status);
      assert.match(challenges, /^Bearer realm="devpilot"/, path);
      assert.equal(challenges.includes(basic), isBasicOffered && status === 401, `${path} ${headers} → ${challenges}`);
    }
  }
});

test('a request with two credentials or two passphrases is refused', async () => {
  const headers = [
    `Authorization: Bearer ${token}`,
    `Authorization: Basic ${base64(`x:${key}`)}`,
    `X-API-Key: ${key}`,
    `Cookie: ${owner.cookie}`,
  ];
  const pairs = headers.flatMap((first) => headers.map((second) => [first, second] as const));
  await expectResponses([
    ...pairs.map((pair) => [pair, 400, 'invalid_request'] as const),
    [[`Authorization: Basic ${base64(`${token}:${key}`)}`], 400, 'invalid_request'],
    [[`Authorization: Basic ${base64(`${key}:${key}`)}`], 400, 'invalid_request'],
    [[`Authorization: Basic ${base64(`${key}:${token}`)}`], 400, 'invalid_request'],
    [
      [`Authorization: Basic ${base64(`${tokenWithPassphrase}:${PASSPHRASE}`)}`, 'Access-Token-Passphrase: another'],
      400,
      'invalid_request',
    ],
    [
      [`Authorization: Bearer ${tokenWithPassphrase}`, 'Access-Token-Passphrase: a', 'Access-Token-Passphrase: b'],
      400,
      'invalid_request',
    ],
    [[`Cookie: ${owner.cookie}; ${owner.cookie}`], 400, 'invalid_request'],
    [[`Cookie: ${owner.cookie}; devpilot=${mintSecret('session')}`], 400, 'invalid_request'],
  ]);
});

test('a credential in the query string is refused in every spelling, even with a valid credential in a header', async () => {
  const percentEncoded = (secret: string) =>
    [...secret].map((character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
  const queries = [
    `access_token=${token}`,
    `api_key=${key}`,
    `x=${key}`,
    `${key}`,
    `token=${percentEncoded(token)}`,
    `a=%zz&b=${percentEncoded(key)}`,
    'access_token=',
    'X-API-Key=1',
    `q=${owner.cookie.split('=')[1]}`,
  ];
  await expectResponses(
    queries.flatMap((query) => [
      [[], 400, 'invalid_request', `/v1/whoami?${query}`] as const,
      [[`Authorization: Bearer ${token}`], 400, 'invalid_request', `/v1/whoami?${query}`] as const,
      [[`Cookie: ${owner.cookie}`], 400, 'invalid_request', `/v1/access-tokens?${query}`] as const,
    ]),
  );
  const revoke = await testServer.call(`/v1/revoke?token=${key}`, { body: new URLSearchParams({ token: 'x' }) });
  assert.equal(revoke.status, 400);
  assert.equal((await testServer.call('/v1/whoami', { headers: bearer(key) })).status, 200);
});

test('a secret in a path is not accepted, and the response does not contain it', async () => {
  const response = await owner.call(`/v1/access-tokens/${token}`);
  assert.equal(response.status, 404);
  assert.ok(!response.text.includes(token));
});

test('fuzz: parsing an Authorization header throws only if it contains two credentials, and parsing cookies never throws', () => {
  const words = fc.constantFrom('Bearer', 'bearer', 'Basic', 'basic', '', ' ', ':', '=', 'dp_', 'workspace_token_');
  const pieces = fc.oneof(words, fc.string({ unit: 'binary', maxLength: 30 }), fc.base64String({ maxLength: 60 }));
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 6 }), fc.constantFrom('', ' '), (parts, join) => {
      const header = parts.join(join);
      try {
        parseAuthorization(header);
      } catch (error) {
        assert.ok(error instanceof Problem && error.code === 'invalid_request', String(error));
      }
      parseCookieValues(`devpilot${header}`, 'devpilot');
    }),
    { numRuns: 5000 },
  );
});

test('long and unusual headers are parsed quickly (without backtracking, unlike in CVE-2024-45296)', () => {
  const start = performance.now();
  for (const piece of ['=', 'A', ' ', ';', 'devpilot=', '%41', 'a=b; ', '\t']) {
    parseAuthorization(`Basic ${piece.repeat(16_000)}`);
    parseAuthorization(`Bearer ${piece.repeat(16_000)}`);
    parseCookieValues(`${piece.repeat(8000)}devpilot`, 'devpilot');
  }
  assert.ok(performance.now() - start < scaledTimeout(2000), 'parsing took too long');
});

test('fuzz: the response to any invalid Authorization header is 400 or 401 with a problem document', async () => {
  const byte = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f);
  const credentialText = fc.oneof(
    fc.array(byte, { maxLength: 60 }).map((codes) => String.fromCharCode(...codes)),
    fc
      .constantFrom(token, key, tokenWithPassphrase)
      .chain((secret) =>
        fc.nat(secret.length - 1).map((index) => `${secret.slice(0, index)}!${secret.slice(index + 1)}`),
      ),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('', 'Bearer ', 'Basic '), credentialText, async (scheme, credentials) => {
      const response = await sendRawRequest(testServer.url, [
        'GET /v1/whoami HTTP/1.1',
        `Authorization: ${scheme}${credentials}`,
      ]);
      assert.ok(response.status === 401 || response.status === 400, `${response.status} ${response.text}`);
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
    }),
    { numRuns: 150 },
  );
});
