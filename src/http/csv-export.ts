import type { FastifyRequest } from 'fastify';
import { csvRow } from '../contract/csv.ts';
import { LIMITS } from '../contract/limits.ts';

export const CSV_TYPE = 'text/csv; charset=utf-8';

/** Whether a request asks for CSV instead of JSON (RFC 4180). */
export const acceptsCsv = ({ headers }: FastifyRequest): boolean =>
  headers.accept?.toLowerCase().includes('text/csv') === true;

/** The columns of a CSV export: the name of each, and the function that returns its cell for an item. */
export type CsvColumns<Item> = readonly (readonly [name: string, cell: (item: Item) => string | number | null])[];

export const headerRowOf = <Item>(columns: CsvColumns<Item>): string => csvRow(columns.map(([name]) => name));

interface ItemPage<Item> {
  readonly data: readonly Item[];
  readonly nextCursor: string | null;
}

interface PagedQuery {
  readonly cursor?: string | undefined;
  readonly limit?: string | undefined;
}

/**
 * Streams at most `maxItems` items of a list as CSV. Reads the pages no faster than the client receives them. Await
 * this function before the response starts: it rejects with the error of an invalid query.
 */
export async function startCsvExport<Item, Query extends PagedQuery>(
  columns: CsvColumns<Item>,
  maxItems: number,
  query: Query,
  readPage: (query: Query) => Promise<ItemPage<Item>>,
): Promise<AsyncGenerator<string>> {
  const limit = String(LIMITS.page.max);
  const firstPage = await readPage({ ...query, limit });
  return (async function* () {
    yield headerRowOf(columns);
    let page = firstPage;
    let remaining = maxItems;
    for (;;) {
      const items = page.data.slice(0, remaining);
      yield items.map((item) => csvRow(columns.map(([, cell]) => cell(item)))).join('');
      remaining -= items.length;
      if (page.nextCursor === null || remaining <= 0) return;
      page = await readPage({ ...query, cursor: page.nextCursor, limit });
    }
  })();
}
