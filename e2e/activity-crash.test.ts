import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServerProcess, spawnServer } from '../src/testing/process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { bearer, cookieOf, PASSWORD, sendRequest } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const KILLS = 12;
const SENDERS = 6;
const BATCH_SIZE = 100;
const HOUR_MS = 3_600_000;
/**
 * The start of the previous hour, because an event dated in the future would be stored with the time of its arrival.
 */
const PREVIOUS_HOUR_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOUR_MS;
const EVENT_TIME = new Date(PREVIOUS_HOUR_MS).toISOString();

interface IngestResponse {
  readonly accepted: number;
  readonly duplicates: number;
}

test(`after ${KILLS} kills during ingest, each acknowledged event is stored once, and an unacknowledged batch completely or not at all`, async (t) => {
  const directory = temporaryDirectory();
  let server = await spawnServer(directory);
  const sendJson = <Body>(path: string, headers: Record<string, string>, body?: unknown) =>
    sendRequest<Body>(server.url, path, { headers, body });
  const ada = { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode: server.setupCode };
  const personHeaders = bearer(cookieOf(await sendJson('/v1/people', {}, ada)).split('=')[1] ?? '');
  assert.equal((await sendJson('/v1/workspaces', personHeaders, { name: 'Acme' })).status, 201);
  const scopes = ['activity_tracker', 'activity_tracker_analytics'];
  const createdToken = await sendJson<{ secret: string }>('/v1/access-tokens', personHeaders, {
    name: 'Events',
    scopes,
  });
  const tokenHeaders = bearer(createdToken.body.secret);

  const acknowledged = new Set<number>();
  const unacknowledged = new Set<number>();
  let nextBatch = 0;
  const sendBatch = (batch: number) =>
    sendJson<IngestResponse>(
      '/v1/activity/events',
      tokenHeaders,
      Array.from({ length: BATCH_SIZE }, (_, index) => ({
        specversion: '1.0',
        // Like the IDs of most senders, these IDs do not sort by time.
        id: `${(batch * BATCH_SIZE + index) * 7919}-${index}`,
        source: `/service/${batch % 3}`,
        type: 'order.placed',
        subject: `customer-${index}`,
        time: EVENT_TIME,
      })),
    );

  /** Sends until the server is killed; sometimes repeats an acknowledged batch, which must not be stored again. */
  async function sendUntilKilled(): Promise<void> {
    for (;;) {
      const batch = nextBatch++;
      unacknowledged.add(batch);
      const response = await sendBatch(batch);
      assert.equal(response.status, 201, response.text);
      assert.deepEqual(response.body, { accepted: BATCH_SIZE, duplicates: 0 });
      unacknowledged.delete(batch);
      acknowledged.add(batch);
      if (batch % 5 !== 0) continue;
      assert.deepEqual((await sendBatch(batch)).body, { accepted: 0, duplicates: BATCH_SIZE });
    }
  }

  const isConnectionLost = (error: unknown) =>
    error instanceof TypeError && /fetch failed|terminated/.test(error.message);
  async function killWhileSending(runningServer: ServerProcess): Promise<void> {
    const senders = Array.from({ length: SENDERS }, () =>
      sendUntilKilled().catch((error: unknown) => {
        if (!isConnectionLost(error)) throw error;
      }),
    );
    // The random numbers make each kill interrupt another phase of the ingest.
    const acknowledgedTarget = acknowledged.size + 10 + Math.floor(Math.random() * 30);
    await until(async () => acknowledged.size >= acknowledgedTarget);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    assert.equal((await runningServer.stop('SIGKILL')).signal, 'SIGKILL');
    await Promise.all(senders);
  }

  let lostResponses = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    await killWhileSending(server);
    server = await spawnServer(directory);
    for (const batch of unacknowledged) {
      const { body } = await sendBatch(batch);
      const expected =
        body.accepted === 0 ? { accepted: 0, duplicates: BATCH_SIZE } : { accepted: BATCH_SIZE, duplicates: 0 };
      assert.deepEqual(body, expected);
      if (body.accepted === 0) lostResponses++;
      acknowledged.add(batch);
    }
    unacknowledged.clear();
  }
  for (const batch of acknowledged) {
    assert.deepEqual((await sendBatch(batch)).body, { accepted: 0, duplicates: BATCH_SIZE });
  }
  const eventCount = acknowledged.size * BATCH_SIZE;
  for (const interval of ['minute', 'hour', 'day']) {
    const query = `interval=${interval}&groupBy=source&from=${EVENT_TIME}&to=${new Date(PREVIOUS_HOUR_MS + HOUR_MS / 2).toISOString()}`;
    const { body } = await sendJson<{ total: number }>(`/v1/activity/analytics?${query}`, tokenHeaders);
    assert.equal(body.total, eventCount, interval);
  }
  t.diagnostic(`${eventCount} events; ${lostResponses} batches were stored although their response was lost`);
  await server.stop('SIGTERM');
});
