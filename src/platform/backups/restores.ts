import { actorColumnsOf, type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { Backup } from '../../contract/backups.ts';
import { createId } from '../../contract/id.ts';
import { HOUR } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { findStoredObject, insertRestore, latestRestores, staleRestores } from '../../store/backups.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { lockScheduled } from '../../store/schedules.ts';
import type { BackupTable, RestoreTable } from '../../store/schema/backups.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { appLane } from '../job-lanes.ts';
import {
  auditTargetOf,
  backupLanes,
  backupSettingsOf,
  checkPendingLimit,
  isActive,
  JOB_TIMEOUT_MS,
  requireBackup,
  serializeBackup,
} from './backup-record.ts';
import { storageNameOf } from './storage.ts';

/** Restores run on a node that can reach the storage, so each storage has its own job kind. */
export const restoreJobKindName = (storageName: string): string => `restore from ${storageName}`;

const RESTORE_START_TIMEOUT_MS = HOUR;
/** Maximum number of restores that are cancelled at a time. */
const MAX_CANCELLED_PER_POLL = 50;

/** Returns the app that a backup can be restored into. Throws `conflict` with the reason if there is none. */
async function requireRestorableApp(trx: Trx, row: BackupTable): Promise<AppTable> {
  if (row.sha256 === null) throw new Problem('conflict', `There is nothing to restore: this backup is ${row.status}.`);
  const app = await lockScheduled(trx, 'app', row.workspace_id, row.app_id);
  if (app === undefined) throw new Problem('conflict', 'The app of this backup was deleted.');
  if (app.server_id === null) throw new Problem('conflict', 'This app has no server. Set its serverId first.');
  if (row.kind === 'directory' && app.directory === null) {
    throw new Problem('conflict', 'This app has no directory to restore into. Set one first.');
  }
  if (row.kind === 'command' && backupSettingsOf(app).restoreCommand === null) {
    throw new Problem(
      'conflict',
      'This app has no restoreCommand, which is required to restore the output of its backup command.',
    );
  }
  return app;
}

/** Starts a restore. Throws `not_found`, `conflict`, `idempotent_replay`. */
export async function restoreBackup(context: PlatformContext, request: RequestContext, id: string): Promise<Backup> {
  const { workspaceId } = request;
  const shown = await context.store.transaction(async (trx) => {
    const row = await requireBackup(trx, workspaceId, id);
    const app = await requireRestorableApp(trx, row);
    const before = (await latestRestores(trx, workspaceId, [id])).get(id);
    if (before !== undefined && isActive(before.status)) {
      throw new Problem('conflict', 'This backup is already being restored.');
    }
    await checkPendingLimit(trx, workspaceId, app.id);
    const object = await findStoredObject(trx, workspaceId, id);
    if (object === undefined) throw new Problem('conflict', 'This backup no longer exists.');
    const now = context.clock();
    const restore: RestoreTable = {
      id: createId('restore', now),
      workspace_id: workspaceId,
      backup_id: id,
      app_id: app.id,
      status: 'pending',
      error: null,
      ...actorColumnsOf(request),
      created_at: now,
      started_at: null,
      finished_at: null,
    };
    await claimOrRefuseReplay(trx, request.claim, id, now);
    await insertRestore(trx, restore);
    await context.jobs.enqueue(trx, {
      kind: restoreJobKindName(storageNameOf(object.place)),
      workspaceId,
      resourceId: restore.id,
      // Prevents a deployment from linking into a directory that is being replaced.
      lanes: [...backupLanes(app), appLane(app.id)],
      timeLimitMs: JOB_TIMEOUT_MS,
    });
    await recordAuditEvent(trx, request, 'backup.restore_started', auditTargetOf(row), now, {
      app: { id: app.id, name: app.name },
    });
    return serializeBackup(row, restore);
  });
  context.jobs.wake();
  return shown;
}

/** Cancels restores that no node claims: the data directory with the backup may belong to no running node. */
export async function cancelUnclaimedRestores(context: PlatformContext): Promise<void> {
  const waiting = await staleRestores(
    context.store.read,
    context.clock() - RESTORE_START_TIMEOUT_MS,
    MAX_CANCELLED_PER_POLL,
  );
  for (const { id, workspace_id: workspaceId } of waiting) {
    await context.store.transaction((trx) =>
      context.jobs.cancel(
        trx,
        workspaceId,
        id,
        'It was not started within an hour: a deployment is running, or no running node can reach the backup.',
      ),
    );
  }
}
