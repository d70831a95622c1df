import { sql } from 'kysely';
import type { AssignableRole } from '../contract/vocabulary.ts';
import type { PageRequest } from './paging.ts';
import type { InvitationTable } from './schema/workspaces.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

export type InvitationRow = Omit<InvitationTable, 'digest' | 'role'> & {
  readonly role: AssignableRole;
  readonly creator_name: string | null;
  readonly creator_email: string | null;
};

/** Stores an invitation, replacing an earlier one for the same address; safe when called concurrently. */
export async function replaceInvitation(trx: Trx, row: InvitationTable): Promise<void> {
  await trx
    .insertInto('invitation')
    .values(row)
    .onConflict((conflict) => conflict.columns(['workspace_id', 'email_key']).doUpdateSet(row))
    .execute();
}

function selectInvitations(db: Queryable) {
  return db
    .selectFrom('invitation')
    .leftJoin('person', 'person.id', 'invitation.created_by')
    .select([
      'invitation.id',
      'invitation.workspace_id',
      'invitation.email',
      'invitation.email_key',
      sql<AssignableRole>`invitation.role`.as('role'),
      'invitation.created_by',
      'invitation.created_at',
      'invitation.expires_at',
      'person.name as creator_name',
      'person.email as creator_email',
    ]);
}

/** Returns a page of the unexpired invitations of a workspace, newest first, up to one more than the limit. */
export async function listInvitations(
  db: Queryable,
  workspaceId: string,
  now: number,
  page: PageRequest,
): Promise<InvitationRow[]> {
  let query = selectInvitations(db)
    .where('invitation.workspace_id', '=', workspaceId)
    .where('invitation.expires_at', '>', now);
  if (page.after !== null) {
    query = query.where(sql<boolean>`(invitation.created_at, invitation.id) < (${page.after.value}, ${page.after.id})`);
  }
  return query
    .orderBy('invitation.created_at', 'desc')
    .orderBy('invitation.id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

/**
 * Returns an invitation by its code's digest, or undefined if it is unknown or expired, or if its sender may no longer
 * invite. The code determines the workspace. Within a transaction, the sender's membership is locked until the end.
 */
export async function findInvitation(
  db: Queryable,
  digest: Uint8Array,
  now: number,
): Promise<InvitationRow | undefined> {
  const query = selectInvitations(db)
    .innerJoin('member', (join) =>
      join
        .onRef('member.person_id', '=', 'invitation.created_by')
        .onRef('member.workspace_id', '=', 'invitation.workspace_id'),
    )
    .where('member.role', 'in', ['owner', 'admin'])
    .where('person.disabled', '=', 0)
    .where('invitation.digest', '=', digest)
    .where('invitation.expires_at', '>', now);
  return (db.isTransaction ? withRowLock(db, query, 'member') : query).executeTakeFirst();
}

/** Deletes an invitation; returns the row for exactly one caller. */
export async function deleteInvitation(
  trx: Trx,
  workspaceId: string,
  id: string,
): Promise<{ email: string; role: string } | undefined> {
  return trx
    .deleteFrom('invitation')
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .returning(['email', 'role'])
    .executeTakeFirst();
}
