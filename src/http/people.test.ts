import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { generate } from 'otplib';
import type { CreatedInvitation } from '../contract/invitations.ts';
import { DAY, MINUTE, SECOND } from '../contract/limits.ts';
import type { Member } from '../contract/members.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { startMailServer } from '../testing/mail-server.ts';
import {
  bearer,
  cookieOf,
  createTestPerson,
  createToken,
  createWorkspaceFor,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestRequest,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';

const readSetupCode = (testServer: TestServer) => new URL(testServer.setupLink ?? '').hash.replace('#code=', '');
const problemCode = (response: TestResponse) => (response.body as ProblemBody).code;
const cookieValue = (cookie: string) => cookie.split('=')[1] ?? '';

describe('signing up', () => {
  test('of four concurrent first sign-ups with one setup code, one succeeds', async () => {
    const testServer = await startTestServer();
    const setupCode = readSetupCode(testServer);
    const responses = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        testServer.call('/v1/people', { body: { name, email: `${name}@example.com`, password: PASSWORD, setupCode } }),
      ),
    );
    assert.deepEqual(responses.map(({ status }) => status).sort(), [201, 403, 403, 403]);
    const laterSignUp = await testServer.call('/v1/people', {
      body: { name: 'e', email: 'e@example.com', password: PASSWORD, setupCode },
    });
    assert.equal(problemCode(laterSignUp), 'forbidden');
    const restarted = await testServer.restart();
    assert.equal(restarted.setupLink, null);
    await restarted.close();
  });

  test('until someone has signed up, each start creates a new setup code, and only the newest works', async () => {
    const first = await startTestServer();
    const second = await first.restart();
    const signUp = (setupCode: string) =>
      second.call('/v1/people', { body: { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode } });
    assert.notEqual(readSetupCode(second), readSetupCode(first));
    assert.equal((await signUp(readSetupCode(first))).status, 403);
    assert.equal((await signUp(readSetupCode(second))).status, 201);
    await second.close();
  });

  test('signing up requires a setup code or an invitation, unless sign-up is open', async () => {
    const person = { name: 'Eve', email: 'eve@example.com', password: PASSWORD };
    const closed = await startTestServer();
    await signUpOwner(closed);
    assert.equal(problemCode(await closed.call('/v1/people', { body: person })), 'forbidden');
    assert.equal(
      problemCode(await closed.call('/v1/people', { body: { ...person, invitation: 'made up' } })),
      'forbidden',
    );
    await closed.close();
    const open = await startTestServer({ environment: { DEVPILOT_SIGN_UP: 'open' } });
    assert.equal((await open.call('/v1/people', { body: person })).status, 201);
    const duplicate = await open.call('/v1/people', { body: { ...person, email: 'EVE@Example.com ' } });
    assert.equal(problemCode(duplicate), 'conflict');
    await open.close();
  });

  test("a password of 8 or more characters is accepted unless it is common or the person's own name", async () => {
    const testServer = await startTestServer({ environment: { DEVPILOT_SIGN_UP: 'open' } });
    let count = 0;
    const signUp = (password: string, name = 'Ada Lovelace') =>
      testServer.call<ProblemBody>('/v1/people', { body: { name, email: `p${count++}@example.com`, password } });
    for (const weakPassword of [
      'password',
      '12345678',
      'PASSWORD',
      'iloveyou',
      'football',
      'baseball1',
      'Ada Lovelace',
    ]) {
      const refused = await signUp(weakPassword);
      assert.equal(refused.status, 422, weakPassword);
      assert.equal(refused.body.errors?.[0]?.field, 'password');
    }
    for (const goodPassword of [
      'zq8vkw1p',
      'x'.repeat(64),
      `${'y'.repeat(254)}z`,
      'пароль-что-надо',
      '        spaces  ',
    ]) {
      const email = `p${count}@example.com`;
      assert.equal((await signUp(goodPassword)).status, 201, goodPassword);
      assert.equal((await testServer.call('/v1/sessions', { body: { email, password: goodPassword } })).status, 201);
      const truncated = await testServer.call('/v1/sessions', { body: { email, password: goodPassword.slice(0, -1) } });
      assert.equal(problemCode(truncated), 'sign_in_failed');
    }
    await testServer.close();
  });
});

