import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { seedWorkspace } from '../testing/test-store.ts';
import { scaledTimeout } from '../testing/timeouts.ts';
import { until } from '../testing/until.ts';
import {
  type Job,
  type JobAborted,
  type JobEnd,
  JobFailure,
  type JobKind,
  type NewJob,
  type RunningJob,
} from './jobs.ts';
import { createJobWorker, type JobWorker } from './worker.ts';

interface EndedJob extends JobEnd {
  readonly resourceId: string;
}
interface TestNode extends JobWorker {
  readonly ended: EndedJob[];
}

/** Creates a node that runs `work` for each job of the kind `work`. */
function createNode(
  store: Store,
  nodeId: string,
  work: JobKind['run'],
  options: { resumable?: boolean; clock?: () => number; onError?: (error: unknown) => void } = {},
): TestNode {
  const jobs = createJobWorker({
    store,
    clock: options.clock ?? Date.now,
    nodeId,
    onError: options.onError ?? ((error) => console.error(error)),
    leaseMs: 1000,
    heartbeatMs: 50,
  });
  const ended: EndedJob[] = [];
  jobs.register({
    name: 'work',
    resumable: options.resumable ?? false,
    run: work,
    finalize: (_trx, job: Job, end) => {
      ended.push({ resourceId: job.resourceId, ...end });
      return Promise.resolve();
    },
  });
  return { ...jobs, ended };
}

/** Rejects with the abort reason when the job's signal is aborted. */
const untilAborted = (job: RunningJob) =>
  new Promise<never>((_, reject) => {
    if (job.signal.aborted) reject(job.signal.reason);
    job.signal.addEventListener('abort', () => reject(job.signal.reason as Error));
  });

