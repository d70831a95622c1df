import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FAILURE_LIMITS, LIMITS } from '../contract/limits.ts';
import {
  bearer,
  createToken,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

/** Limits count clients, not addresses: each test sends every request from its own new address /64. */
describe('limits per client', () => {
  const now = Date.parse('2027-02-24T09:30:00.000Z');
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    const environment = { DEVPILOT_TRUST_PROXY: '127.0.0.1/32', DEVPILOT_SIGN_UP: 'open' };
    testServer = await startTestServer({ clock: () => now, environment });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  /** Sends `count` requests from addresses of one network and returns the number of responses per status. */
  async function statusesFrom(
    network: number,
    count: number,
    send: (index: number) => { path: string; body: unknown; headers?: Record<string, string> },
  ): Promise<Record<number, number>> {
    const statuses: Record<number, number> = {};
    for (let index = 0; index < count; index++) {
      const { path, body, headers } = send(index);
      const from = { 'x-forwarded-for': `2001:db8:0:${network}::${index.toString(16)}` };
      const { status } = await testServer.call(path, { method: 'POST', body, headers: { ...from, ...headers } });
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return statuses;
  }

  const signIn = (email: string) => ({ path: '/v1/sessions', body: { email, password: 'not the password' } });
  const { count: strangers } = FAILURE_LIMITS.acrossAccounts;

  test('wrong passwords are limited for one account and over many accounts', async () => {
    const { count } = FAILURE_LIMITS.signIn.perAddress;
    assert.deepEqual(await statusesFrom(1, 12, () => signIn(owner.email)), { 401: count, 429: 12 - count });
    const many = await statusesFrom(2, 45, (index) => signIn(`nobody-${index}@example.com`));
    assert.deepEqual(many, { 401: strangers, 429: 45 - strangers });
    const elsewhere = await statusesFrom(3, 1, () => signIn('nobody-50@example.com'));
    assert.deepEqual(elsewhere, { 401: 1 });
  });

  test('an IPv4-mapped IPv6 address is the same client as its IPv4 address', async () => {
    const { count } = FAILURE_LIMITS.signIn.perAddress;
    for (const [index, address] of ['192.0.2.9', '::ffff:192.0.2.9', '::ffff:c000:209'].entries()) {
      const headers = { 'x-forwarded-for': address };
      for (let responses = 0; responses < count; responses++) {
        const response = await testServer.call('/v1/sessions', { body: signIn('mapped@example.com').body, headers });
        assert.equal(response.status, index === 0 ? 401 : 429, address);
      }
    }
  });

  test('sign-ups with a taken email address, refused before the password is checked, and successful ones', async () => {
    const signUp = (email: string, password: string) => ({
      path: '/v1/people',
      body: { name: 'Eve', email, password },
    });
    // A common password would be answered with 422 if it were checked.
    const taken = await statusesFrom(4, 40, () => signUp(owner.email, 'password'));
    assert.deepEqual(taken, { 409: strangers, 429: 40 - strangers });
    // Over the limit, a sign-up that would succeed is refused too.
    assert.deepEqual(await statusesFrom(4, 1, () => signUp('late@example.com', PASSWORD)), { 429: 1 });
    const statuses = await statusesFrom(5, 32, (index) => signUp(`eve-${index}@example.com`, PASSWORD));
    assert.deepEqual(statuses, { 201: strangers, 429: 32 - strangers });
  });

  test('concurrent sign-ups are limited to the same number', async () => {
    const headers = { 'x-forwarded-for': '2001:db8:0:9::1' };
    const body = { name: 'Eve', email: owner.email, password: PASSWORD };
    const sent = Array.from({ length: 60 }, () => testServer.call('/v1/people', { body, headers }));
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 409).length, strangers);
    assert.equal(statuses.filter((status) => status === 429).length, 60 - strangers);
  });

  test('device codes, password resets, passkey challenges and passphrases are limited', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const device = await statusesFrom(6, 33, () => ({
      path: '/v1/device/code',
      body: 'client_id=test',
      headers: form,
    }));
    assert.deepEqual(device, { 200: strangers, 429: 33 - strangers });
    const reset = () => ({ path: '/v1/password-resets', body: { email: 'nobody@example.com' } });
    assert.deepEqual(await statusesFrom(10, 33, reset), { 202: strangers, 429: 33 - strangers });
    const code = () => ({ path: '/v1/password-resets/made-up', body: { password: PASSWORD } });
    assert.deepEqual(await statusesFrom(11, 33, code), { 404: strangers, 429: 33 - strangers });
    const { max } = LIMITS.passkeyChallenges;
    const challenges = await statusesFrom(7, max + 5, () => ({ path: '/v1/sessions/passkey/options', body: {} }));
    assert.deepEqual(challenges, { 200: max, 429: 5 });
    const { secret } = await createToken(owner, ['all'], { passphrase: 'a passphrase of ours' });
    const { count } = FAILURE_LIMITS.passphrase.perAddress;
    const wrong = { ...bearer(secret), 'access-token-passphrase': 'another passphrase' };
    const tried = await statusesFrom(8, 9, () => ({ path: '/v1/errors/events', body: {}, headers: wrong }));
    assert.deepEqual(tried, { 401: count, 429: 9 - count });
  });
});
