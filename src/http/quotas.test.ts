import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { appendAuditEvent, SYSTEM_ACTOR } from '../audit/log.ts';
import { quotaOf } from '../audit/quotas.ts';
import type { ErrorIssue } from '../contract/errors.ts';
import { DAY, HOUR, RESOURCE_LIMITS } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { QUOTAS, type Quota, type QuotaName } from '../contract/quotas.ts';
import { createActivityIngest } from '../platform/activity/activity-ingest.ts';
import { createErrorIngest } from '../platform/errors/error-ingest.ts';
import { addToIssue, evictIssues } from '../store/errors.ts';
import { consumeQuota } from '../store/quotas.ts';
import type { ErrorIssueTable } from '../store/schema/errors.ts';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { changeDatabase } from '../testing/sql.ts';
import {
  bearer,
  createKey,
  createToken,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestRequest,
  type TestServer,
} from '../testing/test-server.ts';
import { seedWorkspace } from '../testing/test-store.ts';

const NOW = Date.parse('2027-02-24T09:30:00.000Z');

describe('quotas over HTTP', () => {
  let testServer: TestServer;
  let owner: TestPerson;
  let ownerId: string;
  before(async () => {
    testServer = await startTestServer({ clock: () => NOW });
    owner = await signUpOwner(testServer);
    ownerId = (await owner.call<{ id: string }>('/v1/me')).body.id;
  });
  after(() => testServer.close());

  /** Sets the usage of a quota so that `remaining` uses remain. */
  async function setRemaining(name: QuotaName, subject: string, remaining: number): Promise<void> {
    const { max, windowMs }: Quota = QUOTAS[name];
    const statement = 'insert or replace into quota_use (subject, quota, period, used) values (?, ?, ?, ?)';
    await changeDatabase(testServer.dataDirectory, (database) =>
      database.prepare(statement).run(subject, name, Math.floor(NOW / (windowMs ?? 1)), max - remaining),
    );
  }

  test('a request over a quota is refused with the quota and the time to wait, but a deletion is not', async () => {
    const workspace = owner.workspaceId;
    const principal = `${workspace} ${ownerId}`;
    const key = await createKey(owner, ['read']);
    const { id: projectId } = (await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } })).body;
    let count = 0;
    const invite = () => ['/v1/invitations', { body: { email: `p${count++}@example.com`, role: 'member' } }] as const;
    const event = () => ({ specversion: '1.0', id: `e${count++}`, source: 'test', type: 'test' });
    const rows: [name: QuotaName, subject: string, makeRequest: () => readonly [path: string, request: TestRequest]][] =
      [
        ['invitations', workspace, invite],
        ['invitationsByPerson', ownerId, invite],
        ['credentials', workspace, () => ['/v1/api-keys', { body: { name: 'Another', permissions: ['read'] } }]],
        ['resources', principal, () => ['/v1/projects', { body: { name: 'Another' } }]],
        [
          'changes',
          principal,
          () => [`/v1/projects/${projectId}`, { method: 'PATCH', body: { description: `d${count++}` } }],
        ],
        [
          'idempotencyKeys',
          principal,
          () => ['/v1/projects', { body: { name: 'Keyed' }, headers: { 'idempotency-key': `k${count++}` } }],
        ],
        ['activityEvents', principal, () => ['/v1/activity/events', { body: event() }]],
        ['errorEvents', principal, () => ['/v1/errors/events', { body: { type: 'TypeError', message: 'x' } }]],
      ];
    for (const [name, subject, makeRequest] of rows) {
      await setRemaining(name, subject, 1);
      const [path, request] = makeRequest();
      const accepted = await owner.call(path, request);
      assert.ok(accepted.status === 200 || accepted.status === 201, `${name}: ${accepted.text}`);
      for (let attempt = 0; attempt < 2; attempt++) {
        const [refusedPath, refusedRequest] = makeRequest();
        const refused = await owner.call<ProblemBody>(refusedPath, refusedRequest);
        assert.deepEqual([refused.status, refused.body.code], [429, 'quota_exceeded'], `${name}: ${refused.text}`);
        const { max, unit }: Quota = QUOTAS[name];
        assert.ok(refused.body.detail.includes(`${max.toLocaleString('en')} ${unit}`), refused.body.detail);
        assert.equal(refused.headers.get('retry-after'), String((DAY - (NOW % DAY)) / 1000), name);
      }
      await setRemaining(name, subject, QUOTAS[name].max);
    }
    for (const name of ['changes', 'resources', 'credentials'] as const) {
      await setRemaining(name, QUOTAS[name].per === 'workspace' ? workspace : principal, 0);
    }
    const deactivated = await owner.call(`/v1/api-keys/${key.id}`, { method: 'PATCH', body: { active: false } });
    assert.equal(deactivated.status, 200, deactivated.text);
    assert.equal((await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await owner.call(`/v1/projects/${projectId}`, { method: 'DELETE' })).status, 204);
  });

  test('errors of a sender with too many new issues are counted in one issue, without affecting other senders', async () => {
    await setRemaining('credentials', owner.workspaceId, 10);
    const [noisy, quiet] = [await createToken(owner, ['error_tracker']), await createToken(owner, ['error_tracker'])];
    const report = async (secret: string, type: string) => {
      const response = await testServer.call<{ issueId: string }>('/v1/errors/events', {
        body: { type, message: 'x' },
        headers: bearer(secret),
      });
      assert.equal(response.status, 201, response.text);
      return response.body.issueId;
    };
    const realIssueId = await report(noisy.secret, 'Real');
    await setRemaining('newIssues', `${owner.workspaceId} ${noisy.id}`, 1);
    await report(noisy.secret, 'Noise0');
    const overflowIssueIds = [await report(noisy.secret, 'Noise1'), await report(noisy.secret, 'Noise2')];
    assert.equal(overflowIssueIds[0], overflowIssueIds[1]);
    assert.equal(await report(noisy.secret, 'Real'), realIssueId);
    assert.notEqual(await report(quiet.secret, 'Quiet'), overflowIssueIds[0]);
    const { data } = (await owner.call<Page<ErrorIssue>>('/v1/errors/issues')).body;
    assert.equal(data.find(({ id }) => id === overflowIssueIds[0])?.count, 2);
    await setRemaining('keptErrors', `${owner.workspaceId} ${noisy.id}`, 0);
    assert.equal(await report(noisy.secret, 'Real'), realIssueId);
    const { body } = await owner.call<ErrorIssue>(`/v1/errors/issues/${realIssueId}`);
    const events = await owner.call<Page<unknown>>(`/v1/errors/issues/${realIssueId}/events`);
    assert.deepEqual([body.count, events.body.data.length], [3, 2]);
  });

  test('the number of workspaces per owner is limited; beyond the maximum number of sessions, the least recently used ones end', async () => {
    const { max } = QUOTAS.workspaces;
    const statuses = new Set<number>();
    for (let count = 1; count < max; count++) {
      statuses.add((await owner.call('/v1/workspaces', { body: { name: 'Another' } })).status);
    }
    assert.deepEqual([...statuses], [201]);
    const refused = await owner.call<ProblemBody>('/v1/workspaces', { body: { name: 'Another' } });
    assert.deepEqual([refused.status, refused.body.code], [429, 'quota_exceeded'], refused.text);
    // Ownership of another workspace cannot be transferred to this person either.
    const currentOwner = await signUpMember(testServer, owner, 'admin', 'current-owner@example.com');
    const owned = await owner.call<{ data: { id: string }[] }>('/v1/workspaces?limit=200');
    const transferred = owned.body.data.find(({ id }) => id !== owner.workspaceId);
    await changeDatabase(testServer.dataDirectory, (database) => {
      const currentOwnerId =
        database.prepare('select id from person where email = ?').get(currentOwner.email)?.['id'] ?? '';
      const workspace = transferred?.id ?? '';
      // The first person is an operator, and only another operator can transfer a workspace to an operator.
      database.prepare('update person set operator = 1 where id = ?').run(currentOwnerId);
      database.prepare('update member set person_id = ? where workspace_id = ?').run(currentOwnerId, workspace);
      const insert = database.prepare(
        'insert into member (id, workspace_id, person_id, role, created_at) values (?, ?, ?, ?, 1)',
      );
      insert.run('mem_new_owner', workspace, ownerId, 'admin');
    });
    assert.equal((await owner.call('/v1/workspaces', { body: { name: 'The last one' } })).status, 201);
    const body = { memberId: 'mem_new_owner' };
    const transfer = await currentOwner.call<ProblemBody>(`/v1/workspaces/${transferred?.id}/owner`, { body });
    assert.deepEqual([transfer.status, transfer.body.code], [429, 'quota_exceeded'], transfer.text);

    await changeDatabase(testServer.dataDirectory, (database) => {
      const insert = database.prepare(`insert into session
        (id, person_id, digest, kind, address, user_agent, created_at, last_used_at, ends_at)
        values (?, ?, ?, 'browser', null, null, ?, ?, ?)`);
      for (let index = 0; index < 120; index++) {
        const used = NOW - HOUR - index;
        insert.run(`ses_${index}`, ownerId, Buffer.from(`digest ${index}`), used, used, NOW + DAY);
      }
    });
    const { status } = await testServer.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } });
    assert.equal(status, 201);
    await changeDatabase(testServer.dataDirectory, (database) => {
      const rows = database.prepare('select id from session where person_id = ?').all(ownerId);
      const ids = rows.map((row) => row['id']);
      assert.deepEqual(
        [ids.length, ids.includes('ses_0'), ids.includes('ses_119')],
        [QUOTAS.sessions.max, true, false],
      );
    });
  });

  test('actions that can end access or stop work, and uses of deleted credentials, count toward no quota; other changes do', () => {
    const actor = { kind: 'person', id: 'per_1', name: 'Ada' } as const;
    const uncountedActions = [
      'api_key.deleted',
      'api_key.updated',
      'access_token.deleted',
      'session.deleted',
      'member.deleted',
      'member.updated',
      'invitation.deleted',
      'person.password_changed',
      'person.two_factor_enabled',
      'passkey.deleted',
      'device.denied',
      'run.cancelled',
      'deployment.aborted',
      'workspace.deleted',
      'credential.used_after_deletion',
    ] as const;
    for (const action of uncountedActions) assert.equal(quotaOf({ action, actor }), null, action);
    for (const action of ['person.updated', 'passkey.created', 'workspace.updated', 'env.updated'] as const) {
      assert.equal(quotaOf({ action, actor }), 'changes', action);
    }
    assert.equal(quotaOf({ action: 'run.created', actor: SYSTEM_ACTOR }), null, 'schedules have limits of their own');
  });

  test('docs/operations.md contains the table of all quotas', () => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const rows = Object.values<Quota>(QUOTAS).map(
      ({ unit, max, per, windowMs }) =>
        `| ${unit} | ${max.toLocaleString('en')} | ${windowMs === null ? 'at a time' : `${windowMs / HOUR} hours`} | ${per} |`,
    );
    const documentedRows = page.split('\n').filter((line) => / \| (?:at a time|\d+ hours) \| /.test(line));
    assert.deepEqual(documentedRows, rows);
  });
});

