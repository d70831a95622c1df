import { createHash } from 'node:crypto';
import { invalidField, Problem } from '../contract/problem.ts';
import type { Page } from '../contract/schemas.ts';
import type { CreateScript, Script, ScriptQuery, ScriptVersion, UpdateScript } from '../contract/scripts.ts';
import { shebangOf, shebangProblem } from '../contract/shebang.ts';
import { type AuditNoun, RESOURCE_LIMITS } from '../contract/words.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import type { ScriptContent, ScriptTable, ScriptVersionTable } from '../store/schema.ts';
import { countRuns, forgetScriptVersions, insertScriptVersion, listScriptVersions } from '../store/scripts.ts';
import type { Trx } from '../store/store.ts';
import { type Asker, instant, type WorkspaceContext } from './context.ts';
import { createResource, editResource, findRow, idIn, listPage, removeResource } from './resources.ts';
import { firstTime } from './schedules.ts';

const STANDARD = { interpreter: '/bin/sh', timeoutSeconds: 600 } as const;

export type Parameter = Script['parameters'][number];
export const parametersOf = (row: ScriptContent): Parameter[] => JSON.parse(row.parameters) as Parameter[];

function showContent(row: ScriptContent) {
  return {
    body: row.body,
    interpreter: row.interpreter,
    serverId: row.server_id,
    runAs: row.run_as,
    timeoutSeconds: row.timeout_seconds,
    parameters: parametersOf(row),
  };
}

function showScript(row: ScriptTable): Script {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    description: row.description,
    ...showContent(row),
    schedule: row.schedule,
    nextRunAt: row.next_run_at === null ? null : instant(row.next_run_at),
    version: row.version,
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
  };
}

/** The log says by a hash which body it was; the versions have it. */
function forLog(script: Script): Record<string, unknown> {
  return { ...script, body: `sha256:${createHash('sha256').update(script.body).digest('hex')}` };
}
const SCRIPT = { noun: 'script', show: showScript, forLog } as const;

/**
 * Throws `validation_failed` for a pattern that is none or takes too long, and for a default that does
 * not match its own. Outside of any transaction, since it may take a while.
 */
async function checkPatterns(
  context: WorkspaceContext,
  workspaceId: string,
  parameters: readonly Parameter[] | undefined,
): Promise<void> {
  const all = (parameters ?? []).map((one, index) => ({ ...one, index }));
  const asks = all.flatMap(({ index, pattern, default: value }) =>
    pattern === null ? [] : [{ index, pattern, value }],
  );
  const verdicts = await context.patterns.judge(workspaceId, asks);
  if (verdicts === null) throw invalidField('parameters', 'the patterns take too long to judge the defaults');
  for (const [at, { index }] of asks.entries()) {
    if (verdicts[at] === 'invalid') throw invalidField(`parameters.${index}.pattern`, 'is not a regular expression');
    if (verdicts[at] === 'differs') throw invalidField(`parameters.${index}.default`, 'does not match the pattern');
  }
}

/**
 * The interpreter of a script: what is given, else what the first line of a new script names (`#!…`).
 * Throws `validation_failed` for a body whose first line names another one, which would be ignored.
 */
function interpreterOf(input: UpdateScript, row: ScriptTable): string {
  const named = input.body === undefined || row.body !== '' ? null : shebangOf(input.body);
  const interpreter = input.interpreter ?? named ?? row.interpreter;
  if (input.body === undefined && input.interpreter === undefined) return interpreter;
  const problem = shebangProblem(input.body ?? row.body, interpreter);
  if (problem !== null) throw invalidField(input.body === undefined ? 'interpreter' : 'body', problem);
  return interpreter;
}

/** The row with what the input gives put over it. Throws `validation_failed`. */
async function withInput(trx: Trx, row: ScriptTable, input: UpdateScript, now: number): Promise<ScriptTable> {
  const { workspace_id: workspaceId } = row;
  const given = <Value>(value: Value | undefined, before: Value): Value => (value === undefined ? before : value);
  const content: ScriptContent = {
    body: given(input.body, row.body),
    interpreter: interpreterOf(input, row),
    server_id: input.serverId === undefined ? row.server_id : await idIn(trx, 'server', workspaceId, input.serverId),
    run_as: given(input.runAs, row.run_as),
    timeout_seconds: given(input.timeoutSeconds, row.timeout_seconds),
    parameters: input.parameters === undefined ? row.parameters : JSON.stringify(input.parameters),
  };
  const changed = (Object.keys(content) as (keyof ScriptContent)[]).some((field) => content[field] !== row[field]);
  const schedule = given(input.schedule, row.schedule);
  if (schedule !== null && parametersOf(content).some((parameter) => parameter.default === null)) {
    throw invalidField('schedule', 'needs a default for every parameter, since nobody is there to give one');
  }
  return {
    ...row,
    ...content,
    name: given(input.name, row.name),
    description: given(input.description, row.description),
    schedule,
    next_run_at: schedule === row.schedule ? row.next_run_at : firstTime('schedule', schedule, now),
    version: changed ? row.version + 1 : row.version,
  };
}

