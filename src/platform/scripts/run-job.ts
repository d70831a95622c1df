import { raiseNotice } from '../../audit/notices.ts';
import { recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import { SECOND } from '../../contract/limits.ts';
import { UNFINISHED_STATUSES } from '../../contract/platform-vocabulary.ts';
import { Problem } from '../../contract/problem.ts';
import { formatSeconds } from '../../contract/seconds.ts';
import { JobFailure, type JobKind, type RunningJob } from '../../jobs/jobs.ts';
import { run, type StepOutcome } from '../../runner/run.ts';
import { resolveNotices } from '../../store/notices.ts';
import { findResource } from '../../store/resources.ts';
import { findScriptVersion, pruneRuns } from '../../store/scripts.ts';
import { updateWorkItem } from '../../store/work-items.ts';
import type { PlatformContext } from '../context.ts';
import { resolveRunTarget } from '../resources/run-target.ts';
import { RUN_JOB_KIND, requireRun } from './runs.ts';

/** Throws `JobFailure` unless the script ended in time with exit code 0. */
function requireSuccess(outcome: StepOutcome, timeoutSeconds: number): void {
  if (outcome.timedOut)
    throw new JobFailure(`The script took longer than ${formatSeconds(timeoutSeconds)} and was ended.`);
  if (outcome.problem !== null) throw new JobFailure(outcome.problem);
  if (outcome.exitCode === 0) return;
  const ending =
    outcome.signal === null ? `ended with exit code ${outcome.exitCode}` : `was killed by ${outcome.signal}`;
  throw new JobFailure(`The script ${ending}.`);
}

async function executeRun(context: PlatformContext, job: RunningJob): Promise<undefined> {
  const { workspaceId, resourceId: id } = job;
  const { script, values } = await job.transaction(async (trx) => {
    const row = await requireRun(trx, workspaceId, id);
    const version = await findScriptVersion(trx, workspaceId, row.script_id, row.script_version);
    if (version === undefined) throw new JobFailure('The version of the script was deleted.');
    const now = context.clock();
    await updateWorkItem(trx, 'run', workspaceId, id, ['pending'], {
      status: 'processing',
      started_at: now,
      updated_at: now,
    });
    return { script: version, values: JSON.parse(row.parameters) as Record<string, string> };
  });
  const server = await findResource(context.store.read, 'server', workspaceId, script.server_id);
  if (server === undefined) throw new JobFailure('The server was deleted.');
  const log = context.logs.writer(workspaceId, id);
  try {
    const user = script.run_as === null ? '' : ` as ${script.run_as}`;
    log.writeSystemLine(`Running version ${script.number} on ${server.name}${user}.`);
    const outcome = await run(
      await resolveRunTarget(context, server),
      {
        command: { interpreter: script.interpreter.split(' '), body: script.body },
        environment: values,
        runAs: script.run_as,
        timeoutMs: script.timeout_seconds * SECOND,
        onLine: (line) => log.write(line, 'script', server.id),
        onUnfinishedLine: (line) => log.showUnfinished(line, 'script', server.id),
      },
      job.signal,
    );
    const { exitCode } = outcome;
    await job.transaction((trx) =>
      updateWorkItem(trx, 'run', workspaceId, id, ['processing'], { exit_code: exitCode }),
    );
    if (outcome.cancelled) job.signal.throwIfAborted();
    requireSuccess(outcome, script.timeout_seconds);
  } catch (error) {
    // A `Problem`, for example because the server is not confirmed, fails the run with its message.
    throw error instanceof Problem ? new JobFailure(error.message) : error;
  } finally {
    await log.end();
  }
}

/** The job kind of script runs. If the node of a run is lost, the run fails: it is unknown how far the script got. */
export function runJobKind(context: PlatformContext): JobKind {
  return {
    name: RUN_JOB_KIND,
    resumable: false,
    run: (job) => executeRun(context, job),
    async finalize(trx, { workspaceId, resourceId: id }, { status, error, endedAt }) {
      const change = { status, error, finished_at: endedAt, updated_at: endedAt };
      if (!(await updateWorkItem(trx, 'run', workspaceId, id, UNFINISHED_STATUSES, change))) return;
      await context.logs.appendSystemLine(trx, workspaceId, id, error ?? 'Completed.');
      await context.logs.close(trx, workspaceId, id);
      const row = await requireRun(trx, workspaceId, id);
      const script = await findResource(trx, 'script', workspaceId, row.script_id);
      if (script !== undefined) await pruneRuns(trx, row, script.keep_runs);
      const target = { kind: 'run', id, name: script?.name ?? row.script_id } as const;
      await recordAuditEvent(trx, systemRequestContext(workspaceId), 'run.finished', target, endedAt, {
        status,
        exitCode: row.exit_code,
      });
      if (status === 'completed') await resolveNotices(trx, workspaceId, row.script_id, ['run.failed']);
      if (status !== 'failed') return;
      await raiseNotice(trx, {
        workspaceId,
        kind: 'run.failed',
        at: endedAt,
        occurrence: id,
        subject: { kind: 'script', id: row.script_id, name: script?.name ?? null },
        detail: { runId: id, exitCode: row.exit_code, error },
      });
    },
  };
}
