import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { recordAuditEvent, systemRequestContext } from '../src/audit/request-context.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { ensureWrk, load } from './lib/load.ts';
import { LOAD_CORE, type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atLeast, atMost, type Finding, formatList, median, medianRatio } from './lib/report.ts';
import { runFolder, type SeededDirectory, seededDirectory } from './lib/seed.ts';

const CREDENTIALS = 1_000;
const EVENTS = 10_000;
const WEBHOOKS = 20;
const ROUNDS = 5;
const SECONDS = 4;
const DRAIN_LIMIT_MS = 20 * 60_000;

/** Starts a server that accepts connections and never responds. */
async function startDeadReceiver(): Promise<{ readonly url: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
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
  for (let event = 0; event < EVENTS; event += 500) {
    await store.transaction(async (trx) => {
      for (let number = 0; number < 500; number++) {
        const request = systemRequestContext(workspaceId);
        await recordAuditEvent(trx, request, 'deployment.completed', target, Date.now(), { number: event + number });
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
  const deadReceiver = await startDeadReceiver();
  const environment = { DEVPILOT_OUTBOUND: 'any' };
  const start = () => startServerProcess('bench/lib/serve.ts', { directory: seeded.directory, environment });
  let server = await start();
  try {
    const ids: string[] = [];
    for (let number = 0; number < WEBHOOKS; number++) {
      const url = number === 0 ? deadReceiver.url : `${receivers.url}/${number}`;
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
      const options = { seconds: SECONDS, secretCount: CREDENTIALS, connections: 32, meanPauseMs };
      return load(runFolder(), seeded.secretsFile, `${server.url}/v1/authorize`, options);
    };
    const readCounts = async () => (await (await fetch(`${receivers.url}/`)).json()) as Counts;
    const countReceived = async () => (await readCounts()).reduce((sum, { count }) => sum + count, 0);

    await authorize(0);
    const [alone, withMessages, sentPerSecond]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      alone.push((await authorize(0)).perSecond);
      await setActive(true);
      const before = await countReceived();
      withMessages.push((await authorize(0)).perSecond);
      sentPerSecond.push(((await countReceived()) - before) / SECONDS);
      await setActive(false);
      await pause(500);
    }
    const [pacedAlone, pacedWithMessages]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) pacedAlone.push((await authorize(10)).perSecond);
    await setActive(true);
    const startMs = performance.now();
    const startCount = await countReceived();
    const isComplete = (all: Counts) => all.length === WEBHOOKS - 1 && all.every(({ count }) => count >= EVENTS);
    while (!isComplete(await readCounts()) && performance.now() - startMs < DRAIN_LIMIT_MS) {
      if (pacedWithMessages.length < ROUNDS) pacedWithMessages.push((await authorize(10)).perSecond);
      else await pause(1000);
    }
    const seconds = (performance.now() - startMs) / 1000;
    const received = await readCounts();
    const rate = Math.round(((await countReceived()) - startCount) / seconds);
    return [
      {
        name: 'throughput of /v1/authorize at full load while messages are sent, relative to none',
        ...{ value: medianRatio(withMessages, alone), unit: '×', bound: atLeast(0.95) },
        measurements: `${formatList(withMessages)} over ${formatList(alone)} per second; ${formatList(sentPerSecond)} messages per second meanwhile`,
      },
      {
        name: 'the same at about 3,000 requests per second',
        ...{ value: median(pacedWithMessages) / median(pacedAlone), unit: '×', bound: atLeast(0.95) },
        measurements: `${formatList(pacedWithMessages)} over ${formatList(pacedAlone)} per second`,
      },
      {
        name: `events of ${EVENTS} that one of ${WEBHOOKS - 1} webhooks did not receive, while another webhook never responds`,
        ...{ value: Math.max(...received.map(({ count }) => Math.max(EVENTS - count, 0))), unit: '', bound: atMost(0) },
        measurements: `${formatList(received.map(({ count }) => count))} events`,
      },
      {
        name: 'events that arrived before one of their predecessors',
        ...{ value: received.reduce((sum, { gaps }) => sum + gaps, 0), unit: '', bound: atMost(0) },
        measurements: `${rate} messages per second with a load of 3,000 requests per second at first`,
      },
    ];
  } finally {
    await server.stop();
    await receivers.stop();
    deadReceiver.close();
  }
}
