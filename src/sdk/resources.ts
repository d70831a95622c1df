import type { App, CreateAppInput, UpdateAppInput } from '../contract/apps.ts';
import type { CommitStatus, SetCommitStatus } from '../contract/commit-status.ts';
import type { ConfirmGitHost, DeployKey, GitHostCheck } from '../contract/deploy-keys.ts';
import type { Environment, EnvVariable, EnvVersion } from '../contract/environment.ts';
import type { EnvFileFormat } from '../contract/platform-vocabulary.ts';
import type { CreateProject, Project, UpdateProject } from '../contract/projects.ts';
import type { PushSecret } from '../contract/push.ts';
import type { CreateServer, Server, ServerCheck, UpdateServer } from '../contract/servers.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import { type LogOptions, streamLog } from './log-stream.ts';
import type { CallOptions, Tagged, Transport } from './transport.ts';

export interface ResourceListQuery extends Paging {
  /** A substring of the name, case-insensitive. */
  readonly q?: string | undefined;
  readonly sort?: 'createdAt' | '-createdAt' | 'name' | '-name' | undefined;
}
export interface AppListQuery extends ResourceListQuery {
  /** ID or slug. */
  readonly project?: string | undefined;
  /** ID or slug. */
  readonly server?: string | undefined;
}

/** The methods of resources that have a name and a slug. */
export function resourceClientOf<Item, Create, Update, Query extends Paging>(transport: Transport, path: string) {
  const { send, sendTagged } = transport;
  return {
    ...listOf<Item, Query>(transport, path),
    get: (idOrSlug: string, call?: CallOptions): Promise<Item> => send('GET', pathTo(path, idOrSlug), call),
    /** Returns the resource with its tag, for an update that must not overwrite a concurrent update. */
    read: (idOrSlug: string, call?: CallOptions): Promise<Tagged<Item>> =>
      sendTagged('GET', pathTo(path, idOrSlug), call),
    create: (body: Create, call?: CallOptions): Promise<Item> => send('POST', path, { ...call, body }),
    /** Throws `conflict` if the resource's tag is no longer `ifMatch`. */
    update: (idOrSlug: string, body: Update, call?: CallOptions): Promise<Item> =>
      send('PATCH', pathTo(path, idOrSlug), { ...call, body }),
    /** Throws `conflict` while the resource is in use; the message states by what. */
    delete: (idOrSlug: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(path, idOrSlug), call),
  };
}

function environmentClientOf(transport: Transport, owners: '/v1/apps' | '/v1/projects') {
  const { send, sendTagged, text } = transport;
  const environmentPath = (idOrSlug: string) => `${pathTo(owners, idOrSlug)}/env`;
  return {
    /**
     * Returns all variables, including inherited variables, or only the variable `name`. With `values: 'hidden'`, all
     * values are null. Showing values to a person is recorded in the activity log. Members receive null values, and
     * `forbidden` with `values: 'shown'`.
     */
    read: (
      idOrSlug: string,
      query: { readonly values?: 'shown' | 'hidden'; readonly name?: string } = {},
      call?: CallOptions,
    ): Promise<Tagged<Environment>> => sendTagged('GET', environmentPath(idOrSlug), { ...call, query }),
    /**
     * Returns all variables as the text of a file. Throws `forbidden` for members, and `validation_failed` for a value
     * that the format cannot represent; `dotenv` can represent every value.
     */
    dotenv: (idOrSlug: string, call?: CallOptions, format: EnvFileFormat = 'dotenv'): Promise<string> =>
      text(environmentPath(idOrSlug), { ...call, query: { format } }),
    /** Sets variables, and deletes variables whose value is null: either all of them or none. */
    update: (
      idOrSlug: string,
      values: Readonly<Record<string, string | null>>,
      call?: CallOptions,
    ): Promise<Tagged<Environment>> => sendTagged('PATCH', environmentPath(idOrSlug), { ...call, body: { values } }),
    set: (idOrSlug: string, name: string, value: string, call?: CallOptions): Promise<EnvVariable> =>
      send('PUT', pathTo(environmentPath(idOrSlug), name), { ...call, body: { value } }),
    delete: (idOrSlug: string, name: string, call?: CallOptions): Promise<void> =>
      send('DELETE', pathTo(environmentPath(idOrSlug), name), call),
    versions: (idOrSlug: string) => listOf<EnvVersion, Paging>(transport, `${environmentPath(idOrSlug)}/versions`),
    /** Restores the variables of a version, as a new version. */
    restore: (idOrSlug: string, version: number, call?: CallOptions): Promise<Tagged<Environment>> =>
      sendTagged('POST', `${environmentPath(idOrSlug)}/versions/${version}/restore`, call),
  };
}

