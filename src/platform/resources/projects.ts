import type { RequestContext } from '../../audit/request-context.ts';
import { toIsoString } from '../../contract/instant.ts';
import type { Page, ResourceQuery } from '../../contract/paging.ts';
import { Problem } from '../../contract/problem.ts';
import type { CreateProject, Project, UpdateProject } from '../../contract/projects.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import { findDependents } from '../../store/resources.ts';
import type { ProjectTable } from '../../store/schema/resources.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import {
  createResource,
  editResource,
  listResourcePage,
  type ResourceKind,
  removeResource,
  requireResource,
} from './resources.ts';

const MAX_NAMED_DEPENDENTS = 10;

function serializeProject(row: ProjectTable): Project {
  const { id, name, slug, description } = row;
  return {
    id,
    name,
    slug,
    description,
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

const PROJECT_KIND = { noun: 'project', serialize: serializeProject } as const satisfies ResourceKind<
  'project',
  Project
>;

/** Throws `conflict`, with the names of the dependents, if apps depend on a project, or apps or scripts on a server. */
export async function rejectIfInUse(
  trx: Trx,
  row: { readonly id: string; readonly workspace_id: string },
  resource: 'project' | 'server',
): Promise<void> {
  for (const noun of resource === 'project' ? (['app'] as const) : (['app', 'script'] as const)) {
    const dependentFilter = { type: noun, column: `${resource}_id`, id: row.id } as const;
    const { names, count } = await findDependents(trx, row.workspace_id, dependentFilter, MAX_NAMED_DEPENDENTS);
    if (count === 0) continue;
    const more = count > names.length ? ` and ${count - names.length} more` : '';
    const verb = resource === 'project' ? 'contains' : 'is used by';
    throw new Problem(
      'conflict',
      `This ${resource} ${verb} the ${noun}s: ${names.join(', ')}${more}. Delete or move them first.`,
    );
  }
}

/** Creates a project. Throws `conflict` for a taken slug, `idempotent_replay` for a repeated request. */
export function createProject(
  context: PlatformContext,
  request: RequestContext,
  input: CreateProject,
): Promise<Project> {
  return createResource(context, request, PROJECT_KIND, input, (_, fields) => ({
    ...fields,
    description: input.description ?? null,
  }));
}

/** Lists projects. Throws `validation_failed` for a cursor of another list. */
export function listProjects(
  context: PlatformContext,
  workspaceId: string,
  query: ResourceQuery,
  allowed: AllowedResources | null,
): Promise<Page<Project>> {
  return listResourcePage(context, workspaceId, PROJECT_KIND, query, { allowed });
}

/** Returns a project. Throws `not_found`. */
export async function getProject(context: PlatformContext, workspaceId: string, idOrSlug: string): Promise<Project> {
  return serializeProject(await requireResource(context.store.read, 'project', workspaceId, idOrSlug));
}

/** Edits a project. Throws `not_found`, and `conflict` if `If-Match` names another version. */
export function updateProject(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
  input: UpdateProject,
): Promise<Project> {
  return editResource(context, request, PROJECT_KIND, idOrSlug, (_, before) => ({
    ...before,
    name: input.name ?? before.name,
    description: input.description === undefined ? before.description : input.description,
  }));
}

/**
 * Deletes a project. Throws `not_found`, and `conflict` if `If-Match` names another version or while the project
 * contains apps.
 */
export function deleteProject(context: PlatformContext, request: RequestContext, idOrSlug: string): Promise<void> {
  return removeResource(context, request, PROJECT_KIND, idOrSlug, (trx, row) => rejectIfInUse(trx, row, 'project'));
}
