import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { MINUTE } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import { runCommand } from '../testing/process.ts';
import { changeDatabase } from '../testing/sql.ts';
import {
  bearer,
  createKey,
  createToken,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startTestServer,
} from '../testing/test-server.ts';
import { createDenialBuffer, type Denial } from './denials.ts';

const NOW = 30_000_000 * MINUTE;
const denial = (overrides: Partial<Denial> = {}): Denial => ({
  workspaceId: 'wsp_1',
  action: 'credential.denied',
  actor: { kind: 'api_key', id: 'key_1', name: 'one' },
  credential: { kind: 'api_key', id: 'key_1', name: 'one' },
  reason: 'token_expired',
  origin: { address: '10.0.0.1', userAgent: null, requestId: 'r1' },
  at: NOW,
  ...overrides,
});

test('refusals are grouped by actor, reason and minute: the first of a group is due immediately, the others when the minute is over', () => {
  const denials = createDenialBuffer();
  denials.add(denial());
  assert.deepEqual(
    denials.drain(NOW).map(({ detail }) => detail),
    [{ reason: 'token_expired', count: 1 }],
  );
  for (let count = 0; count < 999; count++) denials.add(denial({ at: NOW + count }));
  denials.add(denial({ reason: 'insufficient_scope' }));
  denials.add(denial({ actor: { kind: 'api_key', id: 'key_2', name: 'two' } }));
  assert.equal(denials.drain(NOW + 1000).length, 2);
  assert.equal(denials.drain(NOW + 2000).length, 0);
  const drained = denials.drain(NOW + MINUTE);
  assert.deepEqual(
    drained.map(({ detail, at: timestampMs }) => [detail, timestampMs]),
    [[{ reason: 'token_expired', count: 999, lastAt: new Date(NOW + 998).toISOString() }, NOW + MINUTE]],
  );
  assert.deepEqual(denials.drain(NOW + 2 * MINUTE, { everything: true }), []);
});

test('an event about refusals is dated when it is drained, so that the log stays in chronological order', () => {
  const denials = createDenialBuffer();
  denials.add(denial({ at: NOW }));
  denials.add(denial({ at: NOW + 5, reason: 'insufficient_scope' }));
  assert.deepEqual(
    denials.drain(NOW + 900).map(({ at: timestampMs }) => timestampMs),
    [NOW + 900, NOW + 900],
  );
  denials.add(denial({ at: NOW + 2 * MINUTE }));
  assert.equal(denials.drain(NOW, { everything: true })[0]?.at, NOW + 2 * MINUTE, 'and never before it happened');
});

test('a refusal in memory has a user agent without secrets and of limited length', () => {
  const denials = createDenialBuffer();
  const origin = { address: null, userAgent: `curl ${mintSecret('api_key')} ${'x'.repeat(16_000)}`, requestId: null };
  denials.add(denial({ origin }));
  const { userAgent } = denials.drain(NOW)[0]?.origin ?? {};
  assert.equal(userAgent, `curl [secret] ${'x'.repeat(498)}`);
});

test('a drain of everything also returns refusals that are not due yet', () => {
  const denials = createDenialBuffer();
  for (let count = 0; count < 3; count++) denials.add(denial());
  denials.drain(NOW);
  denials.add(denial());
  assert.deepEqual(
    denials.drain(NOW, { everything: true }).map(({ detail }) => detail['count']),
    [1],
  );
});

test('refusals with many different reasons fill neither the memory nor the disk', () => {
  const denials = createDenialBuffer();
  for (let count = 0; count < 50_000; count++) denials.add(denial({ reason: `r${count}` }));
  denials.add(denial({ workspaceId: 'wsp_other' }));
  const drafts = denials.drain(NOW);
  assert.equal(drafts.length, 1_001, 'at most 1,000 groups per workspace');
  assert.equal(
    drafts.filter(({ workspaceId }) => workspaceId === 'wsp_other').length,
    1,
    'refusals in another workspace are not affected',
  );
  denials.drain(NOW + MINUTE);
  denials.add(denial({ at: NOW + MINUTE }));
  assert.equal(denials.drain(NOW + MINUTE).length, 1, 'refusals are recorded again in the next minute');
});

