import type { Backup } from '../contract/backups.ts';
import type { CreateDeploymentInput, CreateRollbackInput, Deployment } from '../contract/deployments.ts';
import type { CreateScriptInput, Run, Script, ScriptVersion, UpdateScriptInput } from '../contract/scripts.ts';
import type { WorkStatus } from '../contract/words.ts';
import { at, listOf, type Paging } from './lists.ts';
import { type LogAsk, readLog } from './log.ts';
import { type ResourceListQuery, resource } from './resources.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface ScriptListQuery extends ResourceListQuery {
  /** Id or slug. */
  readonly server?: string | undefined;
}
export interface WorkListQuery extends Paging {
  readonly status?: WorkStatus | undefined;
}

export interface DeploymentListQuery extends WorkListQuery {
  /** Id or slug. */
  readonly app?: string | undefined;
  /** Only what runs now. */
  readonly live?: true | undefined;
}

function deploymentsOf(transport: Transport) {
  const { send } = transport;
  const path = '/v1/deployments';
  const decide =
    (decision: string) =>
    (id: string, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${at(path, id)}/${decision}`, call);
  return {
    ...listOf<Deployment, DeploymentListQuery>(transport, path),
    get: (id: string, call?: CallOptions): Promise<Deployment> => send('GET', at(path, id), call),
    /** Begins a deployment of an app; the answer comes before it is done. */
    create: (app: string, body: CreateDeploymentInput = {}, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${at('/v1/apps', app)}/deployments`, { ...call, body }),
    /** Begins a deployment of an earlier one's commit. */
    rollBack: (id: string, body: CreateRollbackInput = {}, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${at(path, id)}/rollback`, { ...call, body }),
    cancel: decide('cancel'),
    approve: decide('approve'),
    /** Lets a canary go on to the servers that are left. */
    promote: decide('promote'),
    /** Gives a canary up. */
    abort: decide('abort'),
    /** What it says, line by line. */
    logs: (id: string, ask?: LogAsk, call?: CallOptions) => readLog(transport, `${at(path, id)}/logs`, ask, call),
  };
}

/** Deployments, scripts with their runs, and backups. */
export function workOf(transport: Transport) {
  const { send } = transport;
  const [scripts, runs, backups] = ['/v1/scripts', '/v1/runs', '/v1/backups'] as const;
  return {
    deployments: deploymentsOf(transport),
    scripts: {
      ...resource<Script, CreateScriptInput, UpdateScriptInput, ScriptListQuery>(transport, scripts),
      versions: (script: string) => listOf<ScriptVersion, Paging>(transport, `${at(scripts, script)}/versions`),
      /** Begins a run; the answer comes before it is done. */
      run: (script: string, parameters: Readonly<Record<string, string>> = {}, call?: CallOptions): Promise<Run> =>
        send('POST', `${at(scripts, script)}/runs`, { ...call, body: { parameters } }),
      runs: (script: string) => listOf<Run, WorkListQuery>(transport, `${at(scripts, script)}/runs`),
    },
    runs: {
      get: (id: string, call?: CallOptions): Promise<Run> => send('GET', at(runs, id), call),
      /** Ends it with all its processes. */
      cancel: (id: string, call?: CallOptions): Promise<Run> => send('POST', `${at(runs, id)}/cancel`, call),
      /** What it says, line by line. */
      logs: (id: string, ask?: LogAsk, call?: CallOptions) => readLog(transport, `${at(runs, id)}/logs`, ask, call),
    },
    backups: {
      of: (app: string) => listOf<Backup, WorkListQuery>(transport, `${at('/v1/apps', app)}/backups`),
      get: (id: string, call?: CallOptions): Promise<Backup> => send('GET', at(backups, id), call),
      /** Begins a backup of an app; the answer comes before it is done. */
      create: (app: string, call?: CallOptions): Promise<Backup> =>
        send('POST', `${at('/v1/apps', app)}/backups`, { ...call, body: {} }),
      /** Begins to put a backup in the place of what is there. */
      restore: (id: string, call?: CallOptions): Promise<Backup> => send('POST', `${at(backups, id)}/restore`, call),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', at(backups, id), call),
    },
  };
}
