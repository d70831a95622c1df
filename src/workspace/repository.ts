import { invalidField } from '../contract/problem.ts';
import { repositoryOrigin, takeCredentialsOut } from '../contract/repository.ts';
import type { UpdateApp } from '../contract/resources.ts';
import { appsWithSecretsInAddress, openPlans, replacePlan, replaceRepository } from '../store/repository.ts';
import type { AppTable } from '../store/schema.ts';
import type { Seal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';
import { record, systemIn } from './context.ts';

/** What git is told when it asks for the credentials of a repository. */
export interface RepositoryCredentials {
  /** Scheme, host and port; git asks for other places in vain. */
  readonly origin: string;
  readonly user: string;
  readonly password: string;
}

type RepositoryFields = Pick<AppTable, 'repository' | 'repository_user' | 'repository_password_sealed'>;
type Owner = Pick<AppTable, 'workspace_id' | 'id' | 'repository'>;

/** What a password is sealed for: this app and the scheme, host and port of its repository. */
export const repositoryPasswordIdentity = ({ workspace_id, id, repository }: Owner): string =>
  `repository ${workspace_id} ${id} ${repositoryOrigin(repository) ?? ''}`;

// Git's protocol for credentials is one of lines.
const CONTROL = /[\0\r\n]/;
const NONE = { repository_user: null, repository_password_sealed: null } as const;

/**
 * The repository of an app and its credentials, as an edit leaves them. A user without a password in the address is
 * taken for a token and sealed, unless it is the stored user, whose password is known. Throws `validation_failed`: for
 * credentials of an address that takes none, and where the scheme, host or port changes and the password is not given
 * again.
 */
export function repositoryAfter(seal: Seal, row: AppTable, input: UpdateApp): RepositoryFields {
  const parts =
    input.repository === undefined || input.repository === null ? null : takeCredentialsOut(input.repository);
  if (CONTROL.test(parts?.user ?? '') || CONTROL.test(parts?.password ?? '')) {
    throw invalidField('repository', 'must not contain control characters');
  }
  const repository = input.repository === undefined ? row.repository : (parts?.url ?? null);
  const origin = repositoryOrigin(repository);
  if (origin === null) {
    for (const field of ['repositoryUser', 'repositoryPassword'] as const) {
      if (input[field] != null)
        throw invalidField(field, 'must be null: the repository is not an http or https address');
    }
    return { repository, ...NONE };
  }
  const stays = origin === repositoryOrigin(row.repository);
  const stored = row.repository_password_sealed;
  const given = input.repositoryPassword === undefined ? (parts?.password ?? undefined) : input.repositoryPassword;
  let user = input.repositoryUser === undefined ? (parts?.user ?? row.repository_user) : input.repositoryUser;
  let password = given;
  if (
    password === undefined &&
    parts?.user != null &&
    input.repositoryUser === undefined &&
    (stored === null || !stays || parts.user !== row.repository_user)
  ) {
    password = parts.user;
    user = null;
  }
  if (password === undefined && stored !== null && !stays) {
    throw invalidField(
      'repositoryPassword',
      'must be given again, or null: the scheme, host or port of the repository changes',
    );
  }
  const sealed =
    password === undefined || password === null
      ? password
      : seal.seal(password, repositoryPasswordIdentity({ ...row, repository }));
  return {
    repository,
    repository_user: user,
    repository_password_sealed: sealed === undefined ? stored : sealed,
  };
}

/**
 * The credentials to fetch `repository` with; null where the app has none, or has them for another scheme, host or port
 * by now. Without a user the password is a token, which hosts accept in either place.
 */
export function credentialsFor(seal: Seal, app: AppTable, repository: string): RepositoryCredentials | null {
  const origin = repositoryOrigin(repository);
  if (origin === null || origin !== repositoryOrigin(app.repository)) return null;
  const { repository_user: user, repository_password_sealed: sealed } = app;
  if (user === null && sealed === null) return null;
  const password = sealed === null ? '' : seal.open(sealed, repositoryPasswordIdentity(app));
  return { origin, user: user ?? password, password };
}

/** The repository of an app as it is stored once its address holds nothing secret. */
function withoutSecretsInAddress(seal: Seal, app: AppTable, repository: string): RepositoryFields {
  const { url, user, password } = takeCredentialsOut(repository);
  if (user === null && password === null) {
    const { repository_user, repository_password_sealed } = app;
    return { repository: url, repository_user, repository_password_sealed };
  }
  // What git could not have been told, or would not have asked for, is not kept.
  const isUsable = repositoryOrigin(url) !== null && !CONTROL.test(`${user}${password}`);
  return isUsable ? repositoryAfter(seal, { ...app, repository: null }, { repository }) : { repository: url, ...NONE };
}

/**
 * Seals credentials that an earlier version left in the addresses of apps, removes queries and fragments, and does so in
 * the plans of deployments that are not over. Does nothing where there are none.
 */
export async function sealStoredCredentials(store: Store, seal: Seal, now: number): Promise<void> {
  const apps = await appsWithSecretsInAddress(store.read);
  const plans = await openPlans(store.read);
  const changed = apps.filter(({ repository }) => takeCredentialsOut(repository ?? '').url !== repository);
  const stale = plans.flatMap((row) => {
    const plan = JSON.parse(row.plan ?? '{}') as { repository?: string };
    const url = takeCredentialsOut(plan.repository ?? '').url;
    return url === plan.repository ? [] : [{ ...row, plan: JSON.stringify({ ...plan, repository: url }) }];
  });
  if (changed.length === 0 && stale.length === 0) return;
  await store.transaction(async (trx) => {
    for (const app of changed) {
      const { repository } = app;
      if (repository === null) continue;
      const fields = withoutSecretsInAddress(seal, app, repository);
      if (!(await replaceRepository(trx, app, { ...fields, updated_at: now }))) continue;
      const target = { kind: 'app', id: app.id, name: app.name } as const;
      await record(trx, systemIn(app.workspace_id), 'app.updated', target, now, {
        before: { hasRepositoryPassword: app.repository_password_sealed !== null },
        after: {
          repository: fields.repository,
          hasRepositoryPassword: fields.repository_password_sealed !== null,
        },
      });
    }
    for (const row of stale) await replacePlan(trx, row);
  });
}
