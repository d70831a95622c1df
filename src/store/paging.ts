import { invalidField } from '../contract/problem.ts';
import { LIMITS } from '../contract/words.ts';

/** A place in a list: the sort it belongs to, the sorted value of the last row seen, and that row's id. */
export interface Place {
  readonly value: string | number;
  readonly id: string;
}

/** What a list is asked for: rows at most, and where to go on. */
export interface PageAsk {
  readonly limit: number;
  readonly after: Place | null;
}

export function encodeCursor(sort: string, place: Place): string {
  return Buffer.from(JSON.stringify([sort, place.value, place.id])).toString('base64url');
}

/** Reads a cursor back. Throws `validation_failed` for any that this list, so sorted, did not give out. */
export function decodeCursor(sort: string, kind: 'string' | 'number', cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  const refused = invalidField('cursor', 'is not one that this list, so sorted, has given out');
  if (cursor.length > LIMITS.cursor.max * 4 || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw refused;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw refused;
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw refused;
  const [itsSort, value, id] = parts as unknown[];
  if (itsSort !== sort || typeof id !== 'string' || id.length > 64 || id.includes('\0')) throw refused;
  if (typeof value === 'string' && value.includes('\0')) throw refused;
  if (kind === 'number' ? !Number.isSafeInteger(value) : typeof value !== 'string') throw refused;
  return { value: value as string | number, id };
}

/** Reads `limit` and `cursor` of a list's query. */
export function pageAsk(
  query: { limit?: string | undefined; cursor?: string | undefined },
  sort: string,
  kind: 'string' | 'number',
): PageAsk {
  return {
    limit: query.limit === undefined ? LIMITS.page.standard : Number(query.limit),
    after: decodeCursor(sort, kind, query.cursor),
  };
}

/** Characters that the rows of a page have together at most, unless it is one row alone: what is shown at once is written at once. */
const PAGE_SIZE = 2 * 1_048_576;

function sizeOf(row: unknown): number {
  let size = 0;
  for (const value of Object.values(row ?? {})) if (typeof value === 'string') size += value.length;
  return size;
}

/** The first rows, up to a number of them and to `PAGE_SIZE`. */
function firstOf<Row>(rows: readonly Row[], limit: number): Row[] {
  let size = 0;
  const end = rows.findIndex((row, at) => {
    size += sizeOf(row);
    return at >= limit || (at > 0 && size > PAGE_SIZE);
  });
  return end === -1 ? [...rows] : rows.slice(0, end);
}

/**
 * Cuts rows that were read one beyond the limit to a page, with the cursor of the next. A page has fewer rows than
 * the limit where they are large.
 */
export function cutPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  sort: string,
  placeOf: (row: Row) => Place,
  show: (row: Row) => Item,
): { data: Item[]; nextCursor: string | null } {
  const shown = firstOf(rows, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(show),
    nextCursor: rows.length > shown.length && last !== undefined ? encodeCursor(sort, placeOf(last)) : null,
  };
}
