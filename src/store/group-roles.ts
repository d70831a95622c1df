import type { AssignableRole, Role } from '../contract/vocabulary.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

/** The role in a workspace that each value of a claim grants. */
export interface GroupMapping {
  readonly workspaceId: string;
  readonly claim: string;
  readonly roles: Readonly<Record<string, AssignableRole>>;
}

const toMapping = (row: { workspace_id: string; claim: string; roles: string }): GroupMapping => ({
  workspaceId: row.workspace_id,
  claim: row.claim,
  roles: JSON.parse(row.roles) as GroupMapping['roles'],
});

export async function listGroupMappings(db: Queryable): Promise<GroupMapping[]> {
  return (await db.selectFrom('workspace_sso').selectAll().orderBy('workspace_id').execute()).map(toMapping);
}

export async function findGroupMapping(db: Queryable, workspaceId: string): Promise<GroupMapping | null> {
  const row = await db
    .selectFrom('workspace_sso')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirst();
  return row === undefined ? null : toMapping(row);
}

/** Replaces the mapping of a workspace. Null deletes it; memberships granted by groups become ordinary memberships. */
export async function replaceGroupMapping(
  trx: Trx,
  workspaceId: string,
  mapping: Pick<GroupMapping, 'claim' | 'roles'> | null,
): Promise<void> {
  await trx.deleteFrom('workspace_sso').where('workspace_id', '=', workspaceId).execute();
  if (mapping === null) {
    await trx.updateTable('member').set({ by_group: 0 }).where('workspace_id', '=', workspaceId).execute();
    return;
  }
  const roles = JSON.stringify(mapping.roles);
  await trx.insertInto('workspace_sso').values({ workspace_id: workspaceId, claim: mapping.claim, roles }).execute();
}

export interface Membership {
  readonly id: string;
  readonly workspace_id: string;
  readonly role: Role;
  readonly by_group: number;
}

const selectMemberships = (db: Queryable, personId: string) =>
  db.selectFrom('member').select(['id', 'workspace_id', 'role', 'by_group']).where('person_id', '=', personId);

export async function listMemberships(db: Queryable, personId: string): Promise<Membership[]> {
  return (await selectMemberships(db, personId).execute()) as Membership[];
}

/** Locks a person's membership until the transaction ends and returns it, or undefined if there is none. */
export async function lockMembership(trx: Trx, workspaceId: string, personId: string): Promise<Membership | undefined> {
  const query = selectMemberships(trx, personId).where('workspace_id', '=', workspaceId);
  return (await withRowLock(trx, query, 'member').executeTakeFirst()) as Membership | undefined;
}

/** Sets the role of a membership and records that a group granted it. */
export async function updateGroupRole(trx: Trx, workspaceId: string, id: string, role: Role): Promise<void> {
  await trx
    .updateTable('member')
    .set({ role, by_group: 1 })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .execute();
}
