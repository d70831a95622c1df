import { type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, formatList, median } from './lib/report.ts';
import { type SeededDirectory, seededDirectory } from './lib/seed.ts';

const MANY_CREDENTIALS = 100_000;
const FEW_CREDENTIALS = 1_000;
const SAMPLES = 60;
const SORTS = ['createdAt', 'name', 'expiresAt', 'lastUsedAt', 'useCount'].flatMap((sort) => [sort, `-${sort}`]);

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
  for (let readCount = 0; readCount < count / 2; readCount += 200) {
    const listPage: ListPage = await readPage(server, seeded, {
      sort,
      limit: '200',
      ...(cursor !== null && { cursor }),
    });
    cursor = listPage.nextCursor;
  }
  if (cursor === null) throw new Error('The list ended before its middle.');
  return cursor;
}

async function timePage(work: () => Promise<ListPage>): Promise<number> {
  const startMs = performance.now();
  const { data } = await work();
  if (data.length !== 50) throw new Error(`A page contained ${data.length} items instead of 50.`);
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
      for (const [pagePosition, cursors] of [
        ['first page', [{}, {}]],
        ['page in the middle', [{ cursor: largeMiddleCursor }, { cursor: smallMiddleCursor }]],
      ] as const) {
        const largeTimes: number[] = [];
        const smallTimes: number[] = [];
        for (let turn = 0; turn < SAMPLES; turn++) {
          largeTimes.push(await timePage(() => readPage(large, many, { sort, ...cursors[0] })));
          smallTimes.push(await timePage(() => readPage(small, few, { sort, ...cursors[1] })));
        }
        const [largeMedian, smallMedian] = [median(largeTimes), median(smallTimes)];
        findings.push({
          name: `${pagePosition} sorted by ${sort}, 100,000 credentials relative to 1,000`,
          value: largeMedian / smallMedian,
          unit: '×',
          bound: atMost(1.5),
          measurements: `medians of ${SAMPLES}: ${formatList([largeMedian])} over ${formatList([smallMedian])} ms`,
        });
      }
    }
  } finally {
    await Promise.all([large.stop(), small.stop()]);
  }
  return findings;
}
