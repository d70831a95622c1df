import { randomBytes } from 'node:crypto';
import { type Insertable, type RawBuilder, type SelectQueryBuilder, sql, type Updateable } from 'kysely';
import type { AccessTokenOrigin, CredentialKind, CredentialSort } from '../contract/vocabulary.ts';
import { type Column, inlineTable } from './inline-table.ts';
import type { CredentialTable } from './schema/credentials.ts';
import type { Schema } from './schema.ts';
import { engineOf, type Queryable, type Store, type Trx, withRowLock } from './store.ts';

/** A credential with the name and email address of its creator and the id of its replacement, without its digest. */
export type CredentialRow = Omit<
  CredentialTable,
  | 'digest'
  | 'name_key'
  | 'use_count'
  | 'guard'
  | 'policy_violations'
  | 'spent_uses'
  | 'rate_missing'
  | 'rate_at'
  | 'origin'
  | 'issued_by'
> & {
  readonly use_count: number;
  readonly spent_uses: number;
  readonly origin: string;
  readonly guard: number;
  readonly creator_name: string | null;
  readonly creator_email: string | null;
  readonly replaced_by_id: string | null;
};

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

/** The number that means "never" where an expiry is compared: it sorts credentials that never expire after all others. */
export const NEVER_EXPIRES = 9_007_199_254_740_991;

/** As in the index. */
export const VIOLATES_POLICY = sql.raw<boolean>('credential.policy_violations <> 0');

/** What each sort order compares, as in its index. */
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

export const ofKind = (db: Queryable, workspaceId: string, kind: CredentialKind): CredentialSelection =>
  db.selectFrom('credential').where('credential.workspace_id', '=', workspaceId).where('credential.kind', '=', kind);

