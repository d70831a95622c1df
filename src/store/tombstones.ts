import { sql } from 'kysely';
import type { CredentialKind } from '../contract/vocabulary.ts';
import type { CredentialTombstoneTable } from './schema/credentials.ts';
import type { Queryable, Trx } from './store.ts';

/** Stores the tombstone of a credential that is about to be deleted. */
export async function insertTombstone(
  trx: Trx,
  workspaceId: string,
  kind: CredentialKind,
  id: string,
  deletedAt: number,
): Promise<void> {
  await sql`insert into credential_tombstone (digest, workspace_id, credential_id, kind, name, created_by, deleted_at)
    select digest, workspace_id, id, kind, name, created_by, cast(${deletedAt} as bigint) from credential
    where workspace_id = ${workspaceId} and kind = ${kind} and id = ${id}
    on conflict (digest) do nothing`.execute(trx);
}

/**
 * Stores the tombstones of the unexpired tokens issued for a workload identity or an access token, and of the tokens
 * issued for those, before they are deleted.
 */
export async function insertTombstonesOfIssued(
  trx: Trx,
  workspaceId: string,
  issuedBy: string,
  deletedAt: number,
): Promise<void> {
  await sql`insert into credential_tombstone (digest, workspace_id, credential_id, kind, name, created_by, deleted_at)
    select digest, workspace_id, id, kind, name, created_by, cast(${deletedAt} as bigint) from credential
    where workspace_id = ${workspaceId} and expires_at > ${deletedAt} and (issued_by = ${issuedBy} or issued_by in (
      select parent.id from credential as parent
      where parent.workspace_id = ${workspaceId} and parent.issued_by = ${issuedBy}))
    on conflict (digest) do nothing`.execute(trx);
}

/** Deletes the tombstone of a secret that is imported again into the same workspace, as the same kind of credential. */
export async function deleteTombstone(
  trx: Trx,
  workspaceId: string,
  kind: CredentialKind,
  digest: Uint8Array,
): Promise<void> {
  await trx
    .deleteFrom('credential_tombstone')
    .where('digest', '=', digest)
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', kind)
    .execute();
}

/** Whether a digest has a tombstone in any workspace. */
export async function hasTombstone(db: Queryable, digest: Uint8Array): Promise<boolean> {
  const query = db.selectFrom('credential_tombstone').select('credential_id').where('digest', '=', digest);
  return (await query.executeTakeFirst()) !== undefined;
}

/**
 * Deletes the tombstones of credentials deleted before `before` (epoch milliseconds), in all workspaces. Used only by
 * housekeeping.
 */
export async function deleteOldTombstones(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('credential_tombstone').where('deleted_at', '<', before).execute();
}

export type TombstoneRow = Omit<CredentialTombstoneTable, 'digest'> & {
  readonly creator_name: string | null;
  readonly creator_email: string | null;
};

/** Returns the tombstones of the deleted credentials of a workspace with these IDs. */
export async function findTombstones(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<TombstoneRow[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom('credential_tombstone')
    .leftJoin('person', 'person.id', 'credential_tombstone.created_by')
    .select(['workspace_id', 'credential_id', 'kind', 'credential_tombstone.name', 'created_by', 'deleted_at'])
    .select(['person.name as creator_name', 'person.email as creator_email'])
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', 'in', ids)
    .execute();
}
