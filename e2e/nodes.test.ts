import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { CreatedApiKey } from '../src/contract/schemas.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { bearer, callAt, createKey, PASSWORD, personAt, type TestPerson } from '../src/testing/house.ts';
import { startPostgres, type TestPostgres } from '../src/testing/postgres.ts';
import { type StallingProxy, startStallingProxy } from '../src/testing/stalling-proxy.ts';
import { until } from '../src/testing/until.ts';

const BOUND = 1000;
const HEALTHY_DELETIONS = 1400;
const AT_ONCE = 6;
/** Judgements of the same credential that are always under way, per node. */
const HAMMERS = 1;

interface NodeProcess {
  readonly child: ChildProcess;
  readonly url: string;
}

let postgres: TestPostgres;
let proxy: StallingProxy;
let databaseUrl: string;
const nodes: NodeProcess[] = [];
let owner: TestPerson;

function startNode(port: number): Promise<NodeProcess> {
  const child = spawn(process.execPath, ['bin/devpilot.mjs', 'serve'], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      LOG_LEVEL: 'fatal',
      DATABASE_URL: databaseUrl.replace(`:${postgres.port}/`, `:${port}/`),
      DEVPILOT_SECRET: TEST_SECRET,
      DEVPILOT_REVOCATION_BOUND: `${BOUND}ms`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const url = /^Devpilot is at (\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve({ child, url });
    });
    child.once('exit', (code) => reject(new Error(`A node ended with ${code} before it listened.`)));
  });
}

function nodeAt(index: number): NodeProcess {
  const node = nodes[index];
  if (node === undefined) throw new Error(`There is no node ${index}.`);
  return node;
}

/** The status of a judgement, 0 where nobody answered in time. */
async function judge(index: number, secret: string, query = ''): Promise<number> {
  const signal = AbortSignal.timeout(5000);
  const response = await fetch(`${nodeAt(index).url}/v1/authorize${query}`, { headers: bearer(secret), signal }).catch(
    () => null,
  );
  await response?.arrayBuffer().catch(() => undefined);
  return response?.status ?? 0;
}

/** What was answered late, by phase. */
const delays = new Map<string, number[]>();
const acknowledged: { readonly id: string; readonly gone: boolean }[] = [];
const accepted: string[] = [];
let ended = 0;

/**
 * Makes a key, has every node remember it, hammers all nodes with it, and deletes it or takes its only
 * right away. From the answer on, no judgement that begins may pass, on any node that answers.
 */
async function endOne(phase: string, edit: boolean, reachable: readonly number[]): Promise<void> {
  const key: CreatedApiKey | null = await createKey(owner, ['read', 'write']).catch(() => null);
  if (key === null) return pause(50);
  const query = '?permission=write';
  await Promise.all(reachable.map((index) => judge(index, key.secret, query)));
  let over = false;
  const hammers = reachable.flatMap((index) =>
    Array.from({ length: HAMMERS }, async () => {
      for (let left = 8; left > 0 && !over; left--) await judge(index, key.secret, query);
    }),
  );
  const begun = performance.now();
  const answer = await owner
    .call(`/v1/api-keys/${key.id}`, edit ? { method: 'PATCH', body: { permissions: ['read'] } } : { method: 'DELETE' })
    .catch(() => null);
  const took = performance.now() - begun;
  if (answer?.status === (edit ? 200 : 204)) {
    const late = await Promise.all(
      nodes.map((_, index) => (reachable.includes(index) ? judge(index, key.secret, query) : 0)),
    );
    late.forEach((status, index) => {
      if (status === 200) accepted.push(`node ${index} in ${phase}`);
    });
    ended++;
    acknowledged.push({ id: key.id, gone: !edit });
    delays.set(phase, [...(delays.get(phase) ?? []), took]);
  }
  over = true;
  await Promise.all(hammers);
}

async function endMany(
  phase: string,
  count: number,
  reachable = [0, 1, 2],
  while_: () => boolean = () => true,
): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0 && while_()) await endOne(phase, left % 4 === 0, reachable);
    }),
  );
}

const isBusy = () => (loadavg()[0] ?? 0) > availableParallelism() * 1.5;

const percentile = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

function show(phase: string): { median: number; max: number } {
  const sorted = (delays.get(phase) ?? []).toSorted((a, b) => a - b);
  const [median, high, max] = [percentile(sorted, 0.5), percentile(sorted, 0.99), sorted.at(-1) ?? 0];
  const text = [median, high, max].map((ms) => `${ms.toFixed(1)} ms`);
  process.stdout.write(`${phase}: ${sorted.length} answers, median ${text[0]}, 99th ${text[1]}, longest ${text[2]}\n`);
  return { median, max };
}

