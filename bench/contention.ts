import { ensureWrk, load, PACED_PAUSE_MS } from './lib/load.ts';
import { type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, formatList, medianRatio } from './lib/report.ts';
import { type SeededDirectory, seededDirectory } from './lib/seed.ts';

const STORED_CREDENTIALS = 100_000;
const CREDENTIALS_IN_USE = 1_000;
const ROUNDS = 5;
const LOAD_SECONDS = 4;
const CHURN_PER_SECOND = 50;

/**
 * Creates and deletes credentials through the API at a constant rate. `stop` waits for the requests in progress and
 * resolves to the number of credentials that were created and deleted.
 */
function startChurn(server: ServerProcess, { cookie, workspaceId }: SeededDirectory): { stop(): Promise<number> } {
  const headers = { cookie, origin: server.url, 'devpilot-workspace': workspaceId, 'content-type': 'application/json' };
  const pending = new Set<Promise<void>>();
  let completed = 0;
  let failure: unknown = null;
  async function createAndDelete(): Promise<void> {
    const body = JSON.stringify({ name: 'Short-lived', scopes: ['run_scripts'] });
    const created = await fetch(`${server.url}/v1/access-tokens`, { method: 'POST', headers, body });
    const { id } = (await created.json()) as { id: string };
    const { 'content-type': _, ...headersWithoutBody } = headers;
    const deleted = await fetch(`${server.url}/v1/access-tokens/${id}`, {
      method: 'DELETE',
      headers: headersWithoutBody,
    });
    if (created.status !== 201 || deleted.status !== 204)
      throw new Error(`A creation returned ${created.status}, and its deletion ${deleted.status}.`);
    completed++;
  }
  const timer = setInterval(() => {
    const operation = createAndDelete()
      .catch((error: unknown) => (failure = error))
      .then(() => void pending.delete(operation));
    pending.add(operation);
  }, 1000 / CHURN_PER_SECOND);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      if (failure !== null) throw failure;
      return completed;
    },
  };
}

async function compare(server: ServerProcess, seeded: SeededDirectory, meanPauseMs: number) {
  const url = `${server.url}/v1/authorize`;
  const aloneMs: number[] = [];
  const duringMs: number[] = [];
  const churnPerSecond: number[] = [];
  const measureP99 = async () =>
    (
      await load(seeded.secretsFile, url, {
        seconds: LOAD_SECONDS,
        secretCount: CREDENTIALS_IN_USE,
        meanPauseMs,
      })
    ).p99Ms;
  for (let round = 0; round <= ROUNDS; round++) {
    const alone = await measureP99();
    const churn = startChurn(server, seeded);
    const withChurn = await measureP99();
    const completed = await churn.stop();
    if (round === 0) continue;
    aloneMs.push(alone);
    duringMs.push(withChurn);
    churnPerSecond.push(completed / LOAD_SECONDS);
  }
  return { aloneMs, duringMs, churnPerSecond };
}

/** Compares p99 of `/v1/authorize` with and without credentials being created and deleted. */
export async function contention(): Promise<Finding[]> {
  await ensureWrk();
  const seeded = await seededDirectory(STORED_CREDENTIALS);
  const server = await startServerProcess('bench/lib/serve.ts', { directory: seeded.directory });
  try {
    const paced = await compare(server, seeded, PACED_PAUSE_MS);
    const fullLoad = await compare(server, seeded, 0);
    const createFinding = (name: string, { aloneMs, duringMs, churnPerSecond }: typeof paced): Finding => ({
      name,
      value: medianRatio(duringMs, aloneMs),
      unit: '×',
      bound: atMost(3),
      measurements: `${formatList(duringMs)} over ${formatList(aloneMs)} ms; ${formatList(churnPerSecond)} created and deleted per second`,
    });
    return [
      createFinding(
        'p99 while 50 credentials per second are created and deleted, relative to p99 without, at about 3,000 requests per second',
        paced,
      ),
      createFinding(
        'p99 while 50 credentials per second are created and deleted, relative to p99 without, at full load',
        fullLoad,
      ),
    ];
  } finally {
    await server.stop();
  }
}
