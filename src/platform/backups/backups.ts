import { actorColumnsOf, type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { Backup, BackupQuery } from '../../contract/backups.ts';
import { createId } from '../../contract/id.ts';
import { toIsoString } from '../../contract/instant.ts';
import type { Page } from '../../contract/paging.ts';
import type { BackupKind } from '../../contract/platform-vocabulary.ts';
import { Problem } from '../../contract/problem.ts';
import { deleteBackupRow, findLatestRestores, insertBackup, listBackups, lockBackup } from '../../store/backups.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import { findResource, lockResource } from '../../store/resources.ts';
import type { BackupTable } from '../../store/schema/backups.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import {
  auditTargetOf,
  backupLanes,
  backupSettingsOf,
  checkUnfinishedLimit,
  isInUse,
  isUnfinished,
  JOB_TIMEOUT_MS,
  requireBackup,
  serializeBackup,
} from './backup-record.ts';
import { sweepObject } from './sweep.ts';

export const BACKUP_JOB_KIND = 'backup';

/** Returns a backup, with its latest verification and its latest restore into an allowed app. Throws `not_found`. */
export async function getBackup(
  context: PlatformContext,
  workspaceId: string,
  id: string,
  allowed: AllowedResources | null,
): Promise<Backup> {
  const { read } = context.store;
  const row = await requireBackup(read, workspaceId, id);
  return serializeBackup(row, (await findLatestRestores(read, workspaceId, [id], allowed)).get(id));
}

/** Lists an app's backups, newest first. Accepts the ID of a deleted app. Throws `not_found`. */
export async function listBackupsOf(
  context: PlatformContext,
  workspaceId: string,
  idOrSlug: string,
  query: BackupQuery,
  allowed: AllowedResources | null,
): Promise<Page<Backup>> {
  const { read } = context.store;
  const page = readPageRequest(query, '-createdAt', 'number');
  const app = await findResource(read, 'app', workspaceId, idOrSlug);
  const rows = await listBackups(read, workspaceId, app?.id ?? idOrSlug, query.status, page);
  if (app === undefined && rows.length === 0)
    throw new Problem('not_found', 'The app was not found in this workspace.');
  const ids = rows.map(({ id }) => id);
  const restores = await findLatestRestores(read, workspaceId, ids, allowed);
  const cursorOf = (row: BackupTable) => ({ value: row.created_at, id: row.id });
  return toPage(rows, page.limit, '-createdAt', cursorOf, (row) => serializeBackup(row, restores.get(row.id)));
}

/** Returns the kind of an app's backups. Throws `conflict` if the app has no server, or nothing to back up. */
export function requireBackupKind(app: AppTable): BackupKind {
  if (app.server_id === null) throw new Problem('conflict', 'This app has no server. Set its serverId first.');
  if (backupSettingsOf(app).command !== null) return 'command';
  if (app.directory === null) {
    throw new Problem('conflict', 'This app has neither a directory nor a backup command. Set one of them first.');
  }
  return 'directory';
}

interface NewBackup {
  readonly kind: BackupKind;
  /** The scheduled time in epoch milliseconds; null if a person or credential requested the backup. */
  readonly scheduledFor: number | null;
  /** Why the app cannot be backed up; null if it can. */
  readonly failure: string | null;
}

/** Creates a backup and enqueues its job. If there is a failure, the backup is created as failed, without a job. */
export async function enqueueBackup(
  trx: Trx,
  context: PlatformContext,
  request: RequestContext,
  app: AppTable,
  { kind, scheduledFor, failure }: NewBackup,
): Promise<BackupTable> {
  const now = context.clock();
  const { workspaceId } = request;
  const row: BackupTable = {
    id: createId('backup', now),
    workspace_id: workspaceId,
    app_id: app.id,
    app_name: app.name,
    kind,
    status: failure === null ? 'pending' : 'failed',
    size_bytes: null,
    sha256: null,
    error: failure,
    ...actorColumnsOf(request),
    created_at: now,
    updated_at: now,
    started_at: null,
    finished_at: failure === null ? null : now,
    scheduled_for: scheduledFor,
    verified_at: null,
  };
  await claimOrRefuseReplay(trx, request.idempotencyClaim, row.id, now);
  await insertBackup(trx, row);
  if (failure === null) {
    await context.jobs.enqueue(trx, {
      kind: BACKUP_JOB_KIND,
      workspaceId,
      resourceId: row.id,
      lanes: backupLanes(app.id, app.server_id),
      timeLimitMs: JOB_TIMEOUT_MS,
    });
  }
  const detail = {
    app: { id: app.id, name: app.name },
    kind,
    ...(scheduledFor !== null && { scheduledFor: toIsoString(scheduledFor) }),
    ...(failure !== null && { error: failure }),
  };
  await recordAuditEvent(trx, request, 'backup.created', auditTargetOf(row), now, detail);
  return row;
}

/**
 * Creates a backup, which starts when earlier backups, restores and verifications of the app have ended. Throws
 * `not_found`, `conflict`, `idempotent_replay` for a repeated request.
 */
export async function createBackup(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
): Promise<Backup> {
  const { workspaceId } = request;
  const row = await context.store.transaction(async (trx) => {
    const unlocked = await findResource(trx, 'app', workspaceId, idOrSlug);
    const app = unlocked === undefined ? undefined : await lockResource(trx, 'app', workspaceId, unlocked.id);
    if (app === undefined) throw new Problem('not_found', 'The app was not found in this workspace.');
    const kind = requireBackupKind(app);
    await checkUnfinishedLimit(trx, workspaceId, app.id);
    return enqueueBackup(trx, context, request, app, { kind, scheduledFor: null, failure: null });
  });
  context.jobs.wake();
  return serializeBackup(row);
}

/**
 * Deletes a backup and its stored object. Throws `not_found`, and `conflict` while the backup is being created,
 * restored or verified.
 */
export async function deleteBackup(context: PlatformContext, request: RequestContext, id: string): Promise<void> {
  const { workspaceId } = request;
  await context.store.transaction(async (trx) => {
    await lockBackup(trx, workspaceId, id);
    const row = await requireBackup(trx, workspaceId, id);
    const latest = (await findLatestRestores(trx, workspaceId, [id])).get(id);
    if (isUnfinished(row) || isInUse(latest)) {
      throw new Problem(
        'conflict',
        'This backup is being created, restored or verified. Delete it after that has finished.',
      );
    }
    await deleteBackupRow(trx, workspaceId, id);
    await recordAuditEvent(trx, request, 'backup.deleted', auditTargetOf(row), context.clock(), { app: row.app_id });
  });
  await sweepObject(context, workspaceId, id);
}
