import { createHash } from 'node:crypto';
import { actorColumnsOf, actorOf, type RequestContext } from '../../audit/request-context.ts';
import { toIsoString, toIsoStringOrNull } from '../../contract/instant.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { Page, PageQuery } from '../../contract/paging.ts';
import { type ScriptOverlap, UNFINISHED_STATUSES } from '../../contract/platform-vocabulary.ts';
import { Problem } from '../../contract/problem.ts';
import type {
  CreateScript,
  NextRuns,
  Script,
  ScriptQuery,
  ScriptVersion,
  UpdateScript,
} from '../../contract/scripts.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import type { ScriptContent, ScriptTable, ScriptVersionTable } from '../../store/schema/scripts.ts';
import { countRuns, insertScriptVersion, listScriptVersions, pruneScriptVersions } from '../../store/scripts.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { nextOccurrence } from '../cron-schedule.ts';
import {
  createResource,
  editResource,
  listResourcePage,
  type ResourceKind,
  removeResource,
  requireResource,
} from '../resources/resources.ts';
import { applyScriptInput } from './apply-input.ts';
import { parseParameters, validatePatterns } from './parameters.ts';

const DEFAULTS = {
  interpreter: '/bin/sh',
  timeoutSeconds: 600,
  timeZone: 'UTC',
  overlap: 'skip',
  keepRuns: 1000,
} as const;

function serializeContent(row: ScriptContent) {
  return {
    body: row.body,
    interpreter: row.interpreter,
    serverId: row.server_id,
    runAs: row.run_as,
    timeoutSeconds: row.timeout_seconds,
    parameters: parseParameters(row),
  };
}

