import type { RequestContext } from '../../audit/request-context.ts';
import type { App, AppQuery, CreateApp, UpdateApp } from '../../contract/apps.ts';
import { toIsoString } from '../../contract/instant.ts';
import type { Page } from '../../contract/paging.ts';
import { Problem } from '../../contract/problem.ts';
import { splitCredentials } from '../../contract/repository.ts';
import { listUnfinishedDeployments } from '../../store/deployments.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { Trx } from '../../store/store.ts';
import { type PlatformContext, redactSecretsIn } from '../context.ts';
import { firstOccurrence } from '../cron-schedule.ts';
import { checkSizeInProject } from '../environment/effective-variables.ts';
import { deleteErrorKeysOf } from '../errors/error-keys.ts';
import { applyRepositoryInput } from './repository-credentials.ts';
import {
  createResource,
  definedOr,
  editResource,
  listResourcePage,
  type ResourceKind,
  removeResource,
  requireResource,
  resolveResourceId,
} from './resources.ts';
import { parseHooks } from './stored-hooks.ts';

const DEFAULTS = { branch: 'main', keepReleases: 5 } as const;

/**
 * Parses a health check, and masks the password that older versions of Devpilot accepted in its URL. A command is not
 * masked, so that it can be edited.
 */
function serializeHealthCheck(stored: string | null): App['healthCheck'] {
  if (stored === null) return null;
  const check = JSON.parse(stored) as App['healthCheck'];
  return check?.url === undefined ? check : { ...check, url: redactSecretsIn(check.url) as string };
}

function serializeApp(row: AppTable): App {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    slug: row.slug,
    serverId: row.server_id,
    repository: row.repository === null ? null : splitCredentials(row.repository).url,
    repositoryUser: row.repository_user,
    hasRepositoryPassword: row.repository_password_sealed !== null,
    branch: row.branch,
    directory: row.directory,
    hooks: parseHooks(row.hooks),
    keepReleases: row.keep_releases,
    healthCheck: serializeHealthCheck(row.health_check),
    logCommand: row.log_command,
    requiredVariables: JSON.parse(row.required_variables) as string[],
    backup: row.backup === null ? null : (JSON.parse(row.backup) as App['backup']),
    push: row.push === null ? null : (JSON.parse(row.push) as App['push']),
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

const APP_KIND = {
  noun: 'app',
  serialize: serializeApp,
  replacedSecrets: (before: AppTable, after: AppTable) =>
    before.repository_password_sealed === after.repository_password_sealed ? [] : ['repositoryPassword'],
} as const satisfies ResourceKind<'app', App>;

const jsonOrNull = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);

/** Returns the row with the input applied. Throws `validation_failed`, for example for an unknown project or server. */
async function applyInput(
  { seal }: PlatformContext,
  trx: Trx,
  row: AppTable,
  input: UpdateApp,
  now: number,
  allowed: AllowedResources | null,
): Promise<AppTable> {
  const { workspace_id: workspaceId } = row;
  const { projectId, serverId } = input;
  return {
    ...row,
    project_id:
      projectId === undefined || projectId === row.project_id
        ? row.project_id
        : await resolveResourceId(trx, 'project', workspaceId, projectId, allowed),
    name: definedOr(input.name, row.name),
    server_id:
      serverId === undefined || serverId === null || serverId === row.server_id
        ? definedOr(serverId, row.server_id)
        : await resolveResourceId(trx, 'server', workspaceId, serverId, allowed),
    ...applyRepositoryInput(seal, row, input),
    branch: definedOr(input.branch, row.branch),
    directory: definedOr(input.directory, row.directory),
    hooks: input.hooks === undefined ? row.hooks : JSON.stringify(input.hooks),
    keep_releases: definedOr(input.keepReleases, row.keep_releases),
    health_check: input.healthCheck === undefined ? row.health_check : jsonOrNull(input.healthCheck),
    log_command: definedOr(input.logCommand, row.log_command),
    required_variables:
      input.requiredVariables === undefined ? row.required_variables : JSON.stringify(input.requiredVariables),
    backup: input.backup === undefined ? row.backup : jsonOrNull(input.backup),
    push: input.push === undefined ? row.push : jsonOrNull(input.push),
    next_backup_at:
      input.backup === undefined
        ? row.next_backup_at
        : firstOccurrence('backup.schedule', input.backup?.schedule ?? null, now),
    next_verification_at:
      input.backup === undefined
        ? row.next_verification_at
        : firstOccurrence('backup.verifySchedule', input.backup?.verifySchedule ?? null, now),
  };
}

/**
 * Creates an app. Throws `conflict` for a taken slug, `validation_failed` for an unknown project or server, and
 * `idempotent_replay` for a repeated request.
 */
export function createApp(context: PlatformContext, request: RequestContext, input: CreateApp): Promise<App> {
  const now = context.clock();
  return createResource(context, request, APP_KIND, input, (trx, fields) => {
    const blank: AppTable = {
      ...fields,
      project_id: '',
      server_id: null,
      repository: null,
      repository_user: null,
      repository_password_sealed: null,
      branch: DEFAULTS.branch,
      directory: null,
      hooks: '[]',
      keep_releases: DEFAULTS.keepReleases,
      health_check: null,
      log_command: null,
      required_variables: '[]',
      backup: null,
      push: null,
      next_backup_at: null,
      next_verification_at: null,
    };
    return applyInput(context, trx, blank, input, now, request.allowed ?? null);
  });
}

/** Lists apps. Throws `not_found` if the project or server to filter by does not exist. */
export async function listApps(
  context: PlatformContext,
  workspaceId: string,
  query: AppQuery,
  allowed: AllowedResources | null,
): Promise<Page<App>> {
  const { read } = context.store;
  const idOf = async (noun: 'project' | 'server', idOrSlug: string | undefined) =>
    idOrSlug === undefined ? undefined : (await requireResource(read, noun, workspaceId, idOrSlug, allowed)).id;
  const projectId = await idOf('project', query.project);
  const serverId = await idOf('server', query.server);
  return listResourcePage(context, workspaceId, APP_KIND, query, { projectId, serverId, allowed });
}

/** Returns an app. Throws `not_found`. */
export async function getApp(context: PlatformContext, workspaceId: string, idOrSlug: string): Promise<App> {
  return serializeApp(await requireResource(context.store.read, 'app', workspaceId, idOrSlug));
}

/** Edits an app. Throws `not_found`, `validation_failed`, and `conflict` if `If-Match` names another version. */
export function updateApp(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
  input: UpdateApp,
): Promise<App> {
  return editResource(context, request, APP_KIND, idOrSlug, async (trx, before) => {
    const after = await applyInput(context, trx, before, input, context.clock(), request.allowed ?? null);
    if (after.project_id !== before.project_id) await checkSizeInProject(trx, after);
    return after;
  });
}

/**
 * Deletes an app and its error keys. Throws `not_found`, and `conflict` if `If-Match` names another version or while
 * the app has unfinished deployments.
 */
export function deleteApp(context: PlatformContext, request: RequestContext, idOrSlug: string): Promise<void> {
  return removeResource(context, request, APP_KIND, idOrSlug, async (trx, row) => {
    const unfinishedDeployments = await listUnfinishedDeployments(trx, row.workspace_id, row.id);
    if (unfinishedDeployments.length > 0)
      throw new Problem('conflict', 'This app has unfinished deployments. Wait until they end, or cancel them.');
    await deleteErrorKeysOf(trx, request, row.id, context.clock());
  });
}
