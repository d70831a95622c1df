import type { Backup, BackupKey, RestoreBackup } from '../contract/backups.ts';
import type {
  CreateDeploymentInput,
  CreateRollbackInput,
  Deployment,
  DeploymentVariables,
} from '../contract/deployments.ts';
import type { WorkStatus } from '../contract/platform-vocabulary.ts';
import type {
  CreateScriptInput,
  NextRuns,
  Run,
  Script,
  ScriptVersion,
  UpdateScriptInput,
} from '../contract/scripts.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import { type LogOptions, streamLog } from './log-stream.ts';
import { type ResourceListQuery, resourceClientOf } from './resources.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface ScriptListQuery extends ResourceListQuery {
  /** ID or slug. */
  readonly server?: string | undefined;
  /** ID or slug. */
  readonly app?: string | undefined;
}
export interface WorkListQuery extends Paging {
  readonly status?: WorkStatus | undefined;
}

export interface DeploymentListQuery extends WorkListQuery {
  /** ID or slug. */
  readonly app?: string | undefined;
  /** Only currently live deployments. */
  readonly live?: true | undefined;
}

function deploymentClientOf(transport: Transport) {
  const { send } = transport;
  const path = '/v1/deployments';
  const actionRequest =
    (action: string) =>
    (id: string, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${pathTo(path, id)}/${action}`, call);
  return {
    ...listOf<Deployment, DeploymentListQuery>(transport, path),
    get: (id: string, call?: CallOptions): Promise<Deployment> => send('GET', pathTo(path, id), call),
    /** Returns the names of a deployment's variables, and of those that differ from the previous release. */
    variables: (id: string, call?: CallOptions): Promise<DeploymentVariables> =>
      send('GET', `${pathTo(path, id)}/variables`, call),
    /** Creates a deployment of an app; resolves before it finishes. */
    create: (app: string, body: CreateDeploymentInput = {}, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${pathTo('/v1/apps', app)}/deployments`, { ...call, body }),
    /** Rolls back to the deployment `id`: creates a deployment of its commit. Resolves before that finishes. */
    rollBack: (id: string, body: CreateRollbackInput = {}, call?: CallOptions): Promise<Deployment> =>
      send('POST', `${pathTo(path, id)}/rollback`, { ...call, body }),
    cancel: actionRequest('cancel'),
    approve: actionRequest('approve'),
    /** Continues a canary deployment on the remaining servers. */
    promote: actionRequest('promote'),
    /** Aborts a canary deployment and rolls back its first server. */
    abort: actionRequest('abort'),
    /**
     * Queues a failed deployment to continue from the failed step, or earlier if hooks or variables have changed.
     * Resolves before it finishes.
     */
    retry: actionRequest('retry'),
    /** Streams the output of a deployment, line by line. */
    logs: (id: string, options?: LogOptions, call?: CallOptions) =>
      streamLog(transport, `${pathTo(path, id)}/logs`, options, call),
  };
}

/** Deployments, scripts with their runs, and backups. */
export function workClientsOf(transport: Transport) {
  const { send } = transport;
  const scripts = '/v1/scripts';
  const runs = '/v1/runs';
  const backups = '/v1/backups';
  return {
    deployments: deploymentClientOf(transport),
    scripts: {
      ...resourceClientOf<Script, CreateScriptInput, UpdateScriptInput, ScriptListQuery>(transport, scripts),
      versions: (script: string) => listOf<ScriptVersion, Paging>(transport, `${pathTo(scripts, script)}/versions`),
      /** Returns the next times at which the schedule runs the script. */
      nextRuns: (script: string, call?: CallOptions): Promise<NextRuns> =>
        send('GET', `${pathTo(scripts, script)}/next-runs`, call),
      /** Creates a run; resolves before it finishes. */
      run: (script: string, parameters: Readonly<Record<string, string>> = {}, call?: CallOptions): Promise<Run> =>
        send('POST', `${pathTo(scripts, script)}/runs`, { ...call, body: { parameters } }),
      runs: (script: string) => listOf<Run, WorkListQuery>(transport, `${pathTo(scripts, script)}/runs`),
    },
    runs: {
      get: (id: string, call?: CallOptions): Promise<Run> => send('GET', pathTo(runs, id), call),
      /** Cancels a run and ends all its processes. */
      cancel: (id: string, call?: CallOptions): Promise<Run> => send('POST', `${pathTo(runs, id)}/cancel`, call),
      /** Streams the output of a run, line by line. */
      logs: (id: string, options?: LogOptions, call?: CallOptions) =>
        streamLog(transport, `${pathTo(runs, id)}/logs`, options, call),
    },
    backups: {
      of: (app: string) => listOf<Backup, WorkListQuery>(transport, `${pathTo('/v1/apps', app)}/backups`),
      get: (id: string, call?: CallOptions): Promise<Backup> => send('GET', pathTo(backups, id), call),
      /** Creates a backup of an app; resolves before it finishes. */
      create: (app: string, call?: CallOptions): Promise<Backup> =>
        send('POST', `${pathTo('/v1/apps', app)}/backups`, { ...call, body: {} }),
      /**
       * Queues the restore of a backup over the current data of its app or of `target`; resolves before it finishes.
       */
      restore: (id: string, call?: CallOptions, target: RestoreBackup = {}): Promise<Backup> =>
        send('POST', `${pathTo(backups, id)}/restore`, { ...call, body: target }),
      /** Queues the verification of a backup; resolves before it finishes. */
      verify: (id: string, call?: CallOptions): Promise<Backup> => send('POST', `${pathTo(backups, id)}/verify`, call),
      /**
       * Returns the decrypted data of a backup as a stream: a tar archive (gzip), or the output of the backup command
       * (zstd).
       */
      download: (id: string, call?: CallOptions): Promise<ReadableStream<Uint8Array>> =>
        transport.stream(`${pathTo(backups, id)}/download`, call),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(backups, id), call),
      /** Replaces the key that encrypts new backups; existing backups stay readable. */
      replaceKey: (call?: CallOptions): Promise<BackupKey> => send('POST', '/v1/backup-keys', call),
    },
  };
}
