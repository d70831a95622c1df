import { randomUUID } from 'node:crypto';
import type { App, CreateAppInput, UpdateAppInput } from '../contract/apps.ts';
import type { AppListQuery } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { confirm, parseCount, readSecret } from './input.ts';
import { formatInstant, print, printJson, printNote, sanitizeInline } from './output.ts';
import { type BodyOptions, definedFields, resourceCommandsFor } from './resources.ts';

/** Describes which pushes deploy an app. If no branches are set, only pushes to the branch of the app do. */
function describePush(push: App['push']): string {
  const { branches, paths } = push ?? { branches: [], paths: [] };
  const branchList = branches.length === 0 ? 'the branch of the app' : `branches ${branches.join(', ')}`;
  return paths.length === 0 ? branchList : `${branchList}; only changes of ${paths.join(', ')}`;
}

export const apps = resourceCommandsFor<App, AppListQuery, CreateAppInput, UpdateAppInput>({
  noun: 'app',
  deleteWarning:
    'Deployments, error keys and all versions of the environment are deleted too. Backups are kept, and deleted apps keep running on their servers.',
  endpoint: (client) => client.apps,
  columns: [
    { title: 'ID', getValue: ({ id }) => id },
    { title: 'SLUG', getValue: ({ slug }) => slug },
    { title: 'NAME', getValue: ({ name }) => name },
    { title: 'PROJECT', getValue: ({ projectId }) => projectId },
    { title: 'SERVER', getValue: ({ serverId }) => serverId },
    { title: 'BRANCH', getValue: ({ branch }) => branch },
    { title: 'CREATED', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
  ],
  detailFields: [
    { title: 'ID', getValue: ({ id }) => id },
    { title: 'Name', getValue: ({ name }) => name },
    { title: 'Slug', getValue: ({ slug }) => slug },
    { title: 'Project', getValue: ({ projectId }) => projectId },
    { title: 'Server', getValue: ({ serverId }) => serverId },
    { title: 'Repository', getValue: ({ repository }) => repository },
    {
      title: 'Repository credentials',
      getValue: ({ repositoryUser, hasRepositoryPassword }) =>
        [repositoryUser, hasRepositoryPassword ? 'password stored' : null].filter((part) => part !== null).join(', ') ||
        null,
    },
    { title: 'Branch', getValue: ({ branch }) => branch },
    { title: 'Directory', getValue: ({ directory }) => directory },
    { title: 'Releases', getValue: ({ keepReleases }) => `${keepReleases} kept` },
    {
      title: 'Hooks',
      getValue: ({ hooks }) => hooks.map(({ name, stage }) => `${name} (${stage})`).join(', ') || null,
    },
    { title: 'Health check', getValue: ({ healthCheck }) => healthCheck?.url ?? healthCheck?.command ?? null },
    { title: 'Log command', getValue: ({ logCommand }) => logCommand },
    { title: 'Required variables', getValue: ({ requiredVariables }) => requiredVariables.join(', ') || null },
    { title: 'Backup', getValue: ({ backup }) => (backup === null ? null : (backup.command ?? 'app directory')) },
    { title: 'Push filter', getValue: ({ push }) => describePush(push) },
    { title: 'Created', getValue: ({ createdAt }) => createdAt },
    { title: 'Updated', getValue: ({ updatedAt }) => updatedAt },
  ],
});

export interface AppOptions extends BodyOptions {
  readonly project: string | undefined;
  readonly name: string | undefined;
  readonly slug: string | undefined;
  readonly server: string | undefined;
  readonly repository: string | undefined;
  readonly repositoryUser: string | undefined;
  /** `-` reads the password from standard input; an empty string removes it. */
  readonly repositoryPassword: string | undefined;
  readonly branch: string | undefined;
  readonly directory: string | undefined;
  readonly keepReleases: string | undefined;
  readonly logCommand: string | undefined;
  /** A single empty name removes all required variables. */
  readonly requireVariable: readonly string[] | undefined;
  readonly pushBranch: readonly string[] | undefined;
  readonly pushPath: readonly string[] | undefined;
}

async function readRepositoryPassword(option: string | undefined): Promise<object> {
  if (option === undefined) return {};
  if (option === '') return { repositoryPassword: null };
  if (option === '-') return { repositoryPassword: await readSecret('password') };
  throw new Failure(
    'A password on the command line is saved in shell history. Use --repository-password - and pipe it in.',
  );
}

/** Returns the fields of an app that the options set. */
export async function appFields(options: AppOptions): Promise<object> {
  const keepReleases = parseCount('--keep-releases', options.keepReleases);
  const { project, name, slug, server, repository, repositoryUser, branch, directory, logCommand } = options;
  const { pushBranch, pushPath, requireVariable } = options;
  const hasPushOption = pushBranch !== undefined || pushPath !== undefined;
  return {
    ...definedFields({
      projectId: project,
      name,
      slug,
      serverId: server,
      repository,
      repositoryUser,
      branch,
      directory,
      logCommand,
    }),
    ...(await readRepositoryPassword(options.repositoryPassword)),
    ...(keepReleases !== undefined && { keepReleases }),
    ...(requireVariable !== undefined && { requiredVariables: requireVariable.filter((name) => name !== '') }),
    ...(hasPushOption && { push: { branches: pushBranch ?? [], paths: pushPath ?? [] } }),
  };
}

/** Creates or replaces the push secret of an app. Without `--json`, prints only the secret to standard output. */
export async function replacePushSecret(
  idOrSlug: string,
  options: RemoteOptions & { readonly yes: true | undefined },
): Promise<void> {
  const { apps: api } = connect(options);
  const { id, name } = await api.get(idOrSlug);
  const label = sanitizeInline(name);
  await confirm(
    `Create a new push secret for ${label}? Webhook requests that use the old secret will be rejected.`,
    options.yes,
  );
  const { secret } = await api.replacePushSecret(id, { idempotencyKey: randomUUID() });
  if (options.json === true) return printJson({ secret });
  printNote(
    `At the Git host, add a webhook with this secret and the URL of the Devpilot server followed by /v1/apps/${id}/push. Secret (shown only once):`,
    options,
  );
  return print(`${secret}\n`);
}
