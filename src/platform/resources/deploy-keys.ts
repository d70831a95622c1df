import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { ConfirmGitHost, DeployKey, GitHostCheck } from '../../contract/deploy-keys.ts';
import { toIsoStringOrNull } from '../../contract/instant.ts';
import { SECOND } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { sshHostOf } from '../../contract/repository.ts';
import { generateKeyPair } from '../../runner/key-pair.ts';
import { scanHostKeys } from '../../runner/ssh.ts';
import { allowedAddresses, SshConnectFailure, UNREACHABLE_MESSAGE } from '../../runner/ssh-connection.ts';
import { deleteDeployKeyRow, findDeployKeyRow, replaceDeployKey } from '../../store/deploy-keys.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import type { AppTable, DeployKeyTable } from '../../store/schema/resources.ts';
import type { Queryable } from '../../store/store.ts';
import { isOwnedByOperator } from '../../store/workspaces.ts';
import type { PlatformContext } from '../context.ts';
import { runConnectionCheck } from './connection-checks.ts';
import { requireResource, requireResourceForUpdate } from './resources.ts';

const SCAN_TIMEOUT_MS = 10 * SECOND;

/** Returns the associated data of an app's sealed private key. */
export const deployKeyAssociatedData = (row: { readonly app_id: string; readonly workspace_id: string }): string =>
  `deploy key ${row.workspace_id} ${row.app_id}`;

/** A private key and the only host for which git may use it. */
export interface DeployKeyCredentials {
  readonly kind: 'deploy_key';
  readonly host: string;
  readonly port: number;
  readonly hostKey: string;
  readonly privateKey: string;
}

/** Returns the confirmed host key of a repository's host; null if it is not confirmed. */
const confirmedHostKey = (row: DeployKeyTable, repository: string | null): string | null => {
  const target = sshHostOf(repository);
  return target !== null && target.host === row.host && target.port === row.port ? row.host_key : null;
};

function serializeDeployKey(row: DeployKeyTable | undefined, { repository }: AppTable): DeployKey {
  const target = sshHostOf(repository);
  return {
    publicKey: row?.public_key ?? null,
    host: target?.host ?? null,
    port: target?.port ?? null,
    hostKey: row === undefined ? null : confirmedHostKey(row, repository),
    createdAt: toIsoStringOrNull(row?.created_at ?? null),
  };
}

/** Returns the deploy key of an app. Throws `not_found`. */
async function requireDeployKey(db: Queryable, app: AppTable): Promise<DeployKeyTable> {
  const row = await findDeployKeyRow(db, app.workspace_id, app.id);
  if (row === undefined) throw new Problem('not_found', 'The app has no deploy key.');
  return row;
}

/** Returns the public key of an app and the host of its repository. Throws `not_found` if the app does not exist. */
export async function getDeployKey(
  context: PlatformContext,
  workspaceId: string,
  idOrSlug: string,
): Promise<DeployKey> {
  const { read } = context.store;
  const app = await requireResource(read, 'app', workspaceId, idOrSlug);
  return serializeDeployKey(await findDeployKeyRow(read, workspaceId, app.id), app);
}

const auditTargetOf = (app: AppTable) => ({ kind: 'app', id: app.id, name: app.name }) as const;

/**
 * Creates or replaces the key pair of an app; a confirmed host key remains confirmed. Throws `not_found`,
 * `idempotent_replay` for a repeated request.
 */
export function createDeployKey(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
): Promise<DeployKey> {
  return context.store.transaction(async (trx) => {
    const now = context.clock();
    const app = await requireResourceForUpdate(trx, 'app', request.workspaceId, idOrSlug);
    await claimOrRefuseReplay(trx, request.idempotencyClaim, app.id, now);
    const { id: app_id, workspace_id } = app;
    const pair = generateKeyPair(`devpilot-${app.slug}`);
    const { host = null, port = null, host_key = null } = (await findDeployKeyRow(trx, workspace_id, app_id)) ?? {};
    const row: DeployKeyTable = {
      app_id,
      workspace_id,
      host,
      port,
      host_key,
      public_key: pair.publicKey,
      private_key_sealed: context.seal.seal(pair.privateKey, deployKeyAssociatedData({ app_id, workspace_id })),
      created_at: now,
    };
    await replaceDeployKey(trx, row);
    const detail = { publicKey: pair.publicKey };
    await recordAuditEvent(trx, request, 'app.deploy_key_replaced', auditTargetOf(app), now, detail);
    return serializeDeployKey(row, app);
  });
}

