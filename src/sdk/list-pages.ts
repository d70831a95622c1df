import type { Page } from '../contract/paging.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface Paging {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** An id or slug as a part of an address that it can not leave. */
export const pathTo = (path: string, id: string): string => `${path}/${encodeURIComponent(id)}`;

/** A list's pages, and everything on them. */
export function listOf<Item, Query extends Paging>({ send }: Transport, path: string) {
  const list = (query?: Query, call?: CallOptions): Promise<Page<Item>> =>
    send('GET', path, { ...call, query: { ...query } });

  /** Every item, page by page, read on only as fast as it is taken. */
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
