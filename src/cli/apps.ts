import type { App, CreateAppInput, UpdateAppInput } from '../contract/resources.ts';
import type { AppListQuery } from '../sdk/client.ts';
import { Failure } from './failure.ts';
import { readCount, readSecretInput } from './input.ts';
import { showInstant } from './output.ts';
import { type BodyOptions, commandsOf, given } from './resources.ts';

export const apps = commandsOf<App, AppListQuery, CreateAppInput, UpdateAppInput>({
  noun: 'app',
  loss: 'Its environment goes with it; what runs on servers stays there.',
  of: (client) => client.apps,
  columns: [
    { title: 'ID', of: ({ id }) => id },
    { title: 'SLUG', of: ({ slug }) => slug },
    { title: 'NAME', of: ({ name }) => name },
    { title: 'PROJECT', of: ({ projectId }) => projectId },
    { title: 'SERVER', of: ({ serverId }) => serverId },
    { title: 'BRANCH', of: ({ branch }) => branch },
    { title: 'CREATED', of: ({ createdAt }) => showInstant(createdAt, 'never') },
  ],
  facts: [
    { title: 'Id', of: ({ id }) => id },
    { title: 'Name', of: ({ name }) => name },
    { title: 'Slug', of: ({ slug }) => slug },
    { title: 'Project', of: ({ projectId }) => projectId },
    { title: 'Server', of: ({ serverId }) => serverId },
    { title: 'Repository', of: ({ repository }) => repository },
    {
      title: 'Credentials',
      of: ({ repositoryUser, hasRepositoryPassword }) =>
        [repositoryUser, hasRepositoryPassword ? 'password stored' : null].filter((one) => one !== null).join(', ') ||
        null,
    },
    { title: 'Branch', of: ({ branch }) => branch },
    { title: 'Directory', of: ({ directory }) => directory },
    { title: 'Releases', of: ({ keepReleases }) => `${keepReleases} are kept` },
    { title: 'Hooks', of: ({ hooks }) => hooks.map(({ name, stage }) => `${name} (${stage})`).join(', ') || null },
    { title: 'Health', of: ({ healthCheck }) => healthCheck?.url ?? healthCheck?.command ?? null },
    { title: 'Log command', of: ({ logCommand }) => logCommand },
    { title: 'Backup', of: ({ backup }) => (backup === null ? null : (backup.command ?? 'of its directory')) },
    { title: 'Created', of: ({ createdAt }) => createdAt },
    { title: 'Changed', of: ({ updatedAt }) => updatedAt },
  ],
});

export interface AppOptions extends BodyOptions {
  readonly project?: string;
  readonly name?: string;
  readonly slug?: string;
  readonly server?: string;
  readonly repository?: string;
  readonly repositoryUser?: string;
  /** `-`: from standard input; empty: removed. */
  readonly repositoryPassword?: string;
  readonly branch?: string;
  readonly directory?: string;
  readonly keepReleases?: string;
  readonly logCommand?: string;
}

async function readPassword(given: string | undefined): Promise<object> {
  if (given === undefined) return {};
  if (given === '') return { repositoryPassword: null };
  if (given === '-') return { repositoryPassword: await readSecretInput('password') };
  throw new Failure('A password on a command line ends up in histories. Use --repository-password - and pipe it in.');
}

/** The fields of an app that options name. */
export async function appFields(options: AppOptions): Promise<object> {
  const keepReleases = readCount('--keep-releases', options.keepReleases);
  const { project, name, slug, server, repository, repositoryUser, branch, directory, logCommand } = options;
  return {
    ...given({
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
    ...(await readPassword(options.repositoryPassword)),
    ...(keepReleases !== undefined && { keepReleases }),
  };
}
