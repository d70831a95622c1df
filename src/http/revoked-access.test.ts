import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generate } from 'otplib';
import type { CreatedInvitation } from '../contract/invitations.ts';
import type { Member } from '../contract/members.ts';
import type { Page } from '../contract/paging.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  cookieOf,
  createTestPerson,
  createWorkspaceFor,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';
import { whileUncommitted } from '../testing/uncommitted.ts';

interface DeviceCode {
  readonly device_code: string;
  readonly user_code: string;
}

forEachEngine('ending the access of a person', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let environment: Readonly<Record<string, string>>;
  before(async () => {
    environment = await engine.environment();
    testServer = await startTestServer({ environment });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const problemCode = (response: TestResponse) => (response.body as { code?: string }).code;
  const requestDeviceCode = async () => (await testServer.call<DeviceCode>('/v1/device/code', { body: {} })).body;
  const approve = (person: TestPerson, { user_code }: DeviceCode) =>
    person.call('/v1/device/approve', { body: { userCode: user_code } });
  const poll = (device_code: string) =>
    testServer.call<{ access_token?: string; error?: string }>('/v1/device/token', {
      body: { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code },
    });
  const signIn = async (email: string, password = PASSWORD, code?: string) => {
    const response = await testServer.call('/v1/sessions', { body: { email, password, code } });
    return createTestPerson(testServer, { email, cookie: cookieOf(response), workspaceId: owner.workspaceId });
  };
  const requireMemberId = async (email: string) => {
    const { data } = (await owner.call<Page<Member>>('/v1/members')).body;
    return data.find((member) => member.email === email)?.id ?? assert.fail(`no member ${email}`);
  };
  const removeMember = async (email: string) =>
    assert.equal((await owner.call(`/v1/members/${await requireMemberId(email)}`, { method: 'DELETE' })).status, 204);

  /**
   * Actions that end the other sessions and the device codes of a person. Each returns the person with the session that
   * is valid afterwards.
   */
  const ACTIONS: Readonly<Record<string, (person: TestPerson) => Promise<TestPerson>>> = {
    'a new password': async (person) => {
      const body = { currentPassword: PASSWORD, newPassword: 'quite another sentence' };
      const changed = await person.call('/v1/me/password', { body });
      assert.equal(changed.status, 204, changed.text);
      return createTestPerson(testServer, { ...person, cookie: cookieOf(changed) });
    },
    'ending all other sessions': async (person) => {
      assert.equal((await person.call('/v1/sessions', { method: 'DELETE' })).status, 204);
      return person;
    },
    'removal from the last workspace': async (person) => {
      await removeMember(person.email);
      return signIn(person.email);
    },
  };

  for (const [action, endAccess] of Object.entries(ACTIONS)) {
    test(`${action} ends other sessions and all earlier device codes`, async () => {
      const email = `p${action.replaceAll(' ', '')}@example.com`;
      const person = await signUpMember(testServer, owner, 'member', email);
      const otherSession = await signIn(email);
      const pending = await requestDeviceCode();
      const approved = await requestDeviceCode();
      assert.equal((await approve(person, approved)).status, 204);
      const personAfterwards = await endAccess(person);
      assert.equal((await poll(approved.device_code)).body.error, 'invalid_grant');
      assert.equal((await approve(personAfterwards, pending)).status, 404);
      assert.equal((await poll(pending.device_code)).body.error, 'authorization_pending');
      assert.equal((await otherSession.call('/v1/me')).status, 401);
      const laterCode = await requestDeviceCode();
      assert.equal((await approve(personAfterwards, laterCode)).status, 204);
      assert.ok((await poll(laterCode.device_code)).body.access_token);
    });
  }

  test('ending one session ends the device codes that the person has approved', async () => {
    const otherSession = await signIn(owner.email);
    const approved = await requestDeviceCode();
    assert.equal((await approve(otherSession, approved)).status, 204);
    const { data } = (await owner.call<Page<{ id: string; current: boolean }>>('/v1/sessions')).body;
    const ended = data.find(({ current }) => !current);
    assert.equal((await owner.call(`/v1/sessions/${ended?.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await poll(approved.device_code)).body.error, 'invalid_grant');
  });

  test("deleting a workspace ends the access of members without another workspace, but not the owner's sessions", async () => {
    const ownerOfDeleted = await createWorkspaceFor(owner, testServer, 'A workspace to delete');
    const memberOfDeleted = await signUpMember(testServer, ownerOfDeleted, 'admin', 'only-here@example.com');
    const memberOfBoth = await signUpMember(testServer, ownerOfDeleted, 'member', 'both@example.com');
    const code = (
      await owner.call<CreatedInvitation>('/v1/invitations', {
        body: { email: memberOfBoth.email, role: 'member' },
      })
    ).body.code;
    assert.equal((await memberOfBoth.call(`/v1/invitations/${code}/accept`, { method: 'POST' })).status, 200);
    const devices = new Map<TestPerson, DeviceCode>();
    for (const person of [memberOfDeleted, memberOfBoth, ownerOfDeleted]) {
      const started = await requestDeviceCode();
      assert.equal((await approve(person, started)).status, 204);
      devices.set(person, started);
    }
    const pending = await requestDeviceCode();
    assert.equal(
      (await ownerOfDeleted.call(`/v1/workspaces/${ownerOfDeleted.workspaceId}`, { method: 'DELETE' })).status,
      204,
    );
    const sessionStatus = async (person: TestPerson) =>
      (await testServer.call('/v1/me', { headers: { cookie: person.cookie } })).status;
    assert.deepEqual(
      [await sessionStatus(memberOfDeleted), await sessionStatus(memberOfBoth), await sessionStatus(ownerOfDeleted)],
      [401, 200, 200],
    );
    const pollFor = async (person: TestPerson) => (await poll(devices.get(person)?.device_code ?? '')).body;
    assert.equal((await pollFor(memberOfDeleted)).error, 'invalid_grant');
    assert.ok((await pollFor(memberOfBoth)).access_token);
    assert.ok((await pollFor(ownerOfDeleted)).access_token);
    assert.equal((await approve(await signIn(memberOfDeleted.email), pending)).status, 404);
  });

  test('a CLI session cannot approve a device, neither as a Bearer token nor as a cookie', async () => {
    const first = await requestDeviceCode();
    assert.equal((await approve(owner, first)).status, 204);
    const secret = (await poll(first.device_code)).body.access_token ?? '';
    const second = await requestDeviceCode();
    const body = { userCode: second.user_code };
    const asBearer = await testServer.call('/v1/device/approve', { headers: bearer(secret), body });
    assert.deepEqual([asBearer.status, problemCode(asBearer)], [403, 'forbidden']);
    const asCookie = await approve(
      createTestPerson(testServer, { email: owner.email, cookie: `devpilot=${secret}` }),
      second,
    );
    assert.deepEqual([asCookie.status, problemCode(asCookie)], [403, 'forbidden']);
    assert.equal((await poll(second.device_code)).body.error, 'authorization_pending');
  });

  test('the invitations of an admin are revoked when the admin is demoted or removed', async () => {
    const actions: Readonly<Record<string, (email: string) => Promise<void>>> = {
      demoted: async (email) => {
        const body = { role: 'member' };
        assert.equal(
          (await owner.call(`/v1/members/${await requireMemberId(email)}`, { method: 'PATCH', body })).status,
          200,
        );
      },
      removed: removeMember,
    };
    for (const [outcome, endAdminRole] of Object.entries(actions)) {
      const admin = await signUpMember(testServer, owner, 'admin', `${outcome}@example.com`);
      const guest = `guest-of-${outcome}@example.com`;
      const body = { email: guest, role: 'admin' };
      const invitation = await admin.call<CreatedInvitation>('/v1/invitations', { body });
      await endAdminRole(admin.email);
      const listed = await owner.call('/v1/invitations');
      assert.ok(!listed.text.includes(guest), outcome);
      const signUp = { name: 'Eve', email: guest, password: PASSWORD, invitation: invitation.body.code };
      assert.equal(problemCode(await testServer.call('/v1/people', { body: signUp })), 'forbidden');
      assert.ok((await admin.call('/v1/invitations', { body })).status >= 400);
    }
  });

  test('enabling and disabling two-factor authentication each end other sessions and approved device codes', async () => {
    const person = await signUpMember(testServer, owner, 'member', 'totp@example.com');
    const otherSession = await signIn(person.email);
    const approved = await requestDeviceCode();
    assert.equal((await approve(otherSession, approved)).status, 204);
    const twoFactorSetup = await person.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
    const code = await generate({ secret: twoFactorSetup.body.secret });
    const confirmed = await person.call<{ recoveryCodes: string[] }>('/v1/me/two-factor/confirm', { body: { code } });
    assert.equal(confirmed.status, 200, confirmed.text);
    assert.equal((await otherSession.call('/v1/me')).status, 401);
    assert.equal((await poll(approved.device_code)).body.error, 'invalid_grant');
    const afterEnabling = createTestPerson(testServer, { email: person.email, cookie: cookieOf(confirmed) });
    assert.equal((await afterEnabling.call('/v1/me')).status, 200);
    const [first, second] = confirmed.body.recoveryCodes;
    const laterSession = await signIn(person.email, PASSWORD, first);
    const laterApproved = await requestDeviceCode();
    assert.equal((await approve(laterSession, laterApproved)).status, 204);
    const body = { password: PASSWORD, code: second };
    const removed = await afterEnabling.call('/v1/me/two-factor', { method: 'DELETE', body });
    assert.equal(removed.status, 204, removed.text);
    assert.equal((await laterSession.call('/v1/me')).status, 401);
    assert.equal((await poll(laterApproved.device_code)).body.error, 'invalid_grant');
    const afterDisabling = createTestPerson(testServer, { email: person.email, cookie: cookieOf(removed) });
    assert.equal((await afterDisabling.call('/v1/me')).status, 200);
  });

  test('an unconfirmed two-factor setup ends with the sessions', async () => {
    const person = await signUpMember(testServer, owner, 'member', 'half@example.com');
    const twoFactorSetup = await person.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
    assert.equal((await person.call('/v1/sessions', { method: 'DELETE' })).status, 204);
    const code = await generate({ secret: twoFactorSetup.body.secret });
    assert.equal(problemCode(await person.call('/v1/me/two-factor/confirm', { body: { code } })), 'conflict');
  });

  /** SQL that ends the sessions of a person while requests are in flight; `personQuery` selects the person's ID. */
  const ENDINGS: Readonly<Record<string, (personQuery: string) => string>> = {
    'signing out': (personQuery) => `delete from session where person_id = (${personQuery})`,
    'being disabled': (personQuery) => `update person set disabled = 1 where id = (${personQuery})`,
    'removal from the last workspace': (personQuery) =>
      `delete from member where person_id = (${personQuery}); delete from session where person_id = (${personQuery})`,
  };
  const skip = engine.name === 'sqlite' ? 'SQLite runs one write transaction at a time' : false;
  for (const [ending, endSessionSql] of Object.entries(ENDINGS)) {
    test(`a request in flight during ${ending} cannot accept an invitation or create a workspace`, {
      skip,
    }, async () => {
      const person = await signUpMember(
        testServer,
        owner,
        'member',
        `in-flight-${ending.replaceAll(' ', '-')}@example.com`,
      );
      const otherWorkspace = await owner.call<{ id: string }>('/v1/workspaces', {
        body: { name: `Other than ${ending}` },
      });
      const otherWorkspaceHeaders = { 'devpilot-workspace': otherWorkspace.body.id };
      const body = { email: person.email, role: 'admin' };
      const invitation = await owner.call<CreatedInvitation>('/v1/invitations', {
        headers: otherWorkspaceHeaders,
        body,
      });
      assert.equal(invitation.status, 201, invitation.text);
      const personQuery = `select id from person where email = '${person.email}'`;
      const endSession = `select 1 from person where id = (${personQuery}) for update; ${endSessionSql(personQuery)}`;
      const name = `Created during ${ending}`;
      const responses = await whileUncommitted(environment['DATABASE_URL'], endSession, 2, () =>
        Promise.all([
          person.call(`/v1/invitations/${invitation.body.code}/accept`, { method: 'POST' }),
          person.call('/v1/workspaces', { body: { name } }),
        ]),
      );
      for (const response of responses) {
        assert.deepEqual([response.status, problemCode(response)], [401, 'invalid_token'], response.text);
      }
      const members = await owner.call('/v1/members', { headers: otherWorkspaceHeaders });
      assert.ok(!members.text.includes(person.email));
    });
  }
});
