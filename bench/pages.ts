import { CREDENTIAL_SORTS } from '../src/contract/vocabulary.ts';
import { type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, formatList, median } from './lib/report.ts';
import { type SeededDirectory, seededDirectory } from './lib/seed.ts';

const MANY_CREDENTIALS = 100_000;
const FEW_CREDENTIALS = 1_000;
const SAMPLES = 60;
const MAX_PAGE_SIZE = 200;
const DEFAULT_PAGE_SIZE = 50;
const SORTS = CREDENTIAL_SORTS.flatMap((sort) => [sort, `-${sort}`]);

interface ListPage {
  readonly data: readonly unknown[];
  readonly nextCursor: string | null;
}

async function readPage(
  server: ServerProcess,
  { cookie, workspaceId }: SeededDirectory,
  query: Record<string, string>,
): Promise<ListPage> {
  const response = await fetch(`${server.url}/v1/access-tokens?${new URLSearchParams(query)}`, {
    headers: { cookie, 'devpilot-workspace': workspaceId },
  });
  if (response.status !== 200) throw new Error(`A page returned ${response.status}.`);
  return (await response.json()) as ListPage;
}

/** Returns a cursor in the middle of the list, by reading all pages before it. */
async function findMiddleCursor(
  server: ServerProcess,
  seeded: SeededDirectory,
  count: number,
  sort: string,
): Promise<string> {
  let cursor: string | null = null;
  for (let readCount = 0; readCount < count / 2; readCount += MAX_PAGE_SIZE) {
    const listPage: ListPage = await readPage(server, seeded, {
      sort,
      limit: String(MAX_PAGE_SIZE),
      ...(cursor !== null && { cursor }),
    });
    cursor = listPage.nextCursor;
  }
  if (cursor === null) throw new Error('The list ended before its middle.');
  return cursor;
}

/** Returns the milliseconds until a page of the default size has been read. */
async function timePage(read: () => Promise<ListPage>): Promise<number> {
  const startMs = performance.now();
  const { data } = await read();
  if (data.length !== DEFAULT_PAGE_SIZE)
    throw new Error(`A page contained ${data.length} items instead of ${DEFAULT_PAGE_SIZE}.`);
  return performance.now() - startMs;
}

/**
 * Compares the time to read a page of 50 from a list of 100,000 credentials with the time from a list of 1,000: the
 * first page and a page in the middle, in each sort order.
 */
export async function pages(): Promise<Finding[]> {
  const many = await seededDirectory(MANY_CREDENTIALS);
  const few = await seededDirectory(FEW_CREDENTIALS);
  const large = await startServerProcess('bench/lib/serve.ts', { directory: many.directory });
  const small = await startServerProcess('bench/lib/serve.ts', { directory: few.directory });
  const findings: Finding[] = [];
  try {
    for (const sort of SORTS) {
      const largeMiddleCursor = await findMiddleCursor(large, many, MANY_CREDENTIALS, sort);
      const smallMiddleCursor = await findMiddleCursor(small, few, FEW_CREDENTIALS, sort);
      const positions = [
        { name: 'first page', largeQuery: { sort }, smallQuery: { sort } },
        {
          name: 'page in the middle',
          largeQuery: { sort, cursor: largeMiddleCursor },
          smallQuery: { sort, cursor: smallMiddleCursor },
        },
      ];
      for (const { name, largeQuery, smallQuery } of positions) {
        const largeTimesMs: number[] = [];
        const smallTimesMs: number[] = [];
        for (let sample = 0; sample < SAMPLES; sample++) {
          largeTimesMs.push(await timePage(() => readPage(large, many, largeQuery)));
          smallTimesMs.push(await timePage(() => readPage(small, few, smallQuery)));
        }
        const largeMs = median(largeTimesMs);
        const smallMs = median(smallTimesMs);
        findings.push({
          name: `${name} sorted by ${sort}, 100,000 credentials relative to 1,000`,
          value: largeMs / smallMs,
          unit: '×',
          bound: atMost(1.5),
          measurements: `medians of ${SAMPLES}: ${formatList([largeMs])} over ${formatList([smallMs])} ms`,
        });
      }
    }
  } finally {
    await Promise.all([large.stop(), small.stop()]);
  }
  return findings;
}