/** Deletes the key pair of an app. Throws `not_found` if the app does not exist or has none. */
export function deleteDeployKey(context: PlatformContext, request: RequestContext, idOrSlug: string): Promise<void> {
  return context.store.transaction(async (trx) => {
    const app = await requireResource(trx, 'app', request.workspaceId, idOrSlug);
    const { public_key: publicKey } = await requireDeployKey(trx, app);
    await deleteDeployKeyRow(trx, app.workspace_id, app.id);
    await recordAuditEvent(trx, request, 'app.deploy_key_deleted', auditTargetOf(app), context.clock(), { publicKey });
  });
}

/**
 * Returns the host keys that the repository's host offers to this node. A key is trusted only after a person has
 * confirmed it. Throws `not_found`, `rate_limited`, and `conflict` if the repository is not fetched over SSH.
 */
export async function checkGitHost(
  context: PlatformContext,
  workspaceId: string,
  idOrSlug: string,
): Promise<GitHostCheck> {
  const { read } = context.store;
  const app = await requireResource(read, 'app', workspaceId, idOrSlug);
  const target = requireSshHost(app);
  try {
    const allowNodeLocal = await isOwnedByOperator(read, workspaceId);
    const [address = ''] = await allowedAddresses({ host: target.host, allowNodeLocal });
    const hostKeys = await runConnectionCheck(workspaceId, () => scanHostKeys(address, target.port, SCAN_TIMEOUT_MS));
    const message =
      hostKeys.length === 0
        ? UNREACHABLE_MESSAGE
        : 'Before you confirm a key, compare it with the keys that the Git host publishes.';
    return { hostKeys, message };
  } catch (error) {
    if (!(error instanceof SshConnectFailure)) throw error;
    return { hostKeys: [], message: error.message };
  }
}

function requireSshHost(app: AppTable) {
  const target = sshHostOf(app.repository);
  if (target !== null) return target;
  throw new Problem('conflict', 'The repository of the app is not fetched over SSH, so it needs no deploy key.');
}

/**
 * Confirms a host key, which is then trusted for the repository of the app. Throws `not_found` if the app does not
 * exist or has no deploy key, and `conflict` if the repository is on another host or not fetched over SSH.
 */
export function confirmGitHost(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
  { host, port, hostKey }: ConfirmGitHost,
): Promise<DeployKey> {
  return context.store.transaction(async (trx) => {
    const now = context.clock();
    const app = await requireResourceForUpdate(trx, 'app', request.workspaceId, idOrSlug);
    const before = await requireDeployKey(trx, app);
    const target = requireSshHost(app);
    if (target.host !== host || target.port !== port) {
      throw new Problem('conflict', `The repository is at ${target.host} port ${target.port} now. Check that host.`);
    }
    const row = { ...before, host, port, host_key: hostKey };
    await replaceDeployKey(trx, row);
    await recordAuditEvent(trx, request, 'app.git_host_confirmed', auditTargetOf(app), now, { host, port, hostKey });
    return serializeDeployKey(row, app);
  });
}

/**
 * Returns the deploy key of an app with the confirmed host of its repository; null if the app has no deploy key or its
 * repository is not fetched over SSH. Throws `conflict` if the key of the host is not confirmed.
 */
async function resolveConfirmedKey(db: Queryable, app: AppTable) {
  const target = sshHostOf(app.repository);
  const row = target === null ? undefined : await findDeployKeyRow(db, app.workspace_id, app.id);
  if (target === null || row === undefined) return null;
  const hostKey = confirmedHostKey(row, app.repository);
  if (hostKey !== null) return { row, target, hostKey };
  throw new Problem(
    'conflict',
    `The host key of ${target.host} is not confirmed. An owner or admin must confirm it in the settings of the app.`,
  );
}

/** Throws `conflict` if the app has a deploy key and the host key of its repository is not confirmed. */
export async function requireConfirmedGitHost(db: Queryable, app: AppTable): Promise<void> {
  await resolveConfirmedKey(db, app);
}

/**
 * Returns the deploy key for `repository`; null if the app has none, or if its repository is now on another host.
 * Throws `conflict` if the host key of the repository is not confirmed.
 */
export async function openDeployKey(
  context: PlatformContext,
  app: AppTable,
  repository: string,
): Promise<DeployKeyCredentials | null> {
  const confirmed = await resolveConfirmedKey(context.store.read, app);
  if (confirmed === null) return null;
  const { row, target, hostKey } = confirmed;
  const requestedHost = sshHostOf(repository);
  if (requestedHost?.host !== target.host || requestedHost.port !== target.port) return null;
  const privateKey = context.seal.open(row.private_key_sealed, deployKeyAssociatedData(row));
  return { kind: 'deploy_key', ...target, hostKey, privateKey };
}
