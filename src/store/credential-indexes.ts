import { sql } from 'kysely';
import type { CredentialSort } from '../contract/vocabulary.ts';
import {
  type CredentialFilter,
  type CredentialSelection,
  NEVER_EXPIRES,
  SORT_EXPRESSIONS,
  VIOLATES_POLICY,
} from './credential-filter.ts';
import type { ListPosition, PageRequest } from './paging.ts';

export interface CredentialListRequest {
  readonly workspaceId: string;
  readonly filter: CredentialFilter;
  readonly sort: CredentialSort;
  readonly direction: 'asc' | 'desc';
  readonly page: PageRequest;
  /** Epoch milliseconds; decides which credentials are expired. */
  readonly now: number;
}

/** How an index is read, in the order of its entries. */
export interface IndexScan {
  /** The sort order of its entries. */
  readonly sort: CredentialSort;
  /** Restricts the scan to the entries that a filter can match. */
  readonly restrict: (credentials: CredentialSelection) => CredentialSelection;
  /** The filters and sort orders for which its entries contain all compared columns. */
  readonly covers: readonly string[];
  /** The filters that all entries match. */
  readonly implies: readonly string[];
  /** All entries have the same value, so they are in the order of their IDs. */
  readonly hasSingleValue?: true;
}

const EXPIRY_AND_ACTIVE_FILTERS = ['expiresBy', 'neverExpires', 'status=expired', 'status=inactive'];
const COVERED_BY_WHOLE_INDEX: Readonly<Partial<Record<CredentialSort, readonly string[]>>> = {
  createdAt: ['createdAt', ...EXPIRY_AND_ACTIVE_FILTERS],
  expiresAt: ['expiresAt', 'createdAt', ...EXPIRY_AND_ACTIVE_FILTERS],
  name: ['name', 'q'],
};

/** Returns the index of a sort order, unrestricted: it contains all credentials of the kind. */
export const wholeIndex = (sort: CredentialSort): IndexScan => ({
  sort,
  restrict: (credentials) => credentials,
  covers: COVERED_BY_WHOLE_INDEX[sort] ?? [],
  implies: [],
});

/** Returns the index that yields a list in its sort order. */
export function indexInOrder({ filter, sort, now }: CredentialListRequest, indexes: readonly IndexScan[]): IndexScan {
  const index = indexes.find((candidate) => candidate.sort === sort) ?? wholeIndex(sort);
  if (filter.status !== 'active' || index.sort !== 'expiresAt') return index;
  // Without this restriction, the scan would begin with all expired credentials.
  return {
    ...index,
    restrict: (credentials) => index.restrict(credentials).where(SORT_EXPRESSIONS.expiresAt, '>', now),
  };
}

/** Returns the names of the fields that a filter compares; for `status`, also its value, such as `status=expired`. */
export function listComparisons(filter: CredentialFilter): string[] {
  return Object.entries(filter).flatMap(([field, value]) => {
    if (field === 'kind' || value === undefined || value === '') return [];
    return field === 'status' ? `status=${value}` : field;
  });
}

/** Returns the indexes that a filter can use. Each contains all matches, and perhaps other credentials. */
export function indexesFor(filter: CredentialFilter, now: number): IndexScan[] {
  const { status, createdBy, unusedSince, expiresBy, neverExpires, violatesPolicy, origin } = filter;
  const indexes: IndexScan[] = [];
  const expiry = SORT_EXPRESSIONS.expiresAt;
  const lastUse = SORT_EXPRESSIONS.lastUsedAt;
  if (status === 'expired' || expiresBy !== undefined || neverExpires !== undefined) {
    indexes.push({
      ...wholeIndex('expiresAt'),
      // For API keys, entries that match `status=expired` must also be active. Access tokens always are.
      implies: ['expiresBy', 'neverExpires', ...(filter.kind === 'access_token' ? ['status=expired'] : [])],
      restrict: (credentials) => {
        let query = credentials;
        if (status === 'expired') query = query.where(expiry, '<=', now);
        if (expiresBy !== undefined) query = query.where(expiry, '>', now).where(expiry, '<=', expiresBy);
        if (neverExpires === undefined) return query;
        return query.where(expiry, neverExpires ? '>=' : '<', NEVER_EXPIRES);
      },
    });
  }
  if (createdBy !== undefined) {
    const restrict: IndexScan['restrict'] = (credentials) => credentials.where('credential.created_by', '=', createdBy);
    indexes.push({ sort: 'createdAt', restrict, covers: ['createdAt', 'createdBy'], implies: ['createdBy'] });
  }
  if (origin !== undefined && origin !== 'person') {
    const restrict: IndexScan['restrict'] = (credentials) =>
      credentials.where('credential.origin', '=', origin).where('credential.issued_by', 'is not', null);
    indexes.push({ sort: 'createdAt', restrict, covers: ['createdAt', 'origin'], implies: ['origin'] });
  }
  if (status === 'inactive') {
    const restrict: IndexScan['restrict'] = (credentials) => credentials.where(sql<boolean>`credential.active = 0`);
    indexes.push({
      sort: 'createdAt',
      restrict,
      covers: ['createdAt', 'status=inactive'],
      implies: ['status=inactive'],
    });
  }
  if (status === 'spent') {
    const restrict: IndexScan['restrict'] = (credentials) => credentials.where('credential.max_uses', 'is not', null);
    indexes.push({ sort: 'createdAt', restrict, covers: ['createdAt'], implies: [] });
  }
  if (violatesPolicy === true) {
    const restrict: IndexScan['restrict'] = (credentials) => credentials.where(VIOLATES_POLICY);
    const covers = ['createdAt', 'violatesPolicy', 'expiresBy', 'neverExpires', 'status=expired'];
    indexes.push({ sort: 'createdAt', restrict, covers, implies: [] });
  }
  if (unusedSince !== undefined) {
    const restrict: IndexScan['restrict'] = (credentials) => credentials.where(lastUse, '<=', unusedSince);
    indexes.push({ ...wholeIndex('lastUsedAt'), restrict });
  }
  return indexes;
}

/** Returns the scans that, read in order, yield the entries of an index after a position. */
export function scansAfter(index: IndexScan, direction: 'asc' | 'desc', after: ListPosition | null): IndexScan[] {
  if (after === null) return [index];
  // One scan of entries with the same value and one of entries with later values, because SQLite does not use an
  // expression index for the combined condition.
  const compare = direction === 'asc' ? '>' : '<';
  const value = SORT_EXPRESSIONS[index.sort];
  return [
    {
      ...index,
      hasSingleValue: true,
      restrict: (credentials) =>
        index.restrict(credentials).where(value, '=', after.value).where('credential.id', compare, after.id),
    },
    { ...index, restrict: (credentials) => index.restrict(credentials).where(value, compare, after.value) },
  ];
}
