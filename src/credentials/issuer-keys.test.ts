import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { MINUTE, SECOND } from '../contract/limits.ts';
import { createOutbound } from '../outbound/outbound.ts';
import { startWorkloadIssuer, type WorkloadIssuer } from '../testing/workload-issuer.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';
import { verifySubjectToken } from './subject-token.ts';

let issuer: WorkloadIssuer;
let defaultResponse: WorkloadIssuer['respond'];
let keys: IssuerKeys;
let now = Date.now();
before(async () => {
  issuer = await startWorkloadIssuer();
  defaultResponse = issuer.respond;
});
after(() => issuer.close());
beforeEach(() => {
  issuer.respond = defaultResponse;
  issuer.requests.length = 0;
  keys = createIssuerKeys(createOutbound({ policy: 'any' }), () => now, 200);
});

const verify = async (token: string | Promise<string>, jwksUrl: string | null = null) =>
  verifySubjectToken(keys, { issuer: issuer.url, jwksUrl }, await token);
const sign = (claims: Parameters<WorkloadIssuer['sign']>[0], options?: Parameters<WorkloadIssuer['sign']>[1]) =>
  issuer.sign({ iss: issuer.url, ...claims }, options);
const reasonOf = async (token: string | Promise<string>) => {
  const verified = await verify(token);
  return verified.claims === null ? verified.reason : 'ok';
};

test('the keys of an issuer are read once in ten minutes, even for parallel requests', async () => {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => sign({})));
  assert.deepEqual(new Set(await Promise.all(tokens.map(reasonOf))), new Set(['ok']));
  assert.deepEqual(issuer.requests, ['/.well-known/openid-configuration', '/keys']);
  now += 10 * MINUTE;
  assert.equal(await reasonOf(sign({})), 'ok');
  assert.equal(issuer.requests.length, 4);
});

test('a new key is read when a token first uses it, but unknown keys cause at most one read per minute', async () => {
  assert.equal(await reasonOf(sign({})), 'ok');
  now += MINUTE;
  const key = await issuer.addKey(`second-${now}`);
  assert.equal(await reasonOf(sign({}, { key })), 'ok');
  assert.equal(issuer.requests.length, 4);
  for (let count = 0; count < 10; count++) {
    assert.equal(await reasonOf(sign({}, { header: { kid: `unknown-${count}` } })), 'key');
  }
  assert.equal(issuer.requests.length, 4);
  now += MINUTE;
  assert.equal(await reasonOf(sign({}, { header: { kid: 'unknown' } })), 'key');
  assert.equal(issuer.requests.length, 6);
});

test('a withdrawn key is no longer accepted once the keys are read again', async () => {
  const key = await issuer.addKey('withdrawn');
  assert.equal(await reasonOf(sign({}, { key })), 'ok');
  issuer.jwks.keys = issuer.jwks.keys.filter(({ kid }) => kid !== 'withdrawn');
  now += 10 * MINUTE;
  assert.equal(await reasonOf(sign({}, { key })), 'key');
});

test('RS256, PS256, EdDSA and ES256 are accepted, RS512 and ES384 are not', async () => {
  for (const alg of ['RS256', 'PS256', 'EdDSA', 'ES256', 'RS512', 'ES384']) {
    const key = await issuer.addKey(`key-${alg}`, alg);
    keys = createIssuerKeys(createOutbound({ policy: 'any' }), () => now, 200);
    assert.equal(await reasonOf(sign({}, { key })), /512|384/.test(alg) ? 'algorithm' : 'ok', alg);
  }
});

test('an issuer that hangs or sends oversized or invalid responses is reported as unavailable within five seconds, and the next time without another request', async () => {
  const token = await sign({});
  const large = Buffer.alloc(10 * 1_048_576, ' ');
  const faultyResponses: Readonly<Record<string, WorkloadIssuer['respond']>> = {
    hangs: () => undefined,
    'sends one byte': (_, response) => response.write('{'),
    'sends 10 MB': (path, response) => (path === '/keys' ? response.end(large) : defaultResponse(path, response)),
    'sends many keys': (path, response) =>
      path === '/keys' ? response.end(JSON.stringify({ keys: Array(101).fill({}) })) : defaultResponse(path, response),
    'sends no keys': (path, response) => (path === '/keys' ? response.end('[]') : defaultResponse(path, response)),
    redirects: (_, response) => response.writeHead(302, { location: `${issuer.url}/keys` }).end(),
    'names a file': (_, response) =>
      response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: 'file:///etc/passwd' })),
    'names another issuer': (_, response) =>
      response.end(JSON.stringify({ issuer: 'https://x', jwks_uri: `${issuer.url}/keys` })),
  };
  for (const [name, respond] of Object.entries(faultyResponses)) {
    issuer.respond = respond;
    keys = createIssuerKeys(createOutbound({ policy: 'any' }), () => now, 200);
    const startedAt = performance.now();
    await assert.rejects(verify(token), { code: 'unavailable' }, name);
    assert.ok(performance.now() - startedAt < 5 * SECOND, name);
    const { length } = issuer.requests;
    await assert.rejects(verify(token), { code: 'unavailable' }, name);
    assert.equal(issuer.requests.length, length, `${name}: no second request within the pause`);
  }
});

test('while the keys of an issuer cannot be read, cached ones are used until an hour after they were read', async () => {
  assert.equal(await reasonOf(sign({})), 'ok');
  issuer.respond = (_, response) => response.writeHead(500).end();
  now += 59 * MINUTE;
  assert.equal(await reasonOf(sign({})), 'ok');
  now += MINUTE;
  await assert.rejects(verify(sign({})), { code: 'unavailable' });
});

test('with a configured JWKS URL, the discovery document is not read', async () => {
  assert.notEqual((await verify(sign({}), `${issuer.url}/keys`)).claims, null);
  assert.deepEqual(issuer.requests, ['/keys']);
});

test('symmetric and oversized keys of an issuer are ignored', async () => {
  const published = issuer.jwks.keys;
  issuer.jwks.keys = [
    { kty: 'oct', kid: 'first', k: 'c2VjcmV0' },
    { kty: 'RSA', kid: 'first', alg: 'RS256', n: 'x'.repeat(200_000), e: 'AQAB' },
  ];
  assert.equal(await reasonOf(sign({})), 'key');
  issuer.jwks.keys = published;
});
