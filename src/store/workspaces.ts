import { sql } from 'kysely';
import type { Role } from '../contract/vocabulary.ts';
import type { PageRequest } from './paging.ts';
import type { WorkspaceTable } from './schema/workspaces.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

export type WorkspaceRow = WorkspaceTable & {
  readonly role: Role;
  /** The claim that contains a person's groups, and the role of each group as JSON; null if there is no mapping. */
  readonly sso_claim: string | null;
  readonly sso_roles: string | null;
};

export async function insertWorkspace(trx: Trx, row: WorkspaceTable): Promise<void> {
  await trx.insertInto('workspace').values(row).execute();
}

export async function isWorkspaceSlugTaken(db: Queryable, slug: string): Promise<boolean> {
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

/** Returns a workspace by ID or slug if the person is a member, or undefined. */
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

/** Returns the name of a workspace, or its ID if it does not exist. */
export async function findWorkspaceName(db: Queryable, id: string): Promise<string> {
  return (await findWorkspaceById(db, id))?.name ?? id;
}

/** Returns whether the owner of a workspace is an operator who is not disabled. */
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

/** Returns the IDs of the workspaces that a person is a member of. */
export async function listWorkspaceIds(db: Queryable, personId: string): Promise<string[]> {
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

/**
 * Deletes a workspace and, by foreign keys, everything in it except its activity log. The stored objects of its backups
 * are deleted later (`listOrphanedObjects`). Returns the sorted IDs of its former members.
 */
export async function deleteWorkspace(trx: Trx, id: string): Promise<string[]> {
  // Locks the workspace, so that no one can join after the members are read and before they are deleted.
  await withRowLock(trx, trx.selectFrom('workspace').select('id').where('id', '=', id), 'workspace').execute();
  const members = await trx
    .selectFrom('member')
    .select('person_id')
    .where('workspace_id', '=', id)
    .orderBy('person_id')
    .execute();
  // `idempotency` has no foreign key.
  await trx.deleteFrom('idempotency').where('workspace_id', '=', id).execute();
  await trx.deleteFrom('workspace').where('id', '=', id).execute();
  return members.map((row) => row.person_id);
}
