import { sql } from 'kysely';
import type { AssignableRole, Role } from '../contract/vocabulary.ts';
import type { PageRequest } from './paging.ts';
import type { InvitationTable, WorkspaceTable } from './schema/workspaces.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

export type WorkspaceRow = WorkspaceTable & {
  readonly role: Role;
  /** Which groups give which role, as JSON; null if none. */
  readonly sso_claim: string | null;
  readonly sso_roles: string | null;
};

export interface MemberRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly person_id: string;
  readonly role: Role;
  readonly created_at: number;
  readonly name: string;
  readonly email: string;
  readonly totp_enabled: number;
}

export async function insertWorkspace(trx: Trx, row: WorkspaceTable): Promise<void> {
  await trx.insertInto('workspace').values(row).execute();
}

export async function slugTaken(db: Queryable, slug: string): Promise<boolean> {
  return (await db.selectFrom('workspace').select('id').where('slug', '=', slug).executeTakeFirst()) !== undefined;
}

function selectWorkspaces(db: Queryable, personId: string) {
  return db
    .selectFrom('workspace')
    .innerJoin('member', 'member.workspace_id', 'workspace.id')
    .leftJoin('workspace_sso', 'workspace_sso.workspace_id', 'workspace.id')
    .select([
      'workspace_sso.claim as sso_claim',
      'workspace_sso.roles as sso_roles',
      'workspace.id',
      'workspace.name',
      'workspace.slug',
      'workspace.created_at',
      'workspace.updated_at',
      sql<Role>`member.role`.as('role'),
    ])
    .where('member.person_id', '=', personId);
}

export async function listWorkspaces(db: Queryable, personId: string, page: PageRequest): Promise<WorkspaceRow[]> {
  let query = selectWorkspaces(db, personId);
  if (page.after !== null) {
    query = query.where(sql<boolean>`(workspace.created_at, workspace.id) > (${page.after.value}, ${page.after.id})`);
  }
  return query
    .orderBy('workspace.created_at')
    .orderBy('workspace.id')
    .limit(page.limit + 1)
    .execute();
}

/** Returns a workspace by id or slug if the person is a member, or undefined. */
export async function findWorkspace(
  db: Queryable,
  personId: string,
  idOrSlug: string,
): Promise<WorkspaceRow | undefined> {
  return selectWorkspaces(db, personId)
    .where((where) => where.or([where('workspace.id', '=', idOrSlug), where('workspace.slug', '=', idOrSlug)]))
    .executeTakeFirst();
}

