import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { Problem } from '../contract/problem.ts';
import { startPostgres, type TestPostgres } from '../testing/postgres.ts';
import { startStallingProxy } from '../testing/stalling-proxy.ts';
import { until } from '../testing/until.ts';
import {
  type AcquiredConnection,
  type BoundedPool,
  createPool,
  type PoolOptions,
  RECONNECT_PAUSE_MS,
} from './postgres-pool.ts';

let postgres: TestPostgres;
let url: string;
before(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase();
});
after(() => postgres.close());

const urlWithPort = (port: number) => url.replace(`:${postgres.port}/`, `:${port}/`);

function openPool(options: Partial<PoolOptions> & { readonly url: string }): BoundedPool {
  const timeouts = { connectMs: 500, statementMs: 500, responseMs: 500 };
  return createPool({ connections: 2, maxWaiting: 10, timeouts, onError: () => undefined, ...options });
}

/** Acquires and releases a connection. Returns `acquired`, or the detail of the error `unavailable`. */
async function tryOnce(pool: BoundedPool): Promise<string> {
  try {
    const { client, release } = await pool.acquire();
    await client.query('select 1').then(() => release(), release);
    return 'acquired';
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'unavailable');
    return error.message;
  }
}

/** Starts a proxy of the database that closes each connection immediately until `open` is called. */
async function startClosedProxy() {
  let isOpen = false;
  let connectionCount = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    connectionCount++;
    sockets.add(client);
    client.on('error', () => undefined);
    if (!isOpen) return client.destroy();
    const upstream = connect(postgres.port, '127.0.0.1');
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
    return client;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return {
    port: address.port,
    connectionCount: () => connectionCount,
    open: () => {
      isOpen = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('requests beyond the queue limit are refused immediately, and queued requests get released connections', async () => {
  const pool = openPool({ url });
  const held: AcquiredConnection[] = [await pool.acquire(), await pool.acquire()];
  // The queue accepts the first 10 requests.
  const attempts = Array.from({ length: 100 }, () => tryOnce(pool));
  const refused = await Promise.all(attempts.slice(10));
  assert.deepEqual([...new Set(refused)], ['The database is too busy.']);
  for (const { release } of held) release();
  assert.deepEqual([...new Set(await Promise.all(attempts.slice(0, 10)))], ['acquired']);
  await pool.close();
});

test('however many requests arrive, failed connection attempts are followed by a pause, and a database that is back is used again', async () => {
  const proxy = await startClosedProxy();
  const pool = openPool({ url: urlWithPort(proxy.port) });
  const startedAtMs = performance.now();
  let requests = 0;
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      while (proxy.connectionCount() < 12) {
        assert.equal(await tryOnce(pool), 'The database cannot be reached.');
        requests++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }),
  );
  // After a failure, there is no attempt for at least half of the pause. Then both connections can be attempted.
  const maxPauses = 1 + (performance.now() - startedAtMs) / (RECONNECT_PAUSE_MS * 0.5);
  assert.ok(
    proxy.connectionCount() <= 2 * maxPauses + 2,
    `${proxy.connectionCount()} connections in ${maxPauses} pauses`,
  );
  assert.ok(requests > proxy.connectionCount(), 'there are more requests than connection attempts');
  proxy.open();
  await until(async () => (await tryOnce(pool)) === 'acquired', 2000);
  await pool.close();
  proxy.close();
});

test('a stalled database blocks no request beyond its timeout, and no connection leaks', async () => {
  const proxy = await startStallingProxy(postgres.port);
  const pool = openPool({ url: urlWithPort(proxy.port) });
  assert.equal(await tryOnce(pool), 'acquired');
  proxy.stall();
  const outcomes = await Promise.all(Array.from({ length: 60 }, () => tryOnce(pool)));
  const count = (outcome: string) => outcomes.filter((value) => value === outcome).length;
  // Of the 60 requests, 2 use the connections, 10 wait, and 48 are refused.
  assert.equal(count('The database is too busy.'), 48);
  assert.equal(count('The database cannot be reached.') + count('acquired'), 12);
  proxy.resume();
  await until(async () => (await tryOnce(pool)) === 'acquired', 5000);
  await pool.close();
  await proxy.close();
});
