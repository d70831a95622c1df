import { sql } from 'kysely';
import { escapeLikePattern } from './like-pattern.ts';
import type { PageRequest } from './paging.ts';
import { type AllowedResources, belongsToAllowedApp, isAllowedApp, isAllowedProject } from './resource-access.ts';
import type { Schema } from './schema.ts';
import { engineOf, type Queryable, type Trx } from './store.ts';

/** Resource types whose tables share ID, workspace, name, slug and timestamps. */
export type ResourceRows = Pick<Schema, 'project' | 'server' | 'app' | 'script'>;
export type ResourceType = keyof ResourceRows;

export interface ResourceFilter {
  /** A substring of the name, in lower case. */
  readonly q?: string | undefined;
  readonly projectId?: string | undefined;
  readonly serverId?: string | undefined;
  readonly appId?: string | undefined;
  /** Only projects, apps or scripts that a restricted credential may access; null for all. */
  readonly allowed?: AllowedResources | null;
}

/** Returns a resource of the workspace by ID or slug, or undefined; no slug has the form of an ID. */
export async function findResource<Type extends ResourceType>(
  db: Queryable,
  resourceType: Type,
  workspaceId: string,
  idOrSlug: string,
): Promise<ResourceRows[Type] | undefined> {
  const { rows } = await sql<ResourceRows[Type]>`select * from ${sql.table(resourceType)}
    where workspace_id = ${workspaceId} and (id = ${idOrSlug} or slug = ${idOrSlug})`.execute(db);
  return rows[0];
}

/**
 * Locks a resource until the transaction ends, so that no row that refers to it can be inserted. Returns its row, or
 * undefined if it does not exist.
 */
export async function lockResource<Type extends ResourceType>(
  trx: Trx,
  resourceType: Type,
  workspaceId: string,
  id: string,
): Promise<ResourceRows[Type] | undefined> {
  // The embedded store has one writer and needs no locks.
  const lock = engineOf(trx) === 'postgres' ? sql`for update` : sql``;
  const { rows } = await sql<ResourceRows[Type]>`select * from ${sql.table(resourceType)}
    where workspace_id = ${workspaceId} and id = ${id} ${lock}`.execute(trx);
  return rows[0];
}

/** Returns the IDs of projects or apps of the workspace, keyed by ID and by slug. */
export async function findResourceIds(
  db: Queryable,
  resourceType: 'project' | 'app',
  workspaceId: string,
  idsOrSlugs: readonly string[],
): Promise<Map<string, string>> {
  if (idsOrSlugs.length === 0) return new Map();
  const values = sql.join(idsOrSlugs);
  const { rows } = await sql<{ id: string; slug: string }>`select id, slug from ${sql.table(resourceType)}
    where workspace_id = ${workspaceId} and (id in (${values}) or slug in (${values}))`.execute(db);
  return new Map(rows.flatMap(({ id, slug }) => [[id, id] as const, [slug, id] as const]));
}

function allowedCondition(resourceType: ResourceType, workspaceId: string, allowed: AllowedResources) {
  if (resourceType === 'app') return isAllowedApp(allowed);
  if (resourceType === 'script') return belongsToAllowedApp('script.app_id', workspaceId, allowed);
  return isAllowedProject(allowed);
}

/** Returns rows in the requested order, up to one more than the limit. */
export async function listResources<Type extends ResourceType>(
  db: Queryable,
  resourceType: Type,
  workspaceId: string,
  filter: ResourceFilter,
  sort: 'created_at' | 'name_key',
  direction: 'asc' | 'desc',
  page: PageRequest,
): Promise<ResourceRows[Type][]> {
  const conditions = [sql`workspace_id = ${workspaceId}`];
  if (filter.q !== undefined && filter.q !== '') {
    const pattern = `%${escapeLikePattern(filter.q)}%`;
    conditions.push(sql`name_key like ${pattern} escape '\\'`);
  }
  if (filter.projectId !== undefined) conditions.push(sql`project_id = ${filter.projectId}`);
  if (filter.serverId !== undefined) conditions.push(sql`server_id = ${filter.serverId}`);
  if (filter.appId !== undefined) conditions.push(sql`app_id = ${filter.appId}`);
  const { allowed = null } = filter;
  if (allowed !== null) conditions.push(allowedCondition(resourceType, workspaceId, allowed));
  const order = sql.raw(direction);
  if (page.after !== null) {
    const comparison = sql.raw(direction === 'asc' ? '>' : '<');
    conditions.push(sql`(${sql.ref(sort)}, id) ${comparison} (${page.after.value}, ${page.after.id})`);
  }
  const { rows } = await sql<ResourceRows[Type]>`select * from ${sql.table(resourceType)}
    where ${sql.join(conditions, sql` and `)}
    order by ${sql.ref(sort)} ${order}, id ${order} limit ${page.limit + 1}`.execute(db);
  return rows;
}

export async function isResourceSlugTaken(
  db: Queryable,
  resourceType: ResourceType,
  workspaceId: string,
  slug: string,
): Promise<boolean> {
  const { rows } = await sql`select id from ${sql.table(resourceType)}
    where workspace_id = ${workspaceId} and slug = ${slug}`.execute(db);
  return rows.length > 0;
}

export async function insertResource<Type extends ResourceType>(
  trx: Trx,
  resourceType: Type,
  row: ResourceRows[Type],
): Promise<void> {
  const columns = Object.keys(row).map((column) => sql.ref(column));
  await sql`insert into ${sql.table(resourceType)} (${sql.join(columns)})
    values (${sql.join(Object.values(row))})`.execute(trx);
}

/** Overwrites an existing row. */
export async function updateResource<Type extends ResourceType>(
  trx: Trx,
  resourceType: Type,
  row: ResourceRows[Type],
): Promise<void> {
  const { id, workspace_id, ...fields } = row;
  const sets = Object.entries(fields).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  await sql`update ${sql.table(resourceType)} set ${sql.join(sets)}
    where workspace_id = ${workspace_id} and id = ${id}`.execute(trx);
}

export async function deleteResource(
  trx: Trx,
  resourceType: ResourceType,
  workspaceId: string,
  id: string,
): Promise<void> {
  await sql`delete from ${sql.table(resourceType)} where workspace_id = ${workspaceId} and id = ${id}`.execute(trx);
}

/** Selects the apps or scripts that refer to a project or server in a column. */
export type DependentFilter = {
  readonly type: 'app' | 'script';
  readonly column: 'project_id' | 'server_id';
  readonly id: string;
};

/** Returns the names of up to `limit` apps or scripts that depend on a project or server, and their total number. */
export async function findDependents(
  db: Queryable,
  workspaceId: string,
  filter: DependentFilter,
  limit: number,
): Promise<{ names: string[]; count: number }> {
  const { rows } = await sql<{ name: string; count: number }>`select name, count(*) over () as count
    from ${sql.table(filter.type)}
    where workspace_id = ${workspaceId} and ${sql.ref(filter.column)} = ${filter.id} order by name_key, id limit ${limit}`.execute(
    db,
  );
  return { names: rows.map((row) => row.name), count: rows[0]?.count ?? 0 };
}
