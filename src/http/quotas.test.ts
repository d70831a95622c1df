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

  /** Sets the usage of a quota so that `left` are left. */
  async function leave(name: QuotaName, subject: string, left: number): Promise<void> {
    const { max, spanMs }: Quota = QUOTAS[name];
    const statement = 'insert or replace into quota_use (subject, quota, period, used) values (?, ?, ?, ?)';
    await changeDatabase(testServer.dataDirectory, (database) =>
      database.prepare(statement).run(subject, name, Math.floor(NOW / (spanMs ?? 1)), max - left),
    );
  }

  test('each is refused with the name of the quota and the time to wait, and deletions never are', async () => {
    const workspace = owner.workspaceId;
    const principal = `${workspace} ${ownerId}`;
    const key = await createKey(owner, ['read']);
    const { id: project } = (await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } })).body;
    let count = 0;
    const invite = () => ['/v1/invitations', { body: { email: `p${count++}@example.com`, role: 'member' } }] as const;
    const event = () => ({ specversion: '1.0', id: `e${count++}`, source: 'test', type: 'test' });
    const rows: [
      QuotaName,
      string,
      () => readonly [string, { body?: unknown; method?: string; headers?: Record<string, string> }],
    ][] = [
      ['invitations', workspace, invite],
      ['invitationsByPerson', ownerId, invite],
      ['credentials', workspace, () => ['/v1/api-keys', { body: { name: 'Another', permissions: ['read'] } }]],
      ['resources', principal, () => ['/v1/projects', { body: { name: 'Another' } }]],
      [
        'changes',
        principal,
        () => [`/v1/projects/${project}`, { method: 'PATCH', body: { description: `d${count++}` } }],
      ],
      [
        'idempotencyKeys',
        principal,
        () => ['/v1/projects', { body: { name: 'Keyed' }, headers: { 'idempotency-key': `k${count++}` } }],
      ],
      ['activityEvents', principal, () => ['/v1/activity/events', { body: event() }]],
      ['errorEvents', principal, () => ['/v1/errors/events', { body: { type: 'TypeError', message: 'x' } }]],
    ];
    for (const [name, subject, make] of rows) {
      await leave(name, subject, 1);
      const [path, call] = make();
      const last = await owner.call(path, call);
      assert.ok(last.status === 200 || last.status === 201, `${name}: ${last.text}`);
      for (let again = 0; again < 2; again++) {
        const [samePath, sameCall] = make();
        const refused = await owner.call<ProblemBody>(samePath, sameCall);
        assert.deepEqual([refused.status, refused.body.code], [429, 'quota_exceeded'], `${name}: ${refused.text}`);
        const { max, unit: what }: Quota = QUOTAS[name];
        assert.ok(refused.body.detail.includes(`${max.toLocaleString('en')} ${what}`), refused.body.detail);
        assert.equal(refused.headers.get('retry-after'), String((DAY - (NOW % DAY)) / 1000), name);
      }
      await leave(name, subject, QUOTAS[name].max);
    }
    for (const { quota } of [{ quota: 'changes' }, { quota: 'resources' }, { quota: 'credentials' }] as const) {
      await leave(quota, QUOTAS[quota].per === 'workspace' ? workspace : principal, 0);
    }
    const off = await owner.call(`/v1/api-keys/${key.id}`, { method: 'PATCH', body: { active: false } });
    assert.equal(off.status, 200, off.text);
    assert.equal((await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await owner.call(`/v1/projects/${project}`, { method: 'DELETE' })).status, 204);
  });

  test('a sender with too many new issues adds no more, is counted, and prevents nobody else from adding', async () => {
    await leave('credentials', owner.workspaceId, 10);
    const [noisy, quiet] = [await createToken(owner, ['error_tracker']), await createToken(owner, ['error_tracker'])];
    const report = async (secret: string, type: string) => {
      const response = await testServer.call<{ issueId: string }>('/v1/errors/events', {
        body: { type, message: 'x' },
        headers: bearer(secret),
      });
      assert.equal(response.status, 201, response.text);
      return response.body.issueId;
    };
    const real = await report(noisy.secret, 'Real');
    await leave('newIssues', `${owner.workspaceId} ${noisy.id}`, 1);
    await report(noisy.secret, 'Noise0');
    const folded = [await report(noisy.secret, 'Noise1'), await report(noisy.secret, 'Noise2')];
    assert.equal(folded[0], folded[1]);
    assert.equal(await report(noisy.secret, 'Real'), real);
    assert.notEqual(await report(quiet.secret, 'Quiet'), folded[0]);
    const { data } = (await owner.call<Page<ErrorIssue>>('/v1/errors/issues')).body;
    assert.equal(data.find(({ id }) => id === folded[0])?.count, 2);
    await leave('keptErrors', `${owner.workspaceId} ${noisy.id}`, 0);
    assert.equal(await report(noisy.secret, 'Real'), real);
    const { body } = await owner.call<ErrorIssue>(`/v1/errors/issues/${real}`);
    const events = await owner.call<Page<unknown>>(`/v1/errors/issues/${real}/events`);
    assert.deepEqual([body.count, events.body.data.length], [3, 2]);
  });

  test('the number of workspaces per owner is bounded, and so is that of sessions, of which the oldest end', async () => {
    const { max } = QUOTAS.workspaces;
    const statuses = new Set<number>();
    for (let count = 1; count < max; count++) {
      statuses.add((await owner.call('/v1/workspaces', { body: { name: 'Another' } })).status);
    }
    assert.deepEqual([...statuses], [201]);
    const refused = await owner.call<ProblemBody>('/v1/workspaces', { body: { name: 'Another' } });
    assert.deepEqual([refused.status, refused.body.code], [429, 'quota_exceeded'], refused.text);
    // Nor can ownership of more be transferred to somebody.
    const giver = await signUpMember(testServer, owner, 'admin', 'giver@example.com');
    const owned = await owner.call<{ data: { id: string }[] }>('/v1/workspaces?limit=200');
    const given = owned.body.data.find(({ id }) => id !== owner.workspaceId);
    await changeDatabase(testServer.dataDirectory, (database) => {
      const giverId = database.prepare('select id from person where email = ?').get(giver.email)?.['id'] ?? '';
      const workspace = given?.id ?? '';
      // Only an operator can transfer a workspace to an operator, which the first person is.
      database.prepare('update person set operator = 1 where id = ?').run(giverId);
      database.prepare('update member set person_id = ? where workspace_id = ?').run(giverId, workspace);
      const insert = database.prepare(
        'insert into member (id, workspace_id, person_id, role, created_at) values (?, ?, ?, ?, 1)',
      );
      insert.run('mem_heir', workspace, ownerId, 'admin');
    });
    assert.equal((await owner.call('/v1/workspaces', { body: { name: 'The last one' } })).status, 201);
    const body = { memberId: 'mem_heir' };
    const handedOver = await giver.call<ProblemBody>(`/v1/workspaces/${given?.id}/owner`, { body });
    assert.deepEqual([handedOver.status, handedOver.body.code], [429, 'quota_exceeded'], handedOver.text);

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
      const left = database.prepare('select count(*) as count from session where person_id = ?').get(ownerId);
      assert.equal(left?.['count'], QUOTAS.sessions.max);
    });
  });

  test('ending access counts toward no quota, and other changes by a person do', () => {
    const actor = { kind: 'person', id: 'per_1', name: 'Ada' } as const;
    const never = [
      ...(['api_key.deleted', 'api_key.updated', 'access_token.deleted', 'session.deleted', 'member.deleted'] as const),
      ...(['member.updated', 'invitation.deleted', 'person.password_changed', 'person.two_factor_enabled'] as const),
      ...(['passkey.deleted', 'device.denied', 'run.cancelled', 'deployment.aborted', 'workspace.deleted'] as const),
      'credential.used_after_deletion' as const,
    ];
    for (const action of never) assert.equal(quotaOf({ action, actor }), null, action);
    for (const action of ['person.updated', 'passkey.created', 'workspace.updated', 'env.updated'] as const) {
      assert.equal(quotaOf({ action, actor }), 'changes', action);
    }
    assert.equal(quotaOf({ action: 'run.created', actor: SYSTEM_ACTOR }), null, 'schedules bound themselves');
  });

  test('docs/operations.md has the table of all quotas', () => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const rows = Object.values<Quota>(QUOTAS).map(
      ({ unit: what, max, per, spanMs }) =>
        `| ${what} | ${max.toLocaleString('en')} | ${spanMs === null ? 'at a time' : `${spanMs / HOUR} hours`} | ${per} |`,
    );
    const found = page.split('\n').filter((line) => / \| (?:at a time|\d+ hours) \| /.test(line));
    assert.deepEqual(found, rows);
  });
});

