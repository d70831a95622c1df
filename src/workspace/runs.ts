import { createId } from '../contract/id.ts';
import { Problem } from '../contract/problem.ts';
import type { Page } from '../contract/schemas.ts';
import type { Run, RunQuery } from '../contract/scripts.ts';
import { type AuditNoun, SECOND, type WorkStatus } from '../contract/words.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import { findResource } from '../store/resources.ts';
import { dueSchedules, lockScheduled, setNextTime } from '../store/schedules.ts';
import type { RunTable, ScriptTable } from '../store/schema.ts';
import { countRuns, findScriptVersion, insertRun, listRuns } from '../store/scripts.ts';
import type { Queryable, Trx } from '../store/store.ts';
import { changeWork, findWork } from '../store/work.ts';
import { type Asker, claimOnce, instant, record, systemIn, type WorkspaceContext } from './context.ts';
import { JobFailure, type JobKind, type RunningJob } from './jobs/jobs.ts';
import { serverLane } from './lanes.ts';
import { findRow } from './resources.ts';
import { type Outcome, run } from './runner/run.ts';
import { nextTime } from './schedules.ts';
import { type Parameter, parametersOf } from './scripts.ts';
import { targetOf } from './servers.ts';

const KIND = 'run';
/** Runs of one script at a time; more wait. */
const AT_ONCE = 5;
/** Scripts that are begun at one look for due ones; the next look takes more. */
const DUE_AT_ONCE = 50;
/** Connecting, and ending what runs too long, beside the script's own limit. */
const ALLOWANCE = 90 * SECOND;

const UNDER_WAY = ['pending', 'processing'] as const;

function showRun(row: RunTable): Run {
  const maybe = (at: number | null) => (at === null ? null : instant(at));
  return {
    id: row.id,
    scriptId: row.script_id,
    scriptVersion: row.script_version,
    status: row.status as WorkStatus,
    exitCode: row.exit_code,
    error: row.error,
    parameters: JSON.parse(row.parameters) as Record<string, string>,
    createdBy: { kind: row.actor_kind as AuditNoun, id: row.actor_id, name: row.actor_name },
    scheduledFor: maybe(row.scheduled_for),
    startedAt: maybe(row.started_at),
    finishedAt: maybe(row.finished_at),
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
  };
}

/** Throws `validation_failed`, a field for each value that is missing, unknown or does not fit. */
async function checkValues(
  context: WorkspaceContext,
  workspaceId: string,
  declared: readonly Parameter[],
  given: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const errors: { field: string; message: string }[] = [];
  const values: Record<string, string> = {};
  const asks: { name: string; pattern: string; value: string }[] = [];
  for (const name of Object.keys(given)) {
    if (!declared.some((one) => one.name === name)) {
      errors.push({ field: `parameters.${name}`, message: 'is not a parameter of this script' });
    }
  }
  for (const { name, pattern, default: standard } of declared) {
    const value = given[name] ?? standard;
    if (value === null) errors.push({ field: `parameters.${name}`, message: 'is needed, since it has no default' });
    else {
      values[name] = value;
      if (pattern !== null) asks.push({ name, pattern, value });
    }
  }
  const verdicts = errors.length > 0 ? [] : await context.patterns.judge(workspaceId, asks);
  for (const [at, { name, pattern }] of asks.entries()) {
    if (verdicts === null)
      errors.push({ field: `parameters.${name}`, message: 'takes too long to compare with the patterns' });
    else if (verdicts[at] === 'differs')
      errors.push({ field: `parameters.${name}`, message: `takes what matches ${pattern}` });
  }
  const [first] = errors;
  if (first === undefined) return values;
  throw new Problem('validation_failed', `${first.field}: ${first.message}`, { errors: errors.slice(0, 20) });
}

