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

interface Started {
  readonly device_code: string;
  readonly user_code: string;
}

forEachEngine('what ends the access of a person ends all of it', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let environment: Readonly<Record<string, string>>;
  before(async () => {
    environment = await engine.environment();
    testServer = await startTestServer({ environment });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const codeOf = (response: TestResponse) => (response.body as { code?: string; error?: string }).code;
  const startDevice = async () => (await testServer.call<Started>('/v1/device/code', { body: {} })).body;
  const approve = (person: TestPerson, { user_code }: Started) =>
    person.call('/v1/device/approve', { body: { userCode: user_code } });
  const poll = (device_code: string) =>
    testServer.call<{ access_token?: string; error?: string }>('/v1/device/token', {
      body: { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code },
    });
  const signIn = async (email: string, password = PASSWORD, code?: string) => {
    const response = await testServer.call('/v1/sessions', { body: { email, password, code } });
    return createTestPerson(testServer, email, cookieOf(response), owner.workspaceId);
  };
  const memberOf = async (email: string) => {
    const { data } = (await owner.call<Page<Member>>('/v1/members')).body;
    return data.find((member) => member.email === email)?.id ?? assert.fail(`no member ${email}`);
  };
  const remove = async (email: string) =>
    assert.equal((await owner.call(`/v1/members/${await memberOf(email)}`, { method: 'DELETE' })).status, 204);

  /** Each way in which all access of a person ends; returns the person as signed in afterwards. */
  const WAYS: Readonly<Record<string, (person: TestPerson) => Promise<TestPerson>>> = {
    'a new password': async (person) => {
      const body = { currentPassword: PASSWORD, newPassword: 'quite another sentence' };
      const changed = await person.call('/v1/me/password', { body });
      assert.equal(changed.status, 204, changed.text);
      return createTestPerson(testServer, person.email, cookieOf(changed), person.workspaceId);
    },
    'ending all other sessions': async (person) => {
      assert.equal((await person.call('/v1/sessions', { method: 'DELETE' })).status, 204);
      return person;
    },
    'removal from the last workspace': async (person) => {
      await remove(person.email);
      return signIn(person.email);
    },
  };

  for (const [way, end] of Object.entries(WAYS)) {
    test(`${way} ends device codes, pending and approved, and other sessions`, async () => {
      const email = `p${way.replaceAll(' ', '')}@example.com`;
      const person = await signUpMember(testServer, owner, 'member', email);
      const other = await signIn(email);
      const pending = await startDevice();
      const approved = await startDevice();
      assert.equal((await approve(person, approved)).status, 204);
      const now = await end(person);
      assert.equal((await poll(approved.device_code)).body.error, 'invalid_grant');
      assert.equal((await approve(now, pending)).status, 404);
      assert.equal((await poll(pending.device_code)).body.error, 'authorization_pending');
      assert.equal((await other.call('/v1/me')).status, 401);
      const later = await startDevice();
      assert.equal((await approve(now, later)).status, 204);
      assert.ok((await poll(later.device_code)).body.access_token);
    });
  }

  test('ending one other session ends the device codes that it may have approved', async () => {
    const other = await signIn(owner.email);
    const approved = await startDevice();
    assert.equal((await approve(other, approved)).status, 204);
    const { data } = (await owner.call<Page<{ id: string; current: boolean }>>('/v1/sessions')).body;
    const ended = data.find(({ current }) => !current);
    assert.equal((await owner.call(`/v1/sessions/${ended?.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await poll(approved.device_code)).body.error, 'invalid_grant');
  });

  test('deleting a workspace ends the access of members who are in no other, and no session of its owner', async () => {
    const doomed = await createWorkspaceFor(owner, testServer, 'A workspace to delete');
    const alone = await signUpMember(testServer, doomed, 'admin', 'alone@example.com');
    const elsewhere = await signUpMember(testServer, doomed, 'member', 'elsewhere@example.com');
    const code = (
      await owner.call<CreatedInvitation>('/v1/invitations', {
        body: { email: elsewhere.email, role: 'member' },
      })
    ).body.code;
    assert.equal((await elsewhere.call(`/v1/invitations/${code}/accept`, { method: 'POST' })).status, 200);
    const devices = new Map<TestPerson, Started>();
    for (const person of [alone, elsewhere, doomed]) {
      const started = await startDevice();
      assert.equal((await approve(person, started)).status, 204);
      devices.set(person, started);
    }
    const pending = await startDevice();
    assert.equal((await doomed.call(`/v1/workspaces/${doomed.workspaceId}`, { method: 'DELETE' })).status, 204);
    const statusOf = async (person: TestPerson) =>
      (await testServer.call('/v1/me', { headers: { cookie: person.cookie } })).status;
    assert.deepEqual([await statusOf(alone), await statusOf(elsewhere), await statusOf(doomed)], [401, 200, 200]);
    const pollOf = async (person: TestPerson) => (await poll(devices.get(person)?.device_code ?? '')).body;
    assert.equal((await pollOf(alone)).error, 'invalid_grant');
    assert.ok((await pollOf(elsewhere)).access_token);
    assert.ok((await pollOf(doomed)).access_token);
    assert.equal((await approve(await signIn(alone.email), pending)).status, 404);
  });

  test('a CLI session approves no device, however it is presented', async () => {
    const first = await startDevice();
    assert.equal((await approve(owner, first)).status, 204);
    const secret = (await poll(first.device_code)).body.access_token ?? '';
    const next = await startDevice();
    const body = { userCode: next.user_code };
    const asBearer = await testServer.call('/v1/device/approve', { headers: bearer(secret), body });
    assert.deepEqual([asBearer.status, codeOf(asBearer)], [403, 'forbidden']);
    const asCookie = await approve(createTestPerson(testServer, owner.email, `devpilot=${secret}`, ''), next);
    assert.deepEqual([asCookie.status, codeOf(asCookie)], [403, 'forbidden']);
    assert.equal((await poll(next.device_code)).body.error, 'authorization_pending');
  });

  test('the invitations of an admin end when the admin is demoted or removed', async () => {
    const end: Readonly<Record<string, (email: string) => Promise<void>>> = {
      demoted: async (email) => {
        const body = { role: 'member' };
        assert.equal((await owner.call(`/v1/members/${await memberOf(email)}`, { method: 'PATCH', body })).status, 200);
      },
      removed: remove,
    };
    for (const [how, act] of Object.entries(end)) {
      const admin = await signUpMember(testServer, owner, 'admin', `${how}@example.com`);
      const guest = `guest-of-${how}@example.com`;
      const body = { email: guest, role: 'admin' };
      const invited = await admin.call<CreatedInvitation>('/v1/invitations', { body });
      await act(admin.email);
      const listed = await owner.call('/v1/invitations');
      assert.ok(!listed.text.includes(guest), how);
      const signUp = { name: 'Eve', email: guest, password: PASSWORD, invitation: invited.body.code };
      assert.equal(codeOf(await testServer.call('/v1/people', { body: signUp })), 'forbidden');
      assert.ok((await admin.call('/v1/invitations', { body })).status >= 400);
    }
  });

  test('turning two-factor authentication on, and off, ends other sessions and approved device codes', async () => {
    const person = await signUpMember(testServer, owner, 'member', 'totp@example.com');
    const other = await signIn(person.email);
    const approved = await startDevice();
    assert.equal((await approve(other, approved)).status, 204);
    const twoFactorSetup = await person.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
    const code = await generate({ secret: twoFactorSetup.body.secret });
    const confirmed = await person.call<{ recoveryCodes: string[] }>('/v1/me/two-factor/confirm', { body: { code } });
    assert.equal(confirmed.status, 200, confirmed.text);
    assert.equal((await other.call('/v1/me')).status, 401);
    assert.equal((await poll(approved.device_code)).body.error, 'invalid_grant');
    const on = createTestPerson(testServer, person.email, cookieOf(confirmed), '');
    assert.equal((await on.call('/v1/me')).status, 200);
    const [first, second] = confirmed.body.recoveryCodes;
    const another = await signIn(person.email, PASSWORD, first);
    const approvedThere = await startDevice();
    assert.equal((await approve(another, approvedThere)).status, 204);
    const body = { password: PASSWORD, code: second };
    const removed = await on.call('/v1/me/two-factor', { method: 'DELETE', body });
    assert.equal(removed.status, 204, removed.text);
    assert.equal((await another.call('/v1/me')).status, 401);
    assert.equal((await poll(approvedThere.device_code)).body.error, 'invalid_grant');
    const off = createTestPerson(testServer, person.email, cookieOf(removed), '');
    assert.equal((await off.call('/v1/me')).status, 200);
  });

  test('an unconfirmed two-factor setup ends with the sessions', async () => {
    const person = await signUpMember(testServer, owner, 'member', 'half@example.com');
    const twoFactorSetup = await person.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
    assert.equal((await person.call('/v1/sessions', { method: 'DELETE' })).status, 204);
    const code = await generate({ secret: twoFactorSetup.body.secret });
    assert.equal(codeOf(await person.call('/v1/me/two-factor/confirm', { body: { code } })), 'conflict');
  });

  /** SQL that ends a session while one of its requests is in flight; `who` selects the person's id. */
  const ENDINGS: Readonly<Record<string, (who: string) => string>> = {
    'signing out': (who) => `delete from session where person_id = (${who})`,
    'being disabled': (who) => `update person set disabled = 1 where id = (${who})`,
    'removal from the last workspace': (who) =>
      `delete from member where person_id = (${who}); delete from session where person_id = (${who})`,
  };
  const skip = engine.name === 'sqlite' ? 'SQLite runs one write transaction at a time' : false;
  for (const [ending, change] of Object.entries(ENDINGS)) {
    test(`a request in flight at ${ending} accepts no invitation and creates no workspace`, { skip }, async () => {
      const person = await signUpMember(
        testServer,
        owner,
        'member',
        `under-way-${ending.replaceAll(' ', '-')}@example.com`,
      );
      const elsewhere = await owner.call<{ id: string }>('/v1/workspaces', { body: { name: `Not for ${ending}` } });
      const elsewhereHeaders = { 'devpilot-workspace': elsewhere.body.id };
      const body = { email: person.email, role: 'admin' };
      const invited = await owner.call<CreatedInvitation>('/v1/invitations', { headers: elsewhereHeaders, body });
      assert.equal(invited.status, 201, invited.text);
      const who = `select id from person where email = '${person.email}'`;
      const locked = `select 1 from person where id = (${who}) for update; ${change(who)}`;
      const name = `Founded at ${ending}`;
      const responses = await whileUncommitted(environment['DATABASE_URL'], locked, 2, () =>
        Promise.all([
          person.call(`/v1/invitations/${invited.body.code}/accept`, { method: 'POST' }),
          person.call('/v1/workspaces', { body: { name } }),
        ]),
      );
      for (const response of responses) {
        assert.deepEqual([response.status, codeOf(response)], [401, 'invalid_token'], response.text);
      }
      const members = await owner.call('/v1/members', { headers: elsewhereHeaders });
      assert.ok(!members.text.includes(person.email));
    });
  }
});