forEachEngine('jobs', (engine) => {
  const stores: Store[] = [];
  after(() => Promise.all(stores.map((store) => store.close())));

  async function setUp() {
    const store = await engine.open();
    stores.push(store);
    const { workspaceId } = await seedWorkspace(store);
    const add = (jobs: JobWorker, resourceId: string, options: Partial<NewJob> = {}) =>
      store.transaction((trx) => jobs.enqueue(trx, { kind: 'work', workspaceId, resourceId, ...options }));
    const readRows = async () =>
      (await sql<{ resource_id: string; status: string; attempt: number }>`select * from job`.execute(store.read)).rows;
    return { store, workspaceId, add, readRows };
  }

  test('a job runs after its transaction commits, receives its payload and completes', async () => {
    const { store, add, readRows, workspaceId } = await setUp();
    const receivedJobs: RunningJob[] = [];
    const node = createNode(store, 'one', async (job) => {
      receivedJobs.push(job);
    });
    node.start();
    await assert.rejects(
      store.transaction(async (trx) => {
        await node.enqueue(trx, { kind: 'work', workspaceId, resourceId: 'undone' });
        throw new Error('no');
      }),
    );
    await add(node, 'done', { payload: { a: 1 } });
    node.wake();
    await until(async () => node.ended.length === 1);
    assert.deepEqual(
      [receivedJobs[0]?.resourceId, receivedJobs[0]?.payload, receivedJobs[0]?.attempt, node.ended[0]?.status],
      ['done', { a: 1 }, 1, 'completed'],
    );
    assert.equal((await readRows()).length, 1);
    await node.stop();
  });

  test('an exclusive lane runs its jobs one at a time, oldest first; a wider lane runs as many as its limit', async () => {
    const { store, add } = await setUp();
    const running = new Set<string>();
    const order: string[] = [];
    let maxInWideLane = 0;
    let maxInExclusiveLane = 0;
    const work = async (job: RunningJob): Promise<undefined> => {
      const lane = job.resourceId.slice(0, 1);
      const runningInLane = [...running].filter((name) => name.startsWith(lane)).length + 1;
      if (lane === 'a') maxInExclusiveLane = Math.max(maxInExclusiveLane, runningInLane);
      else maxInWideLane = Math.max(maxInWideLane, runningInLane);
      running.add(job.resourceId);
      if (lane === 'a') order.push(job.resourceId);
      else await until(async () => maxInWideLane >= 2);
      await new Promise((resolve) => setTimeout(resolve, 30));
      running.delete(job.resourceId);
    };
    const first = createNode(store, 'one', work);
    const nodes =
      engine.name === 'sqlite' ? [first] : [first, createNode(store, 'two', work), createNode(store, 'three', work)];
    for (const name of ['a1', 'a2', 'a3']) {
      await add(first, name, { lanes: [{ key: 'app:a', limit: 1 }] });
      // The order of jobs that are created in the same millisecond is not defined.
      const addedAt = Date.now();
      await until(async () => Date.now() > addedAt);
    }
    for (const name of ['b1', 'b2', 'b3', 'b4', 'b5'])
      await add(first, name, { lanes: [{ key: 'server:b', limit: 2 }] });
    for (const node of nodes) node.start();
    await until(async () => nodes.flatMap((node) => node.ended).length === 8);
    assert.deepEqual(order, ['a1', 'a2', 'a3']);
    assert.equal(maxInExclusiveLane, 1);
    assert.equal(maxInWideLane, 2);
    for (const node of nodes) await node.stop();
  });

  test('nodes that compete for jobs run each job once', async () => {
    if (engine.name === 'sqlite') return;
    const { store, add } = await setUp();
    const ran: string[] = [];
    const work = async (job: RunningJob): Promise<undefined> => {
      ran.push(job.resourceId);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const nodes = ['one', 'two', 'three', 'four'].map((id) => createNode(store, id, work));
    const names = Array.from({ length: 40 }, (_, index) => `job ${index}`);
    for (const [index, name] of names.entries()) await add(nodes[index % 4] as TestNode, name);
    for (const node of nodes) node.start();
    await until(async () => nodes.flatMap((node) => node.ended).length === 40);
    assert.deepEqual(ran.sort(), names.sort());
    for (const node of nodes) await node.stop();
  });

  test('a delayed job waits for its time, and a failing job is retried only as often as requested', async () => {
    const { store, add } = await setUp();
    let now = 1_000_000;
    const ran: string[] = [];
    const node = createNode(
      store,
      'one',
      async (job) => {
        ran.push(job.resourceId);
        if (job.resourceId !== 'later') throw new JobFailure(`No. ${job.attempt}`);
      },
      { clock: () => now },
    );
    node.start();
    await add(node, 'later', { runAt: now + 60_000 });
    await add(node, 'once');
    await add(node, 'thrice', { retries: { count: 2, firstDelayMs: 1000 } });
    node.wake();
    await until(async () => node.ended.length === 1 && ran.length === 2);
    assert.deepEqual([...ran].sort(), ['once', 'thrice']);
    now += 1000;
    await until(async () => ran.length === 3);
    now += 1000;
    await until(async () =>
      (await store.read.selectFrom('job').select('failures').execute()).some((row) => row.failures === 2),
    );
    assert.equal(ran.length, 3, 'the second retry waits twice as long');
    now += 1000;
    await until(async () => node.ended.length === 2);
    now += 57_000;
    await until(async () => node.ended.length === 3);
    assert.deepEqual(
      node.ended.map(({ resourceId, status, error }) => [resourceId, status, error]),
      [
        ['once', 'failed', 'No. 1'],
        ['thrice', 'failed', 'No. 3'],
        ['later', 'completed', null],
      ],
    );
    await node.stop();
  });

  test('the message of an unexpected error is logged, but not reported to users', async () => {
    const { store, add } = await setUp();
    const errors: unknown[] = [];
    const node = createNode(store, 'one', () => Promise.reject(new Error('select secrets')), {
      onError: (error) => errors.push(error),
    });
    node.start();
    await add(node, 'one');
    await until(async () => node.ended.length === 1);
    assert.equal(node.ended[0]?.status, 'failed');
    assert.doesNotMatch(node.ended[0]?.error ?? '', /secrets/);
    assert.match(String(errors[0]), /select secrets/);
    await node.stop();
  });

  test('cancelling ends a waiting job immediately and a running job through its signal', async () => {
    const { store, add, workspaceId } = await setUp();
    const lanes = [{ key: 'app:a', limit: 1 }];
    let hasCleanedUp = false;
    const node = createNode(store, 'one', async (job) => {
      try {
        await untilAborted(job);
      } finally {
        hasCleanedUp = !job.fenceSignal.aborted;
      }
    });
    node.start();
    await add(node, 'runs', { lanes });
    await until(async () => node.running() === 1);
    await add(node, 'waits', { lanes });
    const cancel = (id: string) => store.transaction((trx) => node.cancel(trx, workspaceId, id, 'Ada cancelled it.'));
    assert.equal(await cancel('waits'), true);
    assert.deepEqual(
      node.ended.map(({ resourceId, status }) => [resourceId, status]),
      [['waits', 'cancelled']],
    );
    assert.equal(await cancel('runs'), true);
    await until(async () => node.ended.length === 2);
    assert.deepEqual(
      [node.ended[1]?.status, node.ended[1]?.error, hasCleanedUp],
      ['cancelled', 'Ada cancelled it.', true],
    );
    assert.equal(await cancel('runs'), false);
    assert.equal(await cancel('nothing'), false);
    await node.stop();
  });

  test('a job of another workspace cannot be cancelled', async () => {
    const { store, add } = await setUp();
    const otherWorkspace = await seedWorkspace(store);
    const node = createNode(store, 'one', async () => undefined);
    await add(node, 'waits');
    const cancelled = await store.transaction((trx) =>
      node.cancel(trx, otherWorkspace.workspaceId, 'waits', 'Ada cancelled it.'),
    );
    assert.equal(cancelled, false);
  });

  test('a job that exceeds its time limit is aborted and fails', async () => {
    const { store, add } = await setUp();
    const node = createNode(store, 'one', untilAborted);
    node.start();
    await add(node, 'slow', { timeLimitMs: 1000 });
    await until(async () => node.ended.length === 1);
    assert.deepEqual(
      [node.ended[0]?.status, node.ended[0]?.error],
      ['failed', 'Stopped: the time limit of 1 second was exceeded.'],
    );
    await node.stop();
  });

  test('a suspended job frees its slot on the node but keeps its exclusive lane', async () => {
    const { store, add, workspaceId } = await setUp();
    const lanes = [{ key: 'app:a', limit: 1 }];
    const order: string[] = [];
    const node = createNode(store, 'one', async (job) => {
      order.push(`${job.resourceId} ${job.attempt}`);
      return job.resourceId === 'parks' && job.attempt === 1
        ? { until: Date.now() + 3_600_000, shouldWait: () => Promise.resolve(true) }
        : undefined;
    });
    node.start();
    await add(node, 'parks', { lanes });
    await until(async () => order.length === 1 && node.running() === 0);
    await add(node, 'next', { lanes });
    await add(node, 'free');
    await until(async () => order.includes('free 1'));
    assert.deepEqual(order, ['parks 1', 'free 1']);
    assert.equal(await store.transaction((trx) => node.resume(trx, workspaceId, 'parks')), true);
    await until(async () => node.ended.length === 3);
    assert.deepEqual(order, ['parks 1', 'free 1', 'parks 2', 'next 1']);
    await node.stop();
  });

  test('a job of a lost node fails, or is taken over if its kind is resumable', async () => {
    for (const resumable of [false, true]) {
      const { store, add } = await setUp();
      let killed = false;
      // Stops the node's heartbeats as if its process had been killed. The node does not release its jobs.
      const transaction: Store['transaction'] = (work) =>
        killed ? Promise.reject(new Error('killed')) : store.transaction(work);
      const lostNode = createNode({ ...store, transaction }, 'lost', untilAborted, {
        resumable,
        onError: () => undefined,
      });
      await add(lostNode, 'orphan', { lanes: [{ key: 'app:a', limit: 1 }] });
      lostNode.start();
      await until(async () => lostNode.running() === 1);
      killed = true;
      const successor = createNode(store, 'successor', async () => undefined, { resumable });
      successor.start();
      await until(async () => successor.ended.length === 1);
      assert.deepEqual(
        [successor.ended[0]?.status, successor.ended[0]?.error],
        resumable ? ['completed', null] : ['failed', 'Stopped: the node that ran this was lost.'],
      );
      await successor.stop();
      await lostNode.stop();
      assert.deepEqual(lostNode.ended, []);
    }
  });

  test('a job that its node has lost is aborted and can no longer write', async () => {
    const { store, add } = await setUp();
    let written: unknown;
    const node = createNode(store, 'one', async (job) => {
      await untilAborted(job).catch((reason: JobAborted) => assert.equal(reason.reason, 'lost'));
      written = await job.transaction(async () => 'written').catch((error: unknown) => error);
      throw new Error('over');
    });
    node.start();
    await add(node, 'taken');
    await until(async () => node.running() === 1);
    await store.transaction((trx) => trx.updateTable('job').set({ owner: 'another', attempt: 2 }).execute());
    await until(async () => written !== undefined);
    assert.match(String(written), /was lost/);
    await node.stop();
  });

  test('when a node stops, its resumable jobs are queued again and its other jobs fail', async () => {
    for (const resumable of [false, true]) {
      const { store, add, readRows } = await setUp();
      const node = createNode(store, 'one', untilAborted, { resumable });
      node.start();
      await add(node, 'under way');
      await until(async () => node.running() === 1);
      await node.stop();
      assert.deepEqual(
        (await readRows()).map(({ status }) => status),
        [resumable ? 'waiting' : 'failed'],
      );
    }
  });

  test('a job that is being claimed when its node stops does not start and is queued again', async () => {
    const { store, add, readRows } = await setUp();
    const claimed = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const delayedStore: Store = {
      ...store,
      async transaction(work) {
        const result = await store.transaction(work);
        if ((await readRows()).some(({ status }) => status === 'running')) {
          claimed.resolve();
          await released.promise;
        }
        return result;
      },
    };
    const ran: string[] = [];
    const node = createNode(delayedStore, 'one', async (job) => {
      ran.push(job.resourceId);
    });
    await add(node, 'late');
    node.start();
    await claimed.promise;
    const stopped = node.stop();
    released.resolve();
    await stopped;
    assert.deepEqual(ran, []);
    assert.deepEqual(
      (await readRows()).map(({ status }) => status),
      ['waiting'],
    );
  });

  test('workspaces take turns, and one with many jobs does not delay the others', async () => {
    const { store, workspaceId, add } = await setUp();
    const { workspaceId: other } = await seedWorkspace(store);
    const started: string[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined);
    });
    const work = (job: RunningJob) => {
      started.push(job.workspaceId === workspaceId ? 'one' : 'other');
      return released;
    };
    const nodes = [createNode(store, 'first', work), createNode(store, 'second', work)] as const;
    for (let index = 0; index < 80; index++) await add(nodes[0], `busy${index}`);
    for (let index = 0; index < 3; index++) await add(nodes[0], `other${index}`, { workspaceId: other });
    nodes[0].start();
    // The first workspace gets at most half of the node's slots, and the workspaces take turns.
    await until(async () => started.filter((name) => name === 'other').length === 3);
    assert.deepEqual(started.slice(0, 6), ['one', 'other', 'one', 'other', 'one', 'other']);
    await until(async () => started.filter((name) => name === 'one').length >= 30);
    for (let index = 3; index < 6; index++) await add(nodes[0], `other${index}`, { workspaceId: other });
    nodes[0].wake();
    await until(async () => started.filter((name) => name === 'other').length === 6);
    assert.ok(started.filter((name) => name === 'one').length <= 32);
    // On PostgreSQL, another node adds slots of its own, with the same limit.
    if (engine.name === 'postgres') {
      nodes[1].start();
      await until(async () => started.filter((name) => name === 'one').length > 32);
      await add(nodes[0], 'late', { workspaceId: other });
      await until(async () => started.filter((name) => name === 'other').length === 7);
    }
    release();
    await until(async () => (await nodes[0].counts()).waiting === 0 && (await nodes[0].counts()).running === 0);
    await Promise.all(nodes.map((node) => node.stop()));
  });

  test('counts returns the numbers of waiting and running jobs', async () => {
    const { store, add } = await setUp();
    const node = createNode(store, 'one', untilAborted);
    await add(node, 'later', { runAt: Date.now() + 60_000 });
    assert.deepEqual(await node.counts(), { waiting: 1, running: 0, dueSince: null });
    node.start();
    await add(node, 'now');
    await until(async () => (await node.counts()).running === 1);
    await node.stop();
  });
});