forEachEngine('quotas', (engine) => {
  let store: Store;
  before(async () => {
    store = await engine.open();
  });
  after(() => store.close());

  test('a quota counts committed changes, up to its limit however many are concurrent, and resets in the next window', async () => {
    const { max } = QUOTAS.invitations;
    const spend = (now: number, subject = 'wsp_1') =>
      store.transaction((trx) => consumeQuota(trx, 'invitations', subject, now));
    const failed = store.transaction(async (trx) => {
      await consumeQuota(trx, 'invitations', 'wsp_1', NOW);
      throw new Error('rolled back');
    });
    await assert.rejects(failed, /rolled back/);
    const all = await Promise.allSettled(Array.from({ length: max + 10 }, () => spend(NOW)));
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, max);
    await spend(NOW, 'wsp_2');
    await spend(NOW + DAY);
  });

  test('a sender whose events exceed its data quota is refused, and another one in the same batch is not', async () => {
    const { workspaceId } = await seedWorkspace(store);
    const { max } = QUOTAS.activityData;
    await store.transaction((trx) => consumeQuota(trx, 'activityData', `${workspaceId} noisy`, NOW, max));
    const ingest = createActivityIngest(store);
    const event = (id: string) => ({ id, source: 's', type: 't', subject: null, at: NOW, data: '"x"' });
    const take = (sender: string, id: string) => ingest.ingest(workspaceId, [event(id)], NOW, sender);
    const sent = [take('quiet', 'a'), take('noisy', 'b'), take('quiet', 'c')];
    const settled = await Promise.allSettled(sent);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    await assert.rejects(take('noisy', 'd'), { code: 'quota_exceeded' });
  });

  test('no more jobs are accepted once the maximum number of jobs of the workspace is waiting', async () => {
    const { workspaceId, personId } = await seedWorkspace(store);
    const create = (id: string) =>
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
    await create(personId);
    const job = {
      ...{
        workspace_id: workspaceId,
        kind: 'run',
        resource_id: 'run_1',
        payload: 'null',
        status: 'waiting',
        run_at: NOW,
      },
      ...{
        created_at: NOW,
        started_at: null,
        finished_at: null,
        time_limit: null,
        attempt: 0,
        failures: 0,
        retries: 0,
      },
      ...{ retry_after: 0, losses: 0, owner: null, lease_until: null, cancel: null, error: null },
    };
    const jobs = Array.from({ length: QUOTAS.waitingJobs.max }, (_, index) => ({ ...job, id: `job_${index}` }));
    await store.transaction(async (trx) => {
      for (let index = 0; index < jobs.length; index += 500)
        await trx
          .insertInto('job')
          .values(jobs.slice(index, index + 500))
          .execute();
    });
    await assert.rejects(create(personId), { code: 'quota_exceeded' });
  });

  test('noise evicts noise: issues of the sender with the most, and none that somebody changed or that occurred often', async () => {
    const { workspaceId } = await seedWorkspace(store);
    const issue = (id: string, sender: string | null, more: Partial<ErrorIssueTable> = {}): ErrorIssueTable => ({
      ...{
        id,
        workspace_id: workspaceId,
        fingerprint: id,
        title: id,
        type: 'T',
        status: 'open',
        level: 'error',
        count: 1,
      },
      ...{
        first_seen_at: 1,
        last_seen_at: 1,
        release: null,
        environment: null,
        app: null,
        resolved_at: null,
        resolved_release: null,
        muted_at: null,
      },
      ...{ sender, kept_minute: 0, kept_count: 0, ...more },
    });
    const real = [
      issue('quiet', 'quiet'),
      issue('earlier', null),
      issue('resolved', 'noisy', { status: 'resolved', resolved_at: 1 }),
      issue('muted', 'noisy', { muted_at: 1 }),
      issue('often', 'noisy', { count: 7 }),
    ];
    const noise = Array.from({ length: 20 }, (_, index) =>
      issue(`noise${index}`, 'noisy', { last_seen_at: NOW + index }),
    );
    await store.transaction(async (trx) => {
      for (const row of [...real, ...noise]) {
        await addToIssue(trx, row, false);
        await evictIssues(trx, workspaceId, 10);
      }
    });
    const left = await store.read
      .selectFrom('error_issue')
      .select('id')
      .where('workspace_id', '=', workspaceId)
      .execute();
    const expected = [...real.map(({ id }) => id), ...noise.slice(-5).map(({ id }) => id)];
    assert.deepEqual(left.map(({ id }) => id).sort(), expected.sort());
  });

  test('a new issue in a full workspace displaces one of the sender with the most, and stays itself', async () => {
    const { workspaceId } = await seedWorkspace(store);
    const { errorIssues: max } = RESOURCE_LIMITS;
    await store.transaction((trx) =>
      sql`insert into error_issue (id, workspace_id, fingerprint, title, type, status, level, count,
          first_seen_at, last_seen_at, kept_minute, kept_count, sender)
        with recursive numbers (number) as (select 1 union all select number + 1 from numbers where number < ${max})
        select 'full' || number, ${workspaceId}, 'full' || number, 'T', 'T', 'open', 'error', 1,
          number, cast(${NOW} as bigint) + number, 0, 0, 'noisy' from numbers`.execute(trx),
    );
    const nothing = { stack: null, frames: [], breadcrumbs: [], tags: {}, release: null, environment: null, app: null };
    const error = { ...nothing, type: 'Real', message: 'x', level: 'error', fingerprint: null, at: NOW } as const;
    const id = await createErrorIngest(store).ingest(workspaceId, error, NOW, 'quiet');
    const rows = await store.read
      .selectFrom('error_issue')
      .select('id')
      .where('workspace_id', '=', workspaceId)
      .execute();
    const left = new Set(rows.map((row) => row.id));
    assert.deepEqual([left.size, left.has(id), left.has('full1'), left.has('full2')], [max, true, false, true]);
  });
});
