import {
  actorColumnsOf,
  actorOf,
  displayNameOf,
  type RequestContext,
  recordAuditEvent,
  systemRequestContext,
} from '../../audit/request-context.ts';
import { createId } from '../../contract/id.ts';
import { toIsoString, toIsoStringOrNull } from '../../contract/instant.ts';
import { SECOND } from '../../contract/limits.ts';
import type { Page } from '../../contract/paging.ts';
import { UNFINISHED_STATUSES, type WorkStatus } from '../../contract/platform-vocabulary.ts';
import { Problem } from '../../contract/problem.ts';
import type { Run, RunQuery } from '../../contract/scripts.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import { findResource, lockResource } from '../../store/resources.ts';
import { listDueResources, setNextDueTime } from '../../store/schedules.ts';
import type { RunTable, ScriptTable } from '../../store/schema/scripts.ts';
import { countRuns, insertRun, listRuns } from '../../store/scripts.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import { findWorkItem } from '../../store/work-items.ts';
import type { PlatformContext } from '../context.ts';
import { nextOccurrence } from '../cron-schedule.ts';
import { serverLane } from '../job-lanes.ts';
import { requireResource } from '../resources/resources.ts';
import { parseParameters, type ScriptParameter } from './parameters.ts';

export const RUN_JOB_KIND = 'run';
/** Maximum number of concurrent runs of one script; further runs are queued. */
const MAX_CONCURRENT_RUNS_PER_SCRIPT = 5;
/** Maximum number of scheduled runs enqueued per poll; the next poll enqueues more. */
const MAX_DUE_PER_POLL = 50;
/** Time to connect, and to end a run that exceeds the script's timeout, in addition to that timeout. */
const JOB_OVERHEAD_MS = 90 * SECOND;

