import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { DAY, MINUTE } from '../contract/limits.ts';
import type { Notice } from '../contract/notices.ts';
import type { Notifications } from '../contract/notifications.ts';
import type { CountedPage, Page } from '../contract/paging.ts';
import { forEachEngine } from '../testing/engines.ts';
import { type MailServer, startMailServer } from '../testing/mail-server.ts';
import {
  bearer,
  cookieOf,
  createKey,
  createTestPerson,
  createToken,
  createWorkspaceFor,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

forEachEngine('notices', (engine) => {
  let now = Date.parse('2027-02-24T09:30:00.000Z');
  let testServer: TestServer;
  let ada: TestPerson;
  let mails: MailServer;
  before(async () => {
    mails = await startMailServer();
    const environment = { ...(await engine.environment()), DEVPILOT_SMTP_URL: mails.url };
    const work = { dueMs: 1_000, sweepMs: 10_000, noticesMs: 50 };
    testServer = await startTestServer({ clock: () => now, environment, work });
    ada = await signUpOwner(testServer);
  });
  after(async () => {
    await testServer.close();
    await mails.close();
  });

  /** After a long time, the session has ended. */
  async function signInAgain(workspaceId = ''): Promise<TestPerson> {
    const { email } = ada;
    const signedIn = await testServer.call('/v1/sessions', { body: { email, password: PASSWORD } });
    return createTestPerson(testServer, email, cookieOf(signedIn), workspaceId);
  }
  const listPage = async (person: TestPerson, query = '') => {
    const { status, body, text } = await person.call<CountedPage<Notice>>(`/v1/notices${query}`);
    assert.equal(status, 200, text);
    return body;
  };
  const kindsOf = async (person: TestPerson, query = '') =>
    (await listPage(person, query)).data.map(({ kind }) => kind);
  const actionsOf = async (person: TestPerson) =>
    (await person.call<Page<AuditEvent>>('/v1/audit-events')).body.data.map(({ action }) => action);
  const dismiss = (person: TestPerson, { id }: Notice, body?: object) =>
    person.call<Notice>(`/v1/notices/${id}/dismiss`, { method: 'POST', ...(body && { body }) });
  async function reportError(person: TestPerson, message: string): Promise<string> {
    const { status, body, text } = await person.call<{ issueId: string }>('/v1/errors/events', {
      body: { type: 'TypeError', message, fingerprint: [message] },
    });
    assert.equal(status, 201, text);
    return body.issueId;
  }

  test('tell of new and reopened errors once, and go when the issue is resolved', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Errors');
    const issueId = await reportError(owner, 'order is undefined');
    await reportError(owner, 'order is undefined');
    const { data, total, nextCursor } = await listPage(owner);
    const [notice] = data;
    assert.deepEqual([data.length, total, nextCursor], [1, 1, null]);
    assert.deepEqual(
      { kind: notice?.kind, status: notice?.status, action: notice?.action, subject: notice?.subject.id },
      {
        kind: 'error.new',
        status: 'open',
        action: { text: 'Look at the issue', path: `/errors/${issueId}` },
        subject: issueId,
      },
    );
    const setStatus = async (status: string) =>
      assert.equal(
        (await owner.call(`/v1/errors/issues/${issueId}`, { method: 'PATCH', body: { status } })).status,
        200,
      );
    await setStatus('resolved');
    assert.deepEqual(await kindsOf(owner), []);
    now += 1000;
    await reportError(owner, 'order is undefined');
    assert.deepEqual(await kindsOf(owner), ['error.reopened']);
    await setStatus('muted');
    assert.deepEqual(await kindsOf(owner), []);
    const recorded = (await actionsOf(owner)).filter((action) => action.startsWith('error.'));
    assert.deepEqual(recorded, ['error.reopened', 'error.new']);
  });

  test('are paged, filtered, dismissed and snoozed, within their workspace', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Dismissing');
    for (const message of ['one', 'two', 'three']) {
      now += 1000;
      await reportError(owner, message);
    }
    const first = await listPage(owner, '?limit=2');
    const second = await listPage(owner, `?limit=2&cursor=${first.nextCursor}`);
    const [three, two, one] = [...first.data, ...second.data] as [Notice, Notice, Notice];
    assert.deepEqual(
      [three, two, one].map(({ subject }) => subject.name),
      ['TypeError: three', 'TypeError: two', 'TypeError: one'],
    );
    assert.deepEqual([first.total, second.nextCursor], [3, null]);

    const neighbor = await createWorkspaceFor(ada, testServer, 'Neighbor');
    assert.equal((await dismiss(neighbor, one)).status, 404);
    const dismissed = await dismiss(owner, one);
    assert.deepEqual(
      [dismissed.status, dismissed.body.status, dismissed.body.dismissedBy?.name],
      [200, 'dismissed', 'Ada Lovelace'],
    );
    const until = new Date(now + DAY).toISOString();
    const snoozed = await dismiss(owner, two, { until });
    assert.deepEqual([snoozed.body.status, snoozed.body.snoozedUntil], ['snoozed', until]);
    for (const wrong of [new Date(now).toISOString(), new Date(now + 367 * DAY).toISOString(), 'soon']) {
      assert.equal((await dismiss(owner, three, { until: wrong })).status, 422, wrong);
    }
    const idsOf = async (query: string) => (await listPage(owner, query)).data.map(({ id }) => id);
    assert.deepEqual(await idsOf('?status=open'), [three.id]);
    assert.deepEqual(await idsOf('?status=snoozed'), [two.id]);
    assert.deepEqual(await idsOf('?status=dismissed&kind=error.new'), [one.id]);
    assert.equal((await listPage(owner, '?kind=run.failed')).total, 0);
    now += DAY;
    assert.deepEqual(await idsOf('?status=open'), [three.id, two.id]);
    const recorded = (await actionsOf(owner)).filter((action) => action.startsWith('notice.'));
    assert.deepEqual(recorded, ['notice.snoozed', 'notice.dismissed']);

    const reopen = (person: TestPerson) => person.call<Notice>(`/v1/notices/${one.id}/reopen`, { method: 'POST' });
    assert.equal((await reopen(neighbor)).status, 404);
    const { status, dismissedAt, dismissedBy } = (await reopen(owner)).body;
    assert.deepEqual([status, dismissedAt, dismissedBy], ['open', null, null]);
    assert.deepEqual(await idsOf('?status=open'), [three.id, two.id, one.id]);
    assert.equal((await actionsOf(owner)).at(0), 'notice.reopened');
  });

  test('every response to a credential that expires within 30 days has the header Sunset', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Sunset');
    const expiresAt = now + 31 * DAY;
    const { secret } = await createToken(owner, ['error_tracker'], { expiresAt: new Date(expiresAt).toISOString() });
    const { secret: lasting } = await createKey(owner, ['read']);
    const sunsetOf = async (path: string, status: number, credential = secret) => {
      const response = await testServer.call(path, { headers: bearer(credential) });
      assert.equal(response.status, status, path);
      return response.headers.get('sunset');
    };
    const paths: [string, number][] = [
      ['/v1/authorize', 200],
      ['/v1/authorize?scope=modify_env', 403],
      ['/v1/authorize?scopes=x', 403],
      ['/v1/whoami', 200],
      ['/v1/apps/none/env', 403],
      ['/v1/errors/issues?status=nope', 422],
    ];
    for (const [path, status] of paths) assert.equal(await sunsetOf(path, status), null, path);
    now = expiresAt - 30 * DAY;
    for (const [path, status] of paths) {
      assert.equal(await sunsetOf(path, status), new Date(expiresAt).toUTCString(), path);
      assert.equal(await sunsetOf('/v1/authorize', 200, lasting), null);
    }
    now = expiresAt;
    assert.equal(await sunsetOf('/v1/authorize', 401), null);
  });

  test('the secret of a deleted credential is recorded per minute and noticed for 90 days', async () => {
    const owner = await createWorkspaceFor(await signInAgain(), testServer, 'Deleted');
    now = Math.ceil(now / MINUTE) * MINUTE;
    const { secret, id } = await createToken(owner, ['error_tracker'], { name: 'Old pipeline' });
    assert.equal((await owner.call(`/v1/access-tokens/${id}`, { method: 'DELETE' })).status, 204);
    const deletedAt = now;
    const present = async (presented = secret) => {
      const { status, body } = await testServer.call<{ code: string }>('/v1/whoami', { headers: bearer(presented) });
      assert.deepEqual([status, body.code], [401, 'invalid_token']);
    };
    const uses = async (person = owner) =>
      (await person.call<Page<AuditEvent>>('/v1/audit-events?action=credential.used_after_deletion')).body.data.map(
        ({ credential, address, detail }) => [credential?.id, address, detail['count']],
      );
    await present(mintSecret('access_token'));
    assert.deepEqual(await uses(), []);
    await present();
    assert.deepEqual(await uses(), [[id, '127.0.0.1', 1]]);
    await present();
    await present();
    assert.deepEqual(await uses(), [[id, '127.0.0.1', 1]]);
    now += MINUTE;
    assert.deepEqual(await uses(), [
      [id, '127.0.0.1', 2],
      [id, '127.0.0.1', 1],
    ]);
    const { data } = await listPage(owner);
    assert.deepEqual(
      data.map(({ kind, urgent, title, credential }) => [kind, urgent, title, credential?.createdBy?.email]),
      [
        [
          'credential.used_after_deletion',
          true,
          'The access token “Old pipeline” was used after its deletion',
          'ada@example.com',
        ],
      ],
    );
    assert.deepEqual(data[0]?.credential?.addresses, [
      { address: '127.0.0.1', lastSeenAt: new Date(now).toISOString() },
    ]);
    assert.equal(data[0]?.credential?.deletedAt, new Date(deletedAt).toISOString());
    now = deletedAt + 90 * DAY + 1;
    await present();
    assert.equal((await uses(await signInAgain(owner.workspaceId))).length, 2);
  });

  test('a person chooses which mails they get, and ends them by a link without signing in', async () => {
    const owner = await createWorkspaceFor(await signInAgain(), testServer, 'Mailed');
    const path = '/v1/me/notifications';
    const chosen = async () => (await owner.call<Notifications>(path)).body;
    const defaults = await chosen();
    assert.deepEqual([defaults.mail, defaults.kinds['error.new']], [true, 'digest']);
    assert.equal(defaults.kinds['deployment.failed'], 'immediate');
    const patch = (kinds: object) => owner.call<Notifications>(path, { method: 'PATCH', body: { kinds } });
    assert.equal((await patch({ 'error.new': 'immediate' })).body.kinds['error.new'], 'immediate');
    for (const wrong of [{ 'error.new': 'often' }, { other: 'off' }]) assert.equal((await patch(wrong)).status, 422);

    await reportError(owner, 'mailed at once');
    const isMailed = () => mails.messages.find((message) => message.includes('mailed at once'));
    await until(() => Promise.resolve(isMailed() !== undefined));
    const link = /^List-Unsubscribe: <(http\S+)>/m.exec((isMailed() ?? '').replace(/\r\n\s+/g, ' '))?.[1] ?? '';
    assert.match(isMailed() ?? '', /^List-Unsubscribe-Post: List-Unsubscribe=One-Click/m);
    const { pathname } = new URL(link);
    for (const other of [
      `${pathname}0`,
      pathname.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      '/unsubscribe/x',
    ]) {
      assert.equal((await testServer.call(other)).status, 404, other);
      assert.equal((await testServer.call(other, { method: 'POST' })).status, 404, other);
    }
    const page = await testServer.call(pathname);
    assert.deepEqual([page.status, /<form method="post">/.test(page.text)], [200, true]);
    assert.equal((await chosen()).kinds['error.new'], 'immediate', 'opening the link changes nothing');
    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' });
    assert.equal((await testServer.call(pathname, { method: 'POST', body })).status, 200);
    const multipart = { 'content-type': 'multipart/form-data; boundary=x' };
    const again = { method: 'POST', body: '--x\r\n\r\n--x--\r\n', headers: multipart };
    assert.equal((await testServer.call(pathname, again)).status, 200);
    assert.deepEqual(new Set(Object.values((await chosen()).kinds)), new Set(['off']));
    const recorded = (await actionsOf(owner)).filter((action) => action === 'notifications.updated');
    assert.equal(recorded.length, 2);
  });
});