forEachEngine('quotas', (engine) => {
  let store: Store;
  before(async () => {
    store = await engine.open();
  });
  after(() => store.close());

  test('a quota counts only committed changes, holds for concurrent changes and resets in the next window', async () => {
    const { max } = QUOTAS.invitations;
    const consumeInvitation = (now: number, subject = 'wsp_1') =>
      store.transaction((trx) => consumeQuota(trx, 'invitations', subject, now));
    const failed = store.transaction(async (trx) => {
      await consumeQuota(trx, 'invitations', 'wsp_1', NOW);
      throw new Error('rolled back');
    });
    await assert.rejects(failed, /rolled back/);
    const results = await Promise.allSettled(Array.from({ length: max + 10 }, () => consumeInvitation(NOW)));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, max);
    await consumeInvitation(NOW, 'wsp_2');
    await consumeInvitation(NOW + DAY);
  });

  test('events over the data quota of their sender are refused; events of other senders in the same batch are not', async () => {
    const { workspaceId } = await seedWorkspace(store);
    const { max } = QUOTAS.activityData;
    await store.transaction((trx) => consumeQuota(trx, 'activityData', `${workspaceId} noisy`, NOW, max));
    const ingest = createActivityIngest(store);
    const event = (id: string) => ({ id, source: 's', type: 't', subject: null, at: NOW, data: '"x"' });
    const ingestEvent = (sender: string, id: string) => ingest.ingest(workspaceId, [event(id)], NOW, sender);
    const ingested = [ingestEvent('quiet', 'a'), ingestEvent('noisy', 'b'), ingestEvent('quiet', 'c')];
    const settled = await Promise.allSettled(ingested);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    await assert.rejects(ingestEvent('noisy', 'd'), { code: 'quota_exceeded' });
  });

  test('a workspace with the maximum number of waiting jobs cannot start another run', async () => {
    const { workspaceId, personId } = await seedWorkspace(store);
    const recordRun = (id: string) =>
      store.transaction((trx) =>
        appendAuditEvent(trx, {
          workspaceId,
          action: 'run.created',
          at: NOW,
          actor: { kind: 'person', id, name: 'Ada' },
          target: null,
          credential: null,
          origin: { address: null, userAgent: null, requestId: null },
          detail: {},
        }),
      );
    await recordRun(personId);
    const job = {
      workspace_id: workspaceId,
      kind: 'run',
      resource_id: 'run_1',
      payload: 'null',
      status: 'waiting',
      run_at: NOW,
      created_at: NOW,
      started_at: null,
      finished_at: null,
      time_limit: null,
      attempt: 0,
      failures: 0,
      retries: 0,
      retry_after: 0,
      losses: 0,
      owner: null,
      lease_until: null,
      cancel: null,
      error: null,
    };
    const jobs = Array.from({ length: QUOTAS.waitingJobs.max }, (_, index) => ({ ...job, id: `job_${index}` }));
    await store.transaction(async (trx) => {
      for (let index = 0; index < jobs.length; index += 500)
        await trx
          .insertInto('job')
          .values(jobs.slice(index, index + 500))
          .execute();
    });
    await assert.rejects(recordRun(personId), { code: 'quota_exceeded' });
  });

  test('a full workspace evicts issues of the sender with the most issues, except those that were changed or occurred often', async () => {
    const { workspaceId } = await seedWorkspace(store);
    const issue = (id: string, sender: string | null, overrides: Partial<ErrorIssueTable> = {}): ErrorIssueTable => ({
      id,
      workspace_id: workspaceId,
      fingerprint: id,
      title: id,
      type: 'T',
      status: 'open',
      level: 'error',
      count: 1,
      first_seen_at: 1,
      last_seen_at: 1,
      release: null,
      environment: null,
      app: null,
      resolved_at: null,
      resolved_release: null,
      muted_at: null,
      sender,
      kept_minute: 0,
      kept_count: 0,
      ...overrides,
    });
    const protectedIssues = [
      issue('quiet', 'quiet'),
      issue('without-sender', null),
      issue('resolved', 'noisy', { status: 'resolved', resolved_at: 1 }),
      issue('muted', 'noisy', { muted_at: 1 }),
      issue('often', 'noisy', { count: 7 }),
    ];
    const noisyIssues = Array.from({ length: 20 }, (_, index) =>
      issue(`noise${index}`, 'noisy', { last_seen_at: NOW + index }),
    );
    await store.transaction(async (trx) => {
      for (const row of [...protectedIssues, ...noisyIssues]) {
        await addToIssue(trx, row, false);
        await evictIssues(trx, workspaceId, 10);
      }
    });
    const remaining = await store.read
      .selectFrom('error_issue')
      .select('id')
      .where('workspace_id', '=', workspaceId)
      .execute();
    const expected = [...protectedIssues.map(({ id }) => id), ...noisyIssues.slice(-5).map(({ id }) => id)];
    assert.deepEqual(remaining.map(({ id }) => id).sort(), expected.sort());
  });

  test('a new issue in a full workspace evicts the oldest issue of the sender with the most issues', async () => {
    const { workspaceId } = await seedWorkspace(store);
    const { errorIssues: max } = RESOURCE_LIMITS;
    await store.transaction((trx) =>
      sql`insert into error_issue (id, workspace_id, fingerprint, title, type, status, level, count,
          first_seen_at, last_seen_at, kept_minute, kept_count, sender)
        with recursive numbers (number) as (select 1 union all select number + 1 from numbers where number < ${max})
        select 'full' || number, ${workspaceId}, 'full' || number, 'T', 'T', 'open', 'error', 1,
          number, cast(${NOW} as bigint) + number, 0, 0, 'noisy' from numbers`.execute(trx),
    );
    const emptyFields = {
      stack: null,
      frames: [],
      breadcrumbs: [],
      tags: {},
      release: null,
      environment: null,
      app: null,
    };
    const error = { ...emptyFields, type: 'Real', message: 'x', level: 'error', fingerprint: null, at: NOW } as const;
    const id = await createErrorIngest(store).ingest(workspaceId, error, NOW, 'quiet');
    const rows = await store.read
      .selectFrom('error_issue')
      .select('id')
      .where('workspace_id', '=', workspaceId)
      .execute();
    const remaining = new Set(rows.map((row) => row.id));
    assert.deepEqual(
      [remaining.size, remaining.has(id), remaining.has('full1'), remaining.has('full2')],
      [max, true, false, true],
    );
  });
});
