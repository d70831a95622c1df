import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { generate } from 'otplib';
import type { CreatedInvitation } from '../contract/invitations.ts';
import { HOUR, SECOND } from '../contract/limits.ts';
import type { Member } from '../contract/members.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import type { OwnSingleSignOn } from '../contract/single-sign-on.ts';
import type { Workspace } from '../contract/workspaces.ts';
import {
  type FakeOidcProvider,
  singleSignOnSettings,
  startFakeOidcProvider,
  type TokenSpec,
} from '../testing/fake-oidc-provider.ts';
import { createSignInBrowser, readProblemCode, readSignInOutcome } from '../testing/single-sign-on-browser.ts';
import { changeDatabase } from '../testing/sql.ts';
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
import { until } from '../testing/until.ts';

let provider: FakeOidcProvider;
let server: TestServer;
let owner: TestPerson;
let browser: ReturnType<typeof createSignInBrowser>;
/** Milliseconds by which the server's clock is ahead. */
let clockAheadMs = 0;

before(async () => {
  provider = await startFakeOidcProvider();
  server = await startTestServer({
    environment: singleSignOnSettings(provider),
    clock: () => Date.now() + clockAheadMs,
    schedulerIntervals: { dueMs: 50, sweepMs: 50 },
  });
  owner = await signUpOwner(server);
  browser = createSignInBrowser(server, provider);
});
after(async () => {
  await server.close();
  await provider.close();
});

const tokensFor = (name: string, claims: Readonly<Record<string, unknown>> = {}): TokenSpec => ({
  claims: { sub: `sub-${name}`, email: `${name}@example.com`, email_verified: true, name, ...claims },
});
const apiErrorCode = (response: TestResponse) => (response.body as ProblemBody).code;

async function invite(email: string): Promise<string> {
  const { body } = await owner.call<CreatedInvitation>('/v1/invitations', { body: { email, role: 'member' } });
  return body.code;
}

function signedInPerson(response: TestResponse, testServer: TestServer = server): TestPerson {
  const { session, location } = readSignInOutcome(response);
  assert.ok(session !== null, `expected a session, was redirected to ${location}: ${response.text}`);
  return createTestPerson(testServer, { cookie: session });
}

/** Invites a person, who signs up through the provider. */
async function signUpWithProvider(name: string): Promise<TestPerson> {
  const person = signedInPerson(
    await browser.signIn(tokensFor(name), { invitation: await invite(`${name}@example.com`) }),
  );
  return createTestPerson(server, {
    email: `${name}@example.com`,
    cookie: person.cookie,
    workspaceId: owner.workspaceId,
  });
}

const listMembersWithRoles = async () =>
  (await owner.call<Page<Member>>('/v1/members')).body.data.map(({ name, role }) => `${name} ${role}`);

describe('signing up and in', () => {
  test('an invited person signs up with a verified address, and later signs in by subject only', async () => {
    const person = await signUpWithProvider('grace');
    const me = await person.call<{ id: string; email: string; name: string }>('/v1/me');
    assert.equal(me.body.email, 'grace@example.com');
    assert.equal(me.body.name, 'grace');
    const laterSession = signedInPerson(
      await browser.signIn(tokensFor('grace', { email: 'new@example.com', email_verified: false })),
    );
    assert.equal((await laterSession.call<{ id: string }>('/v1/me')).body.id, me.body.id);
    const passwordSignIn = await server.call('/v1/sessions', {
      body: { email: 'grace@example.com', password: PASSWORD },
    });
    assert.equal(apiErrorCode(passwordSignIn), 'sign_in_failed');
  });

  test('an invitation for another address is refused', async () => {
    const refused = await browser.signIn(tokensFor('mallory'), { invitation: await invite('invited@example.com') });
    assert.equal(readProblemCode(refused), 'invitation_invalid');
  });

  test('a person with an account is redirected to the invitation after signing in', async () => {
    await signUpWithProvider('known');
    const code = await invite('other@example.com');
    const { location } = readSignInOutcome(await browser.signIn(tokensFor('known'), { invitation: code }));
    assert.equal(location, `/accept-invitation#${code}`);
  });

  test('every sign-in creates a new session, even if the browser sends a session cookie', async () => {
    const started = await browser.start();
    const planted = `devpilot=devpilot_session_${'a'.repeat(46)}`;
    const response = await browser.openRedirectUri(started, tokensFor('grace'), {
      cookie: `${started.cookie}; ${planted}`,
    });
    const { session } = readSignInOutcome(response);
    assert.ok(session !== null && session !== planted);
    const second = readSignInOutcome(await browser.signIn(tokensFor('grace'))).session;
    assert.notEqual(second, session);
    const cookies = response.headers.getSetCookie();
    assert.ok(cookies.every((cookie) => /; HttpOnly; SameSite=Lax$/.test(cookie)));
    assert.ok(cookies.some((cookie) => cookie.startsWith('devpilot-oidc=;') && cookie.includes('Max-Age=0')));
  });

  test('over HTTPS, the cookie of a started sign-in has the prefix __Host-', async () => {
    const httpsServer = await startTestServer({
      environment: { ...singleSignOnSettings(provider), DEVPILOT_PUBLIC_URL: 'https://devpilot.example.com' },
    });
    const start = await httpsServer.call('/v1/oidc/start');
    assert.match(start.headers.get('set-cookie') ?? '', /^__Host-devpilot-oidc=.*; Path=\/; .*; Secure$/);
    assert.equal(
      new URL(start.headers.get('location') ?? '').searchParams.get('redirect_uri'),
      'https://devpilot.example.com/v1/oidc/callback',
    );
    await httpsServer.close();
  });
});

