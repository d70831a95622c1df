import type { Page } from '../contract/paging.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface Paging {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Returns the path of an item. The ID or slug is encoded, so that it cannot change the rest of the path. */
export const pathTo = (path: string, id: string): string => `${path}/${encodeURIComponent(id)}`;

/** Returns methods that read a list: `list` by page, `all` by item. */
export function listOf<Item, Query extends Paging, ListPage extends Page<Item> = Page<Item>>(
  { send }: Transport,
  path: string,
) {
  const list = (query?: Query, call?: CallOptions): Promise<ListPage> =>
    send('GET', path, { ...call, query: { ...query } });

  /** Iterates over all items, fetching each page only when it is needed. */
  async function* all(query?: Query, call?: CallOptions): AsyncGenerator<Item, void, undefined> {
    let cursor = query?.cursor;
    for (;;) {
      const { data, nextCursor } = await list({ limit: 200, ...query, cursor } as Query & Paging, call);
      yield* data;
      if (nextCursor === null) return;
      cursor = nextCursor;
    }
  }
  return { list, all };
}
