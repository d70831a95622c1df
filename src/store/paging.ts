import { LIMITS } from '../contract/limits.ts';
import { invalidField } from '../contract/problem.ts';

/** A place in a list: the sort it belongs to, the sorted value of the last row seen, and that row's id. */
export interface ListPosition {
  readonly value: string | number;
  readonly id: string;
}

/** What a list is asked for: rows at most, and where to go on. */
export interface PageRequest {
  readonly limit: number;
  readonly after: ListPosition | null;
}

export function encodeCursor(sort: string, position: ListPosition): string {
  return Buffer.from(JSON.stringify([sort, position.value, position.id])).toString('base64url');
}

/** Reads a cursor back. Throws `validation_failed` for any that this list, so sorted, did not give out. */
export function decodeCursor(sort: string, kind: 'string' | 'number', cursor: string | undefined): ListPosition | null {
  if (cursor === undefined) return null;
  const invalidCursor = invalidField('cursor', 'is not a valid cursor for this list and sort order');
  if (cursor.length > LIMITS.cursor.max * 4 || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw invalidCursor;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalidCursor;
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw invalidCursor;
  const [cursorSort, value, id] = parts as unknown[];
  if (cursorSort !== sort || typeof id !== 'string' || id.length > 64 || id.includes('\0')) throw invalidCursor;
  if (typeof value === 'string' && value.includes('\0')) throw invalidCursor;
  if (kind === 'number' ? !Number.isSafeInteger(value) : typeof value !== 'string') throw invalidCursor;
  return { value: value as string | number, id };
}

/** Reads `limit` and `cursor` of a list's query. */
export function readPageRequest(
  query: { limit?: string | undefined; cursor?: string | undefined },
  sort: string,
  kind: 'string' | 'number',
): PageRequest {
  return {
    limit: query.limit === undefined ? LIMITS.page.standard : Number(query.limit),
    after: decodeCursor(sort, kind, query.cursor),
  };
}

/** Characters that the rows of a page have together at most, unless it is one row alone: what is shown at once is written at once. */
const MAX_PAGE_CHARACTERS = 2 * 1_048_576;

function countCharacters(row: unknown): number {
  let size = 0;
  for (const value of Object.values(row ?? {})) if (typeof value === 'string') size += value.length;
  return size;
}

/** The first rows, up to a number of them and to `MAX_PAGE_CHARACTERS`. */
function takeWithinLimits<Row>(rows: readonly Row[], limit: number): Row[] {
  let size = 0;
  const end = rows.findIndex((row, index) => {
    size += countCharacters(row);
    return index >= limit || (index > 0 && size > MAX_PAGE_CHARACTERS);
  });
  return end === -1 ? [...rows] : rows.slice(0, end);
}

/**
 * Cuts rows that were read one beyond the limit to a page, with the cursor of the next. A page has fewer rows than
 * the limit where they are large.
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  sort: string,
  positionOf: (row: Row) => ListPosition,
  toItem: (row: Row) => Item,
): { data: Item[]; nextCursor: string | null } {
  const pageRows = takeWithinLimits(rows, limit);
  const last = pageRows.at(-1);
  return {
    data: pageRows.map(toItem),
    nextCursor: rows.length > pageRows.length && last !== undefined ? encodeCursor(sort, positionOf(last)) : null,
  };
}