describe('refusals', () => {
  const cases: readonly {
    readonly name: string;
    readonly problem: string;
    readonly tokens?: TokenSpec;
    readonly parameters?: Readonly<Record<string, string | null>>;
  }[] = [
    { name: 'a missing state', problem: 'expired', parameters: { state: null } },
    { name: 'the state of another request', problem: 'expired', parameters: { state: 'other' } },
    { name: 'another nonce', problem: 'refused', tokens: tokensFor('grace', { nonce: 'other' }) },
    {
      name: 'the response of another issuer (mix-up)',
      problem: 'refused',
      parameters: { iss: 'https://evil.example' },
    },
    { name: 'a response without the issuer that the provider promises', problem: 'refused', parameters: { iss: null } },
    {
      name: 'an ID token of another issuer',
      problem: 'refused',
      tokens: tokensFor('grace', { iss: 'https://evil.example' }),
    },
    { name: 'an ID token for another client', problem: 'refused', tokens: tokensFor('grace', { aud: 'other' }) },
    { name: 'a forged signature', problem: 'refused', tokens: { ...tokensFor('grace'), isForged: true } },
    {
      name: 'userinfo of another subject',
      problem: 'refused',
      tokens: { ...tokensFor('grace'), userinfo: { sub: 'x' } },
    },
    { name: 'an unknown code', problem: 'expired', parameters: { code: 'unknown' } },
    { name: 'an account that is not linked', problem: 'no_account', tokens: tokensFor('nobody') },
    { name: 'an unverified address', problem: 'not_verified', tokens: tokensFor('eve', { email_verified: false }) },
    {
      name: 'email_verified as a string',
      problem: 'not_verified',
      tokens: tokensFor('eve', { email_verified: 'true' }),
    },
    { name: "another person's address (nOAuth)", problem: 'account_exists', tokens: tokensFor('ada') },
    { name: 'a cancelled sign-in', problem: 'cancelled', parameters: { code: null, error: 'access_denied' } },
    {
      name: 'the error login_required of the provider',
      problem: 'interaction_required',
      parameters: { code: null, error: 'login_required' },
    },
    { name: 'an error of the provider', problem: 'unavailable', parameters: { code: null, error: 'server_error' } },
    { name: 'an unknown error', problem: 'refused', parameters: { code: null, error: '<script>' } },
  ];
  for (const { name, problem, tokens = tokensFor('grace'), parameters = {} } of cases) {
    test(`${name} is refused`, async () => {
      const response = await browser.openRedirectUri(await browser.start(), tokens, { parameters });
      assert.equal(response.status, 303);
      assert.equal(readProblemCode(response), problem);
    });
  }

  test('the response to a request of another browser is refused', async () => {
    const [started, otherBrowser] = [await browser.start(), await browser.start()];
    assert.equal(
      readProblemCode(await browser.openRedirectUri(started, tokensFor('grace'), { cookie: otherBrowser.cookie })),
      'expired',
    );
    assert.equal(
      readProblemCode(await browser.openRedirectUri(started, tokensFor('grace'), { cookie: 'devpilot-oidc=made-up' })),
      'expired',
    );
    // One of two cookies could be planted, so both are refused.
    const bothCookies = `${otherBrowser.cookie}; ${started.cookie}`;
    assert.equal(
      readProblemCode(await browser.openRedirectUri(started, tokensFor('grace'), { cookie: bothCookies })),
      'expired',
    );
  });

  test('a response that was already used is refused, even with a new code', async () => {
    const started = await browser.start();
    signedInPerson(await browser.openRedirectUri(started, tokensFor('grace')));
    assert.equal(readProblemCode(await browser.openRedirectUri(started, tokensFor('grace'))), 'expired');
  });

  test('a response more than ten minutes after the start is refused', async () => {
    const started = await browser.start();
    clockAheadMs += 11 * 60 * SECOND;
    assert.equal(readProblemCode(await browser.openRedirectUri(started, tokensFor('grace'))), 'expired');
  });

  test('a disabled person is refused', async () => {
    const person = await signUpWithProvider('leaver');
    const { body } = await person.call<{ id: string }>('/v1/me');
    await owner.call(`/v1/people/${body.id}`, { method: 'PATCH', body: { disabled: true } });
    assert.equal(readProblemCode(await browser.signIn(tokensFor('leaver'))), 'disabled');
  });

  test('the activity log contains no code or token', async () => {
    const log = await owner.call('/v1/audit-events?limit=200');
    assert.doesNotMatch(log.text, /code-\d|eyJ/);
  });
});

