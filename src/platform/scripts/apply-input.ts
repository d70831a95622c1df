import { invalidField } from '../../contract/problem.ts';
import type { UpdateScript } from '../../contract/scripts.ts';
import { shebangMismatch, shebangOf } from '../../contract/shebang.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import { findResource } from '../../store/resources.ts';
import type { ScriptContent, ScriptTable } from '../../store/schema/scripts.ts';
import type { Trx } from '../../store/store.ts';
import { firstOccurrence } from '../cron-schedule.ts';
import { definedOr, isAllowedResource, resolveResourceId } from '../resources/resources.ts';
import { parseParameters } from './parameters.ts';

/**
 * Returns the interpreter of a script after an edit: the interpreter of the input if there is one, otherwise the
 * interpreter that the first line of a new script names (`#!…`), otherwise the current interpreter. Throws
 * `validation_failed` if the first line names another interpreter, because that line would be ignored.
 */
function resolveInterpreter(input: UpdateScript, row: ScriptTable): string {
  const shebang = input.body === undefined || row.body !== '' ? null : shebangOf(input.body);
  const interpreter = input.interpreter ?? shebang ?? row.interpreter;
  if (input.body === undefined && input.interpreter === undefined) return interpreter;
  const problem = shebangMismatch(input.body ?? row.body, interpreter);
  if (problem !== null) throw invalidField(input.body === undefined ? 'interpreter' : 'body', problem);
  return interpreter;
}

/**
 * Returns the app and the server of a script with the input applied. A credential that is restricted to projects
 * and apps may write only scripts of its apps, and only on the server of the app. Throws `validation_failed`.
 */
async function resolveAppAndServer(
  trx: Trx,
  row: ScriptTable,
  { appId = row.app_id, serverId = row.server_id }: UpdateScript,
  allowed: AllowedResources | null,
): Promise<Pick<ScriptTable, 'app_id' | 'server_id'>> {
  const { workspace_id: workspaceId } = row;
  const app = appId === null ? undefined : await findResource(trx, 'app', workspaceId, appId);
  const canHaveNoApp = appId === null && allowed === null;
  const isAccepted = app === undefined ? canHaveNoApp : isAllowedResource(allowed, app);
  if (!isAccepted) throw invalidField('appId', 'must be an app of this workspace');
  const app_id = app?.id ?? null;
  if (allowed === null) {
    const isUnchanged = serverId === row.server_id;
    const server_id = isUnchanged ? serverId : await resolveResourceId(trx, 'server', workspaceId, serverId);
    return { app_id, server_id };
  }
  const server = await findResource(trx, 'server', workspaceId, serverId);
  if (server === undefined || server.id !== app?.server_id)
    throw invalidField('serverId', 'must be the server of the app');
  return { app_id, server_id: server.id };
}

/** Returns the row with the input applied. Throws `validation_failed`. */
export async function applyScriptInput(
  trx: Trx,
  row: ScriptTable,
  input: UpdateScript,
  now: number,
  allowed: AllowedResources | null,
): Promise<ScriptTable> {
  const { app_id, server_id } = await resolveAppAndServer(trx, row, input, allowed);
  const content: ScriptContent = {
    body: definedOr(input.body, row.body),
    interpreter: resolveInterpreter(input, row),
    server_id,
    run_as: definedOr(input.runAs, row.run_as),
    timeout_seconds: definedOr(input.timeoutSeconds, row.timeout_seconds),
    parameters: input.parameters === undefined ? row.parameters : JSON.stringify(input.parameters),
  };
  const isChanged = (Object.keys(content) as (keyof ScriptContent)[]).some((field) => content[field] !== row[field]);
  const schedule = definedOr(input.schedule, row.schedule);
  const timeZone = definedOr(input.timeZone, row.time_zone);
  const isScheduleUnchanged = schedule === row.schedule && timeZone === row.time_zone;
  if (schedule !== null && parseParameters(content).some((parameter) => parameter.default === null)) {
    throw invalidField('schedule', 'must not be set unless every parameter has a default');
  }
  return {
    ...row,
    ...content,
    name: definedOr(input.name, row.name),
    description: definedOr(input.description, row.description),
    app_id,
    schedule,
    time_zone: timeZone,
    overlap: definedOr(input.overlap, row.overlap),
    keep_runs: definedOr(input.keepRuns, row.keep_runs),
    next_run_at: isScheduleUnchanged ? row.next_run_at : firstOccurrence('schedule', schedule, now, timeZone),
    version: isChanged ? row.version + 1 : row.version,
  };
}
