import { randomBytes } from 'node:crypto';
import { type Insertable, sql, type Updateable } from 'kysely';
import type { CredentialKind } from '../contract/vocabulary.ts';
import { selectCredentials, selectWithDetails } from './credential-filter.ts';
import type { CredentialTable } from './schema/credentials.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

/**
 * A credential with the name and email address of its creator and the ID of its replacement, without the columns that
 * responses do not need, such as the digest.
 */
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

export async function findCredential(
  db: Queryable,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<CredentialRow | undefined> {
  return selectWithDetails(selectCredentials(db, workspaceId, kind).where('credential.id', '=', id)).executeTakeFirst();
}

/** Locks a credential until the transaction ends and returns it, or undefined if it does not exist. */
export async function lockCredential(
  trx: Trx,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
): Promise<CredentialRow | undefined> {
  const query = selectCredentials(trx, workspaceId, kind).select('credential.id').where('credential.id', '=', id);
  await withRowLock(trx, query, 'credential').execute();
  // Reads in a second statement: on PostgreSQL, the statement that waited for the lock sees other rows, such as a
  // replacement, as they were before the wait.
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
 * Writes fields of a credential and returns its digest, or undefined if it does not exist. If `maxRateMissing` is not
 * null, also lowers `rate_missing` to that amount (in the unit of `RateLevel`) if it is greater.
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
  const cappedRateMissing = sql<number>`case when rate_missing < ${maxRateMissing} then rate_missing else ${maxRateMissing} end`;
  const row = await trx
    .updateTable('credential')
    .set({ ...fields, ...(maxRateMissing !== null && { rate_missing: cappedRateMissing }) })
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
 * Numbers and stores the revocation of one credential or, with a null digest, of all credentials of a workspace. The
 * counter's row stays locked until the transaction ends, so numbers have no gaps and follow the order of commits.
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

/** Returns the credentials of a workspace with these IDs, in any order. */
export async function findCredentialsById(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<CredentialRow[]> {
  if (ids.length === 0) return [];
  const credentials = db.selectFrom('credential').where('credential.workspace_id', '=', workspaceId);
  return selectWithDetails(credentials.where('credential.id', 'in', ids)).execute();
}

/** Returns those of the `ids` that belong to credentials of the workspace. */
export async function filterCredentialIds(
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