test('after signing in, a person returns only to pages of this server', async () => {
  const cases: readonly (readonly [returnPath: string, location: string])[] = [
    ['/settings/policy?workspace=acme', '/settings/policy?workspace=acme'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['\\\\evil.example', '/'],
    ['https://evil.example/', '/'],
    ['/..//evil.example', '/'],
    ['/.//evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['/\n/evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['/%2F%2Fevil.example', '/%2F%2Fevil.example'],
    ['/v1/oidc/start', '/'],
    [`/${'a'.repeat(1500)}`, '/'],
  ];
  for (const [returnPath, location] of cases) {
    const started = await browser.start(`/v1/oidc/start?return=${encodeURIComponent(returnPath)}`);
    assert.equal(
      readSignInOutcome(await browser.openRedirectUri(started, tokensFor('grace'))).location,
      location,
      returnPath,
    );
  }
});

test('if the provider is down, a sign-in leads back to the sign-in page with the problem', async () => {
  const started = await browser.start();
  provider.isDown = true;
  const response = await browser.openRedirectUri(started, tokensFor('grace'));
  assert.equal(readProblemCode(response), 'unavailable');
  const otherServer = await startTestServer({ environment: singleSignOnSettings(provider) });
  const start = await otherServer.call('/v1/oidc/start?return=/people');
  assert.equal(start.status, 303);
  assert.equal(start.headers.get('location'), '/sign-in?problem=unavailable&from=%2Fpeople');
  const fromPage = await otherServer.call('/v1/oidc/start', { body: {} });
  assert.equal(fromPage.status, 503);
  assert.match((fromPage.body as ProblemBody).detail, /^Acme SSO cannot be reached/);
  await otherServer.close();
  provider.isDown = false;
});

describe('linking', () => {
  const link = async (person: TestPerson, body: object, cookie = person.cookie, tokens = tokensFor('linda')) => {
    const start = await person.call<{ url: string }>('/v1/me/single-sign-on', { body });
    if (start.status !== 200) return start;
    const signInCookie = start.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const started = { url: new URL(start.body.url), cookie: `${signInCookie}; ${cookie}` };
    return browser.openRedirectUri(started, tokens);
  };
  const listIdentities = async (person: TestPerson) =>
    (await person.call<OwnSingleSignOn>('/v1/me/single-sign-on')).body.identities;

  test('linking requires reauthentication, the same session and the same verified address', async () => {
    const linda = await signUpMember(server, owner, 'member', 'linda@example.com');
    assert.equal(apiErrorCode(await link(linda, { password: 'wrong password' })), 'sign_in_failed');
    assert.equal(apiErrorCode(await link(linda, { singleSignOn: true })), 'sign_in_failed');
    const reauthentication = { password: PASSWORD };
    assert.equal(readProblemCode(await link(linda, reauthentication, owner.cookie)), 'expired');
    assert.equal(
      readProblemCode(await link(linda, reauthentication, linda.cookie, tokensFor('mallory'))),
      'other_address',
    );
    const unverified = tokensFor('linda', { email_verified: false });
    assert.equal(readProblemCode(await link(linda, reauthentication, linda.cookie, unverified)), 'not_verified');
    assert.equal(
      readProblemCode(await link(linda, reauthentication, linda.cookie, tokensFor('grace'))),
      'linked_to_another',
    );
    assert.deepEqual(await listIdentities(linda), []);

    assert.equal(readSignInOutcome(await link(linda, reauthentication)).location, '/account');
    const [identity] = await listIdentities(linda);
    assert.equal(identity?.email, 'linda@example.com');
    const providerSession = signedInPerson(await browser.signIn(tokensFor('linda')));
    const unlinked = await linda.call(`/v1/me/single-sign-on/${identity?.id}`, {
      method: 'DELETE',
      body: reauthentication,
    });
    assert.equal(unlinked.status, 204);
    assert.equal((await providerSession.call('/v1/me')).status, 401);
    assert.equal((await linda.call('/v1/me')).status, 200);
    assert.equal(readProblemCode(await browser.signIn(tokensFor('linda'))), 'account_exists');
    const log = await owner.call('/v1/audit-events?action=person.identity_linked');
    assert.match(log.text, /linda@example\.com/);
  });

  test('a new sign-in at the provider confirms sensitive actions for ten minutes', async () => {
    await signUpWithProvider('fresh');
    const seconds = Math.floor((Date.now() + clockAheadMs) / SECOND);
    const startTwoFactor = (person: TestPerson) => person.call('/v1/me/two-factor', { body: { singleSignOn: true } });
    const oldSession = signedInPerson(await browser.signIn(tokensFor('fresh', { auth_time: seconds - 3600 })));
    assert.equal(apiErrorCode(await startTwoFactor(oldSession)), 'sign_in_failed');
    const staleSignIn = await browser.signIn(tokensFor('fresh', { auth_time: seconds - 3600 }), { fresh: true });
    assert.equal(readProblemCode(staleSignIn), 'refused');
    const started = await browser.start('/v1/oidc/start', { fresh: true });
    assert.equal(started.url.searchParams.get('prompt'), 'login');
    const freshSession = signedInPerson(
      await browser.openRedirectUri(started, tokensFor('fresh', { auth_time: seconds })),
    );
    assert.equal((await startTwoFactor(freshSession)).status, 201);
    clockAheadMs += 11 * 60 * SECOND;
    assert.equal(apiErrorCode(await startTwoFactor(freshSession)), 'sign_in_failed');
  });
});

/** Returns a code from Tess's authenticator app. The next test sets it up. */
let tessTotpCode: () => Promise<string>;

test('a second factor is required unless the provider reports that several factors were used', async () => {
  const person = await signUpWithProvider('tess');
  const freshSession = signedInPerson(await browser.signIn(tokensFor('tess'), { fresh: true }));
  const setup = await freshSession.call<{ secret: string }>('/v1/me/two-factor', { body: { singleSignOn: true } });
  const totp = () => generate({ secret: setup.body.secret, epoch: Math.floor((Date.now() + clockAheadMs) / SECOND) });
  tessTotpCode = totp;
  assert.equal((await freshSession.call('/v1/me/two-factor/confirm', { body: { code: await totp() } })).status, 200);
  assert.equal((await person.call('/v1/me')).status, 401);

  const pendingSignIn = await browser.signIn(tokensFor('tess', { amr: ['pwd'] }));
  assert.deepEqual(readSignInOutcome(pendingSignIn), { location: '/sign-in?step=code&from=%2F', session: null });
  const cookie = pendingSignIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  clockAheadMs += 31 * SECOND;
  const sendCode = (code: string, headers: Record<string, string> = { cookie }) =>
    server.call('/v1/oidc/second-factor', { body: { code }, headers });
  assert.equal(apiErrorCode(await sendCode('000000')), 'sign_in_failed');
  assert.equal(apiErrorCode(await sendCode(await totp(), {})), 'sign_in_failed');
  assert.equal((await sendCode(await totp())).status, 201);
  clockAheadMs += 31 * SECOND;
  assert.equal(apiErrorCode(await sendCode(await totp())), 'sign_in_failed');

  const withBothFactors = signedInPerson(await browser.signIn(tokensFor('tess', { amr: ['pwd', 'mfa'] })));

  const outdatedSignIn = await browser.signIn(tokensFor('tess'));
  clockAheadMs += 31 * SECOND;
  const { body: me } = await withBothFactors.call<{ id: string }>('/v1/me');
  assert.equal((await owner.call(`/v1/people/${me.id}/sessions`, { method: 'DELETE' })).status, 204);
  const outdatedCookie = outdatedSignIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  assert.equal(apiErrorCode(await sendCode(await totp(), { cookie: outdatedCookie })), 'sign_in_failed');
});

/** Signs in a device that a person approves. Returns the header with the session of the device. */
async function signInDevice(person: TestPerson, testServer = server): Promise<{ authorization: string }> {
  const body = await approveDevice(person, testServer);
  const token = await testServer.call<{ access_token: string }>('/v1/device/token', { body });
  return { authorization: `Bearer ${token.body.access_token}` };
}

/** Starts the sign-in of a device, which a person approves. Returns the body of the request for its token. */
async function approveDevice(person: TestPerson, testServer: TestServer) {
  const device = await testServer.call<{ device_code: string; user_code: string }>('/v1/device/code', { body: {} });
  await person.call('/v1/device/approve', { body: { userCode: device.body.user_code } });
  return { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: device.body.device_code };
}

test('a policy that requires two factors accepts the factors of the provider, also for the CLI', async () => {
  await signUpWithProvider('paula');
  const start = await owner.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
  const code = await generate({ secret: start.body.secret, epoch: Math.floor((Date.now() + clockAheadMs) / SECOND) });
  const confirmed = await owner.call('/v1/me/two-factor/confirm', { body: { code } });
  owner = createTestPerson(server, { ...owner, cookie: readSignInOutcome(confirmed).session ?? '' });
  await owner.call('/v1/policy', { method: 'PATCH', body: { requireTwoFactor: true } });
  const inWorkspace = ({ cookie }: TestPerson) => createTestPerson(server, { cookie, workspaceId: owner.workspaceId });
  const withPassword = inWorkspace(signedInPerson(await browser.signIn(tokensFor('paula', { amr: ['pwd'] }))));
  assert.equal(apiErrorCode(await withPassword.call('/v1/members')), 'second_factor_needed');
  const withTwoFactors = inWorkspace(signedInPerson(await browser.signIn(tokensFor('paula', { amr: ['mfa'] }))));
  assert.equal((await withTwoFactors.call('/v1/members')).status, 200);

  const headers = { ...(await signInDevice(withTwoFactors)), 'devpilot-workspace': owner.workspaceId };
  assert.equal((await server.call('/v1/members', { headers })).status, 200);
  await owner.call('/v1/policy', { method: 'PATCH', body: { requireTwoFactor: false } });

  const logout = await provider.signLogoutToken({ sub: 'sub-paula', jti: 'cli', events: LOGOUT_EVENT });
  const ended = await server.call('/v1/oidc/backchannel-logout', {
    body: new URLSearchParams({ logout_token: logout }),
  });
  assert.equal(ended.status, 200, ended.text);
  assert.equal((await server.call('/v1/members', { headers })).status, 401);
});

describe('groups', () => {
  const mapGroups = (sso: object | null, person = owner) =>
    person.call<Workspace>(`/v1/workspaces/${owner.workspaceId}`, { method: 'PATCH', body: { sso } });
  const inGroups = (name: string, ...groups: string[]) => tokensFor(name, { groups });

  test('groups add and remove roles at each sign-in; owners and invited people keep their roles', async () => {
    const admin = await signUpMember(server, owner, 'admin', 'admin@example.com');
    assert.equal(apiErrorCode(await mapGroups({ claim: 'groups', roles: { dev: 'member' } }, admin)), 'forbidden');
    assert.equal(apiErrorCode(await mapGroups({ claim: 'groups', roles: { dev: 'owner' } })), 'validation_failed');
    const sso = { claim: 'groups', roles: { dev: 'member', lead: 'admin' } };
    assert.deepEqual((await mapGroups(sso)).body.sso, sso);

    await signUpWithProvider('kim');
    await owner.call(`/v1/members/${await findMemberId('kim')}`, { method: 'DELETE' });
    signedInPerson(await browser.signIn(inGroups('kim', 'other')));
    assert.ok(!(await listMembersWithRoles()).some((name) => name.startsWith('kim')));
    const kim = signedInPerson(await browser.signIn(inGroups('kim', 'dev', 'lead')));
    assert.ok((await listMembersWithRoles()).includes('kim admin'));
    const inWorkspace = createTestPerson(server, { cookie: kim.cookie, workspaceId: owner.workspaceId });
    await inWorkspace.call('/v1/invitations', { body: { email: 'friend@example.com', role: 'member' } });
    signedInPerson(await browser.signIn(inGroups('kim', 'dev')));
    assert.ok((await listMembersWithRoles()).includes('kim member'));
    assert.doesNotMatch((await owner.call('/v1/invitations')).text, /friend@example\.com/);
    assert.equal((await inWorkspace.call('/v1/members')).status, 200);
    signedInPerson(await browser.signIn(inGroups('kim')));
    assert.ok(!(await listMembersWithRoles()).some((name) => name.startsWith('kim')));
    // It was the last workspace of Kim, so all earlier sessions have ended.
    assert.equal((await inWorkspace.call('/v1/members')).status, 401);

    signedInPerson(await browser.signIn(inGroups('grace')));
    assert.ok((await listMembersWithRoles()).includes('grace member'));
    const log = await owner.call('/v1/audit-events?action=member.deleted');
    assert.match(log.text, /"reason":"group"/);
  });

  test('groups give roles only after the second factor was checked, and are read only from the configured claim', async () => {
    await owner.call(`/v1/members/${await findMemberId('tess')}`, { method: 'DELETE' });
    const otherClaims = {
      group: ['lead'],
      roles: ['lead'],
      Groups: ['lead'],
      'groups.lead': 'lead',
      a: { groups: ['lead'] },
    };
    for (const claims of [
      {},
      otherClaims,
      { groups: { lead: 'lead' } },
      { groups: 'leader' },
      { groups: [['lead']] },
    ]) {
      signedInPerson(await browser.signIn(tokensFor('tess', { amr: ['mfa'], ...claims })));
      assert.equal(await findMemberId('tess'), '', JSON.stringify(claims));
    }
    clockAheadMs += 31 * SECOND;
    const pendingSignIn = await browser.signIn(inGroups('tess', 'lead'));
    assert.equal(readSignInOutcome(pendingSignIn).session, null);
    assert.equal(await findMemberId('tess'), '');
    const headers = { cookie: pendingSignIn.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
    const body = { code: await tessTotpCode() };
    assert.equal((await server.call('/v1/oidc/second-factor', { body, headers })).status, 201);
    assert.ok((await listMembersWithRoles()).includes('tess admin'));
  });

  test('a session with a refresh token follows changes of groups, and ends when the session at the provider ends', async () => {
    provider.refreshResponse = { ...inGroups('kim', 'dev'), refreshToken: 'second' };
    const tokens = { ...inGroups('kim', 'dev'), refreshToken: 'first' };
    const kim = createTestPerson(server, {
      cookie: signedInPerson(await browser.signIn(tokens)).cookie,
      workspaceId: owner.workspaceId,
    });
    assert.equal((await kim.call('/v1/members')).status, 200);
    provider.refreshResponse = { ...inGroups('kim', 'lead'), refreshToken: 'second' };
    clockAheadMs += HOUR + SECOND;
    await until(async () => (await listMembersWithRoles()).includes('kim admin'));
    const device = await signInDevice(kim);
    const deviceOfOtherSession = await signInDevice(
      signedInPerson(await browser.signIn(tokensFor('kim', { sid: 'other-session', groups: ['lead'] }))),
    );
    // An outage of the provider does not end the session.
    provider.isDown = true;
    clockAheadMs += HOUR + SECOND;
    assert.equal((await kim.call('/v1/me')).status, 200);
    provider.isDown = false;
    provider.refreshResponse = null;
    clockAheadMs += HOUR + SECOND;
    await until(async () => (await kim.call('/v1/me')).status === 401);
    assert.equal((await server.call('/v1/me', { headers: device })).status, 401);
    assert.equal((await server.call('/v1/me', { headers: deviceOfOtherSession })).status, 200);
  });
});

/** Returns the ID of the member with this name, or an empty string. */
async function findMemberId(name: string): Promise<string> {
  const { body } = await owner.call<Page<Member>>('/v1/members');
  return body.data.find((member) => member.name === name)?.id ?? '';
}

const LOGOUT_EVENT = { 'http://schemas.openid.net/event/backchannel-logout': {} };

describe('back-channel logout', () => {
  const send = (token: string) =>
    server.call<{ error: string }>('/v1/oidc/backchannel-logout', {
      body: new URLSearchParams({ logout_token: token }),
    });
  const isSignedIn = async (person: TestPerson) => (await person.call('/v1/me')).status === 200;

  test('a logout token ends the named session or all sessions of a subject, and works once', async () => {
    const [firstSession, secondSession] = [
      signedInPerson(await browser.signIn(tokensFor('grace', { sid: 'one' }))),
      signedInPerson(await browser.signIn(tokensFor('grace', { sid: 'two' }))),
    ];
    const token = await provider.signLogoutToken({ sid: 'one', jti: 'a', events: LOGOUT_EVENT });
    assert.equal((await send(token)).status, 200);
    assert.deepEqual([await isSignedIn(firstSession), await isSignedIn(secondSession)], [false, true]);
    assert.equal((await send(token)).status, 400);
    await send(await provider.signLogoutToken({ sub: 'sub-nobody', jti: 'b', events: LOGOUT_EVENT }));
    assert.equal(await isSignedIn(secondSession), true);
    await send(await provider.signLogoutToken({ sub: 'sub-grace', jti: 'c', events: LOGOUT_EVENT }));
    assert.equal(await isSignedIn(secondSession), false);
  });

  test('every invalid logout token is refused', async () => {
    const person = signedInPerson(await browser.signIn(tokensFor('grace')));
    const sub = 'sub-grace';
    const events = LOGOUT_EVENT;
    const iat = Math.floor(Date.now() / SECOND);
    const base64Url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const tokens = [
      '',
      'not.a.token',
      await provider.signLogoutToken({ sub, jti: 'd' }),
      await provider.signLogoutToken({ sub, events }),
      await provider.signLogoutToken({ jti: 'e', events }),
      await provider.signLogoutToken({ sub, jti: 'f', events, nonce: 'n' }),
      await provider.signLogoutToken({ sub, jti: 'g', events, aud: 'other' }),
      await provider.signLogoutToken({ sub, jti: 'h', events, iss: 'https://evil.example' }),
      await provider.signLogoutToken({ sub, jti: 'i', events }, { typ: 'at+jwt' }),
      `${base64Url({ alg: 'none' })}.${base64Url({ iss: provider.url, sub, jti: 'j', events, aud: 'devpilot', iat })}.`,
    ];
    for (const token of tokens) {
      const response = await send(token);
      assert.equal(response.status, 400, token);
      assert.equal(response.body.error, 'invalid_request');
    }
    assert.equal(await isSignedIn(person), true);
  });
});

test('without passwords, people sign in through the provider, or with a link from an operator', async () => {
  const serverWithoutPasswords = await startTestServer({
    environment: { ...singleSignOnSettings(provider), DEVPILOT_PASSWORDS: 'off', DEVPILOT_OIDC_SIGN_UP: 'on' },
  });
  const otherBrowser = createSignInBrowser(serverWithoutPasswords, provider);
  assert.equal(readProblemCode(await otherBrowser.signIn(tokensFor('first'))), 'no_account');
  const setupCode = new URL(serverWithoutPasswords.setupLink ?? '').hash.replace('#code=', '');
  assert.equal(readProblemCode(await otherBrowser.signIn(tokensFor('first'), { setupCode: 'wrong' })), 'no_account');
  const first = signedInPerson(await otherBrowser.signIn(tokensFor('first'), { setupCode }), serverWithoutPasswords);
  const me = await first.call<{ id: string; operator: boolean }>('/v1/me');
  assert.equal(me.body.operator, true);
  const second = signedInPerson(await otherBrowser.signIn(tokensFor('second')), serverWithoutPasswords);
  assert.equal((await second.call<{ operator: boolean }>('/v1/me')).body.operator, false);
  assert.equal(
    readProblemCode(await otherBrowser.signIn(tokensFor('third', { email_verified: false }))),
    'not_verified',
  );

  const email = 'first@example.com';
  const disabledRequests: readonly (readonly [path: string, body: object])[] = [
    ['/v1/sessions', { email, password: PASSWORD }],
    ['/v1/sessions/passkey/options', {}],
    ['/v1/people', { name: 'Eve', email: 'eve@example.com', password: PASSWORD }],
    ['/v1/password-resets', { email }],
    ['/v1/password-resets/code', { password: PASSWORD }],
  ];
  for (const [path, body] of disabledRequests) {
    const refused = await serverWithoutPasswords.call<ProblemBody>(path, { body });
    assert.equal(refused.body.code, 'forbidden', path);
    assert.match(refused.body.detail, /Sign in with Acme SSO\.$/);
  }

  const { body: link } = await first.call<{ url: string }>(`/v1/people/${me.body.id}/password-reset`, {
    method: 'POST',
  });
  const code = new URL(link.url).hash.slice(1);
  const openLink = () => serverWithoutPasswords.call('/v1/sessions/link', { body: { link: code } });
  const personWithLink = createTestPerson(serverWithoutPasswords, { cookie: cookieOf(await openLink()) });
  assert.equal((await personWithLink.call<{ id: string }>('/v1/me')).body.id, me.body.id);
  assert.equal((await personWithLink.call('/v1/me/single-sign-on', { body: { singleSignOn: true } })).status, 200);
  assert.equal(apiErrorCode(await openLink()), 'not_found');
  await serverWithoutPasswords.close();

  const { url } = (
    await owner.call<{ url: string }>(`/v1/people/${await readOwnerId()}/password-reset`, { method: 'POST' })
  ).body;
  const reset = await server.call('/v1/sessions/link', { body: { link: new URL(url).hash.slice(1) } });
  assert.equal(apiErrorCode(reset), 'forbidden');
});

async function readOwnerId(): Promise<string> {
  return (await owner.call<{ id: string }>('/v1/me')).body.id;
}

test('turning passwords off ends the sessions started with a password and those of the devices that they approved', async () => {
  const environment = { ...singleSignOnSettings(provider), DEVPILOT_OIDC_SIGN_UP: 'on' };
  const serverWithPasswords = await startTestServer({ environment });
  const byPassword = await signUpOwner(serverWithPasswords);
  const byProvider = signedInPerson(
    await createSignInBrowser(serverWithPasswords, provider).signIn(tokensFor('zoe')),
    serverWithPasswords,
  );
  const devices = [
    await signInDevice(byPassword, serverWithPasswords),
    await signInDevice(byProvider, serverWithPasswords),
  ];
  const pending = await approveDevice(byPassword, serverWithPasswords);
  await serverWithPasswords.running.close();
  const { dataDirectory } = serverWithPasswords;
  const start = (passwords: string) =>
    startTestServer({ dataDirectory, environment: { ...environment, DEVPILOT_PASSWORDS: passwords } });
  const serverWithoutPasswords = await start('off');
  const readStatuses = async (testServer: TestServer) => {
    const peopleRequests = [byPassword, byProvider].map(({ cookie }) =>
      testServer.call('/v1/me', { headers: { cookie } }),
    );
    const deviceRequests = devices.map((headers) => testServer.call('/v1/me', { headers }));
    return (await Promise.all([...peopleRequests, ...deviceRequests])).map(({ status }) => status);
  };
  assert.deepEqual(await readStatuses(serverWithoutPasswords), [401, 200, 401, 200]);
  assert.equal((await serverWithoutPasswords.call('/v1/device/token', { body: pending })).status, 400);
  const cookie = { cookie: byProvider.cookie };
  // Only a sign-in at the provider or with a link adds a row. A session without one was started with a password, such
  // as on a node that has not been restarted and on which passwords are still on.
  await changeDatabase(dataDirectory, (database) => database.exec('delete from session_sign_in'));
  assert.equal((await serverWithoutPasswords.call('/v1/me', { headers: cookie })).status, 401);
  await serverWithoutPasswords.running.close();

  const restarted = await start('on');
  assert.equal((await readStatuses(restarted))[0], 401, 'the session does not come back');
  const signedInAgain = await restarted.call('/v1/sessions', { body: { email: byPassword.email, password: PASSWORD } });
  const ada = createTestPerson(restarted, { cookie: cookieOf(signedInAgain), workspaceId: byPassword.workspaceId });
  const { text } = await ada.call('/v1/audit-events?action=session.deleted');
  assert.equal(text.split('"reason":"passwords_off"').length - 1, 2, text);
  await restarted.close();
});

test('without single sign-on, the routes of the sign-in respond with 404', async () => {
  const serverWithoutSingleSignOn = await startTestServer();
  assert.equal((await serverWithoutSingleSignOn.call('/v1/oidc/start')).status, 404);
  assert.equal((await serverWithoutSingleSignOn.call('/v1/oidc/callback?code=a&state=b')).status, 404);
  const logout = await serverWithoutSingleSignOn.call('/v1/oidc/backchannel-logout', {
    body: new URLSearchParams({ logout_token: 'a' }),
  });
  assert.equal(logout.status, 404);
  await serverWithoutSingleSignOn.close();
});
