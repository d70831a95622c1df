import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { recordAuditEvent, systemRequestContext } from '../src/audit/request-context.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { ensureWrk, load, PACED_PAUSE_MS } from './lib/load.ts';
import { LOAD_CORE, type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atLeast, atMost, type Finding, formatList, median, medianRatio } from './lib/report.ts';
import { type SeededDirectory, seededDirectory } from './lib/seed.ts';

const CREDENTIALS = 1_000;
const EVENTS = 10_000;
const EVENTS_PER_TRANSACTION = 500;
const WEBHOOKS = 20;
const ROUNDS = 5;
const LOAD_SECONDS = 4;
const DRAIN_LIMIT_MS = 20 * 60_000;

/** Starts a server that accepts connections and never responds. */
async function startSilentReceiver(): Promise<{ readonly url: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The receiver has no port.');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function appendEvents({ directory, workspaceId }: SeededDirectory): Promise<void> {
  const store = await openSqliteStore(join(directory, 'devpilot.db'));
  const target = { kind: 'deployment', id: 'dpl_1', name: 'Storefront' } as const;
  for (let first = 0; first < EVENTS; first += EVENTS_PER_TRANSACTION) {
    await store.transaction(async (trx) => {
      for (let number = first; number < first + EVENTS_PER_TRANSACTION; number++) {
        const request = systemRequestContext(workspaceId);
        await recordAuditEvent(trx, request, 'deployment.completed', target, Date.now(), { number });
      }
    });
  }
  await store.close();
}

function createClient(server: ServerProcess, { cookie, workspaceId }: SeededDirectory) {
  const headers = { cookie, origin: server.url, 'devpilot-workspace': workspaceId, 'content-type': 'application/json' };
  return async <Body>(method: string, path: string, body: object): Promise<Body> => {
    const response = await fetch(`${server.url}${path}`, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path} returned ${response.status}: ${await response.text()}`);
    return (await response.json()) as Body;
  };
}

type Counts = readonly { readonly path: string; readonly count: number; readonly gaps: number }[];

/** Measures `/v1/authorize` under load while 10,000 events are sent to 20 webhooks, one of which never responds. */
export async function notify(): Promise<Finding[]> {
  await ensureWrk();
  const seeded = await seededDirectory(CREDENTIALS);
  const receivers = await startServerProcess('bench/lib/webhook-receivers.ts', { cores: LOAD_CORE });
  const silentReceiver = await startSilentReceiver();
  const environment = { DEVPILOT_OUTBOUND: 'any' };
  const start = () => startServerProcess('bench/lib/serve.ts', { directory: seeded.directory, environment });
  let server = await start();
  try {
    const ids: string[] = [];
    for (let number = 0; number < WEBHOOKS; number++) {
      const url = number === 0 ? silentReceiver.url : `${receivers.url}/${number}`;
      const body = { name: `Receiver ${number}`, url, events: ['audit.event'], active: false };
      ids.push((await createClient(server, seeded)<{ id: string }>('POST', '/v1/webhooks', body)).id);
    }
    await server.stop();
    await appendEvents(seeded);
    server = await start();
    const client = createClient(server, seeded);
    const setActive = async (active: boolean) => {
      for (const id of ids) await client('PATCH', `/v1/webhooks/${id}`, { active });
    };
    const authorize = async (meanPauseMs: number) => {
      const options = { seconds: LOAD_SECONDS, secretCount: CREDENTIALS, meanPauseMs };
      return load(seeded.secretsFile, `${server.url}/v1/authorize`, options);
    };
    const readCounts = async () => (await (await fetch(`${receivers.url}/`)).json()) as Counts;
    const countReceived = async () => (await readCounts()).reduce((sum, { count }) => sum + count, 0);

    await authorize(0);
    const alone: number[] = [];
    const withMessages: number[] = [];
    const sentPerSecond: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      alone.push((await authorize(0)).perSecond);
      await setActive(true);
      const receivedBefore = await countReceived();
      withMessages.push((await authorize(0)).perSecond);
      sentPerSecond.push(((await countReceived()) - receivedBefore) / LOAD_SECONDS);
      await setActive(false);
      await pause(500);
    }
    const pacedAlone: number[] = [];
    const pacedWithMessages: number[] = [];
    for (let round = 0; round < ROUNDS; round++) pacedAlone.push((await authorize(PACED_PAUSE_MS)).perSecond);
    await setActive(true);
    const startMs = performance.now();
    const startCount = await countReceived();
    const isComplete = (counts: Counts) =>
      counts.length === WEBHOOKS - 1 && counts.every(({ count }) => count >= EVENTS);
    while (!isComplete(await readCounts()) && performance.now() - startMs < DRAIN_LIMIT_MS) {
      if (pacedWithMessages.length < ROUNDS) pacedWithMessages.push((await authorize(PACED_PAUSE_MS)).perSecond);
      else await pause(1000);
    }
    const seconds = (performance.now() - startMs) / 1000;
    const received = await readCounts();
    const messagesPerSecond = Math.round(((await countReceived()) - startCount) / seconds);
    const mostMissing = Math.max(...received.map(({ count }) => Math.max(EVENTS - count, 0)));
    const gaps = received.reduce((sum, counts) => sum + counts.gaps, 0);
    return [
      {
        name: 'throughput of /v1/authorize at full load while messages are sent, relative to sending none',
        value: medianRatio(withMessages, alone),
        unit: '×',
        bound: atLeast(0.95),
        measurements: `${formatList(withMessages)} over ${formatList(alone)} per second; ${formatList(sentPerSecond)} messages per second meanwhile`,
      },
      {
        name: 'throughput of /v1/authorize at about 3,000 requests per second while messages are sent, relative to sending none',
        value: median(pacedWithMessages) / median(pacedAlone),
        unit: '×',
        bound: atLeast(0.95),
        measurements: `${formatList(pacedWithMessages)} over ${formatList(pacedAlone)} per second`,
      },
      {
        name: `events missed by the webhook that missed the most (${WEBHOOKS - 1} webhooks receive ${EVENTS.toLocaleString('en')} events each, another never responds)`,
        value: mostMissing,
        unit: '',
        bound: atMost(0),
        measurements: `received per webhook: ${formatList(received.map(({ count }) => count))} events`,
      },
      {
        name: 'gaps in the order of the received events',
        value: gaps,
        unit: '',
        bound: atMost(0),
        measurements: `${messagesPerSecond} messages per second, at first with a load of 3,000 requests per second`,
      },
    ];
  } finally {
    await server.stop();
    await receivers.stop();
    silentReceiver.close();
  }
}
