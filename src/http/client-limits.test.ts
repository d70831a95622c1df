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

/** A client is an IPv6 /64 network. Each limit is tested from a different network, with a new address per request. */
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

  /** Sends requests from different addresses of one network. Returns the number of responses per status. */
  async function countStatuses(
    network: number,
    requestCount: number,
    send: (index: number) => { path: string; body: unknown; headers?: Record<string, string> },
  ): Promise<Record<number, number>> {
    const statuses: Record<number, number> = {};
    for (let index = 0; index < requestCount; index++) {
      const { path, body, headers } = send(index);
      const from = { 'x-forwarded-for': `2001:db8:0:${network}::${index.toString(16)}` };
      const { status } = await testServer.call(path, { method: 'POST', body, headers: { ...from, ...headers } });
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return statuses;
  }

  const signIn = (email: string) => ({ path: '/v1/sessions', body: { email, password: 'not the password' } });
  const { count: maxAcrossAccounts } = FAILURE_LIMITS.acrossAccounts;

  test('wrong passwords are limited for one account and across accounts', async () => {
    const { count } = FAILURE_LIMITS.signIn.perAddress;
    assert.deepEqual(await countStatuses(1, 12, () => signIn(owner.email)), { 401: count, 429: 12 - count });
    const acrossAccounts = await countStatuses(2, 45, (index) => signIn(`nobody-${index}@example.com`));
    assert.deepEqual(acrossAccounts, { 401: maxAcrossAccounts, 429: 45 - maxAcrossAccounts });
    const fromOtherNetwork = await countStatuses(3, 1, () => signIn('nobody-50@example.com'));
    assert.deepEqual(fromOtherNetwork, { 401: 1 });
  });

  test('an IPv4-mapped IPv6 address is the same client as its IPv4 address', async () => {
    const { count } = FAILURE_LIMITS.signIn.perAddress;
    for (const [index, address] of ['192.0.2.9', '::ffff:192.0.2.9', '::ffff:c000:209'].entries()) {
      const headers = { 'x-forwarded-for': address };
      for (let attempt = 0; attempt < count; attempt++) {
        const response = await testServer.call('/v1/sessions', { body: signIn('mapped@example.com').body, headers });
        assert.equal(response.status, index === 0 ? 401 : 429, address);
      }
    }
  });

  test('sign-ups are limited, both successful ones and those with a taken email address', async () => {
    const signUp = (email: string, password: string) => ({
      path: '/v1/people',
      body: { name: 'Eve', email, password },
    });
    // The email address is checked first: this common password would otherwise be refused with 422.
    const withTakenEmail = await countStatuses(4, 40, () => signUp(owner.email, 'password'));
    assert.deepEqual(withTakenEmail, { 409: maxAcrossAccounts, 429: 40 - maxAcrossAccounts });
    // Over the limit, a sign-up that would succeed is refused too.
    assert.deepEqual(await countStatuses(4, 1, () => signUp('late@example.com', PASSWORD)), { 429: 1 });
    const statuses = await countStatuses(5, 32, (index) => signUp(`eve-${index}@example.com`, PASSWORD));
    assert.deepEqual(statuses, { 201: maxAcrossAccounts, 429: 32 - maxAcrossAccounts });
  });

  test('concurrent sign-ups are limited to the same number', async () => {
    const headers = { 'x-forwarded-for': '2001:db8:0:9::1' };
    const body = { name: 'Eve', email: owner.email, password: PASSWORD };
    const sent = Array.from({ length: 60 }, () => testServer.call('/v1/people', { body, headers }));
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 409).length, maxAcrossAccounts);
    assert.equal(statuses.filter((status) => status === 429).length, 60 - maxAcrossAccounts);
  });

  test('device codes, password resets, passkey challenges, and wrong reset codes and passphrases are limited', async () => {
    const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' };
    const device = await countStatuses(6, 33, () => ({
      path: '/v1/device/code',
      body: 'client_id=test',
      headers: formHeaders,
    }));
    assert.deepEqual(device, { 200: maxAcrossAccounts, 429: 33 - maxAcrossAccounts });
    const resetRequest = () => ({ path: '/v1/password-resets', body: { email: 'nobody@example.com' } });
    assert.deepEqual(await countStatuses(10, 33, resetRequest), {
      202: maxAcrossAccounts,
      429: 33 - maxAcrossAccounts,
    });
    const wrongResetCode = () => ({ path: '/v1/password-resets/made-up', body: { password: PASSWORD } });
    assert.deepEqual(await countStatuses(11, 33, wrongResetCode), {
      404: maxAcrossAccounts,
      429: 33 - maxAcrossAccounts,
    });
    const { max } = LIMITS.passkeyChallenges;
    const challenges = await countStatuses(7, max + 5, () => ({ path: '/v1/sessions/passkey/options', body: {} }));
    assert.deepEqual(challenges, { 200: max, 429: 5 });
    const { secret } = await createToken(owner, ['all'], { passphrase: 'the right passphrase' });
    const { count } = FAILURE_LIMITS.passphrase.perAddress;
    const wrongPassphrase = { ...bearer(secret), 'access-token-passphrase': 'a wrong passphrase' };
    const passphraseAttempts = await countStatuses(8, 9, () => ({
      path: '/v1/errors/events',
      body: {},
      headers: wrongPassphrase,
    }));
    assert.deepEqual(passphraseAttempts, { 401: count, 429: 9 - count });
  });
});
