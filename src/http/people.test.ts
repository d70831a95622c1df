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

const setupCodeOf = (testServer: TestServer) => new URL(testServer.setupLink ?? '').hash.replace('#code=', '');
const codeOf = (response: TestResponse) => (response.body as ProblemBody).code;
const secretOf = (cookie: string) => cookie.split('=')[1] ?? '';

describe('signing up', () => {
  test('four concurrent first sign-ups with one setup code create one owner', async () => {
    const testServer = await startTestServer();
    const setupCode = setupCodeOf(testServer);
    const responses = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        testServer.call('/v1/people', { body: { name, email: `${name}@example.com`, password: PASSWORD, setupCode } }),
      ),
    );
    assert.deepEqual(responses.map(({ status }) => status).sort(), [201, 403, 403, 403]);
    const again = await testServer.call('/v1/people', {
      body: { name: 'e', email: 'e@example.com', password: PASSWORD, setupCode },
    });
    assert.equal(codeOf(again), 'forbidden');
    const restarted = await testServer.restart();
    assert.equal(restarted.setupLink, null);
    await restarted.close();
  });

  test('a setup code is new at each start until someone has signed up, and only the newest works', async () => {
    const first = await startTestServer();
    const second = await first.restart();
    const signUp = (setupCode: string) =>
      second.call('/v1/people', { body: { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode } });
    assert.notEqual(setupCodeOf(second), setupCodeOf(first));
    assert.equal((await signUp(setupCodeOf(first))).status, 403);
    assert.equal((await signUp(setupCodeOf(second))).status, 201);
    await second.close();
  });

  test('nobody signs up without a code or an invitation, and anyone can with open sign-up', async () => {
    const person = { name: 'Eve', email: 'eve@example.com', password: PASSWORD };
    const closed = await startTestServer();
    await signUpOwner(closed);
    assert.equal(codeOf(await closed.call('/v1/people', { body: person })), 'forbidden');
    assert.equal(codeOf(await closed.call('/v1/people', { body: { ...person, invitation: 'made up' } })), 'forbidden');
    await closed.close();
    const open = await startTestServer({ environment: { DEVPILOT_SIGN_UP: 'open' } });
    assert.equal((await open.call('/v1/people', { body: person })).status, 201);
    const taken = await open.call('/v1/people', { body: { ...person, email: 'EVE@Example.com ' } });
    assert.equal(codeOf(taken), 'conflict');
    await open.close();
  });

  test("passwords of 8 or more characters are accepted, common ones and the person's own name are not", async () => {
    const testServer = await startTestServer({ environment: { DEVPILOT_SIGN_UP: 'open' } });
    let count = 0;
    const signUp = (password: string, name = 'Ada Lovelace') =>
      testServer.call<ProblemBody>('/v1/people', { body: { name, email: `p${count++}@example.com`, password } });
    for (const common of ['password', '12345678', 'PASSWORD', 'iloveyou', 'football', 'baseball1', 'Ada Lovelace']) {
      const refused = await signUp(common);
      assert.equal(refused.status, 422, common);
      assert.equal(refused.body.errors?.[0]?.field, 'password');
    }
    for (const good of ['zq8vkw1p', 'x'.repeat(64), `${'y'.repeat(254)}z`, 'пароль-что-надо', '        spaces  ']) {
      const email = `p${count}@example.com`;
      assert.equal((await signUp(good)).status, 201, good);
      assert.equal((await testServer.call('/v1/sessions', { body: { email, password: good } })).status, 201);
      const cut = await testServer.call('/v1/sessions', { body: { email, password: good.slice(0, -1) } });
      assert.equal(codeOf(cut), 'sign_in_failed');
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

  const membersOf = async (person: TestPerson) => (await person.call<Page<Member>>('/v1/members')).body.data;
  const memberOf = async (email: string) => {
    const found = (await membersOf(owner)).find((member) => member.email === email);
    assert.ok(found);
    return found;
  };
  const signInAs = async (email: string): Promise<TestPerson> => {
    const response = await testServer.call('/v1/sessions', { body: { email, password: PASSWORD } });
    assert.equal(response.status, 201, response.text);
    return createTestPerson(testServer, email, cookieOf(response), owner.workspaceId);
  };

  test('an invitation has the shape of the contract, works once, for its email address, for seven days', async () => {
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
    assert.equal(codeOf(await signUp(code, 'other@example.com')), 'forbidden');
    assert.equal((await signUp(code, 'Grace@Example.com')).status, 201);
    assert.equal((await signUp(code, 'grace2@example.com')).status, 403);
    assert.equal((await memberOf('Grace@Example.com')).role, 'admin');

    const late = await invite('late@example.com');
    now += 7 * DAY;
    assert.equal((await signUp(late.body.code, 'late@example.com')).status, 403);
    owner = await signInAs(owner.email);
    const withdrawn = await invite('gone@example.com');
    assert.equal((await owner.call(`/v1/invitations/${withdrawn.body.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await signUp(withdrawn.body.code, 'gone@example.com')).status, 403);
    const first = await invite('twice@example.com');
    const second = await invite('twice@example.com');
    assert.equal((await signUp(first.body.code, 'twice@example.com')).status, 403);
    assert.equal((await signUp(second.body.code, 'twice@example.com')).status, 201);
  });

  test('accepting as a signed-in person requires the invited email address; being a member already is a conflict', async () => {
    const ada = await createWorkspaceFor(owner, testServer, 'Elsewhere');
    const linus = await signUpMember(testServer, owner, 'member', 'linus@example.com');
    const invited = await ada.call<CreatedInvitation>('/v1/invitations', {
      body: { email: 'linus@example.com', role: 'member' },
    });
    const accept = (person: TestPerson) =>
      person.call(`/v1/invitations/${invited.body.code}/accept`, { method: 'POST' });
    assert.equal(codeOf(await accept(owner)), 'forbidden');
    assert.equal((await accept(linus)).status, 200);
    assert.equal((await accept(linus)).status, 404);
    const again = await owner.call('/v1/invitations', { body: { email: 'linus@example.com', role: 'member' } });
    assert.equal(codeOf(again), 'conflict');
    const workspaces = await linus.call<Page<{ name: string; role: string }>>('/v1/workspaces');
    assert.deepEqual(
      workspaces.body.data.map(({ name, role }) => [name, role]),
      [
        ['Acme', 'member'],
        ['Elsewhere', 'member'],
      ],
    );
  });

  test('role changes apply immediately, the owner keeps the role, and ownership is transferred, never shared', async () => {
    const bob = await signUpMember(testServer, owner, 'member', 'bob@example.com');
    const eve = await signUpMember(testServer, owner, 'admin', 'eve@example.com');
    const [bobId, eveId, ownerId] = await Promise.all(
      ['bob@example.com', 'eve@example.com', owner.email].map(async (email) => (await memberOf(email)).id),
    );
    const change = (person: TestPerson, id = '', role = 'admin') =>
      person.call(`/v1/members/${id}`, { method: 'PATCH', body: { role } });
    assert.equal((await bob.call('/v1/audit-events')).status, 403);
    assert.equal((await change(eve, bobId)).status, 200);
    assert.equal((await bob.call('/v1/audit-events')).status, 200);
    assert.equal(codeOf(await change(eve, ownerId, 'member')), 'forbidden');
    assert.equal(codeOf(await eve.call(`/v1/members/${ownerId}`, { method: 'DELETE' })), 'forbidden');
    assert.equal(codeOf(await owner.call(`/v1/members/${ownerId}`, { method: 'DELETE' })), 'forbidden');
    const transferOwnership = (person: TestPerson, memberId = '') =>
      person.call(`/v1/workspaces/${owner.workspaceId}/owner`, { body: { memberId } });
    assert.equal(codeOf(await transferOwnership(eve, eveId)), 'forbidden');
    assert.equal(codeOf(await transferOwnership(owner, ownerId)), 'conflict');
    assert.equal(codeOf(await transferOwnership(owner, 'mem_nobody')), 'not_found');
    const both = await Promise.all([transferOwnership(owner, eveId), transferOwnership(owner, bobId)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 403]);
    const owners = (await membersOf(eve)).filter(({ role }) => role === 'owner');
    assert.equal(owners.length, 1);
    assert.equal((await memberOf(owner.email)).role, 'admin');
    const newOwner = owners[0]?.email === eve.email ? eve : bob;
    // The first person is an operator, and only operators can give a workspace to an operator.
    assert.equal(codeOf(await transferOwnership(newOwner, ownerId)), 'forbidden');
    const { id: newOwnerId } = (await newOwner.call<{ id: string }>('/v1/me')).body;
    const operator = await owner.call(`/v1/people/${newOwnerId}`, { method: 'PATCH', body: { operator: true } });
    assert.equal(operator.status, 200, operator.text);
    assert.equal((await transferOwnership(newOwner, ownerId)).status, 200);
    assert.equal((await memberOf(owner.email)).role, 'owner');
  });

  test('a removed member sees nothing and loses the sessions; what they created stays', async () => {
    const admin = await signUpMember(testServer, owner, 'admin', 'carol@example.com');
    const { id, secret } = await createToken(admin, ['all']);
    assert.equal(
      (await owner.call(`/v1/members/${(await memberOf('carol@example.com')).id}`, { method: 'DELETE' })).status,
      204,
    );
    assert.equal((await admin.call('/v1/access-tokens')).status, 401);
    assert.equal((await admin.call('/v1/me')).status, 401);
    const back = await signInAs('carol@example.com');
    assert.equal((await back.call('/v1/access-tokens')).status, 404);
    assert.equal((await testServer.call('/v1/authorize', { headers: bearer(secret) })).status, 200);
    const token = await owner.call<{ createdBy: { email: string } }>(`/v1/access-tokens/${id}`);
    assert.equal(token.body.createdBy.email, 'carol@example.com');
  });

  test('a request without the header uses the last-used workspace, by id or slug; a workspace of other people is not found', async () => {
    const dave = await signUpMember(testServer, owner, 'member', 'dave@example.com');
    const own = await createWorkspaceFor({ ...dave, workspaceId: '' }, testServer, 'Daves own');
    const personWithoutHeader = createTestPerson(testServer, dave.email, dave.cookie, '');
    const currentSlug = async () =>
      (await personWithoutHeader.call<{ workspace: { slug: string } }>('/v1/whoami')).body.workspace.slug;
    const named = (workspace: string) =>
      personWithoutHeader.call('/v1/members', { headers: { 'devpilot-workspace': workspace } });
    assert.equal((await named('acme')).status, 200);
    assert.equal(await currentSlug(), 'acme');
    assert.equal((await named('daves-own')).status, 200);
    assert.equal(await currentSlug(), 'daves-own');
    assert.equal((await named(owner.workspaceId)).status, 200);
    assert.equal(await currentSlug(), 'acme');
    for (const unknownWorkspace of ['nothing', 'Acme', 'wsp_x'])
      assert.equal((await named(unknownWorkspace)).status, 404);
    assert.equal((await own.call(`/v1/workspaces/${own.workspaceId}`, { method: 'DELETE' })).status, 204);
    assert.equal((await named('daves-own')).status, 404);
    assert.equal(await currentSlug(), 'acme');
  });

  test('an idempotency key creates one resource, also with concurrent requests, and identifies it', async () => {
    const post = (path: string, body: unknown, key: string) =>
      owner.call<{ id: string; code: string; secret?: string }>(path, { body, headers: { 'idempotency-key': key } });
    const rows: [string, Record<string, unknown>][] = [
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
      const other = await post(path, { ...body, name: 'Another' }, 'key-1');
      assert.equal(other.status, 422, path);
    }
    const passphrase = { name: 'Deploys', scopes: ['all'], passphrase: 'another one' };
    assert.equal((await post('/v1/access-tokens', passphrase, 'key-1')).status, 422);
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

  const from = (address: string, call: TestRequest = {}): TestRequest => ({
    ...call,
    headers: { ...call.headers, 'x-forwarded-for': address },
  });
  const signIn = (password: string, address = '127.0.0.1', email = owner.email, code?: string) =>
    testServer.call('/v1/sessions', from(address, { body: { email, password, ...(code !== undefined && { code }) } }));

  test('CVE-2026-25050: a wrong password and an unknown account get the same response', async () => {
    const bare = ({ status, text }: TestResponse) => [status, text.replace(/"requestId":"[^"]*"/, '')];
    const wrong = await signIn('not the password', '10.1.0.1');
    const unknown = await signIn('not the password', '10.1.0.1', 'nobody@example.com');
    assert.deepEqual(bare(wrong), bare(unknown));
    assert.equal(wrong.status, 401);
    assert.equal(codeOf(wrong), 'sign_in_failed');
    assert.ok(!wrong.headers.has('set-cookie'));
  });

  test('sign-ins to an account from one address are throttled after five failures, also in parallel, and a stranger cannot lock a person out', async () => {
    const responses = await Promise.all(Array.from({ length: 60 }, (_, index) => signIn(`wrong ${index}`, '10.2.0.1')));
    const codes = responses.map(codeOf);
    assert.equal(codes.filter((code) => code === 'sign_in_failed').length, 5);
    assert.equal(codes.filter((code) => code === 'rate_limited').length, 55);
    const throttled = await signIn(PASSWORD, '10.2.0.1');
    assert.equal(throttled.status, 429);
    assert.ok(Number(throttled.headers.get('retry-after')) > 0);
    // Many strangers from many addresses: new addresses are throttled, the person's own is not.
    for (let address = 2; address <= 12; address++) {
      for (let count = 0; count < 5; count++) await signIn('wrong', `10.2.0.${address}`);
    }
    assert.equal((await signIn(PASSWORD, '10.2.0.99')).status, 429);
    assert.equal((await signIn(PASSWORD, '127.0.0.1')).status, 201);
    now += 60 * MINUTE;
    assert.equal((await signIn(PASSWORD, '10.2.0.1')).status, 201);
  });

  test('many concurrent sign-ins of one account from one address all succeed, one after the other', async () => {
    const responses = await Promise.all(Array.from({ length: 40 }, () => signIn(PASSWORD, '10.2.1.1')));
    assert.deepEqual([...new Set(responses.map(({ status }) => status))], [201]);
  });

  test('an address that fails at many accounts is throttled at all of them', async () => {
    for (let index = 0; index < 30; index++) await signIn('wrong', '10.3.0.1', `nobody${index}@example.com`);
    assert.equal((await signIn('wrong', '10.3.0.1', 'somebody@example.com')).status, 429);
    assert.equal((await signIn('wrong', '10.3.0.2', 'somebody@example.com')).status, 401);
  });

  test('a client address is taken from trusted proxies only', async () => {
    const strict = await startTestServer();
    const person = await signUpOwner(strict);
    await strict.call('/v1/sessions', {
      body: { email: person.email, password: PASSWORD },
      headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' },
    });
    const sessions = await person.call('/v1/sessions');
    assert.ok(!sessions.text.includes('203.0.113.9'));
    assert.ok(sessions.text.includes('127.0.0.1'));
    await strict.close();
  });

  test('a second factor is required, and each code and recovery code works once, also in parallel', async () => {
    const member = await signUpMember(testServer, owner, 'member', 'tess@example.com');
    const start = await member.call<{ secret: string; uri: string }>('/v1/me/two-factor', {
      body: { password: PASSWORD },
    });
    assert.equal(start.status, 201);
    assert.match(start.body.uri, /^otpauth:\/\/totp\//);
    const { secret } = start.body;
    const codeAt = (time = now) => generate({ secret, epoch: Math.floor(time / 1000) });
    const tess = (code?: string) => signIn(PASSWORD, '10.4.0.1', 'tess@example.com', code);
    assert.equal((await tess()).status, 201, 'a pending factor is not required');

    const before = member.cookie;
    const wrong = await member.call('/v1/me/two-factor/confirm', { body: { code: '000000' } });
    assert.equal(codeOf(wrong), 'sign_in_failed');
    const confirmed = await member.call<{ recoveryCodes: string[] }>('/v1/me/two-factor/confirm', {
      body: { code: await codeAt() },
    });
    assert.equal(confirmed.status, 200);
    assert.equal(confirmed.body.recoveryCodes.length, 10);
    const renewed = createTestPerson(testServer, member.email, cookieOf(confirmed), owner.workspaceId);
    assert.notEqual(renewed.cookie, before);
    assert.equal((await member.call('/v1/me')).status, 401, 'the previous secret no longer works');
    assert.equal((await renewed.call('/v1/me')).status, 200);

    assert.equal(codeOf(await tess()), 'second_factor_required');
    assert.equal(codeOf(await signIn('wrong password', '10.4.0.9', 'tess@example.com')), 'sign_in_failed');
    assert.equal(codeOf(await tess(await codeAt())), 'sign_in_failed', 'the code that confirmed it was used');
    now += 30 * SECOND;
    const code = await codeAt();
    const responses = await Promise.all(Array.from({ length: 4 }, () => tess(code)));
    assert.deepEqual(responses.map(({ status }) => status).sort(), [201, 401, 401, 401]);
    now += 15 * MINUTE;
    // CVE-2025-55000: a different spelling is still the same code.
    const next = await codeAt();
    assert.equal((await tess(`${next.slice(0, 3)} ${next.slice(3)}`)).status, 201);
    assert.equal((await tess(next)).status, 401);
    assert.equal((await tess(` ${next}`)).status, 401);
    now += 30 * SECOND;
    assert.equal((await tess(await codeAt(now - 10 * MINUTE))).status, 401, 'an old code');

    now += 15 * MINUTE;
    const [first = '', second = ''] = confirmed.body.recoveryCodes;
    const uses = await Promise.all([tess(first), tess(first), tess(first.toLowerCase().replaceAll('-', ' '))]);
    assert.deepEqual(uses.map(({ status }) => status).sort(), [201, 401, 401]);
    const left = await renewed.call<{ enabled: boolean; recoveryCodesLeft: number }>('/v1/me/two-factor');
    assert.deepEqual(left.body, { enabled: true, recoveryCodesLeft: 9 });
    const renew = (body: unknown) => renewed.call('/v1/me/two-factor/recovery-codes', { body });
    assert.equal(codeOf(await renew({ password: PASSWORD })), 'second_factor_required');
    assert.equal((await renew({ password: PASSWORD, code: await codeAt() })).status, 201);
    assert.equal((await tess(second)).status, 401);
    const remove = (body: unknown) => renewed.call('/v1/me/two-factor', { method: 'DELETE', body });
    assert.equal(codeOf(await remove({ password: PASSWORD })), 'second_factor_required');
    assert.equal(codeOf(await remove({ password: PASSWORD, code: await codeAt() })), 'sign_in_failed', 'a used code');
    now += 30 * SECOND;
    assert.equal((await remove({ password: PASSWORD, code: await codeAt() })).status, 204);
    now += 15 * MINUTE;
    assert.equal((await tess()).status, 201);
  });

  test('CVE-2026-27801: second factor attempts are limited, also in parallel', async () => {
    const member = await signUpMember(testServer, owner, 'member', 'tom@example.com');
    const start = await member.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
    const codeAt = () => generate({ secret: start.body.secret, epoch: Math.floor(now / 1000) });
    await member.call('/v1/me/two-factor/confirm', { body: { code: await codeAt() } });
    now += 30 * SECOND;
    const right = await codeAt();
    const guesses = Array.from({ length: 14 }, (_, index) => String(100_000 + index)).filter(
      (guess) => guess !== right,
    );
    const responses = await Promise.all(guesses.map((code) => signIn(PASSWORD, '10.5.0.1', 'tom@example.com', code)));
    assert.equal(responses.filter((response) => codeOf(response) === 'sign_in_failed').length, 5);
    assert.equal((await signIn(PASSWORD, '10.5.0.1', 'tom@example.com', right)).status, 429);
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
    return createTestPerson(testServer, owner.email, cookieOf(response), owner.workspaceId);
  }
  const alive = async (person: TestPerson) => (await person.call('/v1/me')).status === 200;

  test('each sign-in has its own secret, works by cookie and by Bearer, and ends at sign-out', async () => {
    const [firstSession, secondSession] = [await signIn(), await signIn()];
    assert.notEqual(firstSession.cookie, secondSession.cookie);
    assert.match(secretOf(firstSession.cookie), /^devpilot_session_[0-9A-Za-z]{46}$/);
    assert.equal((await testServer.call('/v1/me', { headers: bearer(secretOf(firstSession.cookie)) })).status, 200);
    const out = await firstSession.call('/v1/sessions/current', { method: 'DELETE' });
    assert.equal(out.status, 204);
    assert.match(out.headers.get('set-cookie') ?? '', /^devpilot=; .*Max-Age=0/);
    assert.equal(await alive(firstSession), false);
    assert.equal(await alive(secondSession), true);
    const list = await secondSession.call<Page<{ id: string; current: boolean }>>('/v1/sessions');
    assert.equal(list.body.data.filter(({ current }) => current).length, 1);
    assert.ok(!list.text.includes(secretOf(secondSession.cookie)));
    const third = await signIn();
    const other = (await secondSession.call<Page<{ id: string; current: boolean }>>('/v1/sessions')).body.data.find(
      ({ id }) => !list.body.data.some((known) => known.id === id),
    );
    assert.equal((await secondSession.call(`/v1/sessions/${other?.id}`, { method: 'DELETE' })).status, 204);
    assert.equal(await alive(third), false);
  });

  test("another person's session cannot be ended", async () => {
    const member = await signUpMember(testServer, owner, 'member', 'mel@example.com');
    const { body } = await owner.call<Page<{ id: string }>>('/v1/sessions');
    assert.equal((await member.call(`/v1/sessions/${body.data[0]?.id}`, { method: 'DELETE' })).status, 404);
  });

  test('CVE-2026-22706: a new password ends every other session and renews this one', async () => {
    const [mine, other] = [await signIn(), await signIn()];
    const change = (person: TestPerson, currentPassword: string, newPassword: string) =>
      person.call<ProblemBody>('/v1/me/password', { body: { currentPassword, newPassword } });
    assert.equal(codeOf(await change(mine, 'wrong', 'another long sentence')), 'sign_in_failed');
    assert.equal((await change(mine, PASSWORD, 'password')).body.errors?.[0]?.field, 'newPassword');
    const changed = await change(mine, PASSWORD, 'another long sentence');
    assert.equal(changed.status, 204);
    assert.equal(await alive(mine), false);
    assert.equal(await alive(other), false);
    const renewed = createTestPerson(testServer, owner.email, cookieOf(changed), owner.workspaceId);
    assert.equal(await alive(renewed), true);
    assert.equal(
      (await testServer.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } })).status,
      401,
    );
    const back = await change(renewed, 'another long sentence', PASSWORD);
    owner = createTestPerson(testServer, owner.email, cookieOf(back), owner.workspaceId);
  });

  test('a session ends after 14 idle days, and after 90 days even if it is used', async () => {
    const idle = await signIn();
    const busy = await signIn();
    const started = now;
    now = started + 14 * DAY - 1;
    assert.equal(await alive(busy), true);
    now = started + 14 * DAY;
    assert.equal(await alive(idle), false);
    testServer = await testServer.restart();
    const again = createTestPerson(testServer, busy.email, busy.cookie, busy.workspaceId);
    assert.equal(await alive(again), true);
    for (let day = 26; day < 90; day += 12) {
      now = started + day * DAY;
      assert.equal(await alive(again), true, `day ${day}`);
      testServer = await testServer.restart();
      Object.assign(again, createTestPerson(testServer, busy.email, busy.cookie, busy.workspaceId));
    }
    now = started + 90 * DAY - 1;
    assert.equal(await alive(again), true);
    now = started + 90 * DAY;
    assert.equal(await alive(again), false);
    owner = await signIn();
  });

  test('an unsafe request with the cookie needs our own Origin and JSON; a Bearer needs neither', async () => {
    const body = { name: 'Ada L.' };
    const patch = (headers: Record<string, string>, sent: unknown = body) =>
      testServer.call('/v1/me', { method: 'PATCH', headers, body: sent });
    const { cookie } = owner;
    assert.equal(codeOf(await patch({ cookie })), 'forbidden');
    assert.equal(codeOf(await patch({ cookie, origin: 'https://evil.example' })), 'forbidden');
    assert.equal(codeOf(await patch({ cookie, origin: 'null' })), 'forbidden');
    assert.equal(codeOf(await patch({ cookie, origin: `${testServer.url}.evil.example` })), 'forbidden');
    assert.equal(codeOf(await patch({ cookie, 'sec-fetch-site': 'same-site' })), 'forbidden');
    assert.equal(codeOf(await patch({ cookie, referer: testServer.url })), 'forbidden');
    assert.equal((await patch({ cookie, origin: testServer.url })).status, 200);
    assert.equal((await patch({ cookie, 'sec-fetch-site': 'same-origin' })).status, 200);
    assert.equal((await patch(bearer(secretOf(cookie)))).status, 200);
    const text = { cookie, origin: testServer.url, 'content-type': 'text/plain' };
    assert.equal((await patch(text, '{"name":"x"}')).status, 415);
    const form = { cookie, origin: testServer.url, 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await testServer.call('/v1/device/code', { headers: form, body: 'client_id=x' })).status, 415);
    assert.equal((await testServer.call('/v1/me', { headers: { cookie } })).status, 200);
    const signOut = await testServer.call('/v1/sessions/current', { method: 'DELETE', headers: { cookie } });
    assert.equal(codeOf(signOut), 'forbidden');
  });

  test('the cookie is HttpOnly and SameSite=Lax, and on https Secure with the __Host- prefix', async () => {
    const plain = await testServer.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } });
    assert.match(
      plain.headers.get('set-cookie') ?? '',
      /^devpilot=devpilot_session_\w{46}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
    assert.ok(!plain.text.includes('devpilot_session_'));
    for (const [environment, headers] of [
      [{ DEVPILOT_TRUST_PROXY: '127.0.0.0/8' }, { 'x-forwarded-proto': 'https' }],
      [{ DEVPILOT_PUBLIC_URL: 'https://devpilot.example.com' }, {}],
    ] as const) {
      const secure = await startTestServer({ environment });
      const setupCode = setupCodeOf(secure);
      const signedUp = await secure.call('/v1/people', {
        headers: { ...headers },
        body: { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode },
      });
      const cookie = signedUp.headers.get('set-cookie') ?? '';
      assert.match(
        cookie,
        /^__Host-devpilot=devpilot_session_\w{46}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/,
      );
      const me = await secure.call('/v1/me', { headers: { ...headers, cookie: cookie.split(';')[0] ?? '' } });
      assert.equal(me.status, 200);
      await secure.close();
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
  interface Started {
    device_code: string;
    user_code: string;
    interval: number;
    expires_in: number;
    verification_uri: string;
    verification_uri_complete: string;
  }
  const start = async (form: boolean) => {
    const fields = { client_id: 'devpilot cli' };
    const response = await testServer.call<Started>('/v1/device/code', {
      body: form ? new URLSearchParams(fields) : fields,
    });
    assert.equal(response.status, 200, response.text);
    return response.body;
  };
  const poll = (device_code: string, form = true) => {
    const fields = { grant_type: GRANT, device_code, client_id: 'devpilot cli' };
    return testServer.call<{ access_token: string; token_type: string; expires_in: number; error: string }>(
      '/v1/device/token',
      { body: form ? new URLSearchParams(fields) : fields },
    );
  };

  test('a device code is pending, then approved, and exchanged once, as a form and as JSON; fast polling is slowed down', async () => {
    for (const form of [true, false]) {
      const started = await start(form);
      assert.deepEqual([started.interval, started.expires_in], [5, 900]);
      assert.ok(started.verification_uri.startsWith(testServer.url));
      const pending = await poll(started.device_code, form);
      assert.equal(pending.status, 400);
      assert.equal(pending.body.error, 'authorization_pending');
      now += SECOND;
      assert.equal((await poll(started.device_code, form)).body.error, 'slow_down');
      now += 6 * SECOND;
      assert.equal((await poll(started.device_code, form)).body.error, 'authorization_pending');
      const response = await owner.call(`/v1/device/requests/${started.user_code.toLowerCase()}`);
      assert.equal(response.status, 200);
      assert.ok(response.text.includes('devpilot cli') && !response.text.includes(started.device_code));
      const signedOut = await testServer.call('/v1/device/approve', { body: { userCode: started.user_code } });
      assert.equal(signedOut.status, 401);
      assert.equal((await owner.call('/v1/device/approve', { body: { userCode: started.user_code } })).status, 204);
      assert.equal((await owner.call('/v1/device/approve', { body: { userCode: started.user_code } })).status, 404);
      now += 6 * SECOND;
      const responses = await Promise.all([poll(started.device_code, form), poll(started.device_code, form)]);
      assert.deepEqual(responses.map(({ status }) => status).sort(), [200, 400]);
      const grant = responses.find(({ status }) => status === 200)?.body;
      assert.equal(grant?.token_type, 'Bearer');
      assert.equal((await poll(started.device_code, form)).body.error, 'invalid_grant');
      const me = await testServer.call<{ email: string }>('/v1/me', { headers: bearer(grant?.access_token ?? '') });
      assert.equal(me.body.email, owner.email);
    }
  });

  test('denied, expired and unknown device codes and other grant types are refused', async () => {
    const denied = await start(true);
    assert.equal((await owner.call('/v1/device/deny', { body: { userCode: denied.user_code } })).status, 204);
    assert.equal((await poll(denied.device_code)).body.error, 'access_denied');
    const late = await start(true);
    now += 15 * MINUTE;
    assert.equal((await poll(late.device_code)).body.error, 'expired_token');
    assert.equal((await owner.call('/v1/device/approve', { body: { userCode: late.user_code } })).status, 404);
    assert.equal((await poll('made up')).body.error, 'invalid_grant');
    const fields = { grant_type: 'password', device_code: 'x' };
    const other = await testServer.call<{ error: string }>('/v1/device/token', { body: new URLSearchParams(fields) });
    assert.equal(other.body.error, 'unsupported_grant_type');
  });

  test('guessing user codes is limited', async () => {
    const codes: number[] = [];
    for (let index = 0; index < 32; index++) codes.push((await owner.call('/v1/device/requests/BBBB-BBBB')).status);
    assert.equal(codes[0], 404);
    assert.equal(codes.at(-1), 429);
  });
});

test('an invitation is mailed if a mail server is set, and the response says if that failed', async () => {
  const server = await startMailServer();
  const testServer = await startTestServer({
    environment: { DEVPILOT_SMTP_URL: server.url, DEVPILOT_PUBLIC_URL: 'https://dev.example.com' },
  });
  const setupCode = setupCodeOf(testServer);
  const signedUp = await testServer.call('/v1/people', {
    body: { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode },
  });
  const headers = bearer(secretOf(cookieOf(signedUp)));
  await testServer.call('/v1/workspaces', { headers, body: { name: 'Acme' } });
  const invite = (email: string) =>
    testServer.call<CreatedInvitation>('/v1/invitations', { headers, body: { email, role: 'member' } });
  const sent = await invite('grace@example.com');
  assert.equal(sent.body.mailed, true);
  assert.ok(sent.body.url.startsWith('https://dev.example.com/'));
  const mail = server.messages[0] ?? '';
  assert.ok(mail.includes(sent.body.url));
  assert.match(mail, /To: grace@example.com/);
  await server.close();
  const failed = await invite('linus@example.com');
  assert.equal(failed.status, 201);
  assert.equal(failed.body.mailed, false);
  await testServer.close();
});
