import { Problem } from '../contract/problem.ts';
import { takeCredentialsOut } from '../contract/repository.ts';
import type { App, AppQuery, CreateApp, UpdateApp } from '../contract/resources.ts';
import type { Page } from '../contract/schemas.ts';
import { openDeployments } from '../store/deployments.ts';
import type { AppTable } from '../store/schema.ts';
import type { Trx } from '../store/store.ts';
import { type Asker, instant, type WorkspaceContext, withoutSecrets } from './context.ts';
import { repositoryAfter } from './repository.ts';
import { createResource, editResource, findRow, idIn, listPage, removeResource } from './resources.ts';
import { firstTime } from './schedules.ts';

/** Hooks that were saved before they had an interpreter have none. */
type StoredHook = Omit<App['hooks'][number], 'interpreter'> & Partial<Pick<App['hooks'][number], 'interpreter'>>;

const STANDARD = { branch: 'main', keepReleases: 5 } as const;

/** A version before this one accepted a password in its URL. A command is shown as it is, so that it can be edited. */
function showHealthCheck(stored: string | null): App['healthCheck'] {
  if (stored === null) return null;
  const check = JSON.parse(stored) as App['healthCheck'];
  return check?.url === undefined ? check : { ...check, url: withoutSecrets(check.url) as string };
}

function showApp(row: AppTable): App {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    slug: row.slug,
    serverId: row.server_id,
    repository: row.repository === null ? null : takeCredentialsOut(row.repository).url,
    repositoryUser: row.repository_user,
    hasRepositoryPassword: row.repository_password_sealed !== null,
    branch: row.branch,
    directory: row.directory,
    hooks: (JSON.parse(row.hooks) as StoredHook[]).map((hook) => ({ interpreter: '/bin/sh', ...hook })),
    keepReleases: row.keep_releases,
    healthCheck: showHealthCheck(row.health_check),
    logCommand: row.log_command,
    backup: row.backup === null ? null : (JSON.parse(row.backup) as App['backup']),
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
  };
}
const APP = {
  noun: 'app',
  show: showApp,
  replaced: (before: AppTable, after: AppTable) =>
    before.repository_password_sealed !== after.repository_password_sealed ? ['repositoryPassword'] : [],
} as const;

const asJson = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);

/** The row with what the input gives put over it. Throws `validation_failed`, also for a project or server that is not there. */
async function withInput(
  { seal }: WorkspaceContext,
  trx: Trx,
  row: AppTable,
  input: UpdateApp,
  now: number,
): Promise<AppTable> {
  const { workspace_id: workspaceId } = row;
  const { projectId, serverId } = input;
  const given = <Value>(value: Value | undefined, before: Value): Value => (value === undefined ? before : value);
  return {
    ...row,
    project_id: projectId === undefined ? row.project_id : await idIn(trx, 'project', workspaceId, projectId),
    name: given(input.name, row.name),
    server_id:
      serverId === undefined || serverId === null
        ? given(serverId, row.server_id)
        : await idIn(trx, 'server', workspaceId, serverId),
    ...repositoryAfter(seal, row, input),
    branch: given(input.branch, row.branch),
    directory: given(input.directory, row.directory),
    hooks: input.hooks === undefined ? row.hooks : JSON.stringify(input.hooks),
    keep_releases: given(input.keepReleases, row.keep_releases),
    health_check: input.healthCheck === undefined ? row.health_check : asJson(input.healthCheck),
    log_command: given(input.logCommand, row.log_command),
    backup: input.backup === undefined ? row.backup : asJson(input.backup),
    next_backup_at:
      input.backup === undefined
        ? row.next_backup_at
        : firstTime('backup.schedule', input.backup?.schedule ?? null, now),
  };
}

/** Throws `conflict` for a taken slug, `validation_failed` for a project or server that is not there. */
export function createApp(context: WorkspaceContext, asker: Asker, input: CreateApp): Promise<App> {
  const now = context.clock();
  return createResource(context, asker, APP, input, (trx, facts) => {
    const blank: AppTable = {
      ...facts,
      project_id: '',
      server_id: null,
      repository: null,
      repository_user: null,
      repository_password_sealed: null,
      branch: STANDARD.branch,
      directory: null,
      hooks: '[]',
      keep_releases: STANDARD.keepReleases,
      health_check: null,
      log_command: null,
      backup: null,
      next_backup_at: null,
    };
    return withInput(context, trx, blank, input, now);
  });
}

/** Throws `not_found` for a project or server to filter by that is not there. */
export async function listApps(context: WorkspaceContext, workspaceId: string, query: AppQuery): Promise<Page<App>> {
  const { read } = context.store;
  const idOf = async (noun: 'project' | 'server', idOrSlug: string | undefined) =>
    idOrSlug === undefined ? undefined : (await findRow(read, noun, workspaceId, idOrSlug)).id;
  const projectId = await idOf('project', query.project);
  const serverId = await idOf('server', query.server);
  return listPage(context, workspaceId, APP, query, { projectId, serverId });
}

export async function findApp(context: WorkspaceContext, workspaceId: string, idOrSlug: string): Promise<App> {
  return showApp(await findRow(context.store.read, 'app', workspaceId, idOrSlug));
}

export function updateApp(context: WorkspaceContext, asker: Asker, idOrSlug: string, input: UpdateApp): Promise<App> {
  return editResource(context, asker, APP, idOrSlug, (trx, before) =>
    withInput(context, trx, before, input, context.clock()),
  );
}

/** Throws `conflict` while it is being deployed. */
export function deleteApp(context: WorkspaceContext, asker: Asker, idOrSlug: string): Promise<void> {
  return removeResource(context, asker, APP, idOrSlug, async (trx, row) => {
    const open = await openDeployments(trx, row.workspace_id, row.id);
    if (open.length > 0) throw new Problem('conflict', 'This app is being deployed. Wait for the end, or cancel that.');
  });
}