/** Keeps what this version runs, where it is a new one. */
async function keepVersion(trx: Trx, asker: Asker, row: ScriptTable): Promise<void> {
  const { body, interpreter, server_id, run_as, timeout_seconds, parameters } = row;
  await insertScriptVersion(trx, {
    ...{ body, interpreter, server_id, run_as, timeout_seconds, parameters },
    script_id: row.id,
    workspace_id: row.workspace_id,
    number: row.version,
    at: row.updated_at,
    actor_kind: asker.actor.kind,
    actor_id: asker.actor.id,
    actor_name: asker.actor.name,
  });
  await forgetScriptVersions(trx, row.workspace_id, row.id, row.version - RESOURCE_LIMITS.scriptVersions + 1);
}

/** Throws `conflict` for a taken slug, `validation_failed` for a server, a pattern or a schedule that is none. */
export async function createScript(context: WorkspaceContext, asker: Asker, input: CreateScript): Promise<Script> {
  await checkPatterns(context, asker.workspaceId, input.parameters);
  const now = context.clock();
  return createResource(
    context,
    asker,
    SCRIPT,
    input,
    (trx, facts) => {
      const blank: ScriptTable = {
        ...facts,
        description: null,
        version: 0,
        body: '',
        interpreter: STANDARD.interpreter,
        server_id: '',
        run_as: null,
        timeout_seconds: STANDARD.timeoutSeconds,
        parameters: '[]',
        schedule: null,
        next_run_at: null,
      };
      return withInput(trx, blank, input, now);
    },
    (trx, row) => keepVersion(trx, asker, row),
  );
}

/** Throws `not_found` for a server to filter by that is not there. */
export async function listScripts(
  context: WorkspaceContext,
  workspaceId: string,
  query: ScriptQuery,
): Promise<Page<Script>> {
  const { server } = query;
  const serverId =
    server === undefined ? undefined : (await findRow(context.store.read, 'server', workspaceId, server)).id;
  return listPage(context, workspaceId, SCRIPT, query, { serverId });
}

export async function findScript(context: WorkspaceContext, workspaceId: string, idOrSlug: string): Promise<Script> {
  return showScript(await findRow(context.store.read, 'script', workspaceId, idOrSlug));
}

/** Edits a script; what changes in what it runs makes a new version. Throws `not_found`, `conflict`, `validation_failed`. */
export async function updateScript(
  context: WorkspaceContext,
  asker: Asker,
  idOrSlug: string,
  input: UpdateScript,
): Promise<Script> {
  await checkPatterns(context, asker.workspaceId, input.parameters);
  const now = context.clock();
  let version = 0;
  return editResource(
    context,
    asker,
    SCRIPT,
    idOrSlug,
    (trx, before) => {
      ({ version } = before);
      return withInput(trx, before, input, now);
    },
    async (trx, row) => {
      if (row.version !== version) await keepVersion(trx, asker, row);
    },
  );
}

/** Deletes a script; its runs and their logs stay. Throws `not_found`, `conflict` while one is under way. */
export function deleteScript(context: WorkspaceContext, asker: Asker, idOrSlug: string): Promise<void> {
  return removeResource(context, asker, SCRIPT, idOrSlug, async (trx, row) => {
    const running = await countRuns(trx, row.workspace_id, row.id, ['pending', 'processing']);
    if (running > 0) throw new Problem('conflict', `This script has ${running} runs under way. Cancel them first.`);
  });
}

function showVersion(row: ScriptVersionTable): ScriptVersion {
  return {
    version: row.number,
    at: instant(row.at),
    by: { kind: row.actor_kind as AuditNoun, id: row.actor_id, name: row.actor_name },
    ...showContent(row),
  };
}

/** The versions of what a script runs, newest first. */
export async function listVersionsOfScript(
  context: WorkspaceContext,
  workspaceId: string,
  idOrSlug: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<ScriptVersion>> {
  const { read } = context.store;
  const { id } = await findRow(read, 'script', workspaceId, idOrSlug);
  const page = pageAsk(query, '-version', 'number');
  const rows = await listScriptVersions(read, workspaceId, id, page);
  return cutPage(rows, page.limit, '-version', (row) => ({ value: row.number, id }), showVersion);
}