describe('members, roles and invitations', () => {
  let testServer: TestServer;
  let owner: TestPerson;
  let now = Date.now();
  before(async () => {
    testServer = await startTestServer({ clock: () => now, environment: { DEVPILOT_WORKSPACES: 'anyone' } });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const listMembers = async (person: TestPerson) => (await person.call<Page<Member>>('/v1/members')).body.data;
  const requireMember = async (email: string) => {
    const member = (await listMembers(owner)).find((candidate) => candidate.email === email);
    assert.ok(member);
    return member;
  };
  const signInAs = async (email: string): Promise<TestPerson> => {
    const response = await testServer.call('/v1/sessions', { body: { email, password: PASSWORD } });
    assert.equal(response.status, 201, response.text);
    return createTestPerson(testServer, { email, cookie: cookieOf(response), workspaceId: owner.workspaceId });
  };

  test('an invitation works once, for its email address, for seven days', async () => {
    const invite = (email: string, role = 'member') =>
      owner.call<CreatedInvitation>('/v1/invitations', { body: { email, role } });
    const created = await invite('grace@example.com', 'admin');
    assert.equal(created.status, 201);
    const { id, code, url, email, role, expiresAt } = created.body;
    assert.match(id, /^inv_/);
    assert.deepEqual([email, role, expiresAt], ['grace@example.com', 'admin', new Date(now + 7 * DAY).toISOString()]);
    assert.ok(url.startsWith(`${testServer.url}/`) && url.includes(code));
    const listed = await owner.call('/v1/invitations');
    assert.ok(listed.text.includes(id) && !listed.text.includes(code));
    const signUp = (invitation: string, address: string) =>
      testServer.call('/v1/people', { body: { name: 'Grace', email: address, password: PASSWORD, invitation } });
    assert.equal(problemCode(await signUp(code, 'other@example.com')), 'forbidden');
    assert.equal((await signUp(code, 'Grace@Example.com')).status, 201);
    assert.equal((await signUp(code, 'grace2@example.com')).status, 403);
    assert.equal((await requireMember('Grace@Example.com')).role, 'admin');

    const expired = await invite('late@example.com');
    now += 7 * DAY;
    assert.equal((await signUp(expired.body.code, 'late@example.com')).status, 403);
    owner = await signInAs(owner.email);
    const revoked = await invite('revoked@example.com');
    assert.equal((await owner.call(`/v1/invitations/${revoked.body.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await signUp(revoked.body.code, 'revoked@example.com')).status, 403);
    const first = await invite('reinvited@example.com');
    const second = await invite('reinvited@example.com');
    assert.equal((await signUp(first.body.code, 'reinvited@example.com')).status, 403);
    assert.equal((await signUp(second.body.code, 'reinvited@example.com')).status, 201);
  });

  test('a signed-in person can accept an invitation only to their own email address; inviting a member is a conflict', async () => {
    const ada = await createWorkspaceFor(owner, testServer, 'Elsewhere');
    const linus = await signUpMember(testServer, owner, 'member', 'linus@example.com');
    const invitation = await ada.call<CreatedInvitation>('/v1/invitations', {
      body: { email: 'linus@example.com', role: 'member' },
    });
    const accept = (person: TestPerson) =>
      person.call(`/v1/invitations/${invitation.body.code}/accept`, { method: 'POST' });
    assert.equal(problemCode(await accept(owner)), 'forbidden');
    assert.equal((await accept(linus)).status, 200);
    assert.equal((await accept(linus)).status, 404);
    const duplicate = await owner.call('/v1/invitations', { body: { email: 'linus@example.com', role: 'member' } });
    assert.equal(problemCode(duplicate), 'conflict');
    const workspaces = await linus.call<Page<{ name: string; role: string }>>('/v1/workspaces');
    assert.deepEqual(
      workspaces.body.data.map(({ name, role }) => [name, role]),
      [
        ['Acme', 'member'],
        ['Elsewhere', 'member'],
      ],
    );
  });

  test('role changes apply immediately, the owner cannot be demoted or removed, and a workspace always has one owner', async () => {
    const bob = await signUpMember(testServer, owner, 'member', 'bob@example.com');
    const eve = await signUpMember(testServer, owner, 'admin', 'eve@example.com');
    const [bobId, eveId, ownerId] = await Promise.all(
      ['bob@example.com', 'eve@example.com', owner.email].map(async (email) => (await requireMember(email)).id),
    );
    const change = (person: TestPerson, id = '', role = 'admin') =>
      person.call(`/v1/members/${id}`, { method: 'PATCH', body: { role } });
    assert.equal((await bob.call('/v1/audit-events')).status, 403);
    assert.equal((await change(eve, bobId)).status, 200);
    assert.equal((await bob.call('/v1/audit-events')).status, 200);
    assert.equal(problemCode(await change(eve, ownerId, 'member')), 'forbidden');
    assert.equal(problemCode(await eve.call(`/v1/members/${ownerId}`, { method: 'DELETE' })), 'forbidden');
    assert.equal(problemCode(await owner.call(`/v1/members/${ownerId}`, { method: 'DELETE' })), 'forbidden');
    const transferOwnership = (person: TestPerson, memberId = '') =>
      person.call(`/v1/workspaces/${owner.workspaceId}/owner`, { body: { memberId } });
    assert.equal(problemCode(await transferOwnership(eve, eveId)), 'forbidden');
    assert.equal(problemCode(await transferOwnership(owner, ownerId)), 'conflict');
    assert.equal(problemCode(await transferOwnership(owner, 'mem_unknown')), 'not_found');
    const transfers = await Promise.all([transferOwnership(owner, eveId), transferOwnership(owner, bobId)]);
    assert.deepEqual(transfers.map(({ status }) => status).sort(), [200, 403]);
    const owners = (await listMembers(eve)).filter(({ role }) => role === 'owner');
    assert.equal(owners.length, 1);
    assert.equal((await requireMember(owner.email)).role, 'admin');
    const newOwner = owners[0]?.email === eve.email ? eve : bob;
    // The first person is an operator, and only operators can transfer a workspace to an operator.
    assert.equal(problemCode(await transferOwnership(newOwner, ownerId)), 'forbidden');
    const { id: newOwnerId } = (await newOwner.call<{ id: string }>('/v1/me')).body;
    const promoted = await owner.call(`/v1/people/${newOwnerId}`, { method: 'PATCH', body: { operator: true } });
    assert.equal(promoted.status, 200, promoted.text);
    assert.equal((await transferOwnership(newOwner, ownerId)).status, 200);
    assert.equal((await requireMember(owner.email)).role, 'owner');
  });

  test('removing a member ends their sessions and access, but keeps the credentials they created', async () => {
    const admin = await signUpMember(testServer, owner, 'admin', 'carol@example.com');
    const { id, secret } = await createToken(admin, ['all']);
    assert.equal(
      (await owner.call(`/v1/members/${(await requireMember('carol@example.com')).id}`, { method: 'DELETE' })).status,
      204,
    );
    assert.equal((await admin.call('/v1/access-tokens')).status, 401);
    assert.equal((await admin.call('/v1/me')).status, 401);
    const signedInAgain = await signInAs('carol@example.com');
    assert.equal((await signedInAgain.call('/v1/access-tokens')).status, 404);
    assert.equal((await testServer.call('/v1/authorize', { headers: bearer(secret) })).status, 200);
    const token = await owner.call<{ createdBy: { email: string } }>(`/v1/access-tokens/${id}`);
    assert.equal(token.body.createdBy.email, 'carol@example.com');
  });

  test('the Devpilot-Workspace header selects a workspace by ID or slug; a request without it uses the last-used one', async () => {
    const dave = await signUpMember(testServer, owner, 'member', 'dave@example.com');
    const daveInOwnWorkspace = await createWorkspaceFor({ ...dave, workspaceId: '' }, testServer, 'Daves own');
    const personWithoutHeader = createTestPerson(testServer, { email: dave.email, cookie: dave.cookie });
    const currentSlug = async () =>
      (await personWithoutHeader.call<{ workspace: { slug: string } }>('/v1/whoami')).body.workspace.slug;
    const listMembersIn = (workspace: string) =>
      personWithoutHeader.call('/v1/members', { headers: { 'devpilot-workspace': workspace } });
    assert.equal((await listMembersIn('acme')).status, 200);
    assert.equal(await currentSlug(), 'acme');
    assert.equal((await listMembersIn('daves-own')).status, 200);
    assert.equal(await currentSlug(), 'daves-own');
    assert.equal((await listMembersIn(owner.workspaceId)).status, 200);
    assert.equal(await currentSlug(), 'acme');
    for (const unknownWorkspace of ['nothing', 'Acme', 'wsp_x'])
      assert.equal((await listMembersIn(unknownWorkspace)).status, 404);
    assert.equal(
      (await daveInOwnWorkspace.call(`/v1/workspaces/${daveInOwnWorkspace.workspaceId}`, { method: 'DELETE' })).status,
      204,
    );
    assert.equal((await listMembersIn('daves-own')).status, 404);
    assert.equal(await currentSlug(), 'acme');
  });

  test('concurrent requests with one idempotency key create one resource, and the refusals contain its ID', async () => {
    const post = (path: string, body: unknown, key: string) =>
      owner.call<{ id: string; code: string; secret?: string }>(path, { body, headers: { 'idempotency-key': key } });
    const rows: [path: string, body: Record<string, unknown>][] = [
      ['/v1/access-tokens', { name: 'Deploys', scopes: ['all'], passphrase: 'long enough' }],
      ['/v1/api-keys', { name: 'Billing', permissions: ['read'] }],
      ['/v1/workspaces', { name: 'Idempotent', slug: 'idempotent' }],
      ['/v1/invitations', { email: 'once@example.com', role: 'member' }],
    ];
    for (const [path, body] of rows) {
      const responses = await Promise.all(Array.from({ length: 5 }, () => post(path, body, 'key-1')));
      const created = responses.filter(({ status }) => status === 201);
      assert.equal(created.length, 1, path);
      for (const response of responses) {
        if (response.status === 201) continue;
        assert.equal(response.status, 409);
        assert.equal(response.body.code, 'idempotent_replay', path);
        assert.equal(response.body.id, created[0]?.body.id, path);
        assert.equal(response.body.secret, undefined);
      }
      const changed = await post(path, { ...body, name: 'Another' }, 'key-1');
      assert.equal(changed.status, 422, path);
    }
    const changedPassphrase = { name: 'Deploys', scopes: ['all'], passphrase: 'another one' };
    assert.equal((await post('/v1/access-tokens', changedPassphrase, 'key-1')).status, 422);
    assert.equal((await post('/v1/access-tokens', { name: 'x', scopes: [] }, 'key-2')).status, 422);
    assert.equal((await post('/v1/access-tokens', { name: 'Deploys', scopes: ['all'] }, 'key-2')).status, 201);
  });
});

describe('signing in', () => {
  let now = Date.now();
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer({ clock: () => now, environment: { DEVPILOT_TRUST_PROXY: '127.0.0.1' } });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const requestFrom = (address: string, request: TestRequest): TestRequest => ({
    ...request,
    headers: { ...request.headers, 'x-forwarded-for': address },
  });
  const signIn = (password: string, address = '127.0.0.1', email = owner.email, code?: string) =>
    testServer.call(
      '/v1/sessions',
      requestFrom(address, { body: { email, password, ...(code !== undefined && { code }) } }),
    );

  test('a wrong password and an unknown account get the same response (unlike in CVE-2026-25050)', async () => {
    const withoutRequestId = ({ status, text }: TestResponse) => [status, text.replace(/"requestId":"[^"]*"/, '')];
    const wrongPassword = await signIn('not the password', '10.1.0.1');
    const unknownAccount = await signIn('not the password', '10.1.0.1', 'nobody@example.com');
    assert.deepEqual(withoutRequestId(wrongPassword), withoutRequestId(unknownAccount));
    assert.equal(wrongPassword.status, 401);
    assert.equal(problemCode(wrongPassword), 'sign_in_failed');
    assert.ok(!wrongPassword.headers.has('set-cookie'));
  });

  test('after five failures, an address is throttled for the account, also in parallel, without locking the person out', async () => {
    const responses = await Promise.all(Array.from({ length: 60 }, (_, index) => signIn(`wrong ${index}`, '10.2.0.1')));
    const codes = responses.map(problemCode);
    assert.equal(codes.filter((code) => code === 'sign_in_failed').length, 5);
    assert.equal(codes.filter((code) => code === 'rate_limited').length, 55);
    const throttled = await signIn(PASSWORD, '10.2.0.1');
    assert.equal(throttled.status, 429);
    assert.ok(Number(throttled.headers.get('retry-after')) > 0);
    // After failures from many addresses, new addresses are throttled, but not one from which the person has signed in.
    for (let lastOctet = 2; lastOctet <= 12; lastOctet++) {
      for (let count = 0; count < 5; count++) await signIn('wrong', `10.2.0.${lastOctet}`);
    }
    assert.equal((await signIn(PASSWORD, '10.2.0.99')).status, 429);
    assert.equal((await signIn(PASSWORD, '127.0.0.1')).status, 201);
    now += 60 * MINUTE;
    assert.equal((await signIn(PASSWORD, '10.2.0.1')).status, 201);
  });

  test('forty concurrent sign-ins to one account from one address all succeed', async () => {
    const responses = await Promise.all(Array.from({ length: 40 }, () => signIn(PASSWORD, '10.2.1.1')));
    assert.deepEqual([...new Set(responses.map(({ status }) => status))], [201]);
  });

  test('an address with failed sign-ins to many accounts is throttled for every account', async () => {
    for (let index = 0; index < 30; index++) await signIn('wrong', '10.3.0.1', `nobody${index}@example.com`);
    assert.equal((await signIn('wrong', '10.3.0.1', 'unknown@example.com')).status, 429);
    assert.equal((await signIn('wrong', '10.3.0.2', 'unknown@example.com')).status, 401);
  });

  test('X-Forwarded-For is ignored unless the proxy is trusted', async () => {
    const serverWithoutProxy = await startTestServer();
    const person = await signUpOwner(serverWithoutProxy);
    await serverWithoutProxy.call('/v1/sessions', {
      body: { email: person.email, password: PASSWORD },
      headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' },
    });
    const sessions = await person.call('/v1/sessions');
    assert.ok(!sessions.text.includes('203.0.113.9'));
    assert.ok(sessions.text.includes('127.0.0.1'));
    await serverWithoutProxy.close();
  });

  test('a confirmed second factor is required, and each TOTP code and recovery code works once, also in parallel', async () => {
    const member = await signUpMember(testServer, owner, 'member', 'tess@example.com');
    const start = await member.call<{ secret: string; uri: string }>('/v1/me/two-factor', {
      body: { password: PASSWORD },
    });
    assert.equal(start.status, 201);
    assert.match(start.body.uri, /^otpauth:\/\/totp\//);
    const { secret } = start.body;
    const totpCode = (time = now) => generate({ secret, epoch: Math.floor(time / 1000) });
    const signInAsTess = (code?: string) => signIn(PASSWORD, '10.4.0.1', 'tess@example.com', code);
    assert.equal((await signInAsTess()).status, 201, 'a pending factor is not required');

    const cookieBefore = member.cookie;
    const refused = await member.call('/v1/me/two-factor/confirm', { body: { code: '000000' } });
    assert.equal(problemCode(refused), 'sign_in_failed');
    const confirmed = await member.call<{ recoveryCodes: string[] }>('/v1/me/two-factor/confirm', {
      body: { code: await totpCode() },
    });
    assert.equal(confirmed.status, 200);
    assert.equal(confirmed.body.recoveryCodes.length, 10);
    const renewed = createTestPerson(testServer, {
      email: member.email,
      cookie: cookieOf(confirmed),
      workspaceId: owner.workspaceId,
    });
    assert.notEqual(renewed.cookie, cookieBefore);
    assert.equal((await member.call('/v1/me')).status, 401, 'the previous secret no longer works');
    assert.equal((await renewed.call('/v1/me')).status, 200);
    const repeated = await renewed.call('/v1/me/two-factor/confirm', { body: { code: await totpCode() } });
    assert.equal(repeated.status, 409);
    assert.match(repeated.text, /already on/);

    assert.equal(problemCode(await signInAsTess()), 'second_factor_required');
    assert.equal(problemCode(await signIn('wrong password', '10.4.0.9', 'tess@example.com')), 'sign_in_failed');
    assert.equal(
      problemCode(await signInAsTess(await totpCode())),
      'sign_in_failed',
      'the code that confirmed the second factor has been used',
    );
    now += 30 * SECOND;
    const code = await totpCode();
    const responses = await Promise.all(Array.from({ length: 4 }, () => signInAsTess(code)));
    assert.deepEqual(responses.map(({ status }) => status).sort(), [201, 401, 401, 401]);
    now += 15 * MINUTE;
    // Unlike in CVE-2025-55000, a different spelling is still the same code.
    const currentCode = await totpCode();
    assert.equal((await signInAsTess(`${currentCode.slice(0, 3)} ${currentCode.slice(3)}`)).status, 201);
    assert.equal((await signInAsTess(currentCode)).status, 401);
    assert.equal((await signInAsTess(` ${currentCode}`)).status, 401);
    now += 30 * SECOND;
    assert.equal((await signInAsTess(await totpCode(now - 10 * MINUTE))).status, 401, 'an old code');

    now += 15 * MINUTE;
    const [first = '', second = ''] = confirmed.body.recoveryCodes;
    const uses = await Promise.all([
      signInAsTess(first),
      signInAsTess(first),
      signInAsTess(first.toLowerCase().replaceAll('-', ' ')),
    ]);
    assert.deepEqual(uses.map(({ status }) => status).sort(), [201, 401, 401]);
    const factorStatus = await renewed.call<{ enabled: boolean; recoveryCodesLeft: number }>('/v1/me/two-factor');
    assert.deepEqual(factorStatus.body, { enabled: true, recoveryCodesLeft: 9 });
    const renew = (body: unknown) => renewed.call('/v1/me/two-factor/recovery-codes', { body });
    assert.equal(problemCode(await renew({ password: PASSWORD })), 'second_factor_required');
    assert.equal((await renew({ password: PASSWORD, code: await totpCode() })).status, 201);
    assert.equal((await signInAsTess(second)).status, 401);
    const remove = (body: unknown) => renewed.call('/v1/me/two-factor', { method: 'DELETE', body });
    assert.equal(problemCode(await remove({ password: PASSWORD })), 'second_factor_required');
    assert.equal(
      problemCode(await remove({ password: PASSWORD, code: await totpCode() })),
      'sign_in_failed',
      'a used code',
    );
    now += 30 * SECOND;
    assert.equal((await remove({ password: PASSWORD, code: await totpCode() })).status, 204);
    now += 15 * MINUTE;
    assert.equal((await signInAsTess()).status, 201);
  });

  test('second factor attempts are limited, also in parallel (unlike in CVE-2026-27801)', async () => {
    const member = await signUpMember(testServer, owner, 'member', 'tom@example.com');
    const start = await member.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
    const totpCode = () => generate({ secret: start.body.secret, epoch: Math.floor(now / 1000) });
    await member.call('/v1/me/two-factor/confirm', { body: { code: await totpCode() } });
    now += 30 * SECOND;
    const correctCode = await totpCode();
    const guesses = Array.from({ length: 14 }, (_, index) => String(100_000 + index)).filter(
      (guess) => guess !== correctCode,
    );
    const responses = await Promise.all(guesses.map((code) => signIn(PASSWORD, '10.5.0.1', 'tom@example.com', code)));
    assert.equal(responses.filter((response) => problemCode(response) === 'sign_in_failed').length, 5);
    assert.equal((await signIn(PASSWORD, '10.5.0.1', 'tom@example.com', correctCode)).status, 429);
  });
});

describe('sessions', () => {
  let now = Date.now();
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer({ clock: () => now });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  async function signIn(): Promise<TestPerson> {
    const response = await testServer.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } });
    assert.equal(response.status, 201, response.text);
    return createTestPerson(testServer, { ...owner, cookie: cookieOf(response) });
  }
  const isSignedIn = async (person: TestPerson) => (await person.call('/v1/me')).status === 200;

  test('each session has its own secret, works as a cookie and as a Bearer token, and ends at sign-out', async () => {
    const [firstSession, secondSession] = [await signIn(), await signIn()];
    assert.notEqual(firstSession.cookie, secondSession.cookie);
    assert.match(cookieValue(firstSession.cookie), /^devpilot_session_[0-9A-Za-z]{46}$/);
    assert.equal((await testServer.call('/v1/me', { headers: bearer(cookieValue(firstSession.cookie)) })).status, 200);
    const signOut = await firstSession.call('/v1/sessions/current', { method: 'DELETE' });
    assert.equal(signOut.status, 204);
    assert.match(signOut.headers.get('set-cookie') ?? '', /^devpilot=; .*Max-Age=0/);
    assert.equal(await isSignedIn(firstSession), false);
    assert.equal(await isSignedIn(secondSession), true);
    const list = await secondSession.call<Page<{ id: string; current: boolean }>>('/v1/sessions');
    assert.equal(list.body.data.filter(({ current }) => current).length, 1);
    assert.ok(!list.text.includes(cookieValue(secondSession.cookie)));
    const third = await signIn();
    const listedThird = (
      await secondSession.call<Page<{ id: string; current: boolean }>>('/v1/sessions')
    ).body.data.find(({ id }) => !list.body.data.some((session) => session.id === id));
    assert.equal((await secondSession.call(`/v1/sessions/${listedThird?.id}`, { method: 'DELETE' })).status, 204);
    assert.equal(await isSignedIn(third), false);
  });

  test("another person's session cannot be ended", async () => {
    const member = await signUpMember(testServer, owner, 'member', 'mel@example.com');
    const { body } = await owner.call<Page<{ id: string }>>('/v1/sessions');
    const refused = await member.call(`/v1/sessions/${body.data[0]?.id}`, { method: 'DELETE' });
    assert.equal(refused.status, 404);
    assert.match(refused.text, /The session was not found\./);
  });

  test('changing the password ends every other session and renews the current one (unlike in CVE-2026-22706)', async () => {
    const [currentSession, otherSession] = [await signIn(), await signIn()];
    const change = (person: TestPerson, currentPassword: string, newPassword: string) =>
      person.call<ProblemBody>('/v1/me/password', { body: { currentPassword, newPassword } });
    assert.equal(problemCode(await change(currentSession, 'wrong', 'another long sentence')), 'sign_in_failed');
    assert.equal((await change(currentSession, PASSWORD, 'password')).body.errors?.[0]?.field, 'newPassword');
    const changed = await change(currentSession, PASSWORD, 'another long sentence');
    assert.equal(changed.status, 204);
    assert.equal(await isSignedIn(currentSession), false);
    assert.equal(await isSignedIn(otherSession), false);
    const renewed = createTestPerson(testServer, { ...owner, cookie: cookieOf(changed) });
    assert.equal(await isSignedIn(renewed), true);
    assert.equal(
      (await testServer.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } })).status,
      401,
    );
    const restored = await change(renewed, 'another long sentence', PASSWORD);
    owner = createTestPerson(testServer, { ...owner, cookie: cookieOf(restored) });
  });

  test('a session ends after 14 idle days, and after 90 days even if it is used', async () => {
    const idle = await signIn();
    const busy = await signIn();
    const started = now;
    now = started + 14 * DAY - 1;
    assert.equal(await isSignedIn(busy), true);
    now = started + 14 * DAY;
    assert.equal(await isSignedIn(idle), false);
    testServer = await testServer.restart();
    let busyAfterRestart = createTestPerson(testServer, busy);
    assert.equal(await isSignedIn(busyAfterRestart), true);
    for (let day = 26; day < 90; day += 12) {
      now = started + day * DAY;
      assert.equal(await isSignedIn(busyAfterRestart), true, `day ${day}`);
      testServer = await testServer.restart();
      busyAfterRestart = createTestPerson(testServer, busy);
    }
    now = started + 90 * DAY - 1;
    assert.equal(await isSignedIn(busyAfterRestart), true);
    now = started + 90 * DAY;
    assert.equal(await isSignedIn(busyAfterRestart), false);
    owner = await signIn();
  });

  test('a write with the session cookie requires JSON and a same-origin request; a write with a Bearer token requires no origin', async () => {
    const body = { name: 'Ada L.' };
    const patch = (headers: Record<string, string>, sent: unknown = body) =>
      testServer.call('/v1/me', { method: 'PATCH', headers, body: sent });
    const { cookie } = owner;
    assert.equal(problemCode(await patch({ cookie })), 'forbidden');
    assert.equal(problemCode(await patch({ cookie, origin: 'https://evil.example' })), 'forbidden');
    assert.equal(problemCode(await patch({ cookie, origin: 'null' })), 'forbidden');
    assert.equal(problemCode(await patch({ cookie, origin: `${testServer.url}.evil.example` })), 'forbidden');
    assert.equal(problemCode(await patch({ cookie, 'sec-fetch-site': 'same-site' })), 'forbidden');
    assert.equal(problemCode(await patch({ cookie, referer: testServer.url })), 'forbidden');
    assert.equal((await patch({ cookie, origin: testServer.url })).status, 200);
    assert.equal((await patch({ cookie, 'sec-fetch-site': 'same-origin' })).status, 200);
    assert.equal((await patch(bearer(cookieValue(cookie)))).status, 200);
    const textHeaders = { cookie, origin: testServer.url, 'content-type': 'text/plain' };
    assert.equal((await patch(textHeaders, '{"name":"x"}')).status, 415);
    const formHeaders = { cookie, origin: testServer.url, 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await testServer.call('/v1/device/code', { headers: formHeaders, body: 'client_id=x' })).status, 415);
    assert.equal((await testServer.call('/v1/me', { headers: { cookie } })).status, 200);
    const signOut = await testServer.call('/v1/sessions/current', { method: 'DELETE', headers: { cookie } });
    assert.equal(problemCode(signOut), 'forbidden');
  });

  test('the session cookie is HttpOnly and SameSite=Lax, and over HTTPS also Secure with the prefix __Host-', async () => {
    const overHttp = await testServer.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } });
    assert.match(
      overHttp.headers.get('set-cookie') ?? '',
      /^devpilot=devpilot_session_\w{46}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
    assert.ok(!overHttp.text.includes('devpilot_session_'));
    for (const [environment, headers] of [
      [{ DEVPILOT_TRUST_PROXY: '127.0.0.0/8' }, { 'x-forwarded-proto': 'https' }],
      [{ DEVPILOT_PUBLIC_URL: 'https://devpilot.example.com' }, {}],
    ] as const) {
      const httpsServer = await startTestServer({ environment });
      const setupCode = readSetupCode(httpsServer);
      const signedUp = await httpsServer.call('/v1/people', {
        headers: { ...headers },
        body: { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode },
      });
      const cookie = signedUp.headers.get('set-cookie') ?? '';
      assert.match(
        cookie,
        /^__Host-devpilot=devpilot_session_\w{46}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/,
      );
      const me = await httpsServer.call('/v1/me', { headers: { ...headers, cookie: cookie.split(';')[0] ?? '' } });
      assert.equal(me.status, 200);
      await httpsServer.close();
    }
  });
});

describe('device sign-in (RFC 8628)', () => {
  let now = Date.now();
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer({ clock: () => now });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
  interface DeviceCodeBody {
    device_code: string;
    user_code: string;
    interval: number;
    expires_in: number;
    verification_uri: string;
    verification_uri_complete: string;
  }
  type BodyFormat = 'form' | 'json';
  const requestDeviceCode = async (format: BodyFormat = 'form') => {
    const fields = { client_id: 'devpilot cli' };
    const response = await testServer.call<DeviceCodeBody>('/v1/device/code', {
      body: format === 'form' ? new URLSearchParams(fields) : fields,
    });
    assert.equal(response.status, 200, response.text);
    return response.body;
  };
  const poll = (device_code: string, format: BodyFormat = 'form') => {
    const fields = { grant_type: GRANT, device_code, client_id: 'devpilot cli' };
    return testServer.call<{ access_token: string; token_type: string; expires_in: number; error: string }>(
      '/v1/device/token',
      { body: format === 'form' ? new URLSearchParams(fields) : fields },
    );
  };

  test('an approved device code is exchanged once, with form and JSON bodies; polling too fast gets slow_down', async () => {
    for (const format of ['form', 'json'] as const) {
      const started = await requestDeviceCode(format);
      assert.deepEqual([started.interval, started.expires_in], [5, 900]);
      assert.ok(started.verification_uri.startsWith(testServer.url));
      const pending = await poll(started.device_code, format);
      assert.equal(pending.status, 400);
      assert.equal(pending.body.error, 'authorization_pending');
      now += SECOND;
      assert.equal((await poll(started.device_code, format)).body.error, 'slow_down');
      now += 6 * SECOND;
      assert.equal((await poll(started.device_code, format)).body.error, 'authorization_pending');
      const response = await owner.call(`/v1/device/requests/${started.user_code.toLowerCase()}`);
      assert.equal(response.status, 200);
      assert.ok(response.text.includes('devpilot cli') && !response.text.includes(started.device_code));
      const signedOut = await testServer.call('/v1/device/approve', { body: { userCode: started.user_code } });
      assert.equal(signedOut.status, 401);
      assert.equal((await owner.call('/v1/device/approve', { body: { userCode: started.user_code } })).status, 204);
      assert.equal((await owner.call('/v1/device/approve', { body: { userCode: started.user_code } })).status, 404);
      now += 6 * SECOND;
      const responses = await Promise.all([poll(started.device_code, format), poll(started.device_code, format)]);
      assert.deepEqual(responses.map(({ status }) => status).sort(), [200, 400]);
      const grant = responses.find(({ status }) => status === 200)?.body;
      assert.equal(grant?.token_type, 'Bearer');
      assert.equal((await poll(started.device_code, format)).body.error, 'invalid_grant');
      const me = await testServer.call<{ email: string }>('/v1/me', { headers: bearer(grant?.access_token ?? '') });
      assert.equal(me.body.email, owner.email);
    }
  });

  test('denied, expired and unknown device codes and other grant types are refused', async () => {
    const denied = await requestDeviceCode();
    assert.equal((await owner.call('/v1/device/deny', { body: { userCode: denied.user_code } })).status, 204);
    assert.equal((await poll(denied.device_code)).body.error, 'access_denied');
    const expired = await requestDeviceCode();
    now += 15 * MINUTE;
    assert.equal((await poll(expired.device_code)).body.error, 'expired_token');
    assert.equal((await owner.call('/v1/device/approve', { body: { userCode: expired.user_code } })).status, 404);
    const unknownCode = await poll('made up');
    assert.equal(unknownCode.body.error, 'invalid_grant');
    assert.match(unknownCode.text, /The device code was not found\./);
    const fields = { grant_type: 'password', device_code: 'x' };
    const otherGrant = await testServer.call<{ error: string }>('/v1/device/token', {
      body: new URLSearchParams(fields),
    });
    assert.equal(otherGrant.body.error, 'unsupported_grant_type');
  });

  test('guesses of user codes are rate limited', async () => {
    const statuses: number[] = [];
    for (let index = 0; index < 32; index++) statuses.push((await owner.call('/v1/device/requests/BBBB-BBBB')).status);
    assert.equal(statuses[0], 404);
    assert.equal(statuses.at(-1), 429);
  });
});

test('an invitation is emailed if a mail server is configured, and the response contains whether that succeeded', async () => {
  const mailServer = await startMailServer();
  const testServer = await startTestServer({
    environment: { DEVPILOT_SMTP_URL: mailServer.url, DEVPILOT_PUBLIC_URL: 'https://dev.example.com' },
  });
  const setupCode = readSetupCode(testServer);
  const signedUp = await testServer.call('/v1/people', {
    body: { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode },
  });
  const headers = bearer(cookieValue(cookieOf(signedUp)));
  await testServer.call('/v1/workspaces', { headers, body: { name: 'Acme' } });
  const invite = (email: string) =>
    testServer.call<CreatedInvitation>('/v1/invitations', { headers, body: { email, role: 'member' } });
  const sent = await invite('grace@example.com');
  assert.equal(sent.body.mailed, true);
  assert.ok(sent.body.url.startsWith('https://dev.example.com/'));
  const mail = mailServer.messages[0] ?? '';
  assert.ok(mail.includes(sent.body.url));
  assert.match(mail, /To: grace@example.com/);
  await mailServer.close();
  const failed = await invite('linus@example.com');
  assert.equal(failed.status, 201);
  assert.equal(failed.body.mailed, false);
  await testServer.close();
});