function serializeScript(row: ScriptTable): Script {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    description: row.description,
    appId: row.app_id,
    ...serializeContent(row),
    schedule: row.schedule,
    timeZone: row.time_zone,
    overlap: row.overlap as ScriptOverlap,
    keepRuns: row.keep_runs,
    nextRunAt: toIsoStringOrNull(row.next_run_at),
    version: row.version,
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

/** Returns the fields for the activity log. The body is hashed, because the versions of the script contain it. */
function auditFields(script: Script): Record<string, unknown> {
  return { ...script, body: `sha256:${createHash('sha256').update(script.body).digest('hex')}` };
}

const SCRIPT_KIND = { noun: 'script', serialize: serializeScript, auditFields } as const satisfies ResourceKind<
  'script',
  Script
>;

/** Stores the content of a new version of a script, and deletes the oldest version if there are too many. */
async function recordVersion(trx: Trx, request: RequestContext, row: ScriptTable): Promise<void> {
  const { body, interpreter, server_id, run_as, timeout_seconds, parameters } = row;
  await insertScriptVersion(trx, {
    body,
    interpreter,
    server_id,
    run_as,
    timeout_seconds,
    parameters,
    script_id: row.id,
    workspace_id: row.workspace_id,
    number: row.version,
    at: row.updated_at,
    ...actorColumnsOf(request),
  });
  await pruneScriptVersions(trx, row.workspace_id, row.id, row.version - RESOURCE_LIMITS.scriptVersions + 1);
}

/**
 * Creates a script. Throws `conflict` for a taken slug, `validation_failed` for an unknown server or app or an invalid
 * pattern or schedule, `unavailable` if too many patterns wait to be checked, and `idempotent_replay` for a repeated
 * request.
 */
export async function createScript(
  context: PlatformContext,
  request: RequestContext,
  input: CreateScript,
): Promise<Script> {
  await validatePatterns(context, request.workspaceId, input.parameters);
  const now = context.clock();
  return createResource(
    context,
    request,
    SCRIPT_KIND,
    input,
    (trx, fields) => {
      const blank: ScriptTable = {
        ...fields,
        description: null,
        app_id: null,
        version: 0,
        body: '',
        interpreter: DEFAULTS.interpreter,
        server_id: '',
        run_as: null,
        timeout_seconds: DEFAULTS.timeoutSeconds,
        parameters: '[]',
        schedule: null,
        time_zone: DEFAULTS.timeZone,
        overlap: DEFAULTS.overlap,
        keep_runs: DEFAULTS.keepRuns,
        next_run_at: null,
      };
      return applyScriptInput(trx, blank, input, now, request.allowed ?? null);
    },
    (trx, row) => recordVersion(trx, request, row),
  );
}

/** Lists scripts. Throws `not_found` if the server or app to filter by does not exist. */
export async function listScripts(
  context: PlatformContext,
  workspaceId: string,
  query: ScriptQuery,
  allowed: AllowedResources | null,
): Promise<Page<Script>> {
  const idOf = async (noun: 'server' | 'app', idOrSlug: string | undefined) =>
    idOrSlug === undefined
      ? undefined
      : (await requireResource(context.store.read, noun, workspaceId, idOrSlug, allowed)).id;
  const serverId = await idOf('server', query.server);
  const appId = await idOf('app', query.app);
  return listResourcePage(context, workspaceId, SCRIPT_KIND, query, { serverId, appId, allowed });
}

/** Returns a script. Throws `not_found`. */
export async function getScript(context: PlatformContext, workspaceId: string, idOrSlug: string): Promise<Script> {
  return serializeScript(await requireResource(context.store.read, 'script', workspaceId, idOrSlug));
}

/** Returns the next times at which a script is due; none if it has no schedule. Throws `not_found`. */
export async function listNextRuns(context: PlatformContext, workspaceId: string, idOrSlug: string): Promise<NextRuns> {
  const script = await requireResource(context.store.read, 'script', workspaceId, idOrSlug);
  const { schedule, time_zone: timeZone } = script;
  const data: string[] = [];
  for (let dueAt = script.next_run_at; dueAt !== null && data.length < RESOURCE_LIMITS.nextRuns; ) {
    data.push(toIsoString(dueAt));
    dueAt = schedule === null ? null : nextOccurrence(schedule, dueAt, timeZone);
  }
  return { data };
}

/**
 * Edits a script. A change of its content creates a new version. Throws `not_found`, `conflict`, `validation_failed`,
 * `unavailable`.
 */
export async function updateScript(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
  input: UpdateScript,
): Promise<Script> {
  await validatePatterns(context, request.workspaceId, input.parameters);
  const now = context.clock();
  let versionBefore = 0;
  return editResource(
    context,
    request,
    SCRIPT_KIND,
    idOrSlug,
    (trx, before) => {
      versionBefore = before.version;
      return applyScriptInput(trx, before, input, now, request.allowed ?? null);
    },
    async (trx, row) => {
      if (row.version !== versionBefore) await recordVersion(trx, request, row);
    },
  );
}

/**
 * Deletes a script, but not its runs and their logs. Throws `not_found`, and `conflict` while it has unfinished runs.
 */
export function deleteScript(context: PlatformContext, request: RequestContext, idOrSlug: string): Promise<void> {
  return removeResource(context, request, SCRIPT_KIND, idOrSlug, async (trx, row) => {
    const unfinishedRuns = await countRuns(trx, row.workspace_id, row.id, UNFINISHED_STATUSES);
    if (unfinishedRuns > 0)
      throw new Problem('conflict', `This script has unfinished runs (${unfinishedRuns}). Cancel them first.`);
  });
}

function serializeVersion(row: ScriptVersionTable): ScriptVersion {
  return {
    version: row.number,
    at: toIsoString(row.at),
    by: actorOf(row),
    ...serializeContent(row),
  };
}

/** Lists the versions of a script, newest first. */
export async function listVersionsOfScript(
  context: PlatformContext,
  workspaceId: string,
  idOrSlug: string,
  query: PageQuery,
): Promise<Page<ScriptVersion>> {
  const { read } = context.store;
  const { id } = await requireResource(read, 'script', workspaceId, idOrSlug);
  const page = readPageRequest(query, '-version', 'number');
  const rows = await listScriptVersions(read, workspaceId, id, page);
  return toPage(rows, page.limit, '-version', (row) => ({ value: row.number, id }), serializeVersion);
}
