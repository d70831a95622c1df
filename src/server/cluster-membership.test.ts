import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { TEST_SECRET } from '../testing/engines.ts';
import { startPostgres, type TestPostgres } from '../testing/postgres.ts';
import { runSql } from '../testing/sql.ts';
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
import { until } from '../testing/until.ts';

let postgres: TestPostgres;
let environment: Readonly<Record<string, string>>;
let nodes: TestServer[];
let owner: TestPerson;

before(async () => {
  postgres = await startPostgres();
  environment = {
    DATABASE_URL: await postgres.createDatabase(),
    DEVPILOT_SECRET: TEST_SECRET,
    DEVPILOT_REVOCATION_BOUND: '3s',
  };
  nodes = [];
  for (let count = 0; count < 3; count++) nodes.push(await startTestServer({ environment }));
  const lastNode = nodes.at(-1);
  if (lastNode === undefined) throw new Error('There is no node.');
  owner = await signUpOwner(lastNode);
});

after(async () => {
  try {
    await Promise.all(nodes.map((node) => node.close()));
  } finally {
    await postgres.close();
  }
});

const statusesOf = (secret: string, query = '') =>
  Promise.all(
    nodes.map(async (node) => (await node.call(`/v1/authorize${query}`, { headers: bearer(secret) })).status),
  );

test('a deletion on one node is in effect on all nodes when its response is sent, and a header counts the confirmations', async () => {
  const token = await createToken(owner, ['all']);
  assert.deepEqual(await statusesOf(token.secret), [200, 200, 200]);
  const deleted = await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' });
  assert.equal(deleted.status, 204);
  assert.match(deleted.headers.get('devpilot-revocation') ?? '', /^nodes=3 confirmed=3 ms=\d+$/);
  assert.deepEqual(await statusesOf(token.secret), [401, 401, 401]);
});

test('an edit on one node is in effect on all nodes when its response is sent', async () => {
  const key = await createKey(owner, ['read', 'write']);
  assert.deepEqual(await statusesOf(key.secret, '?permission=write'), [200, 200, 200]);
  const edited = await owner.call(`/v1/api-keys/${key.id}`, { method: 'PATCH', body: { permissions: ['read'] } });
  assert.match(edited.headers.get('devpilot-revocation') ?? '', /^nodes=3 confirmed=3 ms=\d+$/);
  assert.deepEqual(await statusesOf(key.secret, '?permission=write'), [403, 403, 403]);
  assert.deepEqual(await statusesOf(key.secret, '?permission=read'), [200, 200, 200]);
});

test('several concurrent requests that revoke a credential each get a response only when no node accepts it', async () => {
  const token = await createToken(owner, ['all']);
  await statusesOf(token.secret);
  const body = new URLSearchParams({ token: token.secret });
  const revocations = [
    () => owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' }),
    ...nodes.map((node) => () => node.call('/v1/revoke', { body })),
  ];
  await Promise.all(
    revocations.map(async (revoke) => {
      assert.ok([200, 204, 404].includes((await revoke()).status));
      assert.deepEqual(await statusesOf(token.secret), [401, 401, 401]);
    }),
  );
});

test('a node that has verified the passphrase of a client also counts the failures of the client on another node', async () => {
  const passphrase = 'a passphrase of ours';
  const token = await createToken(owner, ['all'], { passphrase });
  const [first, second] = nodes;
  if (first === undefined || second === undefined) throw new Error('There are no nodes.');
  const tryAt = (node: TestServer, tried: string) =>
    node.call<{ code?: string }>('/v1/authorize', {
      headers: { ...bearer(token.secret), 'access-token-passphrase': tried },
    });
  assert.equal((await tryAt(first, passphrase)).status, 200);
  for (let tried = 0; tried < 5; tried++) {
    assert.equal((await tryAt(second, `wrong passphrase ${tried}`)).body.code, 'passphrase_incorrect');
  }
  assert.equal((await tryAt(second, passphrase)).body.code, 'rate_limited');
  await until(async () => (await tryAt(first, passphrase)).body.code === 'rate_limited');
});

test('of concurrent wrong passphrases on all nodes, exactly five are verified; the others are refused without verification', async () => {
  const passphrase = 'a passphrase of ours';
  const token = await createToken(owner, ['all'], { passphrase });
  const tryAt = async (node: TestServer, tried: string) => {
    const headers = { ...bearer(token.secret), 'access-token-passphrase': tried };
    const { status, body } = await node.call<{ code?: string }>('/v1/whoami', { headers });
    return `${status} ${body.code ?? ''}`;
  };
  const responses = await Promise.all(
    nodes.flatMap((node, index) =>
      Array.from({ length: 15 }, (_, count) => tryAt(node, `wrong passphrase ${index} ${count}`)),
    ),
  );
  assert.deepEqual(responses.toSorted().slice(0, 5), Array(5).fill('401 passphrase_incorrect'));
  assert.deepEqual(responses.toSorted().slice(5), Array(40).fill('429 rate_limited'));
  for (const node of nodes) assert.equal(await tryAt(node, passphrase), '429 rate_limited');
});

test('of concurrent wrong sign-ins on all nodes, exactly five are verified; the others are refused without verification', async () => {
  const [first] = nodes;
  if (first === undefined) throw new Error('There is no node.');
  const { email } = await signUpMember(first, owner, 'member', 'grace@example.com');
  const signIn = async (node: TestServer, password: string) =>
    (await node.call('/v1/sessions', { body: { email, password } })).status;
  const responses = await Promise.all(
    nodes.flatMap((node) => Array.from({ length: 12 }, () => signIn(node, 'not her password, but a wrong one'))),
  );
  assert.deepEqual(responses.toSorted(), [...Array(5).fill(401), ...Array(31).fill(429)]);
  for (const node of nodes) assert.equal(await signIn(node, PASSWORD), 429);
});