function serializeRun(row: RunTable): Run {
  return {
    id: row.id,
    scriptId: row.script_id,
    scriptVersion: row.script_version,
    status: row.status as WorkStatus,
    exitCode: row.exit_code,
    error: row.error,
    parameters: JSON.parse(row.parameters) as Record<string, string>,
    createdBy: actorOf(row),
    scheduledFor: toIsoStringOrNull(row.scheduled_for),
    startedAt: toIsoStringOrNull(row.started_at),
    finishedAt: toIsoStringOrNull(row.finished_at),
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

/**
 * Returns the values of all parameters: the requested values, and otherwise the defaults. Throws `unavailable`, and
 * `validation_failed` with the parameters whose values are missing and the unknown parameters or, if there are none,
 * with the parameters whose values do not match their patterns.
 */
async function resolveParameterValues(
  context: PlatformContext,
  workspaceId: string,
  declared: readonly ScriptParameter[],
  requestedValues: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const errors: { field: string; message: string }[] = [];
  const values: Record<string, string> = {};
  const checks: { name: string; pattern: string; value: string }[] = [];
  for (const name of Object.keys(requestedValues)) {
    if (!declared.some((parameter) => parameter.name === name)) {
      errors.push({ field: `parameters.${name}`, message: 'must be a parameter of this script' });
    }
  }
  for (const { name, pattern, default: defaultValue } of declared) {
    const value = requestedValues[name] ?? defaultValue;
    if (value === null) errors.push({ field: `parameters.${name}`, message: 'must be set, because it has no default' });
    else {
      values[name] = value;
      if (pattern !== null) checks.push({ name, pattern, value });
    }
  }
  const results = errors.length > 0 ? [] : await context.patternMatcher.match(workspaceId, checks);
  for (const [index, { name, pattern }] of checks.entries()) {
    if (results === null)
      errors.push({
        field: `parameters.${name}`,
        message: 'could not be matched against its pattern within the limits of time and memory',
      });
    else if (results[index] === 'mismatch')
      errors.push({ field: `parameters.${name}`, message: `must match ${pattern}` });
  }
  const [first] = errors;
  if (first === undefined) return values;
  throw new Problem('validation_failed', `${first.field}: ${first.message}`, { errors: errors.slice(0, 20) });
}

/** Returns how many runs of the script, including the new run, may be in progress when the new run starts. */
function maxRunsAtStart(script: ScriptTable, scheduledFor: number | null): number {
  const mustStartAlone = scheduledFor !== null && script.overlap !== 'allow';
  return mustStartAlone ? 1 : MAX_CONCURRENT_RUNS_PER_SCRIPT;
}

/** Creates a run with its log and audit event, and enqueues its job. */
async function enqueueRun(
  trx: Trx,
  context: PlatformContext,
  request: RequestContext,
  script: ScriptTable,
  parameters: Readonly<Record<string, string>>,
  scheduledFor: number | null,
): Promise<RunTable> {
  const now = context.clock();
  const { workspaceId } = request;
  const row: RunTable = {
    id: createId('run', now),
    workspace_id: workspaceId,
    script_id: script.id,
    script_version: script.version,
    status: 'pending',
    exit_code: null,
    error: null,
    parameters: JSON.stringify(parameters),
    ...actorColumnsOf(request),
    scheduled_for: scheduledFor,
    created_at: now,
    updated_at: now,
    started_at: null,
    finished_at: null,
  };
  await claimOrRefuseReplay(trx, request.idempotencyClaim, row.id, now);
  await insertRun(trx, row);
  await context.logs.open(trx, workspaceId, row.id);
  await context.jobs.enqueue(trx, {
    kind: RUN_JOB_KIND,
    workspaceId,
    resourceId: row.id,
    lanes: [{ key: `script:${script.id}`, limit: maxRunsAtStart(script, scheduledFor) }, serverLane(script.server_id)],
    timeLimitMs: script.timeout_seconds * SECOND + JOB_OVERHEAD_MS,
  });
  // The permanent activity log contains only the names of the parameters, because their values may be secret.
  const detail = {
    script: { id: script.id, name: script.name, version: script.version },
    parameters: Object.keys(parameters),
    ...(scheduledFor !== null && { scheduledFor: toIsoString(scheduledFor) }),
  };
  await recordAuditEvent(trx, request, 'run.created', { kind: 'run', id: row.id, name: script.name }, now, detail);
  return row;
}

/**
 * Creates a run with the requested parameter values, and the default values of the other parameters. Throws
 * `not_found`, `validation_failed`, `conflict`, `unavailable`, `idempotent_replay` for a repeated request.
 */
export async function createRun(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
  requestedValues: Readonly<Record<string, string>>,
): Promise<Run> {
  const { workspaceId } = request;
  const script = await requireResource(context.store.read, 'script', workspaceId, idOrSlug);
  // Before the transaction, because matching patterns may take a while.
  const values = await resolveParameterValues(context, workspaceId, parseParameters(script), requestedValues);
  const row = await context.store.transaction(async (trx) => {
    const current = await lockResource(trx, 'script', workspaceId, script.id);
    if (current === undefined) throw new Problem('not_found', 'The script was not found in this workspace.');
    if (current.version !== script.version)
      throw new Problem('conflict', 'The script was changed while the parameters were checked. Try again.');
    return enqueueRun(trx, context, request, current, values, null);
  });
  context.jobs.wake();
  return serializeRun(row);
}

/** Lists the runs of a script, newest first. Throws `not_found`. */
export async function listRunsOf(
  context: PlatformContext,
  workspaceId: string,
  idOrSlug: string,
  query: RunQuery,
): Promise<Page<Run>> {
  const { read } = context.store;
  const { id } = await requireResource(read, 'script', workspaceId, idOrSlug);
  const page = readPageRequest(query, '-createdAt', 'number');
  const rows = await listRuns(read, workspaceId, id, query.status, page);
  return toPage(rows, page.limit, '-createdAt', (row) => ({ value: row.created_at, id: row.id }), serializeRun);
}

/** Returns the row of a run. Throws `not_found`. */
export async function requireRun(db: Queryable, workspaceId: string, id: string): Promise<RunTable> {
  const row = await findWorkItem(db, 'run', workspaceId, id);
  if (row === undefined) throw new Problem('not_found', 'The run was not found in this workspace.');
  return row;
}

/** Returns a run. Throws `not_found`. */
export async function getRun(context: PlatformContext, workspaceId: string, id: string): Promise<Run> {
  return serializeRun(await requireRun(context.store.read, workspaceId, id));
}

/**
 * Cancels a run: immediately if it is pending, otherwise as soon as its processes have ended. Throws `not_found`, and
 * `conflict` if the run has ended.
 */
export async function cancelRun(context: PlatformContext, request: RequestContext, id: string): Promise<Run> {
  const { workspaceId, actor } = request;
  const row = await context.store.transaction(async (trx) => {
    const before = await requireRun(trx, workspaceId, id);
    if (!(await context.jobs.cancel(trx, workspaceId, id, `Cancelled by ${displayNameOf(actor)}.`))) {
      throw new Problem('conflict', `This run is already ${before.status}.`);
    }
    const script = await findResource(trx, 'script', workspaceId, before.script_id);
    const target = { kind: 'run', id, name: script?.name ?? before.script_id } as const;
    await recordAuditEvent(trx, request, 'run.cancelled', target, context.clock(), {});
    return requireRun(trx, workspaceId, id);
  });
  context.jobs.wake();
  return serializeRun(row);
}

/**
 * Enqueues the scheduled run of one script if it is due, no other node has enqueued it, and the script has no other
 * scheduled run that is pending or, with the overlap `skip`, any unfinished run. If the schedule was missed several
 * times, only one run is enqueued.
 */
async function enqueueDueRun(context: PlatformContext, workspaceId: string, id: string): Promise<void> {
  await context.store.transaction(async (trx) => {
    const now = context.clock();
    const script = await lockResource(trx, 'script', workspaceId, id);
    const dueAt = script?.next_run_at ?? null;
    if (script === undefined || script.schedule === null || dueAt === null || dueAt > now) return;
    await setNextDueTime(trx, 'run', workspaceId, id, nextOccurrence(script.schedule, now, script.time_zone));
    // A pending scheduled run serves the same purpose, so scheduled runs do not accumulate.
    const scheduledOnly = true;
    if ((await countRuns(trx, workspaceId, id, ['pending'], scheduledOnly)) > 0) return;
    if (script.overlap === 'skip' && (await countRuns(trx, workspaceId, id, UNFINISHED_STATUSES)) > 0) return;
    const values = Object.fromEntries(
      parseParameters(script).map((parameter) => [parameter.name, parameter.default ?? '']),
    );
    await enqueueRun(trx, context, systemRequestContext(workspaceId), script, values, dueAt);
  });
}

/** Enqueues the scheduled runs that are due, at most `MAX_DUE_PER_POLL` per call, each only once across all nodes. */
export async function enqueueDueRuns(context: PlatformContext): Promise<void> {
  const due = await listDueResources(context.store.read, 'run', context.clock(), MAX_DUE_PER_POLL);
  for (const { workspace_id: workspaceId, id } of due) await enqueueDueRun(context, workspaceId, id);
  if (due.length > 0) context.jobs.wake();
}
