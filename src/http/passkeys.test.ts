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
/** The server's clock. Tests advance it so that failed attempts in earlier tests no longer throttle them. */
let now = Date.now();
before(async () => {
  testServer = await startTestServer({ clock: () => now });
  ada = await signUpOwner(testServer);
  grace = await signUpMember(testServer, ada, 'member', 'grace@example.com');
});
after(() => testServer.close());

interface OptionsBody {
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

/** The origin and relying party ID that a browser would use for the server. */
const serverSite = () => ({ origin: testServer.url, rpId: new URL(testServer.url).hostname });
const requestRegistrationOptions = (person: TestPerson, password = PASSWORD) =>
  person.call<OptionsBody>('/v1/me/passkeys/options', { body: { password } });
const requestSignInOptions = () => testServer.call<OptionsBody>('/v1/sessions/passkey/options', { method: 'POST' });

async function addPasskey(
  person: TestPerson,
  authenticator: TestAuthenticator,
  overrides: Partial<CeremonyOptions> = {},
) {
  const { options } = (await requestRegistrationOptions(person)).body;
  const response = authenticator.create({ challenge: options.challenge, ...serverSite(), ...overrides });
  return person.call<Passkey & ProblemBody>('/v1/me/passkeys', { body: { name: 'Laptop', response } });
}

async function signInWith(
  authenticator: TestAuthenticator,
  overrides: Partial<CeremonyOptions> = {},
): Promise<TestResponse<ProblemBody>> {
  const challenge = (await requestSignInOptions()).body.options.challenge;
  const response = authenticator.get({ challenge, ...serverSite(), ...overrides });
  return testServer.call('/v1/sessions/passkey', { body: { response } });
}

async function listEvents(person: TestPerson, action: string): Promise<AuditEvent[]> {
  return (await person.call<Page<AuditEvent>>(`/v1/audit-events?action=${action}`)).body.data;
}

test('options for a new passkey require the password, a resident key and user verification', async () => {
  const response = await requestRegistrationOptions(ada);
  assert.equal(response.status, 200);
  const { options } = response.body;
  assert.equal(Buffer.from(options.challenge, 'base64url').length, 32);
  assert.equal(options.rp.id, serverSite().rpId);
  assert.equal(options.user.name, 'ada@example.com');
  assert.deepEqual(options.authenticatorSelection, {
    residentKey: 'required',
    requireResidentKey: true,
    userVerification: 'required',
  });
  const refused = await requestRegistrationOptions(ada, 'not the password');
  assert.equal(refused.status, 401);
  assert.equal((refused.body as unknown as ProblemBody).code, 'sign_in_failed');
});

test('options for a sign-in list no passkeys, so they do not reveal who has one', async () => {
  const { options } = (await requestSignInOptions()).body;
  assert.equal(options.userVerification, 'required');
  assert.equal(options.rpId, serverSite().rpId);
  assert.equal(options.allowCredentials, undefined);
  assert.notEqual(options.challenge, (await requestSignInOptions()).body.options.challenge);
});

test('a passkey can be added, renamed, used to sign in, listed and deleted', async () => {
  const authenticator = createTestAuthenticator();
  const passwordSignIn = await testServer.call('/v1/sessions', { body: { email: ada.email, password: PASSWORD } });
  assert.equal(passwordSignIn.status, 201);
  const added = await addPasskey(ada, authenticator);
  assert.equal(added.status, 201);
  const { id } = added.body;
  assert.match(id, /^psk_/);
  const passwordSession = createTestPerson(testServer, { email: ada.email, cookie: cookieOf(passwordSignIn) });
  assert.equal((await passwordSession.call('/v1/me')).status, 401, 'adding a passkey ends other sessions');

  const renamed = await ada.call<Passkey>(`/v1/me/passkeys/${id}`, { method: 'PATCH', body: { name: 'Red laptop' } });
  assert.equal(renamed.body.name, 'Red laptop');
  assert.equal(
    (await requestRegistrationOptions(ada)).body.options.excludeCredentials[0]?.id,
    authenticator.credentialId,
  );

  const userHandle = (await requestRegistrationOptions(ada)).body.options.user.id;
  const signedIn = await signInWith(authenticator, { userHandle });
  assert.equal(signedIn.status, 201);
  const me = await createTestPerson(testServer, { email: ada.email, cookie: cookieOf(signedIn) }).call<{
    email: string;
  }>('/v1/me');
  assert.equal(me.body.email, ada.email);
  const listed = (await ada.call<Page<Passkey>>('/v1/me/passkeys')).body.data;
  assert.equal(listed.length, 1);
  assert.equal(listed[0]?.lastUsedAt, new Date(now).toISOString());
  assert.deepEqual((await listEvents(ada, 'session.created'))[0]?.detail, { kind: 'browser', passkey: 'Red laptop' });

  const path = `/v1/me/passkeys/${id}`;
  assert.equal((await ada.call(path, { method: 'DELETE', body: {} })).status, 422);
  assert.equal((await ada.call(path, { method: 'DELETE', body: { password: 'wrong' } })).status, 401);
  assert.equal((await ada.call(path, { method: 'DELETE', body: { password: PASSWORD } })).status, 204);
  const passkeySession = createTestPerson(testServer, { email: ada.email, cookie: cookieOf(signedIn) });
  assert.equal((await passkeySession.call('/v1/me')).status, 401, 'deleting a passkey ends other sessions');
  const refused = await signInWith(authenticator);
  assert.equal(refused.status, 401);
  assert.equal(refused.body.code, 'sign_in_failed');
  for (const action of ['passkey.created', 'passkey.updated', 'passkey.deleted']) {
    const [event] = await listEvents(ada, action);
    assert.equal(event?.target?.id, id, action);
  }
  const text = JSON.stringify(await listEvents(ada, 'passkey.created'));
  assert.ok(!text.includes(authenticator.credentialId));
});

test('a passkey response reauthenticates once, and only the person who requested its challenge', async () => {
  now += 15 * MINUTE;
  const authenticator = createTestAuthenticator();
  const added = await addPasskey(ada, authenticator);
  const requestProofOptions = async (person: TestPerson) =>
    (await person.call<OptionsBody>('/v1/me/passkeys/proof', { method: 'POST' })).body.options;
  const { challenge, allowCredentials } = await requestProofOptions(ada);
  assert.ok(JSON.stringify(allowCredentials).includes(authenticator.credentialId));
  const passkey = authenticator.get({ challenge, ...serverSite(), counter: 1 });
  const remove = (person: TestPerson, body: unknown) =>
    person.call<ProblemBody>(`/v1/me/passkeys/${added.body.id}`, { method: 'DELETE', body });
  assert.equal((await remove(grace, { passkey })).body.code, 'sign_in_failed');
  assert.equal((await remove(ada, { passkey, password: PASSWORD })).status, 422);
  const gracesAuthenticator = createTestAuthenticator();
  const gracesPasskeyId = (await addPasskey(grace, gracesAuthenticator)).body.id;
  const gracesResponse = gracesAuthenticator.get({
    challenge: (await requestProofOptions(ada)).challenge,
    ...serverSite(),
    counter: 1,
  });
  assert.equal(
    (await remove(ada, { passkey: gracesResponse })).body.code,
    'sign_in_failed',
    "another person's passkey",
  );
  const body = { password: PASSWORD };
  assert.equal((await grace.call(`/v1/me/passkeys/${gracesPasskeyId}`, { method: 'DELETE', body })).status, 204);
  const signInChallenge = (await requestSignInOptions()).body.options.challenge;
  const signInResponse = authenticator.get({ challenge: signInChallenge, ...serverSite(), counter: 2 });
  assert.equal((await remove(ada, { passkey: signInResponse })).body.code, 'sign_in_failed');
  assert.equal((await ada.call('/v1/me/two-factor', { body: { passkey } })).status, 201);
  assert.equal((await remove(ada, { passkey })).body.code, 'sign_in_failed', 'the challenge has been used');
  assert.equal((await remove(ada, { password: PASSWORD })).status, 204);
  now += 15 * MINUTE;
});

test("another person's passkey is reported as not found", async () => {
  const added = await addPasskey(ada, createTestAuthenticator());
  const path = `/v1/me/passkeys/${added.body.id}`;
  const missingPasskeyPath = '/v1/me/passkeys/psk_01kaexample0000000000000000';
  for (const request of [
    { method: 'DELETE', body: { password: PASSWORD } },
    { method: 'PATCH', body: { name: 'Mine' } },
  ]) {
    const existing = await grace.call<ProblemBody>(path, request);
    const missing = await grace.call<ProblemBody>(missingPasskeyPath, request);
    assert.equal(existing.status, 404);
    assert.equal(existing.body.detail, missing.body.detail);
  }
  assert.equal((await grace.call<Page<Passkey>>('/v1/me/passkeys')).body.data.length, 0);
});

test('a passkey response works once, for the person who requested its challenge, within five minutes', async () => {
  const authenticator = createTestAuthenticator();
  const { challenge } = (await requestRegistrationOptions(ada)).body.options;
  const response = authenticator.create({ challenge, ...serverSite() });
  const asGrace = await grace.call<ProblemBody>('/v1/me/passkeys', { body: { name: 'Stolen', response } });
  assert.equal(asGrace.status, 422);
  assert.equal(asGrace.body.errors?.[0]?.field, 'response');
  const first = await ada.call('/v1/me/passkeys', { body: { name: 'Laptop', response } });
  assert.equal(first.status, 201);
  assert.equal((await ada.call('/v1/me/passkeys', { body: { name: 'Again', response } })).status, 422);

  const signInResponse = authenticator.get({
    challenge: (await requestSignInOptions()).body.options.challenge,
    ...serverSite(),
    counter: 1,
  });
  const responses = await Promise.all(
    Array.from({ length: 4 }, () => testServer.call('/v1/sessions/passkey', { body: { response: signInResponse } })),
  );
  assert.deepEqual(responses.map((response) => response.status).sort(), [201, 401, 401, 401]);

  const lateResponse = authenticator.get({
    challenge: (await requestSignInOptions()).body.options.challenge,
    ...serverSite(),
    counter: 2,
  });
  now += 5 * MINUTE;
  assert.equal((await testServer.call('/v1/sessions/passkey', { body: { response: lateResponse } })).status, 401);
  now += 15 * MINUTE;
});

test('a sign-in challenge cannot add a passkey, and a registration challenge cannot sign in', async () => {
  const authenticator = createTestAuthenticator();
  const { challenge } = (await requestSignInOptions()).body.options;
  const response = authenticator.create({ challenge, ...serverSite() });
  assert.equal((await ada.call('/v1/me/passkeys', { body: { name: 'Laptop', response } })).status, 422);
  await addPasskey(ada, authenticator);
  const registrationChallenge = (await requestRegistrationOptions(ada)).body.options.challenge;
  assert.equal((await signInWith(authenticator, { challenge: registrationChallenge })).status, 401);
});

test('a reauthentication challenge cannot add a passkey, so a session alone is not enough to add one', async () => {
  const authenticator = createTestAuthenticator();
  const { challenge } = (await ada.call<OptionsBody>('/v1/me/passkeys/proof', { method: 'POST' })).body.options;
  const response = authenticator.create({ challenge, ...serverSite() });
  const added = await ada.call<ProblemBody>('/v1/me/passkeys', { body: { name: 'Stolen session', response } });
  assert.equal(added.status, 422);
  assert.equal(added.body.errors?.[0]?.field, 'response');
});

test("a passkey response for another site, without user verification or with another person's user handle is refused", async () => {
  const invalidOverrides: Partial<CeremonyOptions>[] = [
    { origin: 'https://devpilot.example.net' },
    { rpId: 'devpilot.example.net' },
    { userVerified: false },
  ];
  const unknownChallenge = { challenge: Buffer.alloc(32).toString('base64url') };
  for (const overrides of [...invalidOverrides, unknownChallenge]) {
    assert.equal((await addPasskey(ada, createTestAuthenticator(), overrides)).status, 422, JSON.stringify(overrides));
  }
  const authenticator = createTestAuthenticator();
  await addPasskey(ada, authenticator);
  now += 16 * MINUTE;
  const foreignUserHandle = { userHandle: Buffer.from('per_other').toString('base64url') };
  for (const overrides of [...invalidOverrides, foreignUserHandle]) {
    assert.equal((await signInWith(authenticator, overrides)).status, 401, JSON.stringify(overrides));
  }
  now += 16 * MINUTE;
});

test('a signature counter that did not increase is refused and recorded, because the passkey may have been copied', async () => {
  const authenticator = createTestAuthenticator();
  await addPasskey(ada, authenticator, { counter: 7 });
  assert.equal((await signInWith(authenticator, { counter: 8 })).status, 201);
  assert.equal((await signInWith(authenticator, { counter: 8 })).status, 401);
  assert.equal((await signInWith(authenticator, { counter: 0 })).status, 401);
  assert.equal((await signInWith(authenticator, { counter: 9 })).status, 201);
  now += 2 * MINUTE;
  const reasons = (await listEvents(ada, 'session.failed')).map((event) => event.detail['reason']);
  assert.ok(reasons.includes('passkey_counter_went_back'));
});

test('failed passkey sign-ins are throttled, also in parallel (unlike in CVE-2026-27801)', async () => {
  now += 16 * MINUTE;
  const authenticator = createTestAuthenticator();
  const challenges = await Promise.all(Array.from({ length: 12 }, requestSignInOptions));
  const responses = await Promise.all(
    challenges.map(({ body }) => {
      const response = authenticator.get({ challenge: body.options.challenge, ...serverSite() });
      return testServer.call('/v1/sessions/passkey', { body: { response } });
    }),
  );
  const count = (status: number) => responses.filter((response) => response.status === status).length;
  assert.equal(count(401), 5);
  assert.equal(count(429), 7);
  now += 16 * MINUTE;
});

test('sign-ins that one address starts and never completes are limited', async () => {
  let response = await requestSignInOptions();
  for (let startCount = 1; response.status === 200 && startCount < 300; startCount++)
    response = await requestSignInOptions();
  assert.equal(response.status, 429);
  assert.ok(Number(response.headers.get('retry-after')) > 0);
  now += 5 * MINUTE;
  assert.equal((await requestSignInOptions()).status, 200);
});

test('managing passkeys requires a session, and a malformed passkey response cannot sign in', async () => {
  const requests = [
    ['GET', '/v1/me/passkeys'],
    ['POST', '/v1/me/passkeys'],
    ['POST', '/v1/me/passkeys/options'],
    ['POST', '/v1/me/passkeys/proof'],
    ['PATCH', '/v1/me/passkeys/psk_1'],
    ['DELETE', '/v1/me/passkeys/psk_1'],
  ] as const;
  for (const [method, path] of requests) assert.equal((await testServer.call(path, { method })).status, 401, path);
  const validResponse = createTestAuthenticator().get({ challenge: 'x', ...serverSite() });
  const malformedBodies: unknown[] = [
    {},
    { response: null },
    { response: { ...validResponse, type: 'unknown' } },
    { response: { ...validResponse, id: 'not base64url!' } },
    { response: { ...validResponse, response: {} } },
    { response: validResponse, person: 'per_1' },
  ];
  for (const body of malformedBodies) {
    assert.equal((await testServer.call('/v1/sessions/passkey', { body })).status, 422, JSON.stringify(body));
  }
  for (const clientDataJSON of [
    'AAAA',
    Buffer.from('null').toString('base64url'),
    Buffer.from('{"challenge":1}').toString('base64url'),
  ]) {
    const body = { response: { ...validResponse, response: { ...validResponse.response, clientDataJSON } } };
    assert.equal((await testServer.call('/v1/sessions/passkey', { body })).status, 401);
  }
});

test('a person can have at most 20 passkeys', async () => {
  for (let count = 0; count < 20; count++) await addPasskey(grace, createTestAuthenticator());
  assert.equal((await requestRegistrationOptions(grace)).status, 409);
});