test('no use is lost or counted twice when nodes that counted uses stop cleanly', async () => {
  const key = await createKey(owner, ['read']);
  const extraNodes = [await startTestServer({ environment }), await startTestServer({ environment })];
  await Promise.all(
    extraNodes.flatMap((node) =>
      Array.from({ length: 40 }, () => node.call('/v1/authorize?permission=read', { headers: bearer(key.secret) })),
    ),
  );
  await Promise.all(extraNodes.map((node) => node.close()));
  const keyResponse = await owner.call<{ useCount: number }>(`/v1/api-keys/${key.id}`);
  assert.equal(keyResponse.body.useCount, 80);
});

test('uses are written while the activity log is not writable, and refusals are written once it is', async () => {
  const key = await createKey(owner, ['read']);
  const sql = (statement: string) => runSql({ dataDirectory: '' }, environment, statement);
  // A sequence counts attempts, because it is not rolled back.
  await sql(`create sequence refused;
    create function refuse() returns trigger language plpgsql
      as $$ begin perform nextval('refused'); raise exception 'refused' using errcode = 'disk_full'; end $$;
    create trigger refuse before insert on audit_event execute function refuse()`);
  assert.deepEqual(await statusesOf(key.secret, '?permission=write'), [403, 403, 403]);
  await until(async () => (await sql('select 1 from refused where last_value >= 3')).length > 0);
  assert.deepEqual(await statusesOf(key.secret, '?permission=read'), [200, 200, 200]);
  const written = `select 1 from usage_chunk where uses like '%${key.id}%'
    union all select 1 from credential where id = '${key.id}' and use_count > 0`;
  await until(async () => (await sql(written)).length > 0);
  await sql('drop trigger refuse on audit_event; drop function refuse; drop sequence refused');
  const list = `/v1/audit-events?action=credential.denied&credential=${key.id}`;
  await until(async () => (await owner.call<{ data: unknown[] }>(list)).body.data.length === nodes.length);
});

test('nodes keep running, and a node can be started, after a newer version has migrated the database', async () => {
  const [first] = nodes;
  if (first === undefined) throw new Error('There is no node.');
  const earlierKey = await createKey(owner, ['read']);
  assert.deepEqual(await statusesOf(earlierKey.secret), [200, 200, 200]);
  const { DATABASE_URL = '' } = environment;
  const client = new pg.Client(DATABASE_URL);
  await client.connect();
  await client.query("insert into kysely_migration (name, timestamp) values ('9999-newer', '2030')");
  await client.query('create table newer (id text primary key)');
  await client.query("alter table credential add column newer text not null default 'as it was'");
  await client.query('alter table audit_event add column newer bigint');
  await client.end();

  const late = await startTestServer({ environment });
  const laterToken = await createToken(owner, ['all']);
  for (const secret of [earlierKey.secret, laterToken.secret]) {
    assert.deepEqual(await statusesOf(secret), [200, 200, 200]);
    assert.equal((await late.call('/v1/authorize', { headers: bearer(secret) })).status, 200);
  }
  const edited = await owner.call(`/v1/api-keys/${earlierKey.id}`, { method: 'PATCH', body: { active: false } });
  assert.match(edited.headers.get('devpilot-revocation') ?? '', /^nodes=4 confirmed=4 /);
  assert.equal((await late.call('/v1/authorize', { headers: bearer(earlierKey.secret) })).status, 401);
  assert.equal((await owner.call('/v1/audit-events')).status, 200);
  await late.close();
});

test('a stopped node has released its lease, and no deletion waits for it', async () => {
  const fourth = await startTestServer({ environment });
  const token = await createToken(owner, ['all']);
  await fourth.close();
  const deleted = await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' });
  assert.match(deleted.headers.get('devpilot-revocation') ?? '', /^nodes=3 confirmed=3 ms=\d+$/);
});

test('without a database, cached records authorize only until the lease ends; the node recovers without a restart', async () => {
  const [node] = nodes;
  if (node === undefined) throw new Error('There is no node.');
  const token = await createToken(owner, ['all']);
  assert.deepEqual(await statusesOf(token.secret), [200, 200, 200]);
  await postgres.stop('SIGKILL');
  assert.equal((await node.call('/v1/authorize', { headers: bearer(token.secret) })).status, 200);

  const statuses = new Set<number>();
  await until(async () => {
    const { status } = await node.call('/v1/authorize', { headers: bearer(token.secret) });
    statuses.add(status);
    return status === 503;
  });
  assert.deepEqual([...statuses].sort(), [200, 503]);
  assert.equal((await node.call('/readyz')).status, 503);
  assert.equal((await node.call('/healthz')).status, 200);

  await postgres.start();
  await until(async () => {
    const { status } = await node.call('/v1/authorize', { headers: bearer(token.secret) });
    assert.ok(status === 200 || status === 503, `status ${status}`);
    return status === 200 && (await node.call('/readyz')).status === 200;
  });
  // The request goes to another node, which may be between two attempts to connect.
  let deleted = 503;
  await until(async () => {
    deleted = (await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status;
    return deleted !== 503;
  });
  assert.equal(deleted, 204);
  await until(async () => !(await statusesOf(token.secret)).includes(503));
  assert.deepEqual(await statusesOf(token.secret), [401, 401, 401]);
});
