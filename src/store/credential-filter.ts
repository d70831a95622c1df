import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { AccessTokenOrigin, CredentialKind, CredentialSort } from '../contract/vocabulary.ts';
import type { CredentialRow } from './credentials.ts';
import { escapeLikePattern } from './like-pattern.ts';
import type { Schema } from './schema.ts';
import type { Queryable } from './store.ts';

export interface CredentialFilter {
  readonly kind: CredentialKind;
  /** A substring of the name, in lower case. */
  readonly q?: string | undefined;
  readonly status?: string | undefined;
  readonly right?: string | undefined;
  readonly createdBy?: string | undefined;
  /** Epoch milliseconds; matches credentials neither used nor created since. */
  readonly unusedSince?: number | undefined;
  /** Epoch milliseconds; matches credentials that have not expired but will have by then. */
  readonly expiresBy?: number | undefined;
  readonly neverExpires?: boolean | undefined;
  readonly violatesPolicy?: boolean | undefined;
  readonly origin?: AccessTokenOrigin | undefined;
}

/** Stands for "never" in comparisons of expiry times, so that credentials that never expire are sorted last. */
export const NEVER_EXPIRES = 9007199254740991;

/** Must be identical to the expression of its index; otherwise, the index is not used. */
export const VIOLATES_POLICY = sql.raw<boolean>('credential.policy_violations <> 0');

/** The expression that each sort order compares. It must be identical to the expression of its index. */
export const SORT_EXPRESSIONS: Readonly<Record<CredentialSort, RawBuilder<number | string>>> = {
  createdAt: sql`credential.created_at`,
  name: sql`credential.name_key`,
  expiresAt: sql.raw(`coalesce(credential.expires_at, ${NEVER_EXPIRES})`),
  lastUsedAt: sql.raw('coalesce(credential.last_used_at, 0)'),
  useCount: sql`credential.use_count`,
};

/** Returns the value that a row is sorted by, as it appears in a cursor. */
export function sortValueOf(row: CredentialRow, sort: CredentialSort): string | number {
  if (sort === 'name') return row.name.toLowerCase();
  if (sort === 'expiresAt') return row.expires_at ?? NEVER_EXPIRES;
  if (sort === 'lastUsedAt') return row.last_used_at ?? 0;
  return sort === 'useCount' ? row.use_count : row.created_at;
}

export type CredentialSelection = SelectQueryBuilder<Schema, 'credential', object>;

/** Selects credentials with their creator's name and email address and the ID of their replacement. */
export function selectWithDetails(credentials: CredentialSelection) {
  return credentials
    .leftJoin('person', 'person.id', 'credential.created_by')
    .select([
      'credential.id',
      'credential.workspace_id',
      'credential.kind',
      'credential.name',
      'credential.description',
      'credential.rights',
      'credential.passphrase_hash',
      'credential.active',
      'credential.guard',
      'credential.hint',
      'credential.expires_at',
      'credential.created_at',
      'credential.updated_at',
      'credential.created_by',
      'credential.last_used_at',
      'credential.use_count',
      'credential.replaces_id',
      'credential.unbound_expires_at',
      'credential.restrictions',
      'credential.max_uses',
      'credential.spent_uses',
      'credential.origin',
      'person.name as creator_name',
      'person.email as creator_email',
    ])
    .select((eb) =>
      eb
        .selectFrom('credential as replacement')
        .select('replacement.id')
        .whereRef('replacement.replaces_id', '=', 'credential.id')
        .whereRef('replacement.workspace_id', '=', 'credential.workspace_id')
        .as('replaced_by_id'),
    );
}

export const selectCredentials = (db: Queryable, workspaceId: string, kind: CredentialKind): CredentialSelection =>
  db.selectFrom('credential').where('credential.workspace_id', '=', workspaceId).where('credential.kind', '=', kind);

/** Restricts a query to the credentials that a filter matches. `now` (epoch milliseconds) decides which are expired. */
export function whereMatching(
  credentials: CredentialSelection,
  filter: CredentialFilter,
  now: number,
): CredentialSelection {
  let query = credentials;
  if (filter.q !== undefined && filter.q !== '') {
    const pattern = `%${escapeLikePattern(filter.q)}%`;
    query = query.where(sql<boolean>`credential.name_key like ${pattern} escape '\\'`);
  }
  if (filter.right !== undefined) query = query.where('credential.rights', 'like', `%"${filter.right}"%`);
  if (filter.createdBy !== undefined) query = query.where('credential.created_by', '=', filter.createdBy);
  if (filter.origin !== undefined) query = query.where('credential.origin', '=', filter.origin);
  if (filter.unusedSince !== undefined) {
    query = query
      .where('credential.created_at', '<=', filter.unusedSince)
      .where(sql<boolean>`coalesce(credential.last_used_at, 0) <= ${filter.unusedSince}`);
  }
  if (filter.expiresBy !== undefined) {
    query = query.where('credential.expires_at', '>', now).where('credential.expires_at', '<=', filter.expiresBy);
  }
  if (filter.neverExpires !== undefined) {
    query = query.where('credential.expires_at', filter.neverExpires ? 'is' : 'is not', null);
  }
  const notExpired = sql<boolean>`(credential.expires_at is null or credential.expires_at > ${now})`;
  const spent = sql<boolean>`(credential.max_uses is not null and credential.spent_uses >= credential.max_uses)`;
  if (filter.status === 'active') {
    query = query
      .where('credential.active', '=', 1)
      .where(notExpired)
      .where(({ not }) => not(spent));
  }
  if (filter.status === 'spent') query = query.where('credential.active', '=', 1).where(notExpired).where(spent);
  if (filter.status === 'inactive') query = query.where('credential.active', '=', 0);
  if (filter.status === 'expired') {
    query = query.where('credential.active', '=', 1).where('credential.expires_at', '<=', now);
  }
  if (filter.violatesPolicy === true) query = query.where(VIOLATES_POLICY).where(notExpired);
  if (filter.violatesPolicy === false) query = query.where(sql<boolean>`not (${VIOLATES_POLICY} and ${notExpired})`);
  return query;
}
