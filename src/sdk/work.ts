import type { Backup } from '../contract/backups.ts';
import type { CreateDeploymentInput, CreateRollbackInput, Deployment } from '../contract/deployments.ts';
import type { CreateScriptInput, Run, Script, ScriptVersion, UpdateScriptInput } from '../contract/scripts.ts';
import type { WorkStatus } from '../contract/vocabulary.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import { type LogOptions, streamLog } from './log-stream.ts';
import { type ResourceListQuery, resourceClientOf } from './resources.ts';
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

function deploymentClientOf(transport: Transport) {
  const { send } = transport;
  const path = '/v1/deployments';
  const decisionRequest =
    (decision: string) =>
    (id: string, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${pathTo(path, id)}/${decision}`, call);
  return {
    ...listOf<Deployment, DeploymentListQuery>(transport, path),
    get: (id: string, call?: CallOptions): Promise<Deployment> => send('GET', pathTo(path, id), call),
    /** Begins a deployment of an app; the answer comes before it is done. */
    create: (app: string, body: CreateDeploymentInput = {}, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${pathTo('/v1/apps', app)}/deployments`, { ...call, body }),
    /** Begins a deployment of an earlier one's commit. */
    rollBack: (id: string, body: CreateRollbackInput = {}, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${pathTo(path, id)}/rollback`, { ...call, body }),
    cancel: decisionRequest('cancel'),
    approve: decisionRequest('approve'),
    /** Lets a canary go on to the servers that are left. */
    promote: decisionRequest('promote'),
    /** Gives a canary up. */
    abort: decisionRequest('abort'),
    /** What it says, line by line. */
    logs: (id: string, options?: LogOptions, call?: CallOptions) =>
      streamLog(transport, `${pathTo(path, id)}/logs`, options, call),
  };
}

/** Deployments, scripts with their runs, and backups. */
export function workClientsOf(transport: Transport) {
  const { send } = transport;
  const [scripts, runs, backups] = ['/v1/scripts', '/v1/runs', '/v1/backups'] as const;
  return {
    deployments: deploymentClientOf(transport),
    scripts: {
      ...resourceClientOf<Script, CreateScriptInput, UpdateScriptInput, ScriptListQuery>(transport, scripts),
      versions: (script: string) => listOf<ScriptVersion, Paging>(transport, `${pathTo(scripts, script)}/versions`),
      /** Begins a run; the answer comes before it is done. */
      run: (script: string, parameters: Readonly<Record<string, string>> = {}, call?: CallOptions): Promise<Run> =>
        send('POST', `${pathTo(scripts, script)}/runs`, { ...call, body: { parameters } }),
      runs: (script: string) => listOf<Run, WorkListQuery>(transport, `${pathTo(scripts, script)}/runs`),
    },
    runs: {
      get: (id: string, call?: CallOptions): Promise<Run> => send('GET', pathTo(runs, id), call),
      /** Ends it with all its processes. */
      cancel: (id: string, call?: CallOptions): Promise<Run> => send('POST', `${pathTo(runs, id)}/cancel`, call),
      /** What it says, line by line. */
      logs: (id: string, options?: LogOptions, call?: CallOptions) =>
        streamLog(transport, `${pathTo(runs, id)}/logs`, options, call),
    },
    backups: {
      of: (app: string) => listOf<Backup, WorkListQuery>(transport, `${pathTo('/v1/apps', app)}/backups`),
      get: (id: string, call?: CallOptions): Promise<Backup> => send('GET', pathTo(backups, id), call),
      /** Begins a backup of an app; the answer comes before it is done. */
      create: (app: string, call?: CallOptions): Promise<Backup> =>
        send('POST', `${pathTo('/v1/apps', app)}/backups`, { ...call, body: {} }),
      /** Begins to put a backup in the place of what is there. */
      restore: (id: string, call?: CallOptions): Promise<Backup> =>
        send('POST', `${pathTo(backups, id)}/restore`, call),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(backups, id), call),
    },
  };
}
