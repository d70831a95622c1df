import { ensureWrk, load } from './lib/load.ts';
import { type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, list, medianRatio } from './lib/report.ts';
import { runFolder, type SeededDirectory, seededDirectory } from './lib/seed.ts';

const STORED = 100_000;
const IN_USE = 1_000;
const ROUNDS = 5;
const SECONDS = 4;
const PER_SECOND = 50;

/** Creates and deletes credentials through the API at a constant rate. `stop` resolves to their number. */
function churn(served: ServerProcess, { cookie, workspaceId }: SeededDirectory): { stop(): Promise<number> } {
  const headers = { cookie, origin: served.url, 'devpilot-workspace': workspaceId, 'content-type': 'application/json' };
  const pending = new Set<Promise<void>>();
  let done = 0;
  let failure: unknown = null;
  async function createAndDelete(): Promise<void> {
    const body = JSON.stringify({ name: 'Short-lived', scopes: ['run_scripts'] });
    const created = await fetch(`${served.url}/v1/access-tokens`, { method: 'POST', headers, body });
    const { id } = (await created.json()) as { id: string };
    const { 'content-type': _, ...plain } = headers;
    const deleted = await fetch(`${served.url}/v1/access-tokens/${id}`, { method: 'DELETE', headers: plain });
    if (created.status !== 201 || deleted.status !== 204)
      throw new Error(`A creation returned ${created.status}, and its deletion ${deleted.status}.`);
    done++;
  }
  const timer = setInterval(() => {
    const operation = createAndDelete()
      .catch((error: unknown) => (failure = error))
      .then(() => void pending.delete(operation));
    pending.add(operation);
  }, 1000 / PER_SECOND);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      if (failure !== null) throw failure;
      return done;
    },
  };
}

async function compare(served: ServerProcess, seeded: SeededDirectory, connections: number, meanPauseMs: number) {
  const url = `${served.url}/v1/authorize`;
  const without: number[] = [];
  const during: number[] = [];
  const churned: number[] = [];
  const measureP99 = async () =>
    (await load(runFolder(), seeded.secrets, url, { seconds: SECONDS, secretCount: IN_USE, connections, meanPauseMs }))
      .p99Ms;
  for (let round = 0; round <= ROUNDS; round++) {
    const alone = await measureP99();
    const running = churn(served, seeded);
    const loaded = await measureP99();
    const done = await running.stop();
    if (round === 0) continue;
    without.push(alone);
    during.push(loaded);
    churned.push(done / SECONDS);
  }
  return { without, during, churned };
}

/** Compares p99 of `/v1/authorize` with and without credentials being created and deleted. */
export async function contention(): Promise<Finding[]> {
  await ensureWrk();
  const seeded = await seededDirectory(STORED);
  const served = await startServerProcess('bench/lib/serve.ts', { directory: seeded.directory });
  try {
    const paced = await compare(served, seeded, 32, 10);
    const fullLoad = await compare(served, seeded, 32, 0);
    const finding = (what: string, { without, during, churned }: typeof paced): Finding => ({
      name: what,
      value: medianRatio(during, without),
      unit: '×',
      bound: atMost(3),
      measurements: `${list(during)} over ${list(without)} ms; ${list(churned)} created and deleted per second`,
    });
    return [
      finding(
        'p99 while 50 per second are created and deleted, relative to p99 without; about 3,000 requests per second',
        paced,
      ),
      finding('the same at full load', fullLoad),
    ];
  } finally {
    await served.stop();
  }
}
