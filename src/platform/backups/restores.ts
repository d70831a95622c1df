import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { Backup, RestoreBackup } from '../../contract/backups.ts';
import { HOUR } from '../../contract/limits.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import {
  findLatestRestores,
  findStoredObject,
  insertRestore,
  listStaleRestores,
  lockBackup,
} from '../../store/backups.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { findResource, lockResource } from '../../store/resources.ts';
import type { BackupTable } from '../../store/schema/backups.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { appLane } from '../job-lanes.ts';
import { isAllowedResource } from '../resources/resources.ts';
import {
  auditTargetOf,
  backupLanes,
  backupSettingsOf,
  checkUnfinishedLimit,
  isUnfinished,
  JOB_TIMEOUT_MS,
  newRestoreRow,
  requireBackup,
  serializeBackup,
} from './backup-record.ts';
import { storageNameOf } from './storage.ts';

/** Returns the job kind of restores from a storage. Each storage has its own, because not every node can reach it. */
export const restoreJobKindName = (storageName: string): string => `restore from ${storageName}`;

const RESTORE_START_TIMEOUT_MS = HOUR;
const MAX_CANCELLATIONS_PER_POLL = 50;

/**
 * Returns the app to restore into. Throws `validation_failed` if the requested app does not exist or the credential
 * cannot access it, and `conflict` if the app of the backup was deleted.
 */
async function requireTargetApp(
  trx: Trx,
  request: RequestContext,
  row: BackupTable,
  idOrSlug: string | undefined,
): Promise<AppTable> {
  const { workspaceId } = request;
  const requestedApp = idOrSlug === undefined ? undefined : await findResource(trx, 'app', workspaceId, idOrSlug);
  if (idOrSlug !== undefined && (requestedApp === undefined || !isAllowedResource(request.allowed, requestedApp)))
    throw invalidField('app', 'must be an app of this workspace');
  const app = await lockResource(trx, 'app', workspaceId, requestedApp?.id ?? row.app_id);
  if (app === undefined)
    throw new Problem('conflict', 'The app of this backup was deleted. Set app to restore into another one.');
  return app;
}

/**
 * Returns the ID of the requested server if it is not the app's own, and null otherwise. Throws `validation_failed`.
 */
async function resolveOtherServer(
  trx: Trx,
  request: RequestContext,
  app: AppTable,
  idOrSlug: string | undefined,
): Promise<string | null> {
  if (idOrSlug === undefined) return null;
  const server = await findResource(trx, 'server', request.workspaceId, idOrSlug);
  if (server !== undefined && server.id === app.server_id) return null;
  // Servers are not part of an app, so a credential that is restricted to apps cannot use other servers.
  if (server === undefined || (request.allowed ?? null) !== null)
    throw invalidField('server', 'must be a server of this workspace');
  return server.id;
}

/** Throws `conflict` with the reason if a backup cannot be restored into an app. */
function checkRestorable(row: BackupTable, app: AppTable, serverId: string | null): void {
  if (row.sha256 === null) throw new Problem('conflict', `There is nothing to restore: this backup is ${row.status}.`);
  if (serverId === null) throw new Problem('conflict', 'This app has no server. Set its serverId first.');
  if (row.kind === 'directory' && app.directory === null) {
    throw new Problem('conflict', 'This app has no directory to restore into. Set one first.');
  }
  if (row.kind === 'command' && backupSettingsOf(app).restoreCommand === null) {
    throw new Problem(
      'conflict',
      'This app has no restoreCommand, which is required to restore the output of its backup command.',
    );
  }
}

/**
 * Creates a restore and enqueues its job. The backup is restored into its app, on the app's server, unless `target`
 * names another app or server. Throws `not_found`, `conflict`, `validation_failed`, `idempotent_replay` for a repeated
 * request.
 */
export async function restoreBackup(
  context: PlatformContext,
  request: RequestContext,
  id: string,
  target: RestoreBackup,
): Promise<Backup> {
  const { workspaceId } = request;
  const serialized = await context.store.transaction(async (trx) => {
    const row = await requireBackup(trx, workspaceId, id);
    const app = await requireTargetApp(trx, request, row, target.app);
    const otherServerId = await resolveOtherServer(trx, request, app, target.server);
    const serverId = otherServerId ?? app.server_id;
    checkRestorable(row, app, serverId);
    // The app was locked first, as in the deletion of an app's backups, so that no deadlock is possible.
    await lockBackup(trx, workspaceId, id);
    const latest = (await findLatestRestores(trx, workspaceId, [id])).get(id);
    if (isUnfinished(latest?.restore)) {
      throw new Problem('conflict', 'This backup is already being restored.');
    }
    await checkUnfinishedLimit(trx, workspaceId, app.id);
    const object = await findStoredObject(trx, workspaceId, id);
    if (object === undefined) throw new Problem('conflict', 'This backup no longer exists.');
    const now = context.clock();
    const restore = newRestoreRow(request, row, {
      purpose: 'restore',
      appId: app.id,
      serverId: otherServerId,
      now,
    });
    await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
    await insertRestore(trx, restore);
    await context.jobs.enqueue(trx, {
      kind: restoreJobKindName(storageNameOf(object.place)),
      workspaceId,
      resourceId: restore.id,
      // Prevents a deployment from linking into a directory that is being replaced.
      lanes: [...backupLanes(app.id, serverId), appLane(app.id)],
      timeLimitMs: JOB_TIMEOUT_MS,
    });
    await recordAuditEvent(trx, request, 'backup.restore_started', auditTargetOf(row), now, {
      app: { id: app.id, name: app.name },
      ...(app.id !== row.app_id && { from: { id: row.app_id, name: row.app_name } }),
      ...(otherServerId !== null && { server: otherServerId }),
    });
    return serializeBackup(row, { restore, verification: latest?.verification });
  });
  context.jobs.wake();
  return serialized;
}

/**
 * Cancels restores and verifications that have not started in time, for example because no running node has the data
 * directory in which the backup is stored.
 */
export async function cancelUnstartedRestores(context: PlatformContext): Promise<void> {
  const waiting = await listStaleRestores(
    context.store.read,
    context.clock() - RESTORE_START_TIMEOUT_MS,
    MAX_CANCELLATIONS_PER_POLL,
  );
  for (const { id, workspace_id: workspaceId } of waiting) {
    await context.store.transaction((trx) =>
      context.jobs.cancel(
        trx,
        workspaceId,
        id,
        'Not started within an hour: other work on the app or server is running, or no running node can reach the backup.',
      ),
    );
  }
}
