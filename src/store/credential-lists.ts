import { type SelectQueryBuilder, sql } from 'kysely';
import { LIMITS } from '../contract/limits.ts';
import {
  type CredentialSelection,
  SORT_EXPRESSIONS,
  selectCredentials,
  selectWithDetails,
  whereMatching,
} from './credential-filter.ts';
import {
  type CredentialListRequest,
  type IndexScan,
  indexesFor,
  indexInOrder,
  listComparisons,
  scansAfter,
  wholeIndex,
} from './credential-indexes.ts';
import type { CredentialRow } from './credentials.ts';
import type { Schema } from './schema.ts';
import type { Queryable } from './store.ts';

/**
 * Limits on how much a filtered list reads, so that the time for a page does not depend on the number of credentials.
 */
export interface ListBounds {
  /** If a workspace has at most this many credentials of the kind, all of them can be read. */
  readonly maxListSize: number;
  /**
   * Maximum number of entries read from an index that contains every column that the list filters and sorts by. To
   * count matches exactly, up to 10,000 entries of an index can be counted.
   */
  readonly maxEntries: number;
  /** Maximum number of rows read from the table, where they are scattered, if the index lacks such a column. */
  readonly maxRows: number;
}
export const LIST_BOUNDS: ListBounds = { maxListSize: 20_000, maxEntries: 6_000, maxRows: 1_000 };

/** Selects the entries of an index, in its order. */
function selectEntries(
  db: Queryable,
  { workspaceId, filter, direction }: CredentialListRequest,
  index: IndexScan,
): CredentialSelection {
  const entries = index.restrict(selectCredentials(db, workspaceId, filter.kind));
  // Entries with the same value are already in order, but SQLite would sort them again.
  const byValue = index.hasSingleValue === true ? entries : entries.orderBy(SORT_EXPRESSIONS[index.sort], direction);
  return byValue.orderBy('credential.id', direction);
}

/**
 * Selects the first `limit` entries of an index. Because of the limit, neither engine merges this into the outer query.
 */
function firstEntries(
  db: Queryable,
  request: CredentialListRequest,
  index: IndexScan,
  limit: number,
): CredentialSelection {
  const entries = selectEntries(db, request, index).selectAll('credential').limit(limit);
  return db.selectFrom(entries.as('credential')) as unknown as CredentialSelection;
}

