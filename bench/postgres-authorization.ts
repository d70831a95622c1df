import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { createRecordCache } from '../src/authorization/record-cache.ts';
import { createRecordRegistry } from '../src/authorization/registry.ts';
import { requireAll } from '../src/authorization/rights.ts';
import { digestOf, digestToBytes } from '../src/authorization/secret.ts';
import { createUsageRecorder } from '../src/authorization/usage-recorder.ts';
import { createDeletedSecrets } from '../src/credentials/deleted-secrets.ts';
import { readStoredCredential } from '../src/credentials/stored-record.ts';
import { openPostgresStore } from '../src/store/postgres.ts';
import type { Store } from '../src/store/store.ts';
import { createAuthenticator } from './lib/authenticator.ts';
import { ensureWrk, load } from './lib/load.ts';
import {
  ALL_CORES,
  LOAD_CORE,
  pin,
  readFamilyProcessorSeconds,
  readProcessorSeconds,
  type ServerProcess,
  startServerProcess,
} from './lib/processes.ts';
import { atLeast, type Finding, formatList, medianRatio } from './lib/report.ts';
import type { SeededDirectory } from './lib/seed.ts';

const TOKENS_IN_USE = 1_000;
/**
 * Number of starts of each server, because two processes of the same program can differ by 2% for their whole
 * lifetime, due to compilation and memory layout.
 */
const STARTS = 6;
const WARM_UP_SECONDS = 4;
const WARM_ROUNDS = 3;
const LOAD_SECONDS = 2;
/** Seconds between the start of a node and the measurement of the idle node. */
const SETTLE_SECONDS = 2;
/**
 * Duration of the measurement of the idle node: long enough to include the update of the use counts, every ten seconds.
 */
const IDLE_SECONDS = 10;
const COLD_ROUNDS = 7;
const LOOKUPS_PER_ROUND = 10_000;
const CONCURRENCY = 64;
/** Number of connections that a node uses for lookups. */
const CONNECTIONS = 6;

/** Measures the processor time of an idle node on each database and of PostgreSQL, in milliseconds per second. */
async function measureIdle(onSqlite: ServerProcess, onPostgres: ServerProcess, databasePid: number): Promise<Finding> {
  const readSeconds = () => ({
    node: readProcessorSeconds(onPostgres.pid),
    database: readFamilyProcessorSeconds(databasePid),
    sqliteNode: readProcessorSeconds(onSqlite.pid),
  });
  await pause(SETTLE_SECONDS * 1000);
  const before = readSeconds();
  await pause(IDLE_SECONDS * 1000);
  const after = readSeconds();
  const msPerSecond = (name: keyof typeof before) => ((after[name] - before[name]) / IDLE_SECONDS) * 1000;
  return {
    name: 'processor time per second of an idle node plus that of PostgreSQL',
    value: msPerSecond('node') + msPerSecond('database'),
    unit: ' ms',
    bound: null,
    measurements: `the node ${msPerSecond('node').toFixed(1)} ms, PostgreSQL ${msPerSecond('database').toFixed(1)} ms; a node on SQLite ${msPerSecond('sqliteNode').toFixed(1)} ms; over ${IDLE_SECONDS} s`,
  };
}

interface Side {
  readonly options: { directory: string } | { environment: Record<string, string> };
  server: ServerProcess | null;
  /** Requests per second of wall-clock time. */
  readonly rates: number[];
  /** Requests per second of the server's processor time. */
  readonly ratesPerProcessorSecond: number[];
}

async function loadOnce({ server }: Side, seeded: SeededDirectory, seconds: number) {
  if (server === null) throw new Error('The server is not started.');
  const before = readProcessorSeconds(server.pid);
  const { perSecond, requests } = await load(seeded.secretsFile, `${server.url}/v1/authorize`, {
    seconds,
    secretCount: TOKENS_IN_USE,
  });
  return { perSecond, perProcessorSecond: requests / (readProcessorSeconds(server.pid) - before) };
}

/** Runs the rounds for one start of both servers. The results of the first round, a warm-up, are discarded. */
async function comparePair(sides: readonly [Side, Side], seeded: SeededDirectory): Promise<void> {
  for (let round = 0; round <= WARM_ROUNDS; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const { perSecond, perProcessorSecond } = await loadOnce(
        side,
        seeded,
        round === 0 ? WARM_UP_SECONDS : LOAD_SECONDS,
      );
      if (round === 0) continue;
      side.rates.push(perSecond);
      side.ratesPerProcessorSecond.push(perProcessorSecond);
    }
  }
}

/**
 * Compares `/v1/authorize` of a node on PostgreSQL with a node on SQLite, both with all records cached and on the
 * server's core. The PostgreSQL process, `databasePid`, runs on the load generator's core to simulate a separate
 * machine.
 */
