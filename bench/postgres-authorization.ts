import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { createCredentialAuthenticator } from '../src/authorization/authenticate.ts';
import { createFailureLimiter } from '../src/authorization/failure-limiter.ts';
import { createPassphraseVerifier } from '../src/authorization/passphrase-verifier.ts';
import { createRecordCache } from '../src/authorization/record-cache.ts';
import { createRecordRegistry } from '../src/authorization/registry.ts';
import { requireAll } from '../src/authorization/rights.ts';
import { digestBytes, digestOf } from '../src/authorization/secret.ts';
import { createTrustedClients } from '../src/authorization/trusted-clients.ts';
import { createUsageRecorder } from '../src/authorization/usage-recorder.ts';
import { FAILURE_LIMITS } from '../src/contract/limits.ts';
import { createDeletedSecrets } from '../src/credentials/deleted-secrets.ts';
import { readStoredCredential } from '../src/credentials/stored-record.ts';
import { openPostgresStore } from '../src/store/postgres.ts';
import type { Store } from '../src/store/store.ts';
import { ensureWrk, load } from './lib/load.ts';
import {
  ALL_CORES,
  LOAD_CORE,
  pin,
  processorTimeOf,
  processorTimeOfFamily,
  type ServerProcess,
  startServerProcess,
} from './lib/processes.ts';
import { atLeast, type Finding, list, medianRatio } from './lib/report.ts';
import { runFolder, type SeededDirectory } from './lib/seed.ts';
import { NO_LIMITED_USES } from './lib/use-counting.ts';

const IN_USE = 1_000;
/**
 * Number of starts of each server, because two processes of the same program can differ by 2 % for their whole
 * lifetime, due to compilation and memory layout.
 */
const LAUNCHES = 6;
const WARM_UP_SECONDS = 4;
const WARM_ROUNDS = 3;
const SECONDS = 2;
/** Seconds to wait after the start, and then to measure the idle node. At least one fold runs in that time. */
const REST_AFTER_SECONDS = 2;
const REST_SECONDS = 10;
const COLD_ROUNDS = 7;
const LOOKUPS = 10_000;
const CONCURRENCY = 64;
/** Number of connections that a node uses for lookups. */
const CONNECTIONS = 6;

/** Measures the processor time of idle nodes, in milliseconds per second. */
async function measureIdle(onSqlite: ServerProcess, onPostgres: ServerProcess, database: number): Promise<Finding> {
  const times = () => [
    processorTimeOf(onPostgres.pid) + processorTimeOfFamily(database),
    processorTimeOf(onPostgres.pid),
    processorTimeOf(onSqlite.pid),
  ];
  await pause(REST_AFTER_SECONDS * 1000);
  const before = times();
  await pause(REST_SECONDS * 1000);
  const [both = 0, node = 0, alone = 0] = times().map(
    (time, index) => ((time - (before[index] ?? 0)) / REST_SECONDS) * 1000,
  );
  return {
    name: 'processor time per second of an idle node, with that of PostgreSQL for it',
    value: both,
    unit: ' ms',
    bound: null,
    measurements: `the node ${node.toFixed(1)}, PostgreSQL ${(both - node).toFixed(1)}; a node on SQLite ${alone.toFixed(1)} ms; over ${REST_SECONDS} s`,
  };
}

interface Side {
  readonly options: { directory: string } | { environment: Record<string, string> };
  served: ServerProcess | null;
  readonly rates: number[];
  readonly ratesPerProcessorSecond: number[];
}

async function loadOnce({ served }: Side, seeded: SeededDirectory, seconds: number) {
  if (served === null) throw new Error('The server is not started.');
  const before = processorTimeOf(served.pid);
  const loading = load(runFolder(), seeded.secrets, `${served.url}/v1/authorize`, { seconds, secretCount: IN_USE });
  const { perSecond, requests } = await loading;
  return { perSecond, ratesPerProcessorSecond: requests / (processorTimeOf(served.pid) - before) };
}

/** Compares one start of both servers. The first round is a warm-up, whose results are discarded. */
async function comparePair(sides: readonly [Side, Side], seeded: SeededDirectory): Promise<void> {
  for (let round = 0; round <= WARM_ROUNDS; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const { perSecond, ratesPerProcessorSecond } = await loadOnce(
        side,
        seeded,
        round === 0 ? WARM_UP_SECONDS : SECONDS,
      );
      if (round === 0) continue;
      side.rates.push(perSecond);
      side.ratesPerProcessorSecond.push(ratesPerProcessorSecond);
    }
  }
}

/**
 * Compares `/v1/authorize` with all records cached on PostgreSQL and on SQLite, both on the server's core. `database` is
 * the PostgreSQL process, which runs on the core of the load generator to simulate a separate machine.
 */
