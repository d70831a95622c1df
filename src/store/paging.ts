import { type SelectQueryBuilder, sql } from 'kysely';
import { LIMITS } from '../contract/limits.ts';
import type { PageQuery } from '../contract/paging.ts';
import { invalidField } from '../contract/problem.ts';
import type { Schema } from './schema.ts';

/** A position in a list: the sort value and the ID of the last row returned. */
export interface ListPosition {
  readonly value: string | number;
  readonly id: string;
}

/** The maximum number of rows of a page, and the position to continue from. */
export interface PageRequest {
  readonly limit: number;
  readonly after: ListPosition | null;
}

export function encodeCursor(sort: string, position: ListPosition): string {
  return Buffer.from(JSON.stringify([sort, position.value, position.id])).toString('base64url');
}

/**
 * Decodes a cursor; `valueType` is the type of the sort value in it. Returns null if there is no cursor. Throws
 * `validation_failed` if the cursor was not issued for this list and sort order.
 */
export function decodeCursor(
  sort: string,
  valueType: 'string' | 'number',
  cursor: string | undefined,
): ListPosition | null {
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
  const isExpectedType = valueType === 'number' ? Number.isSafeInteger(value) : typeof value === 'string';
  if (!isExpectedType) throw invalidCursor;
  return { value: value as string | number, id };
}

/** Reads `limit` and `cursor` from the query of a list request. Throws `validation_failed`. */
export function readPageRequest(query: PageQuery, sort: string, valueType: 'string' | 'number'): PageRequest {
  return {
    limit: query.limit === undefined ? LIMITS.page.default : Number(query.limit),
    after: decodeCursor(sort, valueType, query.cursor),
  };
}

/** Selects the rows of a page, newest first, and one more row, which shows whether another page follows. */
export function newestFirst<Table extends keyof Schema, Row>(
  query: SelectQueryBuilder<Schema, Table, Row>,
  { limit, after }: PageRequest,
): SelectQueryBuilder<Schema, Table, Row> {
  const remaining =
    after === null ? query : query.where(sql<boolean>`(created_at, id) < (${after.value}, ${after.id})`);
  return remaining
    .orderBy(sql`created_at`, 'desc')
    .orderBy(sql`id`, 'desc')
    .limit(limit + 1);
}

/**
 * Maximum characters in the text columns of all rows of a page; a page always has at least one row. A page is
 * serialized and written in one step, so this bounds how long it blocks the event loop.
 */
const MAX_PAGE_CHARACTERS = 2 * 1_048_576;

function countCharacters(row: unknown): number {
  let size = 0;
  for (const value of Object.values(row ?? {})) if (typeof value === 'string') size += value.length;
  return size;
}

/** Returns the first rows, up to the limit and to `MAX_PAGE_CHARACTERS`. */
function takeWithinLimits<Row>(rows: readonly Row[], limit: number): Row[] {
  let size = 0;
  const end = rows.findIndex((row, index) => {
    size += countCharacters(row);
    return index >= limit || (index > 0 && size > MAX_PAGE_CHARACTERS);
  });
  return end === -1 ? [...rows] : rows.slice(0, end);
}

/**
 * Returns a page and the cursor of the next page. `rows` contains up to one row more than the limit. A page of large
 * rows can contain fewer rows than the limit.
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