export async function compareWarmCache(seeded: SeededDirectory, url: string, databasePid: number): Promise<Finding[]> {
  await ensureWrk();
  await pin(databasePid, LOAD_CORE);
  const createSide = (options: Side['options']): Side => ({
    options,
    server: null,
    rates: [],
    ratesPerProcessorSecond: [],
  });
  const sqlite = createSide({ directory: seeded.directory });
  const postgres = createSide({ environment: { DATABASE_URL: url, DEVPILOT_SECRET_FILE: seeded.storeSecretFile } });
  let idleFinding: Finding | null = null;
  let databaseSeconds = 0;
  let loadedMs = 0;
  try {
    for (let start = 0; start < STARTS; start++) {
      const sides: [Side, Side] = start % 2 === 0 ? [sqlite, postgres] : [postgres, sqlite];
      try {
        for (const side of sides) side.server = await startServerProcess('bench/lib/serve.ts', side.options);
        if (sqlite.server !== null && postgres.server !== null)
          idleFinding ??= await measureIdle(sqlite.server, postgres.server, databasePid);
        const databaseSecondsBefore = readFamilyProcessorSeconds(databasePid);
        const startMs = performance.now();
        await comparePair(sides, seeded);
        databaseSeconds += readFamilyProcessorSeconds(databasePid) - databaseSecondsBefore;
        loadedMs += performance.now() - startMs;
      } finally {
        for (const side of sides) {
          await side.server?.stop();
          side.server = null;
        }
      }
    }
  } finally {
    await pin(databasePid, ALL_CORES);
  }
  return [
    {
      name: 'requests per second of /v1/authorize on PostgreSQL with a warm cache, relative to SQLite',
      value: medianRatio(postgres.rates, sqlite.rates),
      unit: '×',
      bound: atLeast(0.97),
      measurements: `${formatList(postgres.rates)} over ${formatList(sqlite.rates)} requests per second; ${STARTS} starts of each; meanwhile PostgreSQL itself used ${((databaseSeconds / loadedMs) * 1e6).toFixed(0)} ms of processor time per second, on the load generator's core`,
    },
    {
      name: 'requests per second of processor time of /v1/authorize on PostgreSQL with a warm cache, relative to SQLite',
      value: medianRatio(postgres.ratesPerProcessorSecond, sqlite.ratesPerProcessorSecond),
      unit: '×',
      bound: null,
      measurements: `${formatList(postgres.ratesPerProcessorSecond)} over ${formatList(sqlite.ratesPerProcessorSecond)} requests per second of the server's processor time`,
    },
    ...(idleFinding === null ? [] : [idleFinding]),
  ];
}

/** Runs `work` for each of `items`, at most `concurrency` at the same time. Returns items per second. */
async function measureRate<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<unknown>,
): Promise<number> {
  let index = 0;
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (;;) {
        const item = items[index++];
        if (item === undefined) return;
        await work(item);
      }
    }),
  );
  return items.length / ((performance.now() - startMs) / 1000);
}

/** Creates an authenticator with an empty cache. */
function createAuthenticatorOn(store: Store) {
  const registry = createRecordRegistry({
    read: (digest) => readStoredCredential(store, digest, createDeletedSecrets()),
    lease: { holds: () => true },
    cache: createRecordCache(LOOKUPS_PER_ROUND),
  });
  return createAuthenticator(
    registry,
    createUsageRecorder({ addUses: async () => undefined }, 'nod_01', registry.counterSlots),
  );
}

/** Compares decisions on credentials that are not cached with bare queries for the same rows. */
export async function compareColdCache(seeded: SeededDirectory, url: string): Promise<Finding[]> {
  const secrets = readFileSync(seeded.secretsFile, 'utf8').trim().split('\n');
  const store = await openPostgresStore(url, () => undefined);
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  const query = `select id, workspace_id, kind, name, rights, active, expires_at, created_at, passphrase_hash
    from credential where digest = $1`;
  const requirement = { access_token: requireAll('access_token', ['run_scripts']), api_key: null };
  let index = 0;

  async function compare(concurrency: number): Promise<{ decisionRates: number[]; queryRates: number[] }> {
    const decisionRates: number[] = [];
    const queryRates: number[] = [];
    for (let round = 0; round <= COLD_ROUNDS; round++) {
      const batch = secrets.slice(index, index + LOOKUPS_PER_ROUND);
      index = (index + LOOKUPS_PER_ROUND) % secrets.length;
      const authenticator = createAuthenticatorOn(store);
      const digests = batch.map((secret) => digestToBytes(digestOf(secret)));
      const measureDecisions = () =>
        measureRate(batch, concurrency, async (secret) => {
          const request = { secret, passphrase: null, address: '127.0.0.1', userAgent: null, requestId: 'r' };
          const { record } = await authenticator.authenticate(request, requirement);
          if (record === null) throw new Error('A seeded token was not found.');
        });
      const measureQueries = () =>
        measureRate(digests, concurrency, (digest) => pool.query({ name: 'bare', text: query, values: [digest] }));
      // The order alternates, because the second side finds the rows in the buffers of the database.
      const rates = { decisions: 0, queries: 0 };
      if (round % 2 === 0) {
        rates.decisions = await measureDecisions();
        rates.queries = await measureQueries();
      } else {
        rates.queries = await measureQueries();
        rates.decisions = await measureDecisions();
      }
      if (round === 0) continue;
      decisionRates.push(rates.decisions);
      queryRates.push(rates.queries);
    }
    return { decisionRates, queryRates };
  }

  try {
    const many = await compare(CONCURRENCY);
    const few = await compare(CONNECTIONS);
    const formatRates = ({ decisionRates, queryRates }: typeof many, concurrency: number) =>
      `${formatList(decisionRates)} over ${formatList(queryRates)} per second; ${concurrency} concurrent requests over ${CONNECTIONS} connections`;
    return [
      {
        name: 'decisions per second for credentials that are not cached, relative to bare pg queries for the same rows',
        value: medianRatio(many.decisionRates, many.queryRates),
        unit: '×',
        bound: atLeast(0.7),
        measurements: formatRates(many, CONCURRENCY),
      },
      {
        name: 'decisions per second for credentials that are not cached, relative to bare pg queries for the same rows, with one concurrent request per connection, so that few requests share a query',
        value: medianRatio(few.decisionRates, few.queryRates),
        unit: '×',
        bound: null,
        measurements: formatRates(few, CONNECTIONS),
      },
    ];
  } finally {
    await pool.end();
    await store.close();
  }
}
