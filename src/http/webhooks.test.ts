import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import type { AuditEvent } from '../contract/audit-events.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../contract/limits.ts';
import type { Notice } from '../contract/notices.ts';
import type { Page } from '../contract/paging.ts';
import type { CreatedWebhook, Webhook, WebhookDelivery, WebhookDeliveryDetail } from '../contract/webhooks.ts';
import { verifyAuditEvents } from '../sdk/audit.ts';
import { forEachEngine } from '../testing/engines.ts';
import { spawnServer } from '../testing/process.ts';
import { runSql } from '../testing/sql.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  createTestPerson,
  createWorkspaceFor,
  remoteTestServer,
  signUpOwner,
  signUpRemoteOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../testing/webhook-receiver.ts';

interface Message {
  readonly type: string;
  readonly timestamp: string;
  readonly data: AuditEvent & { readonly workspaceId: string };
}

const parseMessage = (received: { readonly body: string }) => JSON.parse(received.body) as Message;

forEachEngine('webhooks', (engine) => {
  let testServer: TestServer;
  let ada: TestPerson;
  let now = Date.now();
  const receivers: WebhookReceiver[] = [];
  before(async () => {
    const environment = { ...(await engine.environment()), DEVPILOT_OUTBOUND: 'any' };
    testServer = await startTestServer({
      clock: () => now,
      environment,
      schedulerIntervals: { dueMs: 10, sweepMs: 10_000 },
    });
    ada = await signUpOwner(testServer);
  });
  after(() => testServer.close());
  afterEach(async () => {
    for (const receiver of receivers.splice(0)) await receiver.close();
  });

  async function startReceiver(): Promise<WebhookReceiver> {
    const receiver = await startWebhookReceiver();
    receivers.push(receiver);
    return receiver;
  }
  async function createWebhook(owner: TestPerson, url: string, events: readonly string[] = ['audit.event']) {
    const { status, body, text } = await owner.call<CreatedWebhook>('/v1/webhooks', {
      body: { name: 'Receiver', url, events },
    });
    assert.equal(status, 201, text);
    return body;
  }
  const addProject = async (owner: TestPerson, name: string) =>
    assert.equal((await owner.call('/v1/projects', { body: { name } })).status, 201);
  const readWebhook = async (owner: TestPerson, id: string) => (await owner.call<Webhook>(`/v1/webhooks/${id}`)).body;
  const listDeliveries = async (owner: TestPerson, id: string) =>
    (await owner.call<Page<WebhookDelivery>>(`/v1/webhooks/${id}/deliveries`)).body.data;
  const waitUntilDelivered = (owner: TestPerson, id: string, count: number) =>
    until(async () => (await listDeliveries(owner, id)).filter(({ status }) => status === 'delivered').length >= count);
  const waitUntilFailing = (owner: TestPerson, id: string) =>
    until(async () => (await readWebhook(owner, id)).failingSince !== null);

  test('a webhook is created with a secret that is shown once, edited with If-Match, and deleted', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Configuration');
    const receiver = await startReceiver();
    const body = { name: 'Receiver', url: receiver.url, events: ['run.*'], active: false };
    const headers = { 'idempotency-key': 'create-1' };
    const created = await owner.call<CreatedWebhook>('/v1/webhooks', { body, headers });
    assert.deepEqual([created.status, created.headers.get('cache-control')], [201, 'no-store']);
    const { id, secret, ...publicFields } = created.body;
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const replay = await owner.call<{ code: string; id: string }>('/v1/webhooks', { body, headers });
    assert.deepEqual([replay.status, replay.body.code, replay.body.id], [409, 'idempotent_replay', id]);
    const read = await owner.call<Webhook>(`/v1/webhooks/${id}`);
    assert.deepEqual(read.body, { id, ...publicFields });
    assert.deepEqual((await owner.call<Page<Webhook>>('/v1/webhooks')).body.data, [read.body]);

    const edit = (fields: object, etag: string | null) =>
      owner.call<Webhook>(`/v1/webhooks/${id}`, { method: 'PATCH', body: fields, headers: { 'if-match': etag ?? '' } });
    const edited = await edit({ name: 'Renamed', events: ['audit.event', 'run.created'] }, read.headers.get('etag'));
    assert.deepEqual([edited.status, edited.body.name], [200, 'Renamed']);
    assert.equal((await edit({ name: 'Renamed again' }, read.headers.get('etag'))).status, 409);
    const invalidBodies = [
      ...['x', 'ftp://hooks.example/', 'http://a:b@hooks.example/'].map((url) => ({ ...body, url })),
      ...[[], ['run.x'], ['run.*', 'run.*'], ['webhook.test']].map((events) => ({ ...body, events })),
      { ...body, secret },
      { ...body, name: 'x' },
    ];
    for (const invalidBody of invalidBodies)
      assert.equal((await owner.call('/v1/webhooks', { body: invalidBody })).status, 422);

    const adaInOtherWorkspace = await createWorkspaceFor(ada, testServer, 'Neighbor');
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/deliveries'],
      ['GET', '/deliveries/x'],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/secret'],
      ['POST', '/test'],
      ['POST', '/deliveries/x/redeliver'],
    ] as const) {
      const request = { method, ...(method === 'PATCH' && { body: {} }) };
      assert.equal(
        (await adaInOtherWorkspace.call(`/v1/webhooks/${id}${path}`, request)).status,
        404,
        `${method} ${path}`,
      );
    }
    assert.equal((await owner.call(`/v1/webhooks/${id}/test`, { method: 'POST' })).status, 409, 'not active');
    assert.equal((await owner.call(`/v1/webhooks/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await owner.call(`/v1/webhooks/${id}`)).status, 404);
    const log = await owner.call<Page<AuditEvent>>('/v1/audit-events');
    const actions = log.body.data.map(({ action }) => action).filter((action) => action.startsWith('webhook.'));
    assert.deepEqual(actions, ['webhook.deleted', 'webhook.updated', 'webhook.created']);
    assert.ok(!log.text.includes('secret-path') && !log.text.includes('whsec_'));
    assert.equal(receiver.messages.length, 0);
  });

  test('a webhook receives every event of the activity log in order, signed as Standard Webhooks specifies', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Log');
    const [logReceiver, filteredReceiver] = [await startReceiver(), await startReceiver()];
    const { id, secret } = await createWebhook(owner, logReceiver.url);
    await createWebhook(owner, filteredReceiver.url, ['credential.created', 'run.*', 'member.*']);
    for (let number = 1; number <= 20; number++) await addProject(owner, `Project ${number}`);
    await owner.call('/v1/access-tokens', { body: { name: 'CI/CD Pipeline', scopes: ['all'] } });
    await Promise.all([
      logReceiver.waitForMessages(22),
      filteredReceiver.waitForMessages(1),
      waitUntilDelivered(owner, id, 22),
    ]);

    const events = await owner.call<Page<AuditEvent>>('/v1/audit-events?limit=22');
    const expected = events.body.data.toReversed().map((data) => ({
      type: 'audit.event',
      timestamp: data.at,
      data: { workspaceId: owner.workspaceId, ...data },
    }));
    assert.deepEqual(logReceiver.messages.map(parseMessage), expected);
    // The receiver can verify that the log is complete and unmodified, even if messages arrive twice.
    const received = logReceiver.messages.map((message) => parseMessage(message).data);
    const [first] = received;
    assert.ok(first !== undefined);
    const previous = { sequence: first.sequence - 1, hash: first.previousHash };
    const verify = (events: readonly AuditEvent[]) => verifyAuditEvents(owner.workspaceId, events, previous);
    const last = received.at(-1);
    const intact = await verify(received.flatMap((event) => [event, event]));
    assert.deepEqual(intact, { position: { sequence: last?.sequence, hash: last?.hash }, broken: null });
    const [, second] = received;
    const findBreak = async (changed: readonly AuditEvent[]) => (await verify(changed)).broken;
    assert.deepEqual(await findBreak(received.toSpliced(1, 1)), { sequence: second?.sequence, reason: 'missing' });
    for (const change of [
      { at: new Date(0).toISOString() },
      { detail: {} },
      { actor: { ...first.actor, name: 'Eve' } },
    ]) {
      assert.equal((await findBreak(received.with(0, { ...first, ...change })))?.reason, 'modified');
    }
    const forged = { ...first, previousHash: '0'.repeat(64) };
    assert.deepEqual(await findBreak([forged]), { sequence: first.sequence, reason: 'not_linked' });
    const verifier = new StandardWebhook(secret);
    for (const { body, headers } of logReceiver.messages) {
      const currentHeaders = { ...headers, 'webhook-timestamp': String(Math.floor(Date.now() / 1000)) };
      assert.throws(() => new StandardWebhook(`whsec_${Buffer.alloc(32).toString('base64')}`).verify(body, headers));
      assert.throws(() => verifier.verify(`${body} `, currentHeaders));
      assert.deepEqual(verifier.verify(body, headers), JSON.parse(body));
      assert.match(headers['webhook-id'] ?? '', /^msg_[0-9a-z]+$/);
    }
    assert.equal(new Set(logReceiver.messages.map((message) => message.id)).size, 22);
    assert.deepEqual(
      filteredReceiver.messages.map(parseMessage).map(({ type }) => type),
      ['credential.created'],
    );
  });

  test('messages are retried in order with growing pauses, and a failing receiver does not delay others', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Faults');
    const [faulty, healthy] = [await startReceiver(), await startReceiver()];
    const faults: WebhookReceiver['respond'][] = [
      (response) => response.writeHead(500).end('x'.repeat(10_000_000)),
      (response) => response.writeHead(307, { location: healthy.url }).end(),
      (response) => response.destroy(),
      (response) => response.writeHead(503, { 'retry-after': '900' }).end(),
    ];
    faulty.respond = (response, message) => {
      const fault = faults.shift();
      if (fault === undefined) response.writeHead(200).end('fine');
      else fault(response, message);
    };
    const { id } = await createWebhook(owner, faulty.url);
    await createWebhook(owner, healthy.url);
    for (const name of ['One', 'Two', 'Three']) await addProject(owner, `Project ${name}`);
    await Promise.all([healthy.waitForMessages(3), waitUntilFailing(owner, id)]);

    const msUntilNextAttempt = async () => {
      const [first] = (await listDeliveries(owner, id)).filter(({ attempts }) => attempts > 0);
      return Date.parse(first?.nextAttemptAt ?? '') - now;
    };
    const pauses = [await msUntilNextAttempt()];
    for (let count = 2; count <= 4; count++) {
      now += pauses.at(-1) ?? 0;
      await faulty.waitForMessages(count);
      await until(async () => (await msUntilNextAttempt()) > 0);
      pauses.push(await msUntilNextAttempt());
    }
    assert.deepEqual(
      pauses,
      [5 * SECOND, 30 * SECOND, 2 * MINUTE, 15 * MINUTE],
      'the receiver requested the last pause',
    );
    now += 15 * MINUTE;
    await waitUntilDelivered(owner, id, 4);
    assert.equal(new Set(faulty.messages.slice(0, 5).map((message) => message.id)).size, 1, 'the same message');
    assert.deepEqual(
      faulty.messages.slice(5).map((message) => parseMessage(message).data.sequence),
      healthy.messages.map((message) => parseMessage(message).data.sequence),
    );
    assert.equal((await readWebhook(owner, id)).failingSince, null);
    assert.equal(healthy.messages.length, 3, 'the redirect was not followed');
  });

  test('a webhook is switched off after three days of failures, and gets the missed messages once it is active again', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Failing');
    const receiver = await startReceiver();
    receiver.respond = (response) => response.writeHead(500).end();
    const { id } = await createWebhook(owner, receiver.url);
    await addProject(owner, 'Project One');
    await waitUntilFailing(owner, id);
    for (let hours = 0; hours < 72; hours += 8) {
      const attempts = receiver.messages.length;
      now += 8 * HOUR;
      await receiver.waitForMessages(attempts + 1);
      const isPostponed = async () => Date.parse((await listDeliveries(owner, id))[0]?.nextAttemptAt ?? '') > now;
      await until(async () => (await isPostponed()) || !(await readWebhook(owner, id)).active);
    }
    await until(async () => !(await readWebhook(owner, id)).active);
    assert.equal((await readWebhook(owner, id)).switchedOffAt, new Date(now).toISOString());
    const log = await owner.call<Page<AuditEvent>>('/v1/audit-events?action=webhook.switched_off');
    assert.deepEqual(
      log.body.data.map(({ actor, detail }) => [actor.kind, detail['reason']]),
      [['system', 'failing']],
    );
    const listNotices = async () => (await owner.call<Page<Notice>>('/v1/notices?kind=webhook.switched_off')).body.data;
    assert.deepEqual(
      (await listNotices()).map(({ title, action }) => [title, action.path]),
      [['The webhook “Receiver” was switched off: its messages failed for 3 days', `/settings/webhooks/${id}`]],
    );

    await addProject(owner, 'Project Two');
    const attempts = receiver.messages.length;
    receiver.respond = (response) => response.writeHead(200).end();
    await owner.call(`/v1/webhooks/${id}`, { method: 'PATCH', body: { active: true } });
    await receiver.waitForMessages(attempts + 4);
    assert.deepEqual(await listNotices(), []);
    const actions = receiver.messages.slice(attempts).map((message) => parseMessage(message).data.action);
    assert.deepEqual(actions, ['project.created', 'webhook.switched_off', 'project.created', 'webhook.updated']);
  });

  test('a webhook whose receiver responds with 410 is switched off immediately', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Gone');
    const receiver = await startReceiver();
    receiver.respond = (response) => response.writeHead(410).end();
    const { id } = await createWebhook(owner, receiver.url);
    await addProject(owner, 'Project One');
    await until(async () => !(await readWebhook(owner, id)).active);
    assert.equal(receiver.messages.length, 1);
  });

  test('for a webhook without the event audit.event, a message that the receiver refuses does not delay the others', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Refused message');
    const receiver = await startReceiver();
    receiver.respond = (response, message) =>
      response.writeHead(parseMessage(message).data.target?.name === 'Refused' ? 500 : 200).end();
    const { id } = await createWebhook(owner, receiver.url, ['credential.*']);
    for (const name of ['First', 'Refused', 'Third']) {
      await owner.call('/v1/access-tokens', { body: { name, scopes: ['run_scripts'] } });
    }
    await waitUntilDelivered(owner, id, 2);
    const statuses = (await listDeliveries(owner, id)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, ['delivered', 'delivered', 'waiting']);
  });

  test('messages are also signed with the previous secret for a day after it was replaced', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Secrets');
    const receiver = await startReceiver();
    const { id, secret } = await createWebhook(owner, receiver.url, ['run.*']);
    const replaced = await owner.call<{ secret: string; previousSecretExpiresAt: string }>(
      `/v1/webhooks/${id}/secret`,
      { method: 'POST' },
    );
    assert.deepEqual([replaced.status, replaced.headers.get('cache-control')], [201, 'no-store']);
    assert.equal(replaced.body.previousSecretExpiresAt, new Date(now + DAY).toISOString());
    assert.notEqual(replaced.body.secret, secret);
    /** Sends a test message, and returns it when the receiver has `totalCount` messages. */
    const sendTest = async (totalCount: number) => {
      const { status } = await owner.call(`/v1/webhooks/${id}/test`, { method: 'POST' });
      assert.equal(status, 202);
      await receiver.waitForMessages(totalCount);
      return receiver.messages[totalCount - 1];
    };
    const signaturesIn = (message: { headers: Readonly<Record<string, string>> } | undefined) =>
      (message?.headers['webhook-signature'] ?? '').split(' ');
    const sign = (key: string, { id: messageId, headers, body }: WebhookReceiver['messages'][number]) =>
      new StandardWebhook(key).sign(messageId, new Date(Number(headers['webhook-timestamp']) * 1000), body);
    const firstMessage = await sendTest(1);
    assert.ok(firstMessage !== undefined);
    assert.deepEqual(signaturesIn(firstMessage), [
      sign(replaced.body.secret, firstMessage),
      sign(secret, firstMessage),
    ]);
    now += DAY;
    assert.equal(signaturesIn(await sendTest(2)).length, 1);
  });

  test('deliveries are listed with masked secrets, and can be redelivered', async () => {
    const owner = await createWorkspaceFor(ada, testServer, 'Deliveries');
    const receiver = await startReceiver();
    const { id, secret } = await createWebhook(owner, receiver.url, ['credential.created']);
    receiver.respond = (response, { headers }) =>
      response.writeHead(200).end(`\0 ${secret} ${headers['webhook-signature']} dp_${'a'.repeat(46)}`);
    await owner.call('/v1/access-tokens', { body: { name: 'CI/CD Pipeline', scopes: ['run_scripts'] } });
    await waitUntilDelivered(owner, id, 1);
    const [first] = await listDeliveries(owner, id);
    const detail = await owner.call<WebhookDeliveryDetail>(`/v1/webhooks/${id}/deliveries/${first?.id}`);
    assert.equal(detail.body.responseBody, '\ufffd [secret] v1,[signature] [secret]');
    assert.equal(detail.body.request.body, receiver.messages[0]?.body);
    assert.ok(!detail.text.includes(secret));

    const redeliverPath = `/v1/webhooks/${id}/deliveries/${first?.id}/redeliver`;
    const headers = { 'idempotency-key': 'redeliver-1' };
    const redelivered = await owner.call<WebhookDelivery>(redeliverPath, { method: 'POST', headers });
    assert.deepEqual([redelivered.status, redelivered.body.messageId], [202, first?.messageId]);
    assert.equal((await owner.call(redeliverPath, { method: 'POST', headers })).status, 409);
    await waitUntilDelivered(owner, id, 2);
    assert.deepEqual(
      receiver.messages.map((message) => message.id),
      [first?.messageId, first?.messageId],
    );
    assert.equal(receiver.messages[1]?.body, receiver.messages[0]?.body);

    // After the format of the webhook is changed, a redelivery has the new format.
    for (const [format, formatMarker] of [
      ['slack', '"type":"plain_text"'],
      ['teams', '"type":"AdaptiveCard"'],
      ['discord', '"allowed_mentions":{"parse":[]}'],
    ] as const) {
      const edited = await owner.call<Webhook>(`/v1/webhooks/${id}`, { method: 'PATCH', body: { format } });
      assert.equal(edited.body.format, format);
      const count = receiver.messages.length + 1;
      await owner.call(redeliverPath, { method: 'POST' });
      await receiver.waitForMessages(count);
      const received = receiver.messages[count - 1]?.body ?? '';
      for (const text of [formatMarker, 'Pipeline', `?workspace=${owner.workspaceId}`])
        assert.ok(received.includes(text), received);
      const updated = await owner.call<WebhookDeliveryDetail>(`/v1/webhooks/${id}/deliveries/${first?.id}`);
      assert.equal(updated.body.request.body, received);
    }
  });
});

/**
 * How often the server is killed. For more kills:
 * `DEVPILOT_TEST_KILLS=200 bin/node --test --test-name-pattern=killed src/http/webhooks.test.ts`.
 */
const KILLS = Number(process.env['DEVPILOT_TEST_KILLS'] ?? 1);

forEachEngine('webhooks of a server that is killed while it sends', (engine) => {
  test('no message is lost, out of order or accepted twice', async () => {
    const directory = temporaryDirectory();
    const receiver = await startWebhookReceiver();
    const environment = { ...(await engine.environment()), DEVPILOT_OUTBOUND: 'any' };
    let server = await spawnServer(directory, environment);
    const owner = await signUpRemoteOwner(server);
    const body = { name: 'Receiver', url: receiver.url, events: ['audit.event'] };
    assert.equal((await owner.call('/v1/webhooks', { body })).status, 201);

    /**
     * Kills the server and replaces it. On PostgreSQL, the replacement already runs before, and the leases of the
     * killed server are ended for it.
     */
    async function kill(): Promise<void> {
      const isShared = engine.name === 'postgres';
      const standby = isShared ? await spawnServer(directory, environment) : null;
      await server.stop('SIGKILL');
      receiver.respond = (response) => response.writeHead(204).end();
      server = standby ?? (await spawnServer(directory, environment));
      const files = { dataDirectory: directory };
      if (isShared)
        await runSql(files, environment, 'update webhook set lease_until = 0 where lease_until is not null');
    }

    for (let kills = 1; kills <= KILLS; kills++) {
      const caller = createTestPerson(remoteTestServer(server.url), owner);
      const interrupted = new Promise<void>((resolve) => {
        receiver.respond = () => resolve();
      });
      const created = await Promise.all(
        ['One', 'Two', 'Three'].map((name) =>
          caller.call('/v1/projects', { body: { name: `Project ${name} ${kills}` } }),
        ),
      );
      assert.deepEqual(
        created.map(({ status }) => status),
        [201, 201, 201],
      );
      await interrupted;
      await kill();
      const acceptedIds = () => new Set(receiver.messages.filter(({ status }) => status === 204).map(({ id }) => id));
      await until(() => Promise.resolve(acceptedIds().size >= kills * 3));
    }
    const accepted = receiver.messages.filter(({ status }) => status === 204).map(parseMessage);
    const sequences = accepted.map(({ data }) => data.sequence);
    assert.deepEqual(
      sequences,
      [...new Set(sequences)].sort((a, b) => a - b),
    );
    assert.deepEqual(
      accepted.slice(1).map(({ data }) => data.previousHash),
      accepted.slice(0, -1).map(({ data }) => data.hash),
    );
    await server.stop('SIGTERM');
    await receiver.close();
  });
});