export async function findWorkspaceById(db: Queryable, id: string): Promise<WorkspaceTable | undefined> {
  return db.selectFrom('workspace').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Returns whether the owner of a workspace is an operator who is not disabled. */
/** Returns the name of a workspace, or its id if it does not exist. */
export async function workspaceNameOf(db: Queryable, id: string): Promise<string> {
  return (await findWorkspaceById(db, id))?.name ?? id;
}

export async function isOwnedByOperator(db: Queryable, workspaceId: string): Promise<boolean> {
  const row = await db
    .selectFrom('member')
    .innerJoin('person', 'person.id', 'member.person_id')
    .select('person.id')
    .where('member.workspace_id', '=', workspaceId)
    .where('member.role', '=', 'owner')
    .where('person.operator', '=', 1)
    .where('person.disabled', '=', 0)
    .executeTakeFirst();
  return row !== undefined;
}

/** Returns the ids of the workspaces that a person is a member of. */
export async function workspaceIdsOf(db: Queryable, personId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('member')
    .select('workspace_id')
    .where('person_id', '=', personId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => row.workspace_id);
}

export async function updateWorkspace(
  trx: Trx,
  id: string,
  fields: { name?: string | undefined; slug?: string | undefined; updated_at: number },
): Promise<void> {
  await trx.updateTable('workspace').set(fields).where('id', '=', id).execute();
}

/** Deletes a workspace and everything in it. Returns the ids of its former members, in order. */
export async function deleteWorkspace(trx: Trx, id: string): Promise<string[]> {
  // Locks the workspace, so that nobody joins between reading the members and deleting them.
  await withRowLock(trx, trx.selectFrom('workspace').select('id').where('id', '=', id), 'workspace').execute();
  const members = await trx
    .selectFrom('member')
    .select('person_id')
    .where('workspace_id', '=', id)
    .orderBy('person_id')
    .execute();
  await trx.deleteFrom('idempotency').where('workspace_id', '=', id).execute();
  await trx.deleteFrom('workspace').where('id', '=', id).execute();
  return members.map((row) => row.person_id);
}

export async function insertMember(
  trx: Trx,
  row: { id: string; workspace_id: string; person_id: string; role: Role; created_at: number; by_group?: number },
): Promise<void> {
  await trx.insertInto('member').values(row).execute();
}

function selectMembers(db: Queryable, workspaceId: string) {
  return db
    .selectFrom('member')
    .innerJoin('person', 'person.id', 'member.person_id')
    .select([
      'member.id',
      'member.workspace_id',
      'member.person_id',
      sql<Role>`member.role`.as('role'),
      'member.created_at',
      'person.name',
      'person.email',
      'person.totp_enabled',
    ])
    .where('member.workspace_id', '=', workspaceId);
}

export async function listMembers(db: Queryable, workspaceId: string, page: PageRequest): Promise<MemberRow[]> {
  let query = selectMembers(db, workspaceId);
  if (page.after !== null) {
    query = query.where(sql<boolean>`(member.created_at, member.id) > (${page.after.value}, ${page.after.id})`);
  }
  return query
    .orderBy('member.created_at')
    .orderBy('member.id')
    .limit(page.limit + 1)
    .execute();
}

/** Returns whether the workspace has a member other than this person who is not disabled. */
export async function hasOtherMember(db: Queryable, workspaceId: string, personId: string): Promise<boolean> {
  const row = await db
    .selectFrom('member')
    .innerJoin('person', 'person.id', 'member.person_id')
    .select('member.id')
    .where('member.workspace_id', '=', workspaceId)
    .where('member.person_id', '!=', personId)
    .where('person.disabled', '=', 0)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Returns a member and locks the row until the transaction ends, or undefined. */
export async function lockMember(trx: Trx, workspaceId: string, id: string): Promise<MemberRow | undefined> {
  return withRowLock(trx, selectMembers(trx, workspaceId).where('member.id', '=', id), 'member').executeTakeFirst();
}

export async function findMemberByEmail(
  db: Queryable,
  workspaceId: string,
  emailKey: string,
): Promise<MemberRow | undefined> {
  return selectMembers(db, workspaceId).where('person.email_key', '=', emailKey).executeTakeFirst();
}

/** Returns the owner and locks the row until the transaction ends, or undefined. */
export async function lockOwner(trx: Trx, workspaceId: string): Promise<MemberRow | undefined> {
  return withRowLock(
    trx,
    selectMembers(trx, workspaceId).where('member.role', '=', 'owner'),
    'member',
  ).executeTakeFirst();
}

export async function updateMemberRole(trx: Trx, workspaceId: string, id: string, role: Role): Promise<void> {
  await trx.updateTable('member').set({ role }).where('workspace_id', '=', workspaceId).where('id', '=', id).execute();
}

export async function deleteMember(trx: Trx, workspaceId: string, id: string): Promise<void> {
  await trx.deleteFrom('member').where('workspace_id', '=', workspaceId).where('id', '=', id).execute();
}

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

/** Returns a person's role in a workspace and locks the membership until the transaction ends, or undefined. */
export async function lockRole(trx: Trx, workspaceId: string, personId: string): Promise<Role | undefined> {
  const query = selectMembers(trx, workspaceId).where('member.person_id', '=', personId);
  return (await withRowLock(trx, query, 'member').executeTakeFirst())?.role;
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
