import { type RawBuilder, sql } from 'kysely';
import type { Queryable } from './store.ts';

/** The projects and apps that exist for a restricted credential, by id. A project stands for all its apps. */
export interface AllowedResources {
  readonly projects: ReadonlySet<string>;
  readonly apps: ReadonlySet<string>;
}

/** What a path can name and belongs to a project or an app. */
export type AllowedType = 'project' | 'app' | 'deployment' | 'backup' | 'error_issue' | 'error_key';

const isIn = (column: string, ids: ReadonlySet<string>): RawBuilder<boolean> =>
  ids.size === 0 ? sql<boolean>`1 = 0` : sql<boolean>`${sql.ref(column)} in (${sql.join([...ids])})`;

/** The condition on a row of `project`. */
export const isAllowedProject = ({ projects }: AllowedResources): RawBuilder<boolean> => isIn('project.id', projects);

/** The condition on a row of `app`. */
export const isAllowedApp = ({ projects, apps }: AllowedResources): RawBuilder<boolean> =>
  sql<boolean>`(${isIn('app.id', apps)} or ${isIn('app.project_id', projects)})`;

/** The condition on a row that belongs to an app, or belonged to one that was deleted. */
export const belongsToAllowedApp = (column: string, workspaceId: string, allowed: AllowedResources) =>
  sql<boolean>`(${isIn(column, allowed.apps)} or ${sql.ref(column)} in (
    select app.id from app where app.workspace_id = ${workspaceId} and ${isIn('app.project_id', allowed.projects)}))`;

/** The condition on an issue of an allowed app. Issues of no app that exists do not exist for restricted credentials. */
export const isAllowedIssue = (workspaceId: string, allowed: AllowedResources) =>
  sql<boolean>`exists (select 1 from error_facet where error_facet.issue_id = error_issue.id
    and error_facet.kind = 'app_id' and ${belongsToAllowedApp('error_facet.value', workspaceId, allowed)})`;

function conditionOf(type: AllowedType, workspaceId: string, allowed: AllowedResources): RawBuilder<boolean> {
  if (type === 'project') return isAllowedProject(allowed);
  if (type === 'app') return isAllowedApp(allowed);
  if (type === 'error_issue') return isAllowedIssue(workspaceId, allowed);
  return belongsToAllowedApp(`${type}.app_id`, workspaceId, allowed);
}

/** Returns whether something named by id, or a project or an app by slug, exists for a restricted credential. */
export async function existsFor(
  db: Queryable,
  type: AllowedType,
  workspaceId: string,
  idOrSlug: string,
  allowed: AllowedResources,
): Promise<boolean> {
  const id = sql.ref(`${type}.id`);
  const named =
    type === 'project' || type === 'app'
      ? sql`(${id} = ${idOrSlug} or ${sql.ref(`${type}.slug`)} = ${idOrSlug})`
      : sql`${id} = ${idOrSlug}`;
  const { rows } = await sql`select ${id} from ${sql.table(type)}
    where ${sql.ref(`${type}.workspace_id`)} = ${workspaceId} and ${named}
    and ${conditionOf(type, workspaceId, allowed)}`.execute(db);
  return rows.length > 0;
}
