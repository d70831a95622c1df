import { recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import type { UpdateApp } from '../../contract/apps.ts';
import { invalidField } from '../../contract/problem.ts';
import { repositoryOrigin, splitCredentials } from '../../contract/repository.ts';
import {
  listAppsWithPossibleSecretInUrl,
  listUnfinishedPlans,
  replacePlan,
  replaceRepository,
} from '../../store/repository-upgrade.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { Seal } from '../../store/seal.ts';
import type { Store } from '../../store/store.ts';
import type { DeployKeyCredentials } from './deploy-keys.ts';

/** User and password of an http(s) repository, as passed to git. */
export interface PasswordCredentials {
  readonly kind: 'password';
  /** Scheme, host and port. Git receives the credentials for this origin only. */
  readonly origin: string;
  readonly user: string;
  readonly password: string;
}

/** Credentials with which git fetches a repository. */
export type RepositoryCredentials = PasswordCredentials | DeployKeyCredentials;

type RepositoryFields = Pick<AppTable, 'repository' | 'repository_user' | 'repository_password_sealed'>;
type RepositoryOwner = Pick<AppTable, 'workspace_id' | 'id' | 'repository'>;

/** Returns the associated data of a sealed password, which bind it to the app and the origin of its repository. */
export const repositoryPasswordAssociatedData = ({ workspace_id, id, repository }: RepositoryOwner): string =>
  `repository ${workspace_id} ${id} ${repositoryOrigin(repository) ?? ''}`;

// Git's credential protocol is line-based.
const FORBIDDEN_CHARACTERS = /[\0\r\n]/;
const NO_CREDENTIALS = { repository_user: null, repository_password_sealed: null } as const;

/**
 * Returns the repository of an app and its credentials after an edit. A user without a password in the URL is
 * considered a token and encrypted as the password, unless it is the stored user and a password is stored. Throws
 * `validation_failed` if there are credentials but the URL is not http(s), and if the scheme, host or port changes and
 * the password is not sent again.
 */
export function applyRepositoryInput(seal: Seal, row: AppTable, input: UpdateApp): RepositoryFields {
  const parts = input.repository === undefined || input.repository === null ? null : splitCredentials(input.repository);
  if (FORBIDDEN_CHARACTERS.test(parts?.user ?? '') || FORBIDDEN_CHARACTERS.test(parts?.password ?? '')) {
    throw invalidField('repository', 'must not contain NUL or line breaks in the user name or password');
  }
  const repository = input.repository === undefined ? row.repository : (parts?.url ?? null);
  const origin = repositoryOrigin(repository);
  if (origin === null) {
    for (const field of ['repositoryUser', 'repositoryPassword'] as const) {
      if (input[field] != null) throw invalidField(field, 'must be null: the repository is not an http or https URL');
    }
    return { repository, ...NO_CREDENTIALS };
  }
  const isSameOrigin = origin === repositoryOrigin(row.repository);
  const stored = row.repository_password_sealed;
  let user = input.repositoryUser === undefined ? (parts?.user ?? row.repository_user) : input.repositoryUser;
  // If undefined, the stored password is kept; if null, it is removed.
  let password = input.repositoryPassword === undefined ? (parts?.password ?? undefined) : input.repositoryPassword;
  const urlUser = parts?.user ?? null;
  const isStoredUser = stored !== null && isSameOrigin && urlUser === row.repository_user;
  if (password === undefined && urlUser !== null && input.repositoryUser === undefined && !isStoredUser) {
    // The user in the URL is a token.
    password = urlUser;
    user = null;
  }
  if (password === undefined && stored !== null && !isSameOrigin) {
    throw invalidField(
      'repositoryPassword',
      'must be sent again or be null, because the scheme, host or port of the repository changes',
    );
  }
  let sealed = stored;
  if (password === null) sealed = null;
  else if (password !== undefined)
    sealed = seal.seal(password, repositoryPasswordAssociatedData({ ...row, repository }));
  return { repository, repository_user: user, repository_password_sealed: sealed };
}

/**
 * Returns the credentials for `repository`; null if the app has none, or if they are for another scheme, host or port.
 * A password without a user is a token, which is used as the user name too, because Git hosts differ in where they
 * accept it.
 */
export function openRepositoryCredentials(seal: Seal, app: AppTable, repository: string): PasswordCredentials | null {
  const origin = repositoryOrigin(repository);
  if (origin === null || origin !== repositoryOrigin(app.repository)) return null;
  const { repository_user: user, repository_password_sealed: sealed } = app;
  if (user === null && sealed === null) return null;
  const password = sealed === null ? '' : seal.open(sealed, repositoryPasswordAssociatedData(app));
  return { kind: 'password', origin, user: user ?? password, password };
}

/** Returns the fields of a repository with the credentials in its URL removed and, if git can use them, encrypted. */
function sealUrlCredentials(seal: Seal, app: AppTable, repository: string): RepositoryFields {
  const { url, user, password } = splitCredentials(repository);
  if (user === null && password === null) {
    const { repository_user, repository_password_sealed } = app;
    return { repository: url, repository_user, repository_password_sealed };
  }
  // Credentials that git cannot use are not stored.
  const isUsable = repositoryOrigin(url) !== null && !FORBIDDEN_CHARACTERS.test(`${user}${password}`);
  return isUsable
    ? applyRepositoryInput(seal, { ...app, repository: null }, { repository })
    : { repository: url, ...NO_CREDENTIALS };
}

/**
 * Removes the credentials, queries and fragments that an older version of Devpilot stored in the repository URLs of
 * apps and of plans of unfinished deployments. The credentials of apps are encrypted if git can use them.
 */
export async function removeSecretsFromRepositoryUrls(store: Store, seal: Seal, now: number): Promise<void> {
  const apps = await listAppsWithPossibleSecretInUrl(store.read);
  const plans = await listUnfinishedPlans(store.read);
  const appsToChange = apps.filter(({ repository }) => splitCredentials(repository ?? '').url !== repository);
  const changedPlans = plans.flatMap((row) => {
    const plan = JSON.parse(row.plan ?? '{}') as { repository?: string };
    const url = splitCredentials(plan.repository ?? '').url;
    return url === plan.repository ? [] : [{ ...row, plan: JSON.stringify({ ...plan, repository: url }) }];
  });
  if (appsToChange.length === 0 && changedPlans.length === 0) return;
  await store.transaction(async (trx) => {
    for (const app of appsToChange) {
      const { repository } = app;
      if (repository === null) continue;
      const fields = sealUrlCredentials(seal, app, repository);
      if (!(await replaceRepository(trx, app, { ...fields, updated_at: now }))) continue;
      const target = { kind: 'app', id: app.id, name: app.name } as const;
      await recordAuditEvent(trx, systemRequestContext(app.workspace_id), 'app.updated', target, now, {
        before: { hasRepositoryPassword: app.repository_password_sealed !== null },
        after: {
          repository: fields.repository,
          hasRepositoryPassword: fields.repository_password_sealed !== null,
        },
      });
    }
    for (const row of changedPlans) await replacePlan(trx, row);
  });
}
