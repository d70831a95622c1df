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
  let mailServer: MailServer;
  before(async () => {
    mailServer = await startMailServer();
    const environment = { ...(await engine.environment()), DEVPILOT_SMTP_URL: mailServer.url };
    const schedulerIntervals = { dueMs: 1_000, sweepMs: 10_000, noticesMs: 50 };
    testServer = await startTestServer({ clock: () => now, environment, schedulerIntervals });
    ada = await signUpOwner(testServer);
  });
  after(async () => {
    await testServer.close();
    await mailServer.close();
  });

  /** Signs Ada in again after the clock has passed the end of her session. */
  async function signInAgain(workspaceId = ''): Promise<TestPerson> {
    const { email } = ada;
    const signedIn = await testServer.call('/v1/sessions', { body: { email, password: PASSWORD } });
    return createTestPerson(testServer, { email, cookie: cookieOf(signedIn), workspaceId });
  }
  const listPage = async (person: TestPerson, query = '') => {
    const { status, body, text } = await person.call<CountedPage<Notice>>(`/v1/notices${query}`);
    assert.equal(status, 200, text);
    return body;
  };
  const listKinds = async (person: TestPerson, query = '') =>
    (await listPage(person, query)).data.map(({ kind }) => kind);
  const listAuditActions = async (person: TestPerson) =>
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

  test('a new or reopened error issue has one notice until the issue is resolved or muted', async () => {
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
        action: { text: 'View issue', path: `/errors/${issueId}` },
        subject: issueId,
      },
    );
    const setStatus = async (status: string) =>
      assert.equal(
        (await owner.call(`/v1/errors/issues/${issueId}`, { method: 'PATCH', body: { status } })).status,
        200,
      );
    await setStatus('resolved');
    assert.deepEqual(await listKinds(owner), []);
    now += 1000;
    await reportError(owner, 'order is undefined');
    assert.deepEqual(await listKinds(owner), ['error.reopened']);
    await setStatus('muted');
    assert.deepEqual(await listKinds(owner), []);
    const recorded = (await listAuditActions(owner)).filter((action) => action.startsWith('error.'));
    assert.deepEqual(recorded, ['error.reopened', 'error.new']);
  });

  test('notices can be paged, filtered, dismissed, snoozed and reopened, only within their workspace', async () => {
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

    const adaInOtherWorkspace = await createWorkspaceFor(ada, testServer, 'Neighbor');
    assert.equal((await dismiss(adaInOtherWorkspace, one)).status, 404);
    const dismissed = await dismiss(owner, one);
    assert.deepEqual(
      [dismissed.status, dismissed.body.status, dismissed.body.dismissedBy?.name],
      [200, 'dismissed', 'Ada Lovelace'],
    );
    const snoozedUntil = new Date(now + DAY).toISOString();
    const snoozed = await dismiss(owner, two, { until: snoozedUntil });
    assert.deepEqual([snoozed.body.status, snoozed.body.snoozedUntil], ['snoozed', snoozedUntil]);
    for (const invalidUntil of [new Date(now).toISOString(), new Date(now + 367 * DAY).toISOString(), 'soon']) {
      assert.equal((await dismiss(owner, three, { until: invalidUntil })).status, 422, invalidUntil);
    }
    const listIds = async (query: string) => (await listPage(owner, query)).data.map(({ id }) => id);
    assert.deepEqual(await listIds('?status=open'), [three.id]);
    assert.deepEqual(await listIds('?status=snoozed'), [two.id]);
    assert.deepEqual(await listIds('?status=dismissed&kind=error.new'), [one.id]);
    assert.equal((await listPage(owner, '?kind=run.failed')).total, 0);
    now += DAY;
    assert.deepEqual(await listIds('?status=open'), [three.id, two.id]);
    const recorded = (await listAuditActions(owner)).filter((action) => action.startsWith('notice.'));
    assert.deepEqual(recorded, ['notice.snoozed', 'notice.dismissed']);

    const reopen = (person: TestPerson) => person.call<Notice>(`/v1/notices/${one.id}/reopen`, { method: 'POST' });
    assert.equal((await reopen(adaInOtherWorkspace)).status, 404);
    const { status, dismissedAt, dismissedBy } = (await reopen(owner)).body;
    assert.deepEqual([status, dismissedAt, dismissedBy], ['open', null, null]);
    assert.deepEqual(await listIds('?status=open'), [three.id, two.id, one.id]);
    assert.equal((await listAuditActions(owner)).at(0), 'notice.reopened');
  });

  test('every response to a credential that expires within 30 days has a Sunset header', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Sunset');
    const expiresAt = now + 31 * DAY;
    const { secret } = await createToken(owner, ['error_tracker'], { expiresAt: new Date(expiresAt).toISOString() });
    const { secret: secretWithoutExpiry } = await createKey(owner, ['read']);
    const readSunsetHeader = async (path: string, status: number, credential = secret) => {
      const response = await testServer.call(path, { headers: bearer(credential) });
      assert.equal(response.status, status, path);
      return response.headers.get('sunset');
    };
    const paths: [path: string, status: number][] = [
      ['/v1/authorize', 200],
      ['/v1/authorize?scope=modify_env', 403],
      ['/v1/authorize?scopes=x', 403],
      ['/v1/whoami', 200],
      ['/v1/apps/none/env', 403],
      ['/v1/errors/issues?status=nope', 422],
    ];
    for (const [path, status] of paths) assert.equal(await readSunsetHeader(path, status), null, path);
    now = expiresAt - 30 * DAY;
    for (const [path, status] of paths) {
      assert.equal(await readSunsetHeader(path, status), new Date(expiresAt).toUTCString(), path);
      assert.equal(await readSunsetHeader('/v1/authorize', 200, secretWithoutExpiry), null);
    }
    now = expiresAt;
    assert.equal(await readSunsetHeader('/v1/authorize', 401), null);
  });

  test('uses of a deleted credential create a notice and one audit event per minute, for 90 days', async () => {
    const owner = await createWorkspaceFor(await signInAgain(), testServer, 'Deleted');
    now = Math.ceil(now / MINUTE) * MINUTE;
    const { secret, id } = await createToken(owner, ['error_tracker'], { name: 'Old pipeline' });
    assert.equal((await owner.call(`/v1/access-tokens/${id}`, { method: 'DELETE' })).status, 204);
    const deletedAt = now;
    const expectRefused = async (presentedSecret = secret) => {
      const { status, body } = await testServer.call<{ code: string }>('/v1/whoami', {
        headers: bearer(presentedSecret),
      });
      assert.deepEqual([status, body.code], [401, 'invalid_token']);
    };
    const listRecordedUses = async (person = owner) =>
      (await person.call<Page<AuditEvent>>('/v1/audit-events?action=credential.used_after_deletion')).body.data.map(
        ({ credential, address, detail }) => [credential?.id, address, detail['count']],
      );
    await expectRefused(mintSecret('access_token'));
    assert.deepEqual(await listRecordedUses(), []);
    await expectRefused();
    assert.deepEqual(await listRecordedUses(), [[id, '127.0.0.1', 1]]);
    await expectRefused();
    await expectRefused();
    assert.deepEqual(await listRecordedUses(), [[id, '127.0.0.1', 1]]);
    now += MINUTE;
    assert.deepEqual(await listRecordedUses(), [
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
    await expectRefused();
    assert.equal((await listRecordedUses(await signInAgain(owner.workspaceId))).length, 2);
  });

  test('a person chooses which emails they get, and can unsubscribe by link without signing in', async () => {
    const owner = await createWorkspaceFor(await signInAgain(), testServer, 'Mailed');
    const path = '/v1/me/notifications';
    const readPreferences = async () => (await owner.call<Notifications>(path)).body;
    const defaults = await readPreferences();
    assert.deepEqual([defaults.mail, defaults.kinds['error.new']], [true, 'digest']);
    assert.equal(defaults.kinds['deployment.failed'], 'immediate');
    const updateKinds = (kinds: object) => owner.call<Notifications>(path, { method: 'PATCH', body: { kinds } });
    assert.equal((await updateKinds({ 'error.new': 'immediate' })).body.kinds['error.new'], 'immediate');
    for (const invalidKinds of [{ 'error.new': 'often' }, { unknown: 'off' }])
      assert.equal((await updateKinds(invalidKinds)).status, 422);

    await reportError(owner, 'payment failed');
    const findEmail = () => mailServer.messages.find((message) => message.includes('payment failed'));
    await until(() => Promise.resolve(findEmail() !== undefined));
    const link = /^List-Unsubscribe: <(http\S+)>/m.exec((findEmail() ?? '').replace(/\r\n\s+/g, ' '))?.[1] ?? '';
    assert.match(findEmail() ?? '', /^List-Unsubscribe-Post: List-Unsubscribe=One-Click/m);
    const { pathname } = new URL(link);
    for (const invalidPath of [
      `${pathname}0`,
      pathname.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      '/unsubscribe/x',
    ]) {
      assert.equal((await testServer.call(invalidPath)).status, 404, invalidPath);
      assert.equal((await testServer.call(invalidPath, { method: 'POST' })).status, 404, invalidPath);
    }
    const page = await testServer.call(pathname);
    assert.deepEqual([page.status, /<form method="post">/.test(page.text)], [200, true]);
    assert.equal((await readPreferences()).kinds['error.new'], 'immediate', 'opening the link changes nothing');
    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' });
    assert.equal((await testServer.call(pathname, { method: 'POST', body })).status, 200);
    const multipart = { 'content-type': 'multipart/form-data; boundary=x' };
    const multipartRequest = { method: 'POST', body: '--x\r\n\r\n--x--\r\n', headers: multipart };
    assert.equal((await testServer.call(pathname, multipartRequest)).status, 200);
    assert.deepEqual(new Set(Object.values((await readPreferences()).kinds)), new Set(['off']));
    const recorded = (await listAuditActions(owner)).filter((action) => action === 'notifications.updated');
    assert.equal(recorded.length, 2);
  });
});