test('a node that cannot reach its store aborts its jobs as lost', async () => {
  const { openSqliteStore } = await import('../store/sqlite.ts');
  const directory = temporaryDirectory();
  const realStore = await openSqliteStore(`${directory}/devpilot.db`);
  const { workspaceId } = await seedWorkspace(realStore);
  let isUnavailable = false;
  // Makes the worker treat the store as shared with other nodes.
  const store: Store = {
    ...realStore,
    engine: 'postgres',
    transaction: (work) => (isUnavailable ? Promise.reject(new Error('unavailable')) : realStore.transaction(work)),
  };
  let reason: JobAborted | undefined;
  const node = createNode(
    store,
    'one',
    async (job) => {
      await untilAborted(job).catch((error: JobAborted) => (reason = error));
    },
    { onError: () => undefined },
  );
  node.start();
  await store.transaction((trx) => node.enqueue(trx, { kind: 'work', workspaceId, resourceId: 'cut off' }));
  await until(async () => node.running() === 1);
  const started = performance.now();
  isUnavailable = true;
  await until(async () => reason !== undefined);
  assert.equal(reason?.reason, 'lost');
  assert.ok(performance.now() - started < scaledTimeout(20_000));
  isUnavailable = false;
  await node.stop();
  await realStore.close();
});
