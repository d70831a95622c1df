import type { Deployment } from '../../contract/deployments.ts';
import type { HookStatus } from '../../contract/words.ts';
import { updateDeployment, updateDeploymentServer } from '../../store/deployments.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema.ts';
import type { WorkspaceContext } from '../context.ts';
import type { RunningJob } from '../jobs/jobs.ts';
import { inRunningOrder, type Plan } from './plan.ts';

type HookResult = Deployment['hooks'][number];

/** What each hook of a plan begins as. Pure. */
export function plannedHooks(plan: Plan, skipped: readonly HookResult[]): HookResult[] {
  const planned = plan.hooks.map(({ name, stage }) => ({
    name,
    stage,
    status: 'pending' as const,
    exitCode: null,
    durationMs: null,
  }));
  return inRunningOrder([...planned, ...skipped]);
}

/** Keeps a deployment's rows in step with what happens, as long as this node has its job. */
export interface Progress {
  /** The row as it was last written. */
  row(): DeploymentTable;
  set(fields: Partial<DeploymentTable>): Promise<void>;
  setServer(server: DeploymentServerTable, fields: Partial<DeploymentServerTable>): Promise<void>;
  hookBegan(name: string): Promise<void>;
  /** A hook is done when it is on every server. */
  hookEnded(name: string, exitCode: number | null, durationMs: number, ok: boolean): Promise<void>;
  /** One of the steps that a server takes is done. */
  advance(): Promise<void>;
}

/** Steps of ours on each server, beside the hooks. */
const OWN_STEPS = 5;

export function createProgress(
  context: WorkspaceContext,
  job: RunningJob,
  start: DeploymentTable,
  plan: Plan,
  servers: number,
): Progress {
  let row = start;
  const hooks = new Map((JSON.parse(row.hooks) as HookResult[]).map((hook) => [hook.name, hook]));
  const done = new Map<string, number>();
  const whole = servers * (plan.hooks.length + OWN_STEPS);
  let steps = row.next_server * (plan.hooks.length + OWN_STEPS);

  async function set(fields: Partial<DeploymentTable>): Promise<void> {
    row = { ...row, ...fields, updated_at: context.clock() };
    const written = { ...fields, updated_at: row.updated_at };
    await job.write((trx) => updateDeployment(trx, row, written));
  }
  function setHook(name: string, change: { status: HookStatus; exitCode?: number | null; durationMs?: number }) {
    const hook = hooks.get(name);
    if (hook !== undefined) hooks.set(name, { ...hook, ...change });
    return JSON.stringify([...hooks.values()]);
  }
  /** One less than a whole: that is said when it is over. */
  const percent = () => Math.min(99, Math.floor((100 * steps) / Math.max(1, whole)));

  return {
    row: () => row,
    set,
    setServer: (server, fields) => job.write((trx) => updateDeploymentServer(trx, server, fields)),
    hookBegan: (name) => set({ hooks: setHook(name, { status: 'processing' }) }),
    hookEnded(name, exitCode, durationMs, ok) {
      const count = (done.get(name) ?? row.next_server) + 1;
      done.set(name, count);
      const before = hooks.get(name);
      steps += 1;
      const status = before?.status === 'failed' || !ok ? 'failed' : count >= servers ? 'completed' : 'processing';
      const longest = Math.max(before?.durationMs ?? 0, durationMs);
      const code = before?.status === 'failed' ? before.exitCode : exitCode;
      return set({ hooks: setHook(name, { status, exitCode: code, durationMs: longest }), progress: percent() });
    },
    advance() {
      steps += 1;
      return set({ progress: percent() });
    },
  };
}
