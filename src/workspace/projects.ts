import { Problem } from '../contract/problem.ts';
import type { CreateProject, Project, ResourceQuery, UpdateProject } from '../contract/resources.ts';
import type { Page } from '../contract/schemas.ts';
import { hangingOn } from '../store/resources.ts';
import type { ProjectTable } from '../store/schema.ts';
import type { Trx } from '../store/store.ts';
import { type Asker, instant, type WorkspaceContext } from './context.ts';
import { createResource, editResource, findRow, listPage, removeResource } from './resources.ts';

const NAMED = 10;

function showProject(row: ProjectTable): Project {
  const { id, name, slug, description } = row;
  return { id, name, slug, description, createdAt: instant(row.created_at), updatedAt: instant(row.updated_at) };
}
const PROJECT = { noun: 'project', show: showProject } as const;

/** Throws `conflict` while apps or scripts hang on a project or server, naming them. */
export async function refuseWhileItHolds(
  trx: Trx,
  row: { readonly id: string; readonly workspace_id: string },
  what: 'project' | 'server',
): Promise<void> {
  for (const noun of what === 'project' ? (['app'] as const) : (['app', 'script'] as const)) {
    const hanging = { noun, column: `${what}_id`, id: row.id } as const;
    const { names, count } = await hangingOn(trx, row.workspace_id, hanging, NAMED);
    if (count === 0) continue;
    const more = count > names.length ? ` and ${count - names.length} more` : '';
    const verb = what === 'project' ? 'holds' : 'is used by';
    throw new Problem(
      'conflict',
      `This ${what} ${verb} the ${noun}s: ${names.join(', ')}${more}. Delete or move them first.`,
    );
  }
}

export function createProject(context: WorkspaceContext, asker: Asker, input: CreateProject): Promise<Project> {
  return createResource(context, asker, PROJECT, input, (_, facts) => ({
    ...facts,
    description: input.description ?? null,
  }));
}

export function listProjects(
  context: WorkspaceContext,
  workspaceId: string,
  query: ResourceQuery,
): Promise<Page<Project>> {
  return listPage(context, workspaceId, PROJECT, query);
}

export async function findProject(context: WorkspaceContext, workspaceId: string, idOrSlug: string): Promise<Project> {
  return showProject(await findRow(context.store.read, 'project', workspaceId, idOrSlug));
}

export function updateProject(
  context: WorkspaceContext,
  asker: Asker,
  idOrSlug: string,
  input: UpdateProject,
): Promise<Project> {
  return editResource(context, asker, PROJECT, idOrSlug, (_, before) => ({
    ...before,
    name: input.name ?? before.name,
    description: input.description === undefined ? before.description : input.description,
  }));
}

/** Throws `conflict` while it holds apps. */
export function deleteProject(context: WorkspaceContext, asker: Asker, idOrSlug: string): Promise<void> {
  return removeResource(context, asker, PROJECT, idOrSlug, (trx, row) => refuseWhileItHolds(trx, row, 'project'));
}
