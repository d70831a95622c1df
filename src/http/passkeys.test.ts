import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AuditEvent } from '../contract/audit-events.ts';
import { MINUTE } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import type { Passkey } from '../contract/passkeys.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { type CeremonyOptions, createTestAuthenticator, type TestAuthenticator } from '../testing/authenticator.ts';
import {
  cookieOf,
  createTestPerson,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';

let testServer: TestServer;
let ada: TestPerson;
let grace: TestPerson;
let now = Date.now();
before(async () => {
  testServer = await startTestServer({ clock: () => now });
  ada = await signUpOwner(testServer);
  grace = await signUpMember(testServer, ada, 'member', 'grace@example.com');
});
after(() => testServer.close());

interface Options {
  readonly options: {
    readonly challenge: string;
    readonly rp: { readonly id: string };
    readonly rpId: string;
    readonly user: { readonly id: string; readonly name: string };
    readonly excludeCredentials: { readonly id: string }[];
    readonly authenticatorSelection: Record<string, unknown>;
    readonly userVerification: string;
    readonly allowCredentials?: unknown[];
    readonly timeout: number;
  };
}

const here = () => ({ origin: testServer.url, rpId: new URL(testServer.url).hostname });
const begin = (person: TestPerson, password = PASSWORD) =>
  person.call<Options>('/v1/me/passkeys/options', { body: { password } });
const beginSignIn = () => testServer.call<Options>('/v1/sessions/passkey/options', { method: 'POST' });

async function addPasskey(person: TestPerson, authenticator: TestAuthenticator, bent: Partial<CeremonyOptions> = {}) {
  const { options } = (await begin(person)).body;
  const response = authenticator.create({ challenge: options.challenge, ...here(), ...bent });
  return person.call<Passkey & ProblemBody>('/v1/me/passkeys', { body: { name: 'Laptop', response } });
}

async function signInWith(
  authenticator: TestAuthenticator,
  bent: Partial<CeremonyOptions> = {},
): Promise<TestResponse<ProblemBody>> {
  const challenge = (await beginSignIn()).body.options.challenge;
  const response = authenticator.get({ challenge, ...here(), ...bent });
  return testServer.call('/v1/sessions/passkey', { body: { response } });
}

async function newestEvents(person: TestPerson, action: string): Promise<AuditEvent[]> {
  return (await person.call<Page<AuditEvent>>(`/v1/audit-events?action=${action}`)).body.data;
}

test('options for a new passkey require a discoverable, verified one and the password', async () => {
  const response = await begin(ada);
  assert.equal(response.status, 200);
  const { options } = response.body;
  assert.equal(Buffer.from(options.challenge, 'base64url').length, 32);
  assert.equal(options.rp.id, here().rpId);
  assert.equal(options.user.name, 'ada@example.com');
  assert.deepEqual(options.authenticatorSelection, {
    residentKey: 'required',
    requireResidentKey: true,
    userVerification: 'required',
  });
  const wrong = await begin(ada, 'not the password');
  assert.equal(wrong.status, 401);
  assert.equal((wrong.body as unknown as ProblemBody).code, 'sign_in_failed');
});

test('options for a sign-in name no passkey, so they do not reveal who has one', async () => {
  const { options } = (await beginSignIn()).body;
  assert.equal(options.userVerification, 'required');
  assert.equal(options.rpId, here().rpId);
  assert.equal(options.allowCredentials, undefined);
  assert.notEqual(options.challenge, (await beginSignIn()).body.options.challenge);
});

test('a passkey is added, listed, renamed, signs in without a second factor, and is deleted', async () => {
  const authenticator = createTestAuthenticator();
  const before = await testServer.call('/v1/sessions', { body: { email: ada.email, password: PASSWORD } });
  assert.equal(before.status, 201);
  const added = await addPasskey(ada, authenticator);
  assert.equal(added.status, 201);
  const { id } = added.body;
  assert.match(id, /^psk_/);
  const earlier = createTestPerson(testServer, ada.email, cookieOf(before), '');
  assert.equal((await earlier.call('/v1/me')).status, 401, 'other sessions end');

  const renamed = await ada.call<Passkey>(`/v1/me/passkeys/${id}`, { method: 'PATCH', body: { name: 'Red laptop' } });
  assert.equal(renamed.body.name, 'Red laptop');
  assert.equal((await begin(ada)).body.options.excludeCredentials[0]?.id, authenticator.credentialId);

  const handle = (await begin(ada)).body.options.user.id;
  const signedIn = await signInWith(authenticator, { userHandle: handle });
  assert.equal(signedIn.status, 201);
  const me = await createTestPerson(testServer, ada.email, cookieOf(signedIn), '').call<{ email: string }>('/v1/me');
  assert.equal(me.body.email, ada.email);
  const listed = (await ada.call<Page<Passkey>>('/v1/me/passkeys')).body.data;
  assert.equal(listed.length, 1);
  assert.equal(listed[0]?.lastUsedAt, new Date(now).toISOString());
  assert.deepEqual((await newestEvents(ada, 'session.created'))[0]?.detail, { kind: 'browser', passkey: 'Red laptop' });

  const path = `/v1/me/passkeys/${id}`;
  assert.equal((await ada.call(path, { method: 'DELETE', body: {} })).status, 422);
  assert.equal((await ada.call(path, { method: 'DELETE', body: { password: 'wrong' } })).status, 401);
  assert.equal((await ada.call(path, { method: 'DELETE', body: { password: PASSWORD } })).status, 204);
  const other = createTestPerson(testServer, ada.email, cookieOf(signedIn), '');
  assert.equal((await other.call('/v1/me')).status, 401, 'other sessions end');
  const refused = await signInWith(authenticator);
  assert.equal(refused.status, 401);
  assert.equal(refused.body.code, 'sign_in_failed');
  for (const action of ['passkey.created', 'passkey.updated', 'passkey.deleted']) {
    const [event] = await newestEvents(ada, action);
    assert.equal(event?.target?.id, id, action);
  }
  const text = JSON.stringify(await newestEvents(ada, 'passkey.created'));
  assert.ok(!text.includes(authenticator.credentialId));
});

test('a passkey reauthenticates once, and only the person it was requested for', async () => {
  now += 15 * MINUTE;
  const authenticator = createTestAuthenticator();
  const added = await addPasskey(ada, authenticator);
  const options = async (person: TestPerson) =>
    (await person.call<Options>('/v1/me/passkeys/proof', { method: 'POST' })).body.options;
  const { challenge, allowCredentials } = await options(ada);
  assert.ok(JSON.stringify(allowCredentials).includes(authenticator.credentialId));
  const passkey = authenticator.get({ challenge, ...here(), counter: 1 });
  const remove = (person: TestPerson, body: unknown) =>
    person.call<ProblemBody>(`/v1/me/passkeys/${added.body.id}`, { method: 'DELETE', body });
  assert.equal((await remove(grace, { passkey })).body.code, 'sign_in_failed');
  assert.equal((await remove(ada, { passkey, password: PASSWORD })).status, 422);
  const others = createTestAuthenticator();
  const othersId = (await addPasskey(grace, others)).body.id;
  const byOther = others.get({ challenge: (await options(ada)).challenge, ...here(), counter: 1 });
  assert.equal((await remove(ada, { passkey: byOther })).body.code, 'sign_in_failed', 'the passkey of someone else');
  const body = { password: PASSWORD };
  assert.equal((await grace.call(`/v1/me/passkeys/${othersId}`, { method: 'DELETE', body })).status, 204);
  const signIn = (await beginSignIn()).body.options.challenge;
  const foreign = authenticator.get({ challenge: signIn, ...here(), counter: 2 });
  assert.equal((await remove(ada, { passkey: foreign })).body.code, 'sign_in_failed');
  const start = { body: { passkey } };
  assert.equal((await ada.call('/v1/me/two-factor', start)).status, 201);
  assert.equal((await remove(ada, { passkey })).body.code, 'sign_in_failed', 'the challenge is spent');
  assert.equal((await remove(ada, { password: PASSWORD })).status, 204);
  now += 15 * MINUTE;
});

test("another person's passkey is reported as not found", async () => {
  const added = await addPasskey(ada, createTestAuthenticator());
  const path = `/v1/me/passkeys/${added.body.id}`;
  const missingPasskeyUrl = '/v1/me/passkeys/psk_01kaexample0000000000000000';
  for (const call of [
    { method: 'DELETE', body: { password: PASSWORD } },
    { method: 'PATCH', body: { name: 'Mine' } },
  ]) {
    const [theirs, nobodys] = [
      await grace.call<ProblemBody>(path, call),
      await grace.call<ProblemBody>(missingPasskeyUrl, call),
    ];
    assert.equal(theirs.status, 404);
    assert.equal(theirs.body.detail, nobodys.body.detail);
  }
  assert.equal((await grace.call<Page<Passkey>>('/v1/me/passkeys')).body.data.length, 0);
});

test('a response works once, for the person it was requested for, within five minutes', async () => {
  const authenticator = createTestAuthenticator();
  const { challenge } = (await begin(ada)).body.options;
  const response = authenticator.create({ challenge, ...here() });
  const asGrace = await grace.call<ProblemBody>('/v1/me/passkeys', { body: { name: 'Stolen', response } });
  assert.equal(asGrace.status, 422);
  assert.equal(asGrace.body.errors?.[0]?.field, 'response');
  const first = await ada.call('/v1/me/passkeys', { body: { name: 'Laptop', response } });
  assert.equal(first.status, 201);
  assert.equal((await ada.call('/v1/me/passkeys', { body: { name: 'Again', response } })).status, 422);

  const shown = authenticator.get({ challenge: (await beginSignIn()).body.options.challenge, ...here(), counter: 1 });
  const race = await Promise.all(
    Array.from({ length: 4 }, () => testServer.call('/v1/sessions/passkey', { body: { response: shown } })),
  );
  assert.deepEqual(race.map((response) => response.status).sort(), [201, 401, 401, 401]);

  const late = authenticator.get({ challenge: (await beginSignIn()).body.options.challenge, ...here(), counter: 2 });
  now += 5 * MINUTE;
  assert.equal((await testServer.call('/v1/sessions/passkey', { body: { response: late } })).status, 401);
  now += 15 * MINUTE;
});

test('a sign-in challenge adds no passkey, and a registration challenge signs nobody in', async () => {
  const authenticator = createTestAuthenticator();
  const { challenge } = (await beginSignIn()).body.options;
  const response = authenticator.create({ challenge, ...here() });
  assert.equal((await ada.call('/v1/me/passkeys', { body: { name: 'Laptop', response } })).status, 422);
  await addPasskey(ada, authenticator);
  const mine = (await begin(ada)).body.options.challenge;
  assert.equal((await signInWith(authenticator, { challenge: mine })).status, 401);
});

test('a reauthentication challenge adds no passkey, so a session alone cannot add one', async () => {
  const authenticator = createTestAuthenticator();
  const { challenge } = (await ada.call<Options>('/v1/me/passkeys/proof', { method: 'POST' })).body.options;
  const response = authenticator.create({ challenge, ...here() });
  const added = await ada.call<ProblemBody>('/v1/me/passkeys', { body: { name: 'Stolen session', response } });
  assert.equal(added.status, 422);
  assert.equal(added.body.errors?.[0]?.field, 'response');
});

test('a passkey of another site, an unverified one and one with a foreign user handle are refused', async () => {
  const bent: Partial<CeremonyOptions>[] = [
    { origin: 'https://devpilot.example.net' },
    { rpId: 'devpilot.example.net' },
    { userVerified: false },
    { challenge: Buffer.alloc(32).toString('base64url') },
  ];
  for (const assertion of bent) {
    assert.equal((await addPasskey(ada, createTestAuthenticator(), assertion)).status, 422, JSON.stringify(assertion));
  }
  const authenticator = createTestAuthenticator();
  await addPasskey(ada, authenticator);
  now += 16 * MINUTE;
  for (const assertion of [...bent.slice(0, 3), { userHandle: 'cGVyX290aGVy' }]) {
    assert.equal((await signInWith(authenticator, assertion)).status, 401, JSON.stringify(assertion));
  }
  now += 16 * MINUTE;
});

test('a counter that did not increase is refused and recorded: the passkey may have been copied', async () => {
  const authenticator = createTestAuthenticator();
  await addPasskey(ada, authenticator, { counter: 7 });
  assert.equal((await signInWith(authenticator, { counter: 8 })).status, 201);
  assert.equal((await signInWith(authenticator, { counter: 8 })).status, 401);
  assert.equal((await signInWith(authenticator, { counter: 0 })).status, 401);
  assert.equal((await signInWith(authenticator, { counter: 9 })).status, 201);
  now += 2 * MINUTE;
  const reasons = (await newestEvents(ada, 'session.failed')).map((event) => event.detail['reason']);
  assert.ok(reasons.includes('passkey_counter_went_back'));
});

test('CVE-2026-27801: failed passkey sign-ins are throttled, also in parallel', async () => {
  now += 16 * MINUTE;
  const authenticator = createTestAuthenticator();
  const challenges = await Promise.all(Array.from({ length: 12 }, beginSignIn));
  const responses = await Promise.all(
    challenges.map(({ body }) => {
      const response = authenticator.get({ challenge: body.options.challenge, ...here() });
      return testServer.call('/v1/sessions/passkey', { body: { response } });
    }),
  );
  const count = (status: number) => responses.filter((response) => response.status === status).length;
  assert.equal(count(401), 5);
  assert.equal(count(429), 7);
  now += 16 * MINUTE;
});

test('sign-ins that one address starts and never completes are bounded', async () => {
  let response: TestResponse<unknown>;
  let started = 0;
  do response = await beginSignIn();
  while (response.status === 200 && ++started < 300);
  assert.equal(response.status, 429);
  assert.ok(Number(response.headers.get('retry-after')) > 0);
  now += 5 * MINUTE;
  assert.equal((await beginSignIn()).status, 200);
});

test('nobody else and no credential can access passkeys, and malformed bodies are refused', async () => {
  const calls = [
    ['GET', '/v1/me/passkeys'],
    ['POST', '/v1/me/passkeys'],
    ['POST', '/v1/me/passkeys/options'],
    ['PATCH', '/v1/me/passkeys/psk_1'],
    ['DELETE', '/v1/me/passkeys/psk_1'],
  ] as const;
  for (const [method, path] of calls) assert.equal((await testServer.call(path, { method })).status, 401, path);
  const good = createTestAuthenticator().get({ challenge: 'x', ...here() });
  const odd: unknown[] = [
    {},
    { response: null },
    { response: { ...good, type: 'other' } },
    { response: { ...good, id: 'not base64url!' } },
    { response: { ...good, response: {} } },
    { response: good, person: 'per_1' },
  ];
  for (const body of odd) {
    assert.equal((await testServer.call('/v1/sessions/passkey', { body })).status, 422, JSON.stringify(body));
  }
  for (const clientDataJSON of [
    'AAAA',
    Buffer.from('null').toString('base64url'),
    Buffer.from('{"challenge":1}').toString('base64url'),
  ]) {
    const body = { response: { ...good, response: { ...good.response, clientDataJSON } } };
    assert.equal((await testServer.call('/v1/sessions/passkey', { body })).status, 401);
  }
});

test('the twenty-first passkey is refused', async () => {
  for (let count = 0; count < 20; count++) await addPasskey(grace, createTestAuthenticator());
  assert.equal((await begin(grace)).status, 409);
});