/** Restricts a query to what a filter matches; `now`, in epoch milliseconds, decides which credentials are expired. */
export function whereMatching(
  credentials: CredentialSelection,
  filter: CredentialFilter,
  now: number,
): CredentialSelection {
  let query = credentials;
  if (filter.q !== undefined && filter.q !== '') {
    const pattern = `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`;
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

export async function findCredential(
  db: Queryable,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<CredentialRow | undefined> {
  return selectWithDetails(ofKind(db, workspaceId, kind).where('credential.id', '=', id)).executeTakeFirst();
}

/** Locks a credential until the transaction ends, then returns it, or undefined. */
export async function lockCredential(
  trx: Trx,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<CredentialRow | undefined> {
  const query = ofKind(trx, workspaceId, kind).select('credential.id').where('credential.id', '=', id);
  await withRowLock(trx, query, 'credential').execute();
  // Another statement: on PostgreSQL, one that waited for a lock still sees other rows, such as a replacement, as before.
  return findCredential(trx, workspaceId, kind, id);
}

/** Returns false, and inserts nothing, if a credential of any workspace has the same digest. */
export async function insertCredential(trx: Trx, row: Insertable<CredentialTable>): Promise<boolean> {
  const insert = trx.insertInto('credential').values(row);
  const inserted = await insert
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted !== undefined;
}

/**
 * Writes the given fields and returns the digest, or undefined if the credential does not exist. No more than
 * `maxRateMissing` is then missing in the bucket of its rate.
 */
export async function updateCredential(
  trx: Trx,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
  fields: Pick<
    Updateable<CredentialTable>,
    | 'name'
    | 'name_key'
    | 'description'
    | 'rights'
    | 'expires_at'
    | 'unbound_expires_at'
    | 'policy_violations'
    | 'active'
    | 'guard'
    | 'restrictions'
    | 'max_uses'
    | 'spent_uses'
  > & { updated_at: number },
  maxRateMissing: number | null = null,
): Promise<Uint8Array | undefined> {
  const smallest = sql<number>`case when rate_missing < ${maxRateMissing} then rate_missing else ${maxRateMissing} end`;
  const row = await trx
    .updateTable('credential')
    .set({ ...fields, ...(maxRateMissing !== null && { rate_missing: smallest }) })
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', kind)
    .where('id', '=', id)
    .returning('digest')
    .executeTakeFirst();
  return row?.digest;
}

export async function deleteCredential(
  trx: Trx,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<{ digest: Uint8Array; name: string } | undefined> {
  return trx
    .deleteFrom('credential')
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', kind)
    .where('id', '=', id)
    .returning(['digest', 'name'])
    .executeTakeFirst();
}

/**
 * Numbers and stores a revocation, of one credential or, with a null digest, of a whole workspace. The counter's row
 * stays locked until the transaction ends, so numbers have no gaps and follow the order of commits.
 */
export async function insertRevocation(
  trx: Trx,
  workspaceId: string,
  digest: Uint8Array | null,
  revokedAt: number,
): Promise<{ number: number; id: string }> {
  const id = randomBytes(16).toString('base64url');
  const { number } = await trx
    .updateTable('revocation_counter')
    .set({ number: sql<number>`number + 1` })
    .where('id', '=', 1)
    .returning('number')
    .executeTakeFirstOrThrow();
  await trx.insertInto('revocation').values({ number, id, workspace_id: workspaceId, digest, at: revokedAt }).execute();
  return { number, id };
}

const USE_COLUMNS = ['active', 'restrictions', 'max_uses', 'spent_uses', 'rate_missing', 'rate_at'] as const;
const LEVEL_COLUMNS: readonly Column[] = [
  ['id', 'text'],
  ['missing', 'bigint'],
  ['at', 'bigint'],
];

export interface UseRow {
  readonly active: number;
  readonly restrictions: string | null;
  readonly max_uses: number | null;
  readonly spent_uses: number;
  readonly rate_missing: number;
  readonly rate_at: number;
}

/** Returns what limits the uses of a credential, or undefined if the workspace has none with this id. */
export function findUses(db: Queryable, workspaceId: string, id: string): Promise<UseRow | undefined> {
  const query = db.selectFrom('credential').select(USE_COLUMNS).where('workspace_id', '=', workspaceId);
  return query.where('id', '=', id).executeTakeFirst();
}

/**
 * Stores what `take` makes of what limits the uses of a credential, with its row locked, so that no use is counted twice
 * or beyond a limit. Null stores nothing, as does a credential that does not exist, for which `take` is not called.
 */
export async function updateUses(
  trx: Trx,
  workspaceId: string,
  id: string,
  take: (row: UseRow) => Pick<UseRow, 'spent_uses' | 'rate_missing' | 'rate_at'> | null,
): Promise<void> {
  const query = trx.selectFrom('credential').select(USE_COLUMNS).where('workspace_id', '=', workspaceId);
  const row = await withRowLock(trx, query.where('id', '=', id), 'credential').executeTakeFirst();
  const taken = row === undefined ? null : take(row);
  if (taken !== null) await trx.updateTable('credential').set(taken).where('id', '=', id).execute();
}

/**
 * Stores what `add` makes of the rate's level of each credential, with the rows locked in a consistent order. Null stores
 * nothing. Without a workspace, because the ids are those of credentials that the node has accepted.
 */
export async function updateRateLevels(
  trx: Trx,
  ids: readonly string[],
  add: (row: UseRow & { readonly id: string }) => { readonly rateMissing: number; readonly rateAt: number } | null,
): Promise<void> {
  const query = trx
    .selectFrom('credential')
    .select(['id', ...USE_COLUMNS])
    .where('id', 'in', ids)
    .orderBy('id');
  const rows = await withRowLock(trx, query, 'credential').execute();
  const levels = rows.flatMap((row) => {
    const level = add(row);
    return level === null ? [] : [[row.id, level.rateMissing, level.rateAt]];
  });
  if (levels.length === 0) return;
  const table = inlineTable(engineOf(trx), LEVEL_COLUMNS, levels);
  await sql`update credential set rate_missing = used.missing, rate_at = used.at
    from ${table} as used where credential.id = used.id`.execute(trx);
}

/** Returns those of `ids` that are credentials of the workspace. */
export async function credentialIdsOf(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await db
    .selectFrom('credential')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('id', 'in', ids)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** The columns of a credential that an authorization decision needs. */
export interface AuthorizationRow {
  readonly kind: CredentialKind;
  readonly id: string;
  readonly workspace_id: string;
  readonly name: string;
  readonly rights: string;
  readonly active: number;
  readonly guard: number;
  readonly expires_at: number | null;
  readonly created_at: number;
  readonly passphrase_hash: string | null;
  readonly restrictions: string | null;
  readonly max_uses: number | null;
  readonly spent_uses: number;
  readonly rate_missing: number;
  readonly rate_at: number;
}

/** A credential that was deleted at `deleted_at`, or exists if that is null. */
export type PresentedRow = AuthorizationRow & { readonly deleted_at: number | null };

const AUTHORIZATION_COLUMNS =
  'kind, id, workspace_id, name, rights, active, guard, expires_at, created_at, passphrase_hash, restrictions, max_uses, spent_uses, rate_missing, rate_at';

/** Both parts are read by their index on the digest, of which at most one has an entry. */
const BY_DIGEST = {
  name: 'credential',
  table: `(
    select ${AUTHORIZATION_COLUMNS}, digest, cast(null as bigint) as deleted_at from credential
    union all
    select kind, credential_id, workspace_id, name, '[]', 0, 0, null, 0, null, null, null, 0, 0, 0, digest, deleted_at
    from credential_tombstone
  ) as presented`,
  columns: `${AUTHORIZATION_COLUMNS}, deleted_at`,
  key: 'digest',
};

/**
 * Returns the credential with a digest, also if it was deleted lately, or undefined: one indexed read, on the hot path. The
 * only credential query without a workspace, because the digest determines it.
 */
export function findByDigest(store: Store, digest: Uint8Array): Promise<PresentedRow | undefined> {
  return store.lookUp<PresentedRow>(BY_DIGEST, digest);
}
