import { readFileSync } from 'node:fs';
import pg from 'pg';
import { FAILURE_LIMITS } from '../src/contract/words.ts';
import { createFailureLimiter } from '../src/credentials/failures.ts';
import { createMemory } from '../src/credentials/memory.ts';
import { createJudges } from '../src/credentials/present.ts';
import { createProof } from '../src/credentials/proof.ts';
import { createRegistry } from '../src/credentials/registry.ts';
import { needAll } from '../src/credentials/rights.ts';
import { digestBytes, digestOf } from '../src/credentials/secret.ts';
import { createUsage } from '../src/credentials/usage.ts';
import { readForJudging } from '../src/server/credential-store.ts';
import { openPostgresStore } from '../src/store/postgres.ts';
import type { Store } from '../src/store/store.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { load, needWrk } from './lib/load.ts';
import { processorTimeOf, type Served, serve } from './lib/processes.ts';
import { atLeast, type Finding, list, medianRatio } from './lib/report.ts';
import { runFolder, type Seeded } from './lib/seed.ts';

const IN_USE = 1_000;
const ROUNDS = 7;
const SECONDS = 2;
const LOOK_UPS = 10_000;
const AT_ONCE = 64;
/** As many as a node has for its look-ups. */
const CONNECTIONS = 6;

/** `/v1/authorize` with everything in memory: the same server on PostgreSQL and on SQLite. */
export async function warm(seeded: Seeded, url: string): Promise<Finding[]> {
  await needWrk();
  const environment = { DATABASE_URL: url, DEVPILOT_SECRET: TEST_SECRET };
  const onSqlite = await serve('bench/lib/serve.ts', { directory: seeded.directory });
  const onPostgres = await serve('bench/lib/serve.ts', { environment });
  const sides = [onSqlite, onPostgres].map((served) => ({ served, rates: [] as number[], economy: [] as number[] }));
  const run = async ({ served, rates, economy }: { served: Served; rates: number[]; economy: number[] }) => {
    const before = processorTimeOf(served.pid);
    const { perSecond, requests } = await load(runFolder(), seeded.secrets, `${served.url}/v1/authorize`, {
      seconds: SECONDS,
      of: IN_USE,
    });
    rates.push(perSecond);
    economy.push(requests / (processorTimeOf(served.pid) - before));
  };
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) await run(side);
      if (round === 0) for (const { rates, economy } of sides) rates.length = economy.length = 0;
    }
  } finally {
    await Promise.all([onSqlite.stop(), onPostgres.stop()]);
  }
  const [sqlite, postgres] = sides;
  if (sqlite === undefined || postgres === undefined) throw new Error('There are two sides.');
  return [
    {
      what: 'requests a second of /v1/authorize on PostgreSQL with warm memory, over on SQLite',
      figure: medianRatio(postgres.rates, sqlite.rates),
      unit: '×',
      bound: atLeast(0.97),
      from: `${list(postgres.rates)} over ${list(sqlite.rates)} requests a second`,
    },
    {
      what: 'the same by processor time',
      figure: medianRatio(postgres.economy, sqlite.economy),
      unit: '×',
      bound: null,
      from: `${list(postgres.economy)} over ${list(sqlite.economy)} requests a second of the server's processor time`,
    },
  ];
}

/** Does `work` with each of `items`, many at once; resolves to how many a second. */
async function rateOf<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number> {
  let at = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (;;) {
        const item = items[at++];
        if (item === undefined) return;
        await work(item);
      }
    }),
  );
  return items.length / ((performance.now() - began) / 1000);
}

function judgesOn(store: Store) {
  const none = { recentFailures: async () => [], countFailure: async () => ({ before: [], counted: true }) };
  const registry = createRegistry({
    read: (digest) => readForJudging(store, digest),
    lease: { holds: () => true },
    memory: createMemory(LOOK_UPS),
  });
  return createJudges({
    registry,
    findRecord: registry.find,
    proof: createProof(createFailureLimiter(none, FAILURE_LIMITS.passphrase)),
    usage: createUsage({ addUses: async () => undefined }, 'nod_01', registry.places),
    clock: Date.now,
  });
}

/** Judging credentials that are not in memory, beside the bare query of the same rows. */
export async function cold(seeded: Seeded, url: string): Promise<Finding[]> {
  const secrets = readFileSync(seeded.secrets, 'utf8').trim().split('\n');
  const store = await openPostgresStore(url, () => undefined);
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  const text = `select id, workspace_id, kind, name, rights, active, expires_at, created_at, passphrase_hash
    from credential where digest = $1`;
  const demand = { access_token: needAll('access_token', ['run_scripts']), api_key: null };
  const judged: number[] = [];
  const bare: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const first = (round * LOOK_UPS) % (secrets.length - LOOK_UPS);
      const some = secrets.slice(first, first + LOOK_UPS);
      // A memory of its own each round: nothing in it was seen before.
      const judges = judgesOn(store);
      const ours = await rateOf(some, async (secret) => {
        const presented = { secret, passphrase: null, address: '127.0.0.1', userAgent: null, requestId: 'r' };
        const { record } = await judges.judgePresented(presented, demand);
        if (record === null) throw new Error('A seeded token is not there.');
      });
      const digests = some.map((secret) => digestBytes(digestOf(secret)));
      const theirs = await rateOf(digests, (digest) => pool.query({ name: 'bare', text, values: [digest] }));
      if (round === 0) continue;
      judged.push(ours);
      bare.push(theirs);
    }
  } finally {
    await pool.end();
    await store.close();
  }
  return [
    {
      what: 'judgements a second of credentials that are not in memory, over bare pg queries of the same rows',
      figure: medianRatio(judged, bare),
      unit: '×',
      bound: atLeast(0.7),
      from: `${list(judged)} over ${list(bare)} a second; ${AT_ONCE} at once over ${CONNECTIONS} connections`,
    },
  ];
}
