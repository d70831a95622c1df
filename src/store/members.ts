import { sql } from 'kysely';
import type { Role } from '../contract/vocabulary.ts';
import type { PageRequest } from './paging.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

export async function insertMember(
  trx: Trx,
  row: { id: string; workspace_id: string; person_id: string; role: Role; created_at: number; by_group?: number },
): Promise<void> {
  await trx.insertInto('member').values(row).execute();
}

export function selectMembers(db: Queryable, workspaceId: string) {
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

/** Returns whether any other member of the workspace is not disabled. */
export async function hasOtherEnabledMember(db: Queryable, workspaceId: string, personId: string): Promise<boolean> {
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

/** Locks a member's row until the transaction ends and returns it, or undefined if there is none. */
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

/** Locks the owner's row until the transaction ends and returns it, or undefined if there is none. */
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

/** Locks a membership until the transaction ends and returns its role, or undefined if the person is not a member. */
export async function lockRole(trx: Trx, workspaceId: string, personId: string): Promise<Role | undefined> {
  const query = selectMembers(trx, workspaceId).where('member.person_id', '=', personId);
  return (await withRowLock(trx, query, 'member').executeTakeFirst())?.role;
}

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
