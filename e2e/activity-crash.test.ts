import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServerProcess, spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import { bearer, cookieOf, PASSWORD, sendRequest } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const KILLS = 12;
const SENDERS = 6;
const BATCH = 100;
/** The previous hour: events dated in the future would get the time of their arrival. */
const HOUR_MS = 3_600_000;
const STARTED = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOUR_MS;
const TIME = new Date(STARTED).toISOString();

interface IngestResponse {
  readonly accepted: number;
  readonly duplicates: number;
}

test(`after ${KILLS} kills during ingest, each acknowledged event is stored once, and an unacknowledged batch completely or not at all`, async (t) => {
  const directory = temporaryDirectory();
  let server = await spawnServer(directory.path);
  const sendJson = <Body>(path: string, headers: Record<string, string>, body?: unknown) =>
    sendRequest<Body>(server.url, path, { headers, body });
  const ada = { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode: server.setupCode };
  const person = bearer(cookieOf(await sendJson('/v1/people', {}, ada)).split('=')[1] ?? '');
  assert.equal((await sendJson('/v1/workspaces', person, { name: 'Acme' })).status, 201);
  const scopes = ['activity_tracker', 'activity_tracker_analytics'];
  const created = await sendJson<{ secret: string }>('/v1/access-tokens', person, { name: 'Events', scopes });
  const token = bearer(created.body.secret);

  const acknowledged = new Set<number>();
  const open = new Set<number>();
  let next = 0;
  const send = (batch: number) =>
    sendJson<IngestResponse>(
      '/v1/activity/events',
      token,
      Array.from({ length: BATCH }, (_, index) => ({
        specversion: '1.0',
        // Random IDs, as most senders use.
        id: `${(batch * BATCH + index) * 7919}-${index}`,
        source: `/service/${batch % 3}`,
        type: 'thing.happened',
        subject: `customer-${index}`,
        time: TIME,
      })),
    );

  /** Sends until the server is killed; sometimes repeats an acknowledged batch, which must not be stored again. */
  async function sender(): Promise<void> {
    for (;;) {
      const batch = next++;
      open.add(batch);
      const response = await send(batch);
      assert.equal(response.status, 201, response.text);
      assert.deepEqual(response.body, { accepted: BATCH, duplicates: 0 });
      open.delete(batch);
      acknowledged.add(batch);
      if (batch % 5 !== 0) continue;
      assert.deepEqual((await send(batch)).body, { accepted: 0, duplicates: BATCH });
    }
  }

  const isKilled = (error: unknown) => error instanceof TypeError && /fetch failed|terminated/.test(error.message);
  async function killWhileSending(victim: ServerProcess): Promise<void> {
    const senders = Array.from({ length: SENDERS }, () =>
      sender().catch((error: unknown) => {
        if (!isKilled(error)) throw error;
      }),
    );
    const enough = acknowledged.size + 10 + Math.floor(Math.random() * 30);
    await until(async () => acknowledged.size >= enough);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    assert.equal((await victim.stop('SIGKILL')).signal, 'SIGKILL');
    await Promise.all(senders);
  }

  let lostResponses = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    await killWhileSending(server);
    server = await spawnServer(directory.path);
    for (const batch of open) {
      const { body } = await send(batch);
      const whole = body.accepted === 0 ? { accepted: 0, duplicates: BATCH } : { accepted: BATCH, duplicates: 0 };
      assert.deepEqual(body, whole);
      if (body.accepted === 0) lostResponses++;
      acknowledged.add(batch);
    }
    open.clear();
  }
  for (const batch of acknowledged) {
    assert.deepEqual((await send(batch)).body, { accepted: 0, duplicates: BATCH });
  }
  const events = acknowledged.size * BATCH;
  for (const interval of ['minute', 'hour', 'day']) {
    const query = `interval=${interval}&groupBy=source&from=${TIME}&to=${new Date(STARTED + HOUR_MS / 2).toISOString()}`;
    const { body } = await sendJson<{ total: number }>(`/v1/activity/analytics?${query}`, token);
    assert.equal(body.total, events, interval);
  }
  t.diagnostic(`${events} events; ${lostResponses} batches were stored although their response was lost`);
  await server.stop('SIGTERM');
  directory.remove();
});