/** Projects, servers, apps, and the environments of apps and projects. */
export function resourceClientsOf(transport: Transport) {
  const servers = '/v1/servers';
  const commitStatusPath = (app: string) => `${pathTo('/v1/apps', app)}/commit-status`;
  const deployKeyPath = (app: string) => `${pathTo('/v1/apps', app)}/deploy-key`;
  return {
    projects: resourceClientOf<Project, CreateProject, UpdateProject, ResourceListQuery>(transport, '/v1/projects'),
    apps: {
      ...resourceClientOf<App, CreateAppInput, UpdateAppInput, AppListQuery>(transport, '/v1/apps'),
      /** Creates the secret for signed pushes and replaces the previous one. No other response contains it. */
      replacePushSecret: (app: string, call?: CallOptions): Promise<PushSecret> =>
        transport.send('POST', `${pathTo('/v1/apps', app)}/push-secret`, call),
      /** The Git host API to which the results of deployments are reported as commit statuses. */
      commitStatus: {
        get: (app: string, call?: CallOptions): Promise<CommitStatus> =>
          transport.send('GET', commitStatusPath(app), call),
        set: (app: string, body: SetCommitStatus, call?: CallOptions): Promise<CommitStatus> =>
          transport.send('PUT', commitStatusPath(app), { ...call, body }),
        delete: (app: string, call?: CallOptions): Promise<void> =>
          transport.send('DELETE', commitStatusPath(app), call),
      },
      /** The key pair with which the app's repository is fetched over SSH. */
      deployKey: {
        get: (app: string, call?: CallOptions): Promise<DeployKey> => transport.send('GET', deployKeyPath(app), call),
        /** Creates a key pair and replaces the previous one. */
        replace: (app: string, call?: CallOptions): Promise<DeployKey> =>
          transport.send('POST', deployKeyPath(app), call),
        delete: (app: string, call?: CallOptions): Promise<void> => transport.send('DELETE', deployKeyPath(app), call),
        /** Returns the host keys of the Git host. Can take up to ten seconds. */
        check: (app: string, call?: CallOptions): Promise<GitHostCheck> =>
          transport.send('POST', `${deployKeyPath(app)}/check`, call),
        /** Trusts a host key; owners and admins only. */
        confirm: (app: string, body: ConfirmGitHost, call?: CallOptions): Promise<DeployKey> =>
          transport.send('POST', `${deployKeyPath(app)}/confirm`, { ...call, body }),
      },
      /** Streams the output of the app's log command, line by line. */
      logs: (app: string, options?: LogOptions, call?: CallOptions) =>
        streamLog(transport, `${pathTo('/v1/apps', app)}/logs`, options, call),
    },
    servers: {
      ...resourceClientOf<Server, CreateServer, UpdateServer, ResourceListQuery>(transport, servers),
      /**
       * Tests the connection with the pinned host key; without one, returns the host keys that the server offers. Can
       * take more than ten seconds.
       */
      check: (idOrSlug: string, call?: CallOptions): Promise<ServerCheck> =>
        transport.send('POST', `${pathTo(servers, idOrSlug)}/check`, call),
      /**
       * Allows jobs to run on the server; owners and admins only. Throws `conflict` if the server's tag is no longer
       * `ifMatch`.
       */
      confirm: (idOrSlug: string, call?: CallOptions): Promise<Server> =>
        transport.send('POST', `${pathTo(servers, idOrSlug)}/confirm`, call),
      /** Replaces the pinned host key with the key that the last check received; owners and admins only. */
      acceptHostKey: (idOrSlug: string, hostKey: string, call?: CallOptions): Promise<Server> =>
        transport.send('POST', `${pathTo(servers, idOrSlug)}/host-key`, { ...call, body: { hostKey } }),
    },
    environment: environmentClientOf(transport, '/v1/apps'),
    /** The variables of a project, which its apps inherit. */
    projectEnvironment: environmentClientOf(transport, '/v1/projects'),
  };
}