/** Puts a run in the queue, with its log and its entry in the activity log. */
async function begin(
  trx: Trx,
  context: WorkspaceContext,
  asker: Asker,
  script: ScriptTable,
  parameters: Readonly<Record<string, string>>,
  scheduledFor: number | null,
): Promise<RunTable> {
  const now = context.clock();
  const { workspaceId, actor } = asker;
  const row: RunTable = {
    id: createId('run', now),
    workspace_id: workspaceId,
    script_id: script.id,
    script_version: script.version,
    status: 'pending',
    exit_code: null,
    error: null,
    parameters: JSON.stringify(parameters),
    actor_kind: actor.kind,
    actor_id: actor.id,
    actor_name: actor.name,
    scheduled_for: scheduledFor,
    created_at: now,
    updated_at: now,
    started_at: null,
    finished_at: null,
  };
  await claimOnce(trx, asker.claim, row.id, now);
  await insertRun(trx, row);
  await context.logs.open(trx, workspaceId, row.id);
  await context.jobs.enqueue(trx, {
    kind: KIND,
    workspaceId,
    resourceId: row.id,
    lanes: [{ key: `script:${script.id}`, limit: AT_ONCE }, serverLane(script.server_id)],
    timeLimit: script.timeout_seconds * SECOND + ALLOWANCE,
  });
  // Values may be anything, and the log is for ever: it has the names.
  const detail = {
    script: { id: script.id, name: script.name, version: script.version },
    parameters: Object.keys(parameters),
    ...(scheduledFor !== null && { scheduledFor: instant(scheduledFor) }),
  };
  await record(trx, asker, 'run.created', { kind: 'run', id: row.id, name: script.name }, now, detail);
  return row;
}

/** Begins a run with the values given and the defaults of the rest. Throws `not_found`, `validation_failed`, `conflict`, `idempotent_replay`. */
export async function createRun(
  context: WorkspaceContext,
  asker: Asker,
  idOrSlug: string,
  given: Readonly<Record<string, string>>,
): Promise<Run> {
  const { workspaceId } = asker;
  const script = await findRow(context.store.read, 'script', workspaceId, idOrSlug);
  // Outside of the transaction, since patterns may take a while.
  const values = await checkValues(context, workspaceId, parametersOf(script), given);
  const row = await context.store.transaction(async (trx) => {
    const now = await lockScheduled(trx, 'script', workspaceId, script.id);
    if (now === undefined) throw new Problem('not_found', 'There is no such script in this workspace.');
    if (now.version !== script.version)
      throw new Problem('conflict', 'The script was changed at this moment. Try again.');
    return begin(trx, context, asker, now, values, null);
  });
  context.jobs.wake();
  return showRun(row);
}

/** The runs of a script, newest first. Throws `not_found`. */
export async function listRunsOf(
  context: WorkspaceContext,
  workspaceId: string,
  idOrSlug: string,
  query: RunQuery,
): Promise<Page<Run>> {
  const { read } = context.store;
  const { id } = await findRow(read, 'script', workspaceId, idOrSlug);
  const page = pageAsk(query, '-createdAt', 'number');
  const rows = await listRuns(read, workspaceId, id, query.status, page);
  return cutPage(rows, page.limit, '-createdAt', (row) => ({ value: row.created_at, id: row.id }), showRun);
}

async function findRunRow(db: Queryable, workspaceId: string, id: string): Promise<RunTable> {
  const row = await findWork(db, 'run', workspaceId, id);
  if (row === undefined) throw new Problem('not_found', 'There is no such run in this workspace.');
  return row;
}

/** Throws `not_found`. */
export async function getRun(context: WorkspaceContext, workspaceId: string, id: string): Promise<Run> {
  return showRun(await findRunRow(context.store.read, workspaceId, id));
}

/** Ends a run: at once while it waits, otherwise as soon as its processes are gone. Throws `not_found`, `conflict` for one that is over. */
export async function cancelRun(context: WorkspaceContext, asker: Asker, id: string): Promise<Run> {
  const { workspaceId, actor } = asker;
  const row = await context.store.transaction(async (trx) => {
    const before = await findRunRow(trx, workspaceId, id);
    if (!(await context.jobs.cancel(trx, workspaceId, id, `Cancelled by ${actor.name ?? 'the operator'}.`))) {
      throw new Problem('conflict', `This run is over: ${before.status}.`);
    }
    const script = await findResource(trx, 'script', workspaceId, before.script_id);
    const target = { kind: 'run', id, name: script?.name ?? before.script_id } as const;
    await record(trx, asker, 'run.cancelled', target, context.clock(), {});
    return findRunRow(trx, workspaceId, id);
  });
  context.jobs.wake();
  return showRun(row);
}