before(async () => {
  postgres = await startPostgres();
  databaseUrl = await postgres.createDatabase();
  proxy = await startStallingProxy(postgres.port);
  const init = spawn(
    process.execPath,
    [
      'bin/devpilot.mjs',
      'init',
      '--email',
      'owner@example.com',
      '--name',
      'Ada',
      '--workspace',
      'Acme',
      '--password-stdin',
    ],
    {
      env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, DEVPILOT_SECRET: TEST_SECRET },
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  );
  init.stdin.end(PASSWORD);
  await new Promise((resolve) => init.once('exit', resolve));
  // The third reaches its database through the proxy.
  for (const port of [postgres.port, postgres.port, proxy.port]) nodes.push(await startNode(port));
  owner = await personAt(nodeAt(0).url, 'owner@example.com');
});

after(async () => {
  for (const { child } of nodes) child.kill('SIGKILL');
  await proxy.close();
  await postgres.close();
});

test('with three healthy nodes nothing is accepted after the answer, which comes soon', async () => {
  await endMany('three healthy nodes, six at once', HEALTHY_DELETIONS);
  for (let left = 60; left > 0; left--) await endOne('three healthy nodes, one by one', false, [0, 1, 2]);
  show('three healthy nodes, six at once');
  const { median } = show('three healthy nodes, one by one');
  assert.deepEqual(accepted, []);
  // Times are judged only where there are processors to spare; elsewhere they are printed.
  if (isBusy()) return;
  assert.ok(median <= 25, `the median is ${median.toFixed(1)} ms`);
});

test('a frozen node delays an answer by no more than the bound, and accepts nothing when it goes on', async () => {
  for (let round = 0; round < 5; round++) {
    const { child } = nodeAt(1);
    const key = await createKey(owner, ['write']);
    assert.equal(await judge(1, key.secret), 200);
    child.kill('SIGSTOP');
    const deleting = owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });
    await endMany('a frozen node', 30, [0, 2]);
    assert.equal((await deleting).status, 204);
    const judging = judge(1, key.secret);
    child.kill('SIGCONT');
    assert.notEqual(await judging, 200);
  }
  const { max } = show('a frozen node');
  assert.deepEqual(accepted, []);
  assert.ok(isBusy() || max <= BOUND + 1000, `the longest is ${max.toFixed(0)} ms`);
});

test('a node that is killed is waited for until its lease ends, and a new one takes its place', async () => {
  for (let round = 0; round < 3; round++) {
    nodeAt(1).child.kill('SIGKILL');
    await endMany('a killed node', 30, [0, 2]);
    nodes[1] = await startNode(postgres.port);
    await endMany('a killed node', 30);
  }
  const { max } = show('a killed node');
  assert.deepEqual(accepted, []);
  assert.ok(isBusy() || max <= BOUND + 1000, `the longest is ${max.toFixed(0)} ms`);
});

test('a node that is cut off from the database judges until its lease ends, and then not at all', async () => {
  for (let round = 0; round < 3; round++) {
    proxy.stall();
    await endMany('a node cut off', 40);
    proxy.resume();
    await until(async () => (await callAt(nodeAt(2).url, '/readyz', {})).status === 200);
  }
  const { max } = show('a node cut off');
  assert.deepEqual(accepted, []);
  assert.ok(isBusy() || max <= BOUND + 1000, `the longest is ${max.toFixed(0)} ms`);
});

test('PostgreSQL is restarted and killed under load; nothing that was acknowledged is lost', async () => {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    let going = true;
    const load = endMany(`PostgreSQL ended by ${signal}`, Number.POSITIVE_INFINITY, [0, 1, 2], () => going);
    await postgres.stop(signal);
    await until(async () => (await callAt(nodeAt(0).url, '/readyz', {})).status === 503);
    await postgres.start();
    const back = performance.now();
    await until(async () => (await callAt(nodeAt(0).url, '/readyz', {})).status === 200);
    assert.ok(performance.now() - back < 2000, 'it is back within two seconds');
    await until(async () => (delays.get(`PostgreSQL ended by ${signal}`) ?? []).length >= 60, 60_000);
    going = false;
    await load;
    show(`PostgreSQL ended by ${signal}`);
  }
  assert.deepEqual(accepted, []);
});

test('every acknowledged write is there afterwards', async () => {
  await endMany('three healthy nodes, at the end', Math.max(0, 2000 - ended));
  process.stdout.write(`${ended} deletions and edits answered, ${accepted.length} accepted afterwards\n`);
  assert.ok(ended >= 2000);
  assert.deepEqual(accepted, []);
  for (const { id, gone } of acknowledged) {
    const found = await owner.call<CreatedApiKey>(`/v1/api-keys/${id}`);
    if (gone) assert.equal(found.status, 404);
    else assert.deepEqual(found.body.permissions, ['read']);
  }
});
