import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { CREDENTIAL_SORTS } from '../src/contract/vocabulary.ts';
import { copyStore } from '../src/server/transfer.ts';
import { startPostgres } from '../src/testing/postgres.ts';
import { type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, formatList, median } from './lib/report.ts';
import { RUN_DIRECTORY, type SeededDirectory, seededDirectory } from './lib/seed.ts';

const MANY_CREDENTIALS = 1_000_000;
const FEW_CREDENTIALS = 1_000;
const SAMPLES = 7;
const SORTS = CREDENTIAL_SORTS.flatMap((sort) => [sort, `-${sort}`]);
const OTHER_CREATOR = 'per_01kaexample0000000000000001';

/** The query parameters of the lists that are compared. */
const FILTERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { status: 'active' },
  { status: 'expired' },
  { q: 'pipeline' },
  { q: '0004242' },
  { scope: 'run_scripts' },
  { scope: 'modify_env' },
  { createdBy: OTHER_CREATOR },
  { unusedForDays: '30' },
  { expiresWithinDays: '2' },
  { neverExpires: 'true' },
  { neverExpires: 'false' },
  { status: 'active', scope: 'run_scripts', neverExpires: 'true' },
  { status: 'expired', q: '42' },
  { status: 'expired', createdBy: OTHER_CREATOR },
  { createdBy: OTHER_CREATOR, q: '42' },
  { unusedForDays: '30', expiresWithinDays: '2', scope: 'modify_env' },
  { q: 'pipeline', status: 'active', unusedForDays: '1' },
];

/**
 * Copies a seeded directory and varies its credentials, so that the filters match different credentials: of every 100,
 * one has expired, and one has another creator and another scope.
 */
async function createVariedDirectory(count: number): Promise<SeededDirectory> {
  const seeded = await seededDirectory(count);
  const directory = join(RUN_DIRECTORY, `varied-${count}`);
  cpSync(seeded.directory, directory, { recursive: true });
  const database = new DatabaseSync(join(directory, 'devpilot.db'));
  database.exec('pragma synchronous = off; begin');
  database.exec(`insert into person (id, name, email, email_key, password_hash, created_at, updated_at)
    select '${OTHER_CREATOR}', 'Other', 'other@example.com', 'other@example.com', 'none', created_at, updated_at
    from person limit 1`);
  database.exec(`update credential set expires_at = created_at + 1 where rowid % 100 = 7`);
  database.exec(
    `update credential set created_by = '${OTHER_CREATOR}', rights = '["modify_env"]' where rowid % 100 = 17`,
  );
  database.exec('commit; pragma wal_checkpoint(truncate)');
  database.close();
  return { ...seeded, directory };
}

interface TimedPage {
  readonly status: number;
  readonly ms: number;
}

async function timePage(
  server: ServerProcess,
  { cookie, workspaceId }: SeededDirectory,
  query: Record<string, string>,
): Promise<TimedPage> {
  const startMs = performance.now();
  const response = await fetch(`${server.url}/v1/access-tokens?${new URLSearchParams(query)}`, {
    headers: { cookie, 'devpilot-workspace': workspaceId },
  });
  await response.arrayBuffer();
  // 422: the server refuses this sort order with this filter, because no index supports it.
  if (response.status !== 200 && response.status !== 422) throw new Error(`A page returned ${response.status}.`);
  return { status: response.status, ms: performance.now() - startMs };
}

interface Side {
  readonly server: ServerProcess;
  readonly seeded: SeededDirectory;
}

interface SortRatio {
  readonly sort: string;
  readonly ratio: number;
  readonly largeMs: number;
  readonly smallMs: number;
}

/**
 * Returns one finding for the sort orders that the server accepts and one for those that it refuses, each with the
 * highest ratio.
 */