/** Counts the rows of a query, at most `limit`. */
async function countUpTo(db: Queryable, credentials: CredentialSelection, limit: number): Promise<number> {
  const counted = credentials.select('credential.id').limit(limit);
  const { count } = await db
    .selectFrom(counted.as('counted'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Returns whether an index has at most `limit` entries. Skipping them takes half as long as counting them. */
async function hasAtMost(db: Queryable, request: CredentialListRequest, index: IndexScan, limit: number) {
  const firstBeyond = selectEntries(db, request, index).select('credential.id').limit(1).offset(limit);
  return (await firstBeyond.executeTakeFirst()) === undefined;
}

/** Reads the rows with these IDs in the order of the list, in one statement with the query for the IDs. */
function readRows(
  db: Queryable,
  { sort, direction }: CredentialListRequest,
  ids: SelectQueryBuilder<Schema, 'credential', { id: string }>,
): Promise<CredentialRow[]> {
  // Filters only by ID, because the query for the IDs already compares the workspace. If this query compared it too,
  // SQLite would read the workspace's whole index.
  return selectWithDetails(db.selectFrom('credential').where('credential.id', 'in', ids))
    .orderBy(SORT_EXPRESSIONS[sort], direction)
    .orderBy('credential.id', direction)
    .execute();
}

/** Selects the IDs of the first matches among the first `limit` entries of an index. */
function selectMatchingIds(
  db: Queryable,
  request: CredentialListRequest,
  index: IndexScan,
  limit: number,
  maxMatches: number,
): SelectQueryBuilder<Schema, 'credential', { id: string }> {
  const { filter, sort, direction, now } = request;
  return whereMatching(firstEntries(db, request, index, limit), filter, now)
    .select('credential.id')
    .orderBy(SORT_EXPRESSIONS[sort], direction)
    .orderBy('credential.id', direction)
    .limit(maxMatches);
}

/**
 * Reads a page in the order of an index, up to one row more than the page's limit. Returns null if the first `limit`
 * entries contain too few matches and there are more entries.
 */
async function readInOrder(
  db: Queryable,
  request: CredentialListRequest,
  index: IndexScan,
  limit: number,
): Promise<CredentialRow[] | null> {
  const { direction, page } = request;
  const rows: CredentialRow[] = [];
  for (const scan of scansAfter(index, direction, page.after)) {
    const rowsNeeded = page.limit + 1 - rows.length;
    // Usually a few entries contain enough matches. If they do not, all `limit` entries are read.
    for (const maxEntries of new Set([Math.min(limit, rowsNeeded * 4), limit])) {
      const matches = await readRows(db, request, selectMatchingIds(db, request, scan, maxEntries, rowsNeeded));
      const isComplete = matches.length === rowsNeeded || (await hasAtMost(db, request, scan, maxEntries));
      if (isComplete) {
        rows.push(...matches);
        break;
      }
      if (maxEntries === limit) return null;
    }
    if (rows.length > page.limit) return rows;
  }
  return rows;
}

/**
 * Reads a page of the matches among the first `limit` entries of an index, up to one row more than the page's limit.
 */
function readSorted(
  db: Queryable,
  request: CredentialListRequest,
  index: IndexScan,
  limit: number,
): Promise<CredentialRow[]> {
  const { sort, direction, page } = request;
  const ids = selectMatchingIds(db, request, index, limit, page.limit + 1);
  if (page.after === null) return readRows(db, request, ids);
  const { value, id } = page.after;
  const compare = sql.raw(direction === 'asc' ? '>' : '<');
  const sortedBy = SORT_EXPRESSIONS[sort];
  const isAfter = sql<boolean>`(${sortedBy} ${compare} ${value} or (${sortedBy} = ${value} and credential.id ${compare} ${id}))`;
  return readRows(db, request, ids.where(isAfter));
}

/**
 * Returns a page of credentials, up to one row more than the page's limit, and the total number of matches. The total
 * is null if it exceeds 10,000 or if counting would exceed `bounds`. Returns null if finding the page would exceed
 * `bounds`. `bench/filtered-pages.ts` shows that a page takes about as long with 1,000,000 credentials as with 1,000.
 */
export async function listCredentials(
  db: Queryable,
  request: CredentialListRequest,
  bounds: ListBounds = LIST_BOUNDS,
): Promise<{ rows: CredentialRow[]; total: number | null } | null> {
  const { filter, sort, now } = request;
  const comparisons = listComparisons(filter);
  const countMatches = async (index: IndexScan, limit: number): Promise<number | null> => {
    const matches = whereMatching(firstEntries(db, request, index, limit), filter, now);
    const count = await countUpTo(db, matches, LIMITS.countedTotal + 1);
    return count > LIMITS.countedTotal ? null : count;
  };
  if (comparisons.length === 0) {
    const count = await countUpTo(db, selectEntries(db, request, wholeIndex('createdAt')), LIMITS.countedTotal + 1);
    const rows = (await readInOrder(db, request, wholeIndex(sort), request.page.limit + 1)) ?? [];
    return { rows, total: count > LIMITS.countedTotal ? null : count };
  }
  const maxEntriesFor = ({ covers }: IndexScan) =>
    [...comparisons, sort].every((name) => covers.includes(name)) ? bounds.maxEntries : bounds.maxRows;
  const indexes = indexesFor(filter, now);
  let total: number | null = null;
  // The first choice is an index with so few entries for the filter that all of them can be read and sorted.
  for (const index of indexes) {
    const limit = maxEntriesFor(index);
    const isExact = comparisons.every((comparison) => index.implies.includes(comparison));
    const maxCounted = isExact ? Math.max(limit, LIMITS.countedTotal) : limit;
    const entryCount = await countUpTo(db, selectEntries(db, request, index), maxCounted + 1);
    if (isExact && entryCount <= LIMITS.countedTotal) total = entryCount;
    if (entryCount > limit) continue;
    const rows = await readSorted(db, request, index, limit);
    return { rows, total: isExact ? total : await countMatches(index, limit) };
  }
  // Otherwise the list is read in its order until the page is full.
  const orderedIndex = indexInOrder(request, indexes);
  const rows = await readInOrder(db, request, orderedIndex, maxEntriesFor(orderedIndex));
  if (rows !== null && total !== null) return { rows, total };
  // If either is still missing, it is determined from the whole list, unless the list is too long.
  const isSmall = await hasAtMost(db, request, wholeIndex('createdAt'), bounds.maxListSize);
  if (!isSmall) return rows === null ? null : { rows, total };
  return {
    rows: rows ?? (await readInOrder(db, request, orderedIndex, bounds.maxListSize)) ?? [],
    total: total ?? (await countMatches(wholeIndex('createdAt'), bounds.maxListSize)),
  };
}