export async function warm(seeded: SeededDirectory, url: string, database: number): Promise<Finding[]> {
  await ensureWrk();
  await pin(database, LOAD_CORE);
  const settings = { DATABASE_URL: url, DEVPILOT_SECRET_FILE: seeded.secretFile };
  const sqlite: Side = {
    options: { directory: seeded.directory },
    served: null,
    rates: [],
    ratesPerProcessorSecond: [],
  };
  const postgres: Side = { options: { environment: settings }, served: null, rates: [], ratesPerProcessorSecond: [] };
  let rest: Finding | null = null;
  let databaseSeconds = 0;
  let loaded = 0;
  try {
    for (let launch = 0; launch < LAUNCHES; launch++) {
      const sides: [Side, Side] = launch % 2 === 0 ? [sqlite, postgres] : [postgres, sqlite];
      try {
        for (const side of sides) side.served = await startServerProcess('bench/lib/serve.ts', side.options);
        if (sqlite.served !== null && postgres.served !== null)
          rest ??= await measureIdle(sqlite.served, postgres.served, database);
        const before = { databaseSeconds: processorTimeOfFamily(database), at: performance.now() };
        await comparePair(sides, seeded);
        databaseSeconds += processorTimeOfFamily(database) - before.databaseSeconds;
        loaded += performance.now() - before.at;
      } finally {
        for (const side of sides) {
          await side.served?.stop();
          side.served = null;
        }
      }
    }
  } finally {
    await pin(database, ALL_CORES);
  }
  return [
    {
      name: 'requests per second of /v1/authorize on PostgreSQL with warm memory, relative to SQLite',
      value: medianRatio(postgres.rates, sqlite.rates),
      unit: '×',
      bound: atLeast(0.97),
      measurements: `${list(postgres.rates)} over ${list(sqlite.rates)} requests per second; ${LAUNCHES} starts of each; PostgreSQL itself had ${((databaseSeconds / loaded) * 1e6).toFixed(0)} ms of processor time per second in the meantime, on the load's core`,
    },
    {
      name: 'the same by processor time',
      value: medianRatio(postgres.ratesPerProcessorSecond, sqlite.ratesPerProcessorSecond),
      unit: '×',
      bound: null,
      measurements: `${list(postgres.ratesPerProcessorSecond)} over ${list(sqlite.ratesPerProcessorSecond)} requests per second of the server's processor time`,
    },
    ...(rest === null ? [] : [rest]),
  ];
}

/** Runs `work` for each of `items`, at most `atOnce` concurrently. Returns items per second. */
async function rateOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<number> {
  let index = 0;
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (;;) {
        const item = items[index++];
        if (item === undefined) return;
        await work(item);
      }
    }),
  );
  return items.length / ((performance.now() - startMs) / 1000);
}

function createAuthenticatorOn(store: Store) {
  const noFailures = {
    recentFailures: async () => [],
    countFailureIfAllowed: async () => ({ earlier: [], counted: true }),
  };
  const registry = createRecordRegistry({
    read: (digest) => readStoredCredential(store, digest, createDeletedSecrets()),
    lease: { holds: () => true },
    cache: createRecordCache(LOOKUPS),
  });
  return createCredentialAuthenticator({
    registry,
    findRecord: registry.find,
    passphraseVerifier: createPassphraseVerifier(
      createFailureLimiter(noFailures, FAILURE_LIMITS.passphrase),
      createTrustedClients(() => Promise.resolve([])),
    ),
    usageRecorder: createUsageRecorder({ addUses: async () => undefined }, 'nod_01', registry.counterSlots),
    useCounting: NO_LIMITED_USES,
    clock: Date.now,
  });
}

/** Compares decisions on credentials that are not cached with bare queries of the same rows. */
export async function cold(seeded: SeededDirectory, url: string): Promise<Finding[]> {
  const secrets = readFileSync(seeded.secrets, 'utf8').trim().split('\n');
  const store = await openPostgresStore(url, () => undefined);
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  const text = `select id, workspace_id, kind, name, rights, active, expires_at, created_at, passphrase_hash
    from credential where digest = $1`;
  const requirement = { access_token: requireAll('access_token', ['run_scripts']), api_key: null };
  let index = 0;

  async function compare(atOnce: number): Promise<{ decisions: number[]; bare: number[] }> {
    const authorizedRates: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round <= COLD_ROUNDS; round++) {
      const some = secrets.slice(index, index + LOOKUPS);
      index = (index + LOOKUPS) % secrets.length;
      // A new, empty cache per round.
      const authenticator = createAuthenticatorOn(store);
      const digests = some.map((secret) => digestBytes(digestOf(secret)));
      const ours = () =>
        rateOf(some, atOnce, async (secret) => {
          const request = { secret, passphrase: null, address: '127.0.0.1', userAgent: null, requestId: 'r' };
          const { record } = await authenticator.authenticate(request, requirement);
          if (record === null) throw new Error('A seeded token was not found.');
        });
      const theirs = () => rateOf(digests, atOnce, (digest) => pool.query({ name: 'bare', text, values: [digest] }));
      // The order alternates, because the second side finds the rows in the buffers of the database.
      const first = round % 2 === 0 ? await ours() : await theirs();
      const second = round % 2 === 0 ? await theirs() : await ours();
      if (round === 0) continue;
      authorizedRates.push(round % 2 === 0 ? first : second);
      bare.push(round % 2 === 0 ? second : first);
    }
    return { decisions: authorizedRates, bare };
  }

  try {
    const many = await compare(CONCURRENCY);
    const few = await compare(CONNECTIONS);
    const from = ({ decisions: authorizedRates, bare }: typeof many, atOnce: number) =>
      `${list(authorizedRates)} over ${list(bare)} per second; ${atOnce} at once over ${CONNECTIONS} connections`;
    return [
      {
        name: 'decisions per second of credentials that are not in memory, relative to bare pg queries of the same rows',
        value: medianRatio(many.decisions, many.bare),
        unit: '×',
        bound: atLeast(0.7),
        measurements: from(many, CONCURRENCY),
      },
      {
        name: 'the same with no more at once than there are connections, so that few share a query',
        value: medianRatio(few.decisions, few.bare),
        unit: '×',
        bound: null,
        measurements: from(few, CONNECTIONS),
      },
    ];
  } finally {
    await pool.end();
    await store.close();
  }
}