function createFindings(filterName: string, ratios: readonly SortRatio[], refusedSorts: readonly string[]): Finding[] {
  const findHighest = (candidates: readonly SortRatio[]) => candidates.toSorted((a, b) => b.ratio - a.ratio)[0];
  const highestAccepted = findHighest(ratios.filter(({ sort }) => !refusedSorts.includes(sort)));
  const highestRefused = findHighest(ratios.filter(({ sort }) => refusedSorts.includes(sort)));
  const createFinding = (
    name: string,
    { sort, ratio, largeMs, smallMs }: SortRatio,
    bound: Finding['bound'],
    count: number,
  ): Finding => ({
    name: `${filterName}, ${name} of 1,000,000 relative to 1,000`,
    value: ratio,
    unit: '×',
    bound,
    measurements: `highest ratio of ${count} sort orders, ${sort}: ${formatList([largeMs])} over ${formatList([smallMs])} ms`,
  });
  const findings: Finding[] = [];
  if (highestAccepted !== undefined) {
    findings.push(createFinding('first page', highestAccepted, atMost(3), ratios.length - refusedSorts.length));
  }
  if (highestRefused !== undefined) {
    findings.push(
      createFinding(`refusal of the sort orders ${refusedSorts.join(' ')}`, highestRefused, null, refusedSorts.length),
    );
  }
  return findings;
}

async function compare(engine: string, large: Side, small: Side): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const filter of FILTERS) {
    const ratios: SortRatio[] = [];
    const refused: string[] = [];
    for (const sort of SORTS) {
      const largeTimesMs: number[] = [];
      const smallTimesMs: number[] = [];
      let isRefused = false;
      for (let sample = 0; sample < SAMPLES; sample++) {
        const largePage = await timePage(large.server, large.seeded, { ...filter, sort });
        const smallPage = await timePage(small.server, small.seeded, { ...filter, sort });
        largeTimesMs.push(largePage.ms);
        smallTimesMs.push(smallPage.ms);
        isRefused ||= largePage.status === 422;
      }
      if (isRefused) refused.push(sort);
      const largeMs = median(largeTimesMs);
      const smallMs = median(smallTimesMs);
      ratios.push({ sort, ratio: largeMs / smallMs, largeMs, smallMs });
    }
    findings.push(
      ...createFindings(`${engine}: ${new URLSearchParams(filter).toString() || 'no filter'}`, ratios, refused),
    );
  }
  return findings;
}

async function startSide(seeded: SeededDirectory, environment: Readonly<Record<string, string>> = {}): Promise<Side> {
  return {
    seeded,
    server: await startServerProcess('bench/lib/serve.ts', { directory: seeded.directory, environment }),
  };
}

async function compareOnPostgres(many: SeededDirectory, few: SeededDirectory): Promise<Finding[]> {
  const postgres = await startPostgres();
  const sides: Side[] = [];
  try {
    for (const seeded of [many, few]) {
      const url = await postgres.createDatabase();
      await copyStore({ directory: seeded.directory }, { databaseUrl: url }, null, () => undefined);
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      // On a running server, autovacuum would have done this.
      await client.query('vacuum analyze');
      await client.end();
      const secret = readFileSync(join(seeded.directory, 'secret'), 'utf8').trim();
      sides.push(await startSide(seeded, { DATABASE_URL: url, DEVPILOT_SECRET: secret }));
    }
    const [large, small] = sides;
    return large === undefined || small === undefined ? [] : await compare('PostgreSQL', large, small);
  } finally {
    await Promise.all(sides.map(({ server }) => server.stop()));
    await postgres.close();
  }
}

/**
 * Compares the time to read the first page of 50 from 1,000,000 credentials with the time from 1,000 credentials, with
 * filters and combinations of filters, in each sort order. With `full`, also on PostgreSQL.
 */
export async function filteredPages({ full }: { readonly full: boolean }): Promise<Finding[]> {
  const many = await createVariedDirectory(MANY_CREDENTIALS);
  const few = await createVariedDirectory(FEW_CREDENTIALS);
  const large = await startSide(many);
  const small = await startSide(few);
  let findings: Finding[];
  try {
    findings = await compare('SQLite', large, small);
  } finally {
    await Promise.all([large.server.stop(), small.server.stop()]);
  }
  return full ? [...findings, ...(await compareOnPostgres(many, few))] : findings;
}
