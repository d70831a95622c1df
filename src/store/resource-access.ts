import { type RawBuilder, sql } from 'kysely';
import type { Store } from './store.ts';

/** The IDs of the projects and apps that a restricted credential may access. A project includes all its apps. */
export interface AllowedResources {
  readonly projects: ReadonlySet<string>;
  readonly apps: ReadonlySet<string>;
}

/** Types of resources that a path can name and that belong to a project or an app. */
export type AllowedType =
  | 'project'
  | 'app'
  | 'deployment'
  | 'backup'
  | 'error_issue'
  | 'error_key'
  | 'source_map'
  | 'script'
  | 'run';

const isIn = (column: string, ids: ReadonlySet<string>): RawBuilder<boolean> =>
  ids.size === 0 ? sql<boolean>`1 = 0` : sql<boolean>`${sql.ref(column)} in (${sql.join([...ids])})`;

/** The condition on a row of `project`. */
export const isAllowedProject = ({ projects }: AllowedResources): RawBuilder<boolean> => isIn('project.id', projects);

/** The condition on a row of `app`. */
export const isAllowedApp = ({ projects, apps }: AllowedResources): RawBuilder<boolean> =>
  sql<boolean>`(${isIn('app.id', apps)} or ${isIn('app.project_id', projects)})`;

/** The condition on a row whose `column` contains the ID of an app, even of a deleted one. */
export const belongsToAllowedApp = (column: string, workspaceId: string, allowed: AllowedResources) =>
  sql<boolean>`(${isIn(column, allowed.apps)} or ${sql.ref(column)} in (
    select app.id from app where app.workspace_id = ${workspaceId} and ${isIn('app.project_id', allowed.projects)}))`;

/**
 * The condition on an issue of an allowed app. It never matches an issue that was reported for no app or for an unknown
 * one.
 */
export const isAllowedIssue = (workspaceId: string, allowed: AllowedResources) =>
  sql<boolean>`exists (select 1 from error_facet where error_facet.issue_id = error_issue.id
    and error_facet.kind = 'app_id' and ${belongsToAllowedApp('error_facet.value', workspaceId, allowed)})`;

const JOIN_APP = `left join app on app.id = owned.app_id and app.workspace_id = owned.workspace_id
  where owned.workspace_id = ? and owned.id = ?`;

/**
 * Queries for the app and the project of a resource by the resource's ID or, for projects, apps and scripts, by its ID
 * or slug. Each returns at most one row.
 */
const OWNERS: Readonly<Record<AllowedType, string>> = {
  project: 'select null as app_id, id as project_id from project where workspace_id = ? and (id = ? or slug = ?)',
  app: 'select id as app_id, project_id from app where workspace_id = ? and (id = ? or slug = ?)',
  deployment: `select owned.app_id, app.project_id from deployment owned ${JOIN_APP}`,
  backup: `select owned.app_id, app.project_id from backup owned ${JOIN_APP}`,
  error_key: `select owned.app_id, app.project_id from error_key owned ${JOIN_APP}`,
  source_map: `select owned.app_id, app.project_id from source_map owned ${JOIN_APP}`,
  script: `select owned.app_id, app.project_id from script owned
    left join app on app.id = owned.app_id and app.workspace_id = owned.workspace_id
    where owned.workspace_id = ? and (owned.id = ? or owned.slug = ?)`,
  run: `select script.app_id, app.project_id from run
    join script on script.id = run.script_id and script.workspace_id = run.workspace_id
    left join app on app.id = script.app_id and app.workspace_id = script.workspace_id
    where run.workspace_id = ? and run.id = ?`,
  error_issue: `select error_facet.value as app_id, app.project_id from error_issue
    join error_facet on error_facet.issue_id = error_issue.id and error_facet.kind = 'app_id'
    left join app on app.id = error_facet.value and app.workspace_id = error_issue.workspace_id
    where error_issue.workspace_id = ? and error_issue.id = ?`,
};

/**
 * Returns whether a resource exists and a restricted credential may access it. Projects, apps and scripts can be named
 * by slug too. This is part of authorization, so it never waits for long reads.
 */
export async function isAllowedResource(
  store: Store,
  type: AllowedType,
  workspaceId: string,
  idOrSlug: string,
  { projects, apps }: AllowedResources,
): Promise<boolean> {
  const hasSlug = type === 'project' || type === 'app' || type === 'script';
  const parameters = hasSlug ? [workspaceId, idOrSlug, idOrSlug] : [workspaceId, idOrSlug];
  const owner = await store.queryFirst<{ app_id: string | null; project_id: string | null }>(OWNERS[type], parameters);
  return owner !== undefined && (apps.has(owner.app_id ?? '') || projects.has(owner.project_id ?? ''));
}
