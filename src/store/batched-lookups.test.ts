import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { Problem } from '../contract/problem.ts';
import { startPostgres, type TestPostgres } from '../testing/postgres.ts';
import { startStallingProxy } from '../testing/stalling-proxy.ts';
import { until } from '../testing/until.ts';
import { createBatchedLookups } from './batched-lookups.ts';
import { type BoundedPool, createPool } from './postgres-pool.ts';

const LOOKUP = { table: 'thing', columns: 'name', key: 'digest' };
/** The numbers below this have a row. */
const STORED_COUNT = 200;

let postgres: TestPostgres;
let url: string;
let admin: pg.Client;
before(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase();
  admin = new pg.Client(url);
  await admin.connect();
  await admin.query('create table thing (digest bytea primary key, name text not null)');
  const numbers = Array.from({ length: STORED_COUNT }, (_, number) => number);
  await admin.query('insert into thing select * from unnest($1::bytea[], $2::text[])', [
    numbers.map(keyOf),
    numbers.map(nameOf),
  ]);
});
after(async () => {
  await admin.end();
  await postgres.close();
});

const keyOf = (number: number) => createHash('sha256').update(`thing ${number}`).digest();
const nameOf = (number: number) => `Thing ${number}`;
/** The expected result of looking up a number. */
const expectedName = (number: number) => (number < STORED_COUNT ? nameOf(number) : undefined);

/**
 * Opens lookups over two connections and counts how often a connection is acquired, which is once per query. `wrapPool`
 * can replace the pool.
 */
function openLookups(
  options: {
    url?: string;
    maxWaiting?: number;
    timeoutMs?: number;
    wrapPool?: (pool: BoundedPool) => BoundedPool;
  } = {},
) {
  const { timeoutMs = 30_000 } = options;
  const timeouts = { connectMs: timeoutMs, statementMs: timeoutMs, responseMs: timeoutMs };
  const realPool = createPool({
    url: options.url ?? url,
    connections: 2,
    maxWaiting: 10,
    timeouts,
    onError: () => undefined,
  });
  let queryCount = 0;
  const countingPool: BoundedPool = {
    ...realPool,
    async acquire() {
      const connection = await realPool.acquire();
      queryCount++;
      return connection;
    },
  };
  const pool = options.wrapPool?.(countingPool) ?? countingPool;
  const lookups = createBatchedLookups(LOOKUP, pool, {
    connections: 2,
    maxWaiting: options.maxWaiting ?? 1_000,
    maxWaitMs: timeoutMs,
  });
  return {
    find: async (number: number) => (await lookups.find<{ name: string }>(keyOf(number)))?.name,
    queryCount: () => queryCount,
    async close() {
      lookups.close();
      await realPool.close();
    },
  };
}

async function readOutcome(lookup: Promise<unknown>): Promise<string> {
  try {
    await lookup;
    return 'succeeded';
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'unavailable');
    return error.message;
  }
}

test('each of many concurrent lookups returns the row of its own key', async () => {
  const { find, close } = openLookups();
  const numbers = fc.array(fc.nat(STORED_COUNT + 20), { maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(numbers, async (requested) => {
      assert.deepEqual(await Promise.all(requested.map(find)), requested.map(expectedName));
    }),
    { numRuns: 100 },
  );
  await close();
});

test('lookups that wait for a connection are sent together in a few queries, and a single lookup is one query', async () => {
  const { find, queryCount, close } = openLookups();
  // 640 lookups fill 10 batches of 64. Up to twice as many are allowed, because a batch can be sent before it is full.
  await Promise.all(Array.from({ length: 640 }, (_, number) => find(number)));
  assert.ok(queryCount() <= 20, `${queryCount()} queries`);
  const previousCount = queryCount();
  await find(1);
  assert.equal(queryCount(), previousCount + 1);
  await close();
});

test('a lookup that starts after a row was deleted never returns it, even while other lookups are in flight', async () => {
  const { find, close } = openLookups();
  for (let number = 100; number < 120; number++) {
    let finished = false;
    const otherLookups = Promise.all(
      Array.from({ length: 20 }, async () => {
        while (!finished) await find(number);
      }),
    );
    await admin.query('delete from thing where digest = $1', [keyOf(number)]);
    const lateResults = await Promise.all(Array.from({ length: 20 }, () => find(number)));
    finished = true;
    await otherLookups;
    assert.deepEqual([...new Set(lateResults)], [undefined]);
    await admin.query('insert into thing values ($1, $2)', [keyOf(number), nameOf(number)]);
  }
  await close();
});

test('lookups beyond the queue limit are refused immediately, and the others succeed', async () => {
  const { find, close } = openLookups({ maxWaiting: 50 });
  const outcomes = await Promise.all(Array.from({ length: 80 }, (_, number) => readOutcome(find(number))));
  assert.equal(outcomes.filter((outcome) => outcome === 'succeeded').length, 50);
  assert.equal(outcomes.filter((outcome) => outcome === 'The database is too busy.').length, 30);
  await close();
});

test('a single available connection serves all lookups', async () => {
  let isAcquired = false;
  const { find, close } = openLookups({
    wrapPool: (pool) => ({
      ...pool,
      async acquire() {
        if (isAcquired) throw new Problem('unavailable', 'There is no second connection.');
        isAcquired = true;
        const { client, release } = await pool.acquire();
        return {
          client,
          release(error) {
            isAcquired = false;
            release(error);
          },
        };
      },
    }),
  });
  const numbers = Array.from({ length: 300 }, (_, number) => number);
  assert.deepEqual(await Promise.all(numbers.map(find)), numbers.map(expectedName));
  await close();
});

test('lookups fail when the database stalls longer than the timeout, and succeed again after it resumes', async () => {
  const proxy = await startStallingProxy(postgres.port);
  const { find, close } = openLookups({ url: url.replace(`:${postgres.port}/`, `:${proxy.port}/`), timeoutMs: 500 });
  assert.equal(await find(1), nameOf(1));
  proxy.stall();
  const outcomes = await Promise.all(Array.from({ length: 200 }, (_, number) => readOutcome(find(number))));
  assert.deepEqual([...new Set(outcomes)], ['The database cannot be reached.']);
  proxy.resume();
  await until(async () => (await readOutcome(find(2))) === 'succeeded', 5_000);
  assert.equal(await find(2), nameOf(2));
  await close();
  await proxy.close();
});

test('lookups succeed after a migration has changed the type of a column', async () => {
  const { find, close } = openLookups();
  const numbers = [1, 2, 3];
  for (let times = 0; times < 3; times++) await Promise.all(numbers.map(find));
  await admin.query('alter table thing alter column name type varchar(50)');
  assert.deepEqual(await Promise.all(numbers.map(find)), numbers.map(expectedName));
  assert.equal(await find(4), nameOf(4));
  await close();
});