describe('the activity log of a running server', () => {
  test('contains changes, sign-ins and refusals with their details, and can be filtered and read as NDJSON', async () => {
    const server = await startTestServer();
    const owner = await signUpOwner(server);
    const token = await createToken(owner, ['all'], { name: 'Deploys' });
    const key = await createKey(owner, ['read'], { description: 'one' });
    await owner.call(`/v1/api-keys/${key.id}`, {
      method: 'PATCH',
      body: { permissions: ['write'], description: 'two' },
      headers: { 'user-agent': `curl/8 ${key.secret}`, 'x-request-id': 'my-request' },
    });
    await owner.call(`/v1/api-keys/${key.id}`, { method: 'PATCH', body: { description: 'two' } });
    const member = await signUpMember(server, owner, 'member', 'linus@example.com');
    await member.call('/v1/access-tokens', { body: { name: 'Mine', scopes: ['all'] } });
    await server.call('/v1/authorize?permission=delete', { headers: bearer(key.secret) });
    await server.call('/v1/sessions', { body: { email: owner.email, password: 'wrong' } });
    await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' });
    await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });
    const { body } = await owner.call<Page<AuditEvent>>('/v1/audit-events?limit=200');
    const events = body.data;
    const actions = events.map(({ action }) => action);
    for (const action of [
      'workspace.created',
      'access_token.created',
      'api_key.created',
      'api_key.updated',
      'invitation.created',
      'member.created',
      'person.signed_up',
      'session.created',
      'person.denied',
      'credential.denied',
      'session.failed',
      'access_token.deleted',
      'api_key.deleted',
    ]) {
      assert.ok(actions.includes(action as never), action);
    }
    assert.equal(
      actions.filter((action) => action === 'api_key.updated').length,
      1,
      'an edit that changes nothing is not recorded',
    );
    const edit = events.find(({ action }) => action === 'api_key.updated');
    assert.deepEqual(edit?.detail, {
      before: { permissions: ['read'], description: 'one' },
      after: { permissions: ['write'], description: 'two' },
    });
    assert.equal(edit?.requestId, 'my-request');
    assert.equal(edit?.address, '127.0.0.1');
    assert.equal(edit?.userAgent, 'curl/8 [secret]');
    assert.deepEqual(edit?.credential, { id: key.id, kind: 'api_key', name: 'Billing service' });
    const denied = events.find(({ action }) => action === 'credential.denied');
    assert.deepEqual(denied?.detail, { reason: 'insufficient_scope', count: 1 });

    const eventsOfToken = await owner.call<Page<AuditEvent>>(`/v1/audit-events?credential=${token.id}`);
    assert.deepEqual(
      eventsOfToken.body.data.map(({ action }) => action),
      ['access_token.deleted', 'access_token.created'],
    );
    assert.ok(eventsOfToken.body.data.every(({ credential }) => credential?.name === 'Deploys'));
    const createdKeys = await owner.call<Page<AuditEvent>>('/v1/audit-events?action=api_key.created');
    assert.equal(createdKeys.body.data.length, 1);

    const stream = await owner.call('/v1/audit-events', { headers: { accept: 'application/x-ndjson' } });
    assert.match(stream.headers.get('content-type') ?? '', /^application\/x-ndjson/);
    const lines = stream.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEvent);
    assert.deepEqual(lines, events);
    const from = lines[3]?.at ?? '';
    const filtered = await owner.call(`/v1/audit-events?from=${from}&action=api_key.deleted`, {
      headers: { accept: 'application/x-ndjson' },
    });
    assert.equal(filtered.text.trimEnd().split('\n').length, 1);
    await server.close();
  });

  test('continues on the next page while new events arrive, and NDJSON streams more than a page', async () => {
    const server = await startTestServer();
    const owner = await signUpOwner(server);
    for (let count = 0; count < 210; count++) {
      await owner.call('/v1/me', { method: 'PATCH', body: { name: `Ada ${count}` } });
    }
    const first = await owner.call<Page<AuditEvent>>('/v1/audit-events?limit=5');
    await owner.call('/v1/me', { method: 'PATCH', body: { name: 'Newest' } });
    const second = await owner.call<Page<AuditEvent>>(`/v1/audit-events?limit=5&cursor=${first.body.nextCursor}`);
    assert.equal(second.body.data[0]?.sequence, (first.body.data[4]?.sequence ?? 0) - 1);
    const stream = await owner.call('/v1/audit-events', { headers: { accept: 'application/x-ndjson' } });
    const sequences = stream.text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as AuditEvent).sequence);
    assert.ok(sequences.length > 211);
    assert.deepEqual(
      sequences,
      sequences.map((_, index) => sequences.length - index),
    );
    await server.close();
  });

  test('can be read while the store refuses writes, and later contains the refusals from that time', async () => {
    const server = await startTestServer();
    const owner = await signUpOwner(server);
    const key = await createKey(owner, ['read']);
    const readDenials = async () => {
      const { status, body } = await owner.call<Page<AuditEvent>>('/v1/audit-events?action=credential.denied');
      return [status, body.data?.length];
    };
    const database = new DatabaseSync(join(server.dataDirectory, 'devpilot.db'));
    try {
      database.exec('begin immediate');
      await server.call('/v1/authorize?permission=delete', { headers: bearer(key.secret) });
      assert.deepEqual(await readDenials(), [200, 0]);
    } finally {
      database.close();
    }
    assert.deepEqual(await readDenials(), [200, 1]);
    await server.close();
  });

  test('a change is rolled back if its event cannot be written', async () => {
    const server = await startTestServer();
    const owner = await signUpOwner(server);
    const create = "create trigger no_log before insert on audit_event begin select raise(abort, 'disk full'); end";
    await changeDatabase(server.dataDirectory, (database) => database.exec(create));
    const refused = await owner.call<{ code: string }>('/v1/access-tokens', {
      body: { name: 'Deploys', scopes: ['all'] },
    });
    assert.equal(refused.status, 500);
    assert.equal(refused.body.code, 'internal');
    assert.ok(!/disk full|trigger|abort/i.test(refused.text));
    await changeDatabase(server.dataDirectory, (database) => database.exec('drop trigger no_log'));
    assert.deepEqual((await owner.call<Page<unknown>>('/v1/access-tokens')).body.data, []);
    await createToken(owner, ['all']);
    await server.close();
  });

  test('verification finds edited, removed and renumbered events and a truncated log, and reports an intact log as intact', async () => {
    const server = await startTestServer();
    const owner = await signUpOwner(server);
    for (let count = 0; count < 5; count++) await createToken(owner, ['all']);
    await server.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } });
    const environment = { DEVPILOT_DATA_DIR: server.dataDirectory };
    const verify = async () => {
      const { code, stdout } = await runCommand(['audit', 'verify', '--json'], environment);
      const checks = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { workspaceId: string; broken: { sequence: number } | null });
      return { code, broken: checks.find(({ workspaceId }) => workspaceId === owner.workspaceId)?.broken?.sequence };
    };
    assert.deepEqual(await verify(), { code: 0, broken: undefined });
    await server.running.close();
    const database = new DatabaseSync(join(server.dataDirectory, 'devpilot.db'));
    const where = `workspace_id = '${owner.workspaceId}'`;
    const { last } = database.prepare(`select max(sequence) as last from audit_event where ${where}`).get() as {
      last: number;
    };
    const damages: [string, number][] = [
      [`update audit_event set detail = '{}' where sequence = 4 and ${where}`, 4],
      [`update audit_event set actor_name = 'Eve' where sequence = 3 and ${where}`, 3],
      [`update audit_event set at = at - 1 where sequence = 5 and ${where}`, 5],
      [`delete from audit_event where sequence = 4 and ${where}`, 4],
      [`delete from audit_event where sequence = 1 and ${where}`, 1],
      [`delete from audit_event where sequence >= 6 and ${where}`, 6],
      [`update audit_event set sequence = 1000 where sequence = 2 and ${where}`, 2],
      [`update audit_event set sequence = 1000 where sequence = ${last} and ${where}`, last],
      [`update audit_event set hash = previous_hash where sequence = 5 and ${where}`, 5],
    ];
    for (const [damage, sequence] of damages) {
      database.exec('create table audit_event_copy as select * from audit_event');
      database.exec(damage);
      assert.deepEqual(await verify(), { code: 1, broken: sequence }, damage);
      database.exec(
        'delete from audit_event; insert into audit_event select * from audit_event_copy; drop table audit_event_copy',
      );
    }
    assert.deepEqual(await verify(), { code: 0, broken: undefined });
    database.close();
    const plain = await runCommand(['audit', 'verify'], environment);
    assert.match(plain.stdout, /entries, intact/);
  });
});
