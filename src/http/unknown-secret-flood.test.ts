import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import { UNKNOWN_SECRET_LIMITS } from '../contract/limits.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

const CONCURRENCY = 50;

forEachEngine('a flood of unknown secrets', (engine) => {
  let now = Date.now();
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    const environment = { ...(await engine.environment()), DEVPILOT_TRUST_PROXY: '127.0.0.1' };
    testServer = await startTestServer({ clock: () => now, environment });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const forwardedFor = (address: string) => ({ 'x-forwarded-for': address });
  const send = (path: string, secret: string, address: string) =>
    testServer.call<{ code?: string }>(path, { headers: { ...bearer(secret), ...forwardedFor(address) } });

  /** Sends `count` unknown secrets. Returns the number of responses per status and code. */
  async function flood(path: string, count: number, address: string, kind: 'api_key' | 'session' = 'api_key') {
    const responseCounts = new Map<string, number>();
    let remaining = count;
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        while (remaining-- > 0) {
          const { status, body } = await send(path, mintSecret(kind), address);
          const statusAndCode = `${status} ${body.code ?? ''}`;
          responseCounts.set(statusAndCode, (responseCounts.get(statusAndCode) ?? 0) + 1);
        }
      }),
    );
    return responseCounts;
  }

  test('unknown secrets are limited per address, without affecting cached credentials or other addresses', async () => {
    const cachedKey = await createKey(owner, ['read']);
    const uncachedToken = await createToken(owner, ['all']);
    const otherAddressKey = await createKey(owner, ['read']);
    assert.equal((await send('/v1/authorize', cachedKey.secret, '10.0.0.1')).status, 200);

    const responseCounts = await flood('/v1/authorize', UNKNOWN_SECRET_LIMITS.burst + 1000, '10.0.0.1');
    const rejected = responseCounts.get('401 invalid_token') ?? 0;
    // Requests whose lookups are in flight when the limit is reached still get invalid_token.
    assert.ok(
      rejected >= UNKNOWN_SECRET_LIMITS.burst && rejected < UNKNOWN_SECRET_LIMITS.burst + CONCURRENCY,
      `${rejected}`,
    );
    assert.equal(rejected + (responseCounts.get('401 rate_limited') ?? 0), UNKNOWN_SECRET_LIMITS.burst + 1000);

    assert.equal((await send('/v1/authorize', cachedKey.secret, '10.0.0.1')).status, 200);
    assert.equal((await send('/v1/authorize', otherAddressKey.secret, '10.0.0.2')).status, 200);
    assert.equal((await send('/v1/authorize', mintSecret('api_key'), '10.0.0.2')).body.code, 'invalid_token');
    const limited = await send('/v1/whoami', mintSecret('access_token'), '10.0.0.1');
    assert.equal(`${limited.status} ${limited.body.code}`, '429 rate_limited');
    assert.ok(Number(limited.headers.get('retry-after')) >= 1);
    const revoked = await testServer.call('/v1/revoke', {
      body: new URLSearchParams({ token: mintSecret('api_key') }),
      headers: forwardedFor('10.0.0.1'),
    });
    assert.equal(revoked.status, 429);
    assert.equal((await owner.call('/v1/me', { headers: forwardedFor('10.0.0.1') })).status, 200);

    now += 1000;
    assert.equal((await send('/v1/authorize', uncachedToken.secret, '10.0.0.1')).status, 200);
    assert.equal((await send('/v1/authorize', mintSecret('api_key'), '10.0.0.1')).body.code, 'invalid_token');
  });

  test('unknown session secrets are limited per address, without affecting credentials', async () => {
    const responseCounts = await flood('/v1/me', UNKNOWN_SECRET_LIMITS.burst + 200, '10.0.1.1', 'session');
    assert.ok((responseCounts.get('429 rate_limited') ?? 0) > 200 - CONCURRENCY);
    assert.equal(responseCounts.size, 2);
    const key = await createKey(owner, ['read']);
    assert.equal((await send('/v1/authorize', key.secret, '10.0.1.1')).status, 200);
    assert.equal((await owner.call('/v1/me', { headers: forwardedFor('10.0.1.2') })).status, 200);
  });
});
