import type { Deployment } from '../../contract/deployments.ts';
import type { HookStatus } from '../../contract/platform-vocabulary.ts';
import type { RunningJob } from '../../jobs/jobs.ts';
import { updateDeployment, updateDeploymentServer } from '../../store/deployments.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema/deployments.ts';
import { enqueueCommitStatus } from '../commit-status/report-job.ts';
import type { PlatformContext } from '../context.ts';
import { type DeploymentPlan, sortByStage } from './plan.ts';

type HookResult = Deployment['hooks'][number];
/** The outcome of a hook on one server. */
export type HookOutcome = Pick<HookResult, 'exitCode' | 'durationMs' | 'attempts'>;

/** Returns the initial results of the hooks of a plan and the results of the skipped hooks, sorted by stage. Pure. */
export function plannedHookResults(plan: DeploymentPlan, skipped: readonly HookResult[]): HookResult[] {
  const planned = plan.hooks.map(({ name, stage }) => ({
    name,
    stage,
    status: 'pending' as const,
    exitCode: null,
    durationMs: null,
    attempts: 0,
  }));
  return sortByStage([...planned, ...skipped]);
}

/** Updates a deployment's rows while this node owns its job. */
export interface DeploymentProgress {
  /** Returns the row as it was last written. */
  row(): DeploymentTable;
  update(fields: Partial<DeploymentTable>): Promise<void>;
  /** Records the commit, and the tag if a pattern was deployed; reports the commit's status to the Git host. */
  commitFound(commit: string, tag: string | null): Promise<void>;
  setServer(server: DeploymentServerTable, fields: Partial<DeploymentServerTable>): Promise<void>;
  hookStarted(name: string): Promise<void>;
  /** Records the outcome on one server. The hook is completed when it has succeeded on every server. */
  hookEnded(name: string, outcome: HookOutcome, hasSucceeded: boolean): Promise<void>;
  /** Counts a hook that a server completed in an earlier attempt. */
  hookCompletedEarlier(name: string): Promise<void>;
  /** Records that a server has completed one of its steps. */
  advance(): Promise<void>;
}

/**
 * Number of Devpilot's own steps on each server, in addition to the hooks: preparation, checkout, setup, activation and
 * health check.
 */
const STEPS_PER_SERVER = 5;

export function createDeploymentProgress(
  context: PlatformContext,
  job: RunningJob,
  initialRow: DeploymentTable,
  plan: DeploymentPlan,
  serverCount: number,
): DeploymentProgress {
  let row = initialRow;
  const hooks = new Map((JSON.parse(row.hooks) as HookResult[]).map((hook) => [hook.name, hook]));
  const endedServersByHook = new Map<string, number>();
  const totalSteps = serverCount * (plan.hooks.length + STEPS_PER_SERVER);
  let completedSteps = row.next_server * (plan.hooks.length + STEPS_PER_SERVER);

  async function update(fields: Partial<DeploymentTable>): Promise<void> {
    row = { ...row, ...fields, updated_at: context.clock() };
    const written = { ...fields, updated_at: row.updated_at };
    await job.transaction((trx) => updateDeployment(trx, row, written));
  }
  /** Changes the state of a hook and returns the states of all hooks as JSON. */
  function setHook(name: string, change: { status: HookStatus } & Partial<HookOutcome>) {
    const hook = hooks.get(name);
    if (hook !== undefined) hooks.set(name, { ...hook, ...change });
    return JSON.stringify([...hooks.values()]);
  }
  /** At most 99; `finishDeployment` sets 100. */
  const percent = () => Math.min(99, Math.floor((100 * completedSteps) / Math.max(1, totalSteps)));

  return {
    row: () => row,
    update,
    async commitFound(commit, tag) {
      row = { ...row, commit_id: commit, tag: tag ?? row.tag, updated_at: context.clock() };
      const { commit_id, tag: knownTag, updated_at } = row;
      await job.transaction(async (trx) => {
        await updateDeployment(trx, row, { commit_id, tag: knownTag, updated_at });
        await enqueueCommitStatus(context, trx, row);
      });
      context.jobs.wake();
    },
    setServer: (server, fields) => job.transaction((trx) => updateDeploymentServer(trx, server, fields)),
    hookStarted: (name) => update({ hooks: setHook(name, { status: 'processing' }) }),
    hookEnded(name, { exitCode, durationMs, attempts }, hasSucceeded) {
      const endedServers = (endedServersByHook.get(name) ?? row.next_server) + 1;
      endedServersByHook.set(name, endedServers);
      const previous = hooks.get(name);
      completedSteps += 1;
      const hasFailed = previous?.status === 'failed' || !hasSucceeded;
      const successStatus = endedServers >= serverCount ? 'completed' : 'processing';
      const result = {
        status: hasFailed ? 'failed' : successStatus,
        exitCode: previous?.status === 'failed' ? previous.exitCode : exitCode,
        durationMs: Math.max(previous?.durationMs ?? 0, durationMs ?? 0),
        attempts: Math.max(previous?.attempts ?? 0, attempts),
      } as const;
      return update({ hooks: setHook(name, result), progress: percent() });
    },
    async hookCompletedEarlier(name) {
      endedServersByHook.set(name, (endedServersByHook.get(name) ?? row.next_server) + 1);
      completedSteps += 1;
    },
    advance() {
      completedSteps += 1;
      return update({ progress: percent() });
    },
  };
}
