import { readFileSync } from 'node:fs';
import pg from 'pg';
import { createRecordCache } from '../src/authorization/record-cache.ts';
import { digestOf } from '../src/authorization/secret.ts';
import { createUsageRecorder } from '../src/authorization/usage-recorder.ts';
import { createId } from '../src/contract/id.ts';
import { createDeletedSecrets } from '../src/credentials/deleted-secrets.ts';
import { readStoredCredential } from '../src/credentials/stored-record.ts';
import { createUsageJournal } from '../src/credentials/usage-journal.ts';
import { copyStore } from '../src/server/transfer.ts';
import { openPostgresStore } from '../src/store/postgres.ts';
import { startPostgres } from '../src/testing/postgres.ts';
import { createRecord } from './lib/authenticator.ts';
import { atMost, type Finding, median } from './lib/report.ts';
import { type SeededDirectory, seededDirectory } from './lib/seed.ts';
import { compareColdCache, compareWarmCache } from './postgres-authorization.ts';

const STORED_CREDENTIALS = 100_000;
const NODE_COUNT = 10;
const ROUNDS = 15;
/** Uses of the credential per node and round. */
const USES_PER_ROUND = 1000;
const UPDATED_CREDENTIALS = 50_000;

/** Measures ten nodes that write many uses of one credential and add them to its use count, all at the same time. */
async function measureContention(seeded: SeededDirectory, url: string): Promise<Finding[]> {
  const [secret = ''] = readFileSync(seeded.secretsFile, 'utf8').split('\n', 1);
  const stores = await Promise.all(Array.from({ length: NODE_COUNT }, () => openPostgresStore(url, () => undefined)));
  const flushesMs: number[] = [];
  const updatesMs: number[] = [];
  try {
    const [store] = stores;
    const stored =
      store === undefined ? null : await readStoredCredential(store, digestOf(secret), createDeletedSecrets());
    if (stored === null) throw new Error('The seeded token was not found.');
    const nodes = await Promise.all(
      stores.map(async (store) => {
        const journal = await createUsageJournal(store);
        return {
          journal,
          record: createRecord(stored.id, stored.workspaceId),
          usageRecorder: createUsageRecorder(journal, createId('node'), createRecordCache(1).counterSlots),
        };
      }),
    );
    for (let round = 0; round <= ROUNDS; round++) {
      await Promise.all(
        nodes.map(async ({ journal, record, usageRecorder }) => {
          for (let use = 0; use < USES_PER_ROUND; use++) usageRecorder.count(record, '127.0.0.1', Date.now());
          const startMs = performance.now();
          await usageRecorder.flush();
          const flushedAtMs = performance.now();
          await journal.addToCredentials();
          if (round === 0) return;
          flushesMs.push(flushedAtMs - startMs);
          updatesMs.push(performance.now() - flushedAtMs);
        }),
      );
    }
    const row = await store?.read
      .selectFrom('credential')
      .select('use_count')
      .where('id', '=', stored.id)
      .executeTakeFirst();
    const expected = NODE_COUNT * USES_PER_ROUND * (ROUNDS + 1);
    if ((row?.use_count ?? 0) < expected) throw new Error(`${row?.use_count} uses were counted, not ${expected}.`);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
  return [
    {
      name: 'longest flush and subsequent update of the use count while ten nodes write their uses of one credential at the same time',
      value: Math.max(...flushesMs.map((flushMs, index) => flushMs + (updatesMs[index] ?? 0))),
      unit: ' ms',
      bound: atMost(1000),
      measurements: `flush: median ${median(flushesMs).toFixed(1)}, longest ${Math.max(...flushesMs).toFixed(1)} ms; update (every ten seconds in a node): median ${median(updatesMs).toFixed(1)}, longest ${Math.max(...updatesMs).toFixed(1)} ms; ${flushesMs.length} of each`,
    },
  ];
}

/** Measures writing the uses of many credentials to the journal, and updating their use counts from it. */
async function measureStoringUses(url: string): Promise<Finding[]> {
  const store = await openPostgresStore(url, () => undefined);
  try {
    const journal = await createUsageJournal(store);
    const rows = await store.read
      .selectFrom('credential')
      .select(['id', 'workspace_id'])
      .limit(UPDATED_CREDENTIALS)
      .execute();
    const usageRecorder = createUsageRecorder(journal, createId('node'), createRecordCache(1).counterSlots);
    for (const { id, workspace_id } of rows) {
      usageRecorder.count(createRecord(id, workspace_id), '127.0.0.1', Date.now());
    }
    const startMs = performance.now();
    await usageRecorder.flush();
    const flushedAtMs = performance.now();
    await journal.addToCredentials();
    const addedAtMs = performance.now();
    const credentialsPerSecond = (durationMs: number) => (rows.length / durationMs) * 1000;
    const createFinding = (name: string, value: number): Finding => ({
      name,
      value,
      unit: '',
      bound: null,
      measurements: `${rows.length.toLocaleString('en')} different credentials, one node`,
    });
    return [
      createFinding(
        'credentials per second whose uses are written to the journal',
        credentialsPerSecond(flushedAtMs - startMs),
      ),
      createFinding(
        'credentials per second whose use counts are updated from the journal',
        credentialsPerSecond(addedAtMs - flushedAtMs),
      ),
    ];
  } finally {
    await store.close();
  }
}

async function readCredentialBytes(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ bytes: string }>("select pg_total_relation_size('credential') as bytes");
  await client.end();
  return Number(rows[0]?.bytes);
}

/** Compares PostgreSQL with SQLite and with bare queries, and measures writing uses and copying a store. */
export async function postgres(): Promise<Finding[]> {
  const seeded = await seededDirectory(STORED_CREDENTIALS);
  const server = await startPostgres({ durable: true });
  try {
    const url = await server.createDatabase();
    const startMs = performance.now();
    const { copied } = await copyStore({ directory: seeded.directory }, { databaseUrl: url }, null, () => undefined);
    const seconds = (performance.now() - startMs) / 1000;
    const rows = [...copied.values()].reduce((sum, table) => sum + table.rows, 0);
    const copying: Finding = {
      name: 'rows per second of devpilot store copy from SQLite to PostgreSQL, including reading them back and comparing them',
      value: rows / seconds,
      unit: '',
      bound: null,
      measurements: `${rows.toLocaleString('en')} rows in ${seconds.toFixed(1)} s`,
    };
    const size: Finding = {
      name: 'size of a credential in PostgreSQL, with its indexes',
      value: (await readCredentialBytes(url)) / STORED_CREDENTIALS,
      unit: ' bytes',
      bound: null,
      measurements: `${STORED_CREDENTIALS.toLocaleString('en')} access tokens with names of 16 characters`,
    };
    return [
      ...(await compareWarmCache(seeded, url, server.pid())),
      ...(await compareColdCache(seeded, url)),
      ...(await measureContention(seeded, url)),
      ...(await measureStoringUses(url)),
      copying,
      size,
    ];
  } finally {
    await server.close();
  }
}