/** Throws `JobFailure` for anything but an end with 0. */
function checkOutcome(outcome: Outcome, timeoutSeconds: number): void {
  if (outcome.timedOut) throw new JobFailure(`It took longer than ${timeoutSeconds} seconds and was ended.`);
  if (outcome.problem !== null) throw new JobFailure(outcome.problem);
  if (outcome.exitCode === 0) return;
  const how = outcome.signal === null ? `with ${outcome.exitCode}` : `by ${outcome.signal}`;
  throw new JobFailure(`The script ended ${how}.`);
}

async function perform(context: WorkspaceContext, job: RunningJob): Promise<undefined> {
  const { workspaceId, resourceId: id } = job;
  const { script, values } = await job.write(async (trx) => {
    const row = await findRunRow(trx, workspaceId, id);
    const version = await findScriptVersion(trx, workspaceId, row.script_id, row.script_version);
    if (version === undefined) throw new JobFailure('The script is gone.');
    const now = context.clock();
    await changeWork(trx, 'run', workspaceId, id, ['pending'], {
      status: 'processing',
      started_at: now,
      updated_at: now,
    });
    return { script: version, values: JSON.parse(row.parameters) as Record<string, string> };
  });
  const server = await findResource(context.store.read, 'server', workspaceId, script.server_id);
  if (server === undefined) throw new JobFailure('The server is gone.');
  const log = context.logs.writer(workspaceId, id);
  try {
    log.say(`Version ${script.number} on ${server.name}${script.run_as === null ? '' : ` as ${script.run_as}`}.`);
    const outcome = await run(
      await targetOf(context, server),
      {
        command: { interpreter: script.interpreter.split(' '), body: script.body },
        environment: values,
        runAs: script.run_as,
        timeoutMs: script.timeout_seconds * SECOND,
        onLine: (line) => log.write(line, 'script', server.id),
      },
      job.signal,
    );
    const { exitCode } = outcome;
    await job.write((trx) => changeWork(trx, 'run', workspaceId, id, ['processing'], { exit_code: exitCode }));
    if (outcome.cancelled) job.signal.throwIfAborted();
    checkOutcome(outcome, script.timeout_seconds);
  } catch (error) {
    // What stands in the way of a run is told as it stands.
    throw error instanceof Problem ? new JobFailure(error.message) : error;
  } finally {
    await log.end();
  }
}

/** Runs of scripts, as the queue knows them. One whose node is gone has failed: nobody knows how far it came. */
export function runKind(context: WorkspaceContext): JobKind {
  return {
    name: KIND,
    resumable: false,
    run: (job) => perform(context, job),
    async settle(trx, { workspaceId, resourceId: id }, { status, error, at }) {
      const change = { status, error, finished_at: at, updated_at: at };
      if (!(await changeWork(trx, 'run', workspaceId, id, UNDER_WAY, change))) return;
      await context.logs.say(trx, workspaceId, id, error ?? 'Completed.');
      await context.logs.close(trx, workspaceId, id);
      const row = await findRunRow(trx, workspaceId, id);
      const script = await findResource(trx, 'script', workspaceId, row.script_id);
      const target = { kind: 'run', id, name: script?.name ?? row.script_id } as const;
      await record(trx, systemIn(workspaceId), 'run.finished', target, at, { status, exitCode: row.exit_code });
    },
  };
}

/** Begins what one script's schedule is due for; false where another node was faster. A time that was missed is made up for once. */
async function beginDue(context: WorkspaceContext, workspaceId: string, id: string): Promise<boolean> {
  return context.store.transaction(async (trx) => {
    const now = context.clock();
    const script = await lockScheduled(trx, 'script', workspaceId, id);
    const at = script?.next_run_at ?? null;
    if (script === undefined || script.schedule === null || at === null || at > now) return false;
    await setNextTime(trx, 'script', workspaceId, id, nextTime(script.schedule, now));
    // One that waits already does what this one would: they never pile up.
    if ((await countRuns(trx, workspaceId, id, ['pending'], true)) > 0) return false;
    const values = Object.fromEntries(parametersOf(script).map((one) => [one.name, one.default ?? '']));
    await begin(trx, context, systemIn(workspaceId), script, values, at);
    return true;
  });
}

/** Begins the runs that schedules are due for, each once over all nodes. */
export async function beginDueRuns(context: WorkspaceContext): Promise<void> {
  const due = await dueSchedules(context.store.read, 'script', context.clock(), DUE_AT_ONCE);
  for (const { workspace_id: workspaceId, id } of due) await beginDue(context, workspaceId, id);
  if (due.length > 0) context.jobs.wake();
}
