import { readFileSync } from 'node:fs';
import pg from 'pg';
import { createId } from '../src/contract/id.ts';
import { FAILURE_LIMITS } from '../src/contract/words.ts';
import { createFailureLimiter } from '../src/credentials/failures.ts';
import { createMemory } from '../src/credentials/memory.ts';
import { createJudges } from '../src/credentials/present.ts';
import { createProof } from '../src/credentials/proof.ts';
import { type CredentialRecord, labelOf } from '../src/credentials/record.ts';
import { createRegistry } from '../src/credentials/registry.ts';
import { needAll } from '../src/credentials/rights.ts';
import { digestBytes, digestOf } from '../src/credentials/secret.ts';
import { createUsage } from '../src/credentials/usage.ts';
import { createUsageJournal, readForJudging } from '../src/server/credential-store.ts';
import { copyStore } from '../src/server/transfer.ts';
import { openPostgresStore } from '../src/store/postgres.ts';
import type { Store } from '../src/store/store.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { startPostgres } from '../src/testing/postgres.ts';
import { load, needWrk } from './lib/load.ts';
import { processorTimeOf, type Served, serve } from './lib/processes.ts';
import { atLeast, atMost, type Finding, list, median, medianRatio } from './lib/report.ts';
import { runFolder, type Seeded, seededWith } from './lib/seed.ts';

const STORED = 100_000;
const IN_USE = 1_000;
const ROUNDS = 7;
const SECONDS = 2;
const LOOK_UPS = 10_000;
const AT_ONCE = 64;
/** As many as a node has for its look-ups. */
const CONNECTIONS = 6;
const NODES = 10;
const FLUSHES = 15;
const FOLDED = 50_000;

/** `/v1/authorize` with everything in memory: the same server on PostgreSQL and on SQLite. */
async function warm(seeded: Seeded, url: string): Promise<Finding[]> {
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
    memory: createMemory(STORED),
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
async function cold(seeded: Seeded, url: string): Promise<Finding[]> {
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

/** Ten nodes that have used one credential a lot, and each second write that down and fold it in. */
async function contention(seeded: Seeded, url: string): Promise<Finding[]> {
  const [secret = ''] = readFileSync(seeded.secrets, 'utf8').split('\n', 1);
  const stores = await Promise.all(Array.from({ length: NODES }, () => openPostgresStore(url, () => undefined)));
  const flushes: number[] = [];
  const folds: number[] = [];
  try {
    const [store] = stores;
    const stored = store === undefined ? null : await readForJudging(store, digestOf(secret));
    if (stored === null) throw new Error('The seeded token is not there.');
    const nodes = await Promise.all(
      stores.map(async (one) => {
        const journal = await createUsageJournal(one);
        const record: CredentialRecord = {
          ...stored,
          label: labelOf(stored.id, stored.name),
          workspace: { id: stored.workspaceId, gone: false },
          rights: 1,
          row: -1,
        };
        return { journal, record, usage: createUsage(journal, createId('node'), createMemory(1).places) };
      }),
    );
    for (let round = 0; round <= FLUSHES; round++) {
      await Promise.all(
        nodes.map(async ({ journal, record, usage }) => {
          for (let count = 0; count < 1000; count++) usage.count(record, '127.0.0.1', Date.now());
          const began = performance.now();
          await usage.flush();
          const flushed = performance.now();
          await journal.fold();
          if (round === 0) return;
          flushes.push(flushed - began);
          folds.push(performance.now() - flushed);
        }),
      );
    }
    const row = await store?.read
      .selectFrom('credential')
      .select('use_count')
      .where('id', '=', stored.id)
      .executeTakeFirst();
    const expected = NODES * 1000 * (FLUSHES + 1);
    if ((row?.use_count ?? 0) < expected) throw new Error(`${row?.use_count} uses were counted, not ${expected}.`);
  } finally {
    await Promise.all(stores.map((one) => one.close()));
  }
  return [
    {
      what: 'longest flush of ten nodes at once that used one credential, with the fold after it',
      figure: Math.max(...flushes.map((flushed, at) => flushed + (folds[at] ?? 0))),
      unit: ' ms',
      bound: atMost(1000),
      from: `flush: median ${median(flushes).toFixed(1)}, longest ${Math.max(...flushes).toFixed(1)} ms; fold (every ten seconds in a node): median ${median(folds).toFixed(1)}, longest ${Math.max(...folds).toFixed(1)} ms; ${flushes.length} of each`,
    },
  ];
}

/** Uses of many credentials: written down as they were counted, then folded into the credentials. */
async function folding(url: string): Promise<Finding[]> {
  const store = await openPostgresStore(url, () => undefined);
  try {
    const journal = await createUsageJournal(store);
    const rows = await store.read.selectFrom('credential').select(['id', 'workspace_id']).limit(FOLDED).execute();
    const usage = createUsage(journal, createId('node'), createMemory(1).places);
    for (const { id, workspace_id } of rows) {
      const workspace = { id: workspace_id, gone: false };
      const facts = { kind: 'access_token', name: 'Pipeline', rights: 1, active: true, expiresAt: null } as const;
      const own = { createdAt: 1, passphraseHash: null, row: -1 };
      usage.count({ id, label: labelOf(id, facts.name), workspace, ...facts, ...own }, '127.0.0.1', Date.now());
    }
    const began = performance.now();
    await usage.flush();
    const flushed = performance.now();
    await journal.fold();
    const folded = performance.now();
    const rate = (milliseconds: number) => (rows.length / milliseconds) * 1000;
    const finding = (what: string, figure: number): Finding => ({
      what,
      figure,
      unit: '',
      bound: null,
      from: `${rows.length.toLocaleString('en')} different credentials, one node`,
    });
    return [
      finding('credentials a second whose uses are written down', rate(flushed - began)),
      finding('credentials a second whose uses are folded in', rate(folded - flushed)),
    ];
  } finally {
    await store.close();
  }
}

async function sizeOf(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ bytes: string }>("select pg_total_relation_size('credential') as bytes");
  await client.end();
  return Number(rows[0]?.bytes);
}

/** What sharing a database costs. */
export async function postgres(): Promise<Finding[]> {
  const seeded = await seededWith(STORED);
  const server = await startPostgres();
  try {
    const url = await server.createDatabase();
    const began = performance.now();
    const { copied } = await copyStore({ directory: seeded.directory }, { databaseUrl: url }, () => undefined);
    const seconds = (performance.now() - began) / 1000;
    const rows = [...copied.values()].reduce((sum, table) => sum + table.rows, 0);
    const copying: Finding = {
      what: 'rows a second of devpilot store copy from SQLite to PostgreSQL, read back and compared',
      figure: rows / seconds,
      unit: '',
      bound: null,
      from: `${rows.toLocaleString('en')} rows in ${seconds.toFixed(1)} s`,
    };
    const size: Finding = {
      what: 'bytes that a credential takes in PostgreSQL, with its indexes',
      figure: (await sizeOf(url)) / STORED,
      unit: '',
      bound: null,
      from: `${STORED.toLocaleString('en')} access tokens with names of 16 characters`,
    };
    return [
      ...(await warm(seeded, url)),
      ...(await cold(seeded, url)),
      ...(await contention(seeded, url)),
      ...(await folding(url)),
      copying,
      size,
    ];
  } finally {
    await server.close();
  }
}
