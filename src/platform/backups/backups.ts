import { type RequestContext, recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import type { App } from '../../contract/apps.ts';
import type { Backup, BackupQuery } from '../../contract/backups.ts';
import { createId } from '../../contract/id.ts';
import { toIsoString, toIsoStringOrNull } from '../../contract/instant.ts';
import { DAY, HOUR } from '../../contract/limits.ts';
import type { Page } from '../../contract/paging.ts';
import { Problem } from '../../contract/problem.ts';
import type { AuditPartyKind, BackupKind, WorkStatus } from '../../contract/vocabulary.ts';
import {
  countUnfinishedBackupWork,
  deleteBackupRow,
  findStoredObject,
  insertBackup,
  insertRestore,
  latestRestores,
  listBackups,
  listCompletedBackups,
  staleRestores,
} from '../../store/backups.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import { findResource } from '../../store/resources.ts';
import { dueSchedules, lockScheduled, setNextDueTime } from '../../store/schedules.ts';
import type { AppTable, BackupTable, RestoreTable } from '../../store/schema.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import { findWorkItem } from '../../store/work-items.ts';
import type { PlatformContext } from '../context.ts';
import { nextOccurrence } from '../cron-schedule.ts';
import { appLane, serverLane } from '../job-lanes.ts';
import { storageNameOf } from './storage.ts';
import { sweepObject } from './sweep.ts';

export const BACKUP_JOB_KIND = 'backup';
/** Restores run on a node that can reach the storage, so each storage has its own job kind. */
export const restoreJobKindName = (storageName: string): string => `restore from ${storageName}`;

/** Maximum duration of a backup or restore. */
const JOB_TIMEOUT_MS = 12 * HOUR;
/** Maximum number of pending or running backups and restores per app. */
const MAX_PENDING_PER_APP = 10;
const MAX_DUE_PER_POLL = 50;
const RESTORE_START_TIMEOUT_MS = HOUR;

/** Backup settings of an app. */
export type BackupSettings = NonNullable<App['backup']>;
export function backupSettingsOf(app: AppTable): BackupSettings {
  return app.backup === null ? { command: null, restoreCommand: null } : (JSON.parse(app.backup) as BackupSettings);
}

const isActive = (status: string) => status === 'pending' || status === 'processing';
const auditTargetOf = (row: BackupTable) => ({ kind: 'backup', id: row.id, name: row.app_name }) as const;

function serializeBackup(row: BackupTable, restore: RestoreTable | undefined): Backup {
  const actorOf = (one: BackupTable | RestoreTable) => ({
    kind: one.actor_kind as AuditPartyKind,
    id: one.actor_id,
    name: one.actor_name,
  });
  const restoring = restore !== undefined && isActive(restore.status);
  return {
    id: row.id,
    appId: row.app_id,
    kind: row.kind as BackupKind,
    status: (restoring ? restore.status : row.status) as WorkStatus,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    error: row.error,
    createdBy: actorOf(row),
    startedAt: toIsoStringOrNull(row.started_at),
    finishedAt: toIsoStringOrNull(row.finished_at),
    lastRestore:
      restore === undefined
        ? null
        : {
            status: restore.status as WorkStatus,
            error: restore.error,
            createdBy: actorOf(restore),
            createdAt: toIsoString(restore.created_at),
            startedAt: toIsoStringOrNull(restore.started_at),
            finishedAt: toIsoStringOrNull(restore.finished_at),
          },
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

async function requireBackup(db: Queryable, workspaceId: string, id: string): Promise<BackupTable> {
  const row = await findWorkItem(db, 'backup', workspaceId, id);
  if (row === undefined) throw new Problem('not_found', 'The backup was not found in this workspace.');
  return row;
}

/** Throws `not_found`. */
export async function getBackup(context: PlatformContext, workspaceId: string, id: string): Promise<Backup> {
  const { read } = context.store;
  const row = await requireBackup(read, workspaceId, id);
  return serializeBackup(row, (await latestRestores(read, workspaceId, [id])).get(id));
}

/** Lists an app's backups, newest first; by its id also those of a deleted app. Throws `not_found`. */
export async function listBackupsOf(
  context: PlatformContext,
  workspaceId: string,
  idOrSlug: string,
  query: BackupQuery,
): Promise<Page<Backup>> {
  const { read } = context.store;
  const page = readPageRequest(query, '-createdAt', 'number');
  const app = await findResource(read, 'app', workspaceId, idOrSlug);
  const rows = await listBackups(read, workspaceId, app?.id ?? idOrSlug, query.status, page);
  if (app === undefined && rows.length === 0)
    throw new Problem('not_found', 'The app was not found in this workspace.');
  const ids = rows.map(({ id }) => id);
  const restores = await latestRestores(read, workspaceId, ids);
  const cursorOf = (row: BackupTable) => ({ value: row.created_at, id: row.id });
  return toPage(rows, page.limit, '-createdAt', cursorOf, (row) => serializeBackup(row, restores.get(row.id)));
}

/** Throws `conflict` if an app has nothing to back up, or no location. */
function requireBackupKind(app: AppTable): BackupKind {
  if (app.server_id === null) throw new Problem('conflict', 'This app has no server. Set its serverId first.');
  if (backupSettingsOf(app).command !== null) return 'command';
  if (app.directory === null) {
    throw new Problem('conflict', 'This app has neither a directory nor a backup command. Set one of them first.');
  }
  return 'directory';
}

/** Lanes for work on an app's backups: one at a time per app, and a limited number per server. */
function backupLanes(app: AppTable) {
  return [{ key: `backup:${app.id}`, limit: 1 }, serverLane(app.server_id ?? '')];
}

/** Enqueues a backup; if the app cannot be backed up, `failure` is the reason and the backup fails immediately. */
async function enqueueBackup(
  trx: Trx,
  context: PlatformContext,
  request: RequestContext,
  app: AppTable,
  kind: BackupKind,
  scheduledFor: number | null,
  failure: string | null = null,
): Promise<BackupTable> {
  const now = context.clock();
  const { workspaceId, actor } = request;
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
    actor_kind: actor.kind,
    actor_id: actor.id,
    actor_name: actor.name,
    created_at: now,
    updated_at: now,
    started_at: null,
    finished_at: failure === null ? null : now,
    scheduled_for: scheduledFor,
  };
  await claimOrRefuseReplay(trx, request.claim, row.id, now);
  await insertBackup(trx, row);
  if (failure === null) {
    await context.jobs.enqueue(trx, {
      kind: BACKUP_JOB_KIND,
      workspaceId,
      resourceId: row.id,
      lanes: backupLanes(app),
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

async function checkPendingLimit(trx: Trx, workspaceId: string, appId: string): Promise<void> {
  if ((await countUnfinishedBackupWork(trx, workspaceId, appId)) < MAX_PENDING_PER_APP) return;
  throw new Problem('conflict', `${MAX_PENDING_PER_APP} backups and restores of this app are already waiting.`);
}

/** Starts a backup; it waits for other backups and restores of the app. Throws `not_found`, `conflict`. */
export async function createBackup(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
): Promise<Backup> {
  const { workspaceId } = request;
  const row = await context.store.transaction(async (trx) => {
    const found = await findResource(trx, 'app', workspaceId, idOrSlug);
    const app = found === undefined ? undefined : await lockScheduled(trx, 'app', workspaceId, found.id);
    if (app === undefined) throw new Problem('not_found', 'The app was not found in this workspace.');
    const kind = requireBackupKind(app);
    await checkPendingLimit(trx, workspaceId, app.id);
    return enqueueBackup(trx, context, request, app, kind, null);
  });
  context.jobs.wake();
  return serializeBackup(row, undefined);
}

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
  const { workspaceId, actor } = request;
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
      actor_kind: actor.kind,
      actor_id: actor.id,
      actor_name: actor.name,
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

/** Deletes a backup and its stored object. Throws `not_found`, and `conflict` while it is running or being restored. */
export async function deleteBackup(context: PlatformContext, request: RequestContext, id: string): Promise<void> {
  const { workspaceId } = request;
  await context.store.transaction(async (trx) => {
    const row = await requireBackup(trx, workspaceId, id);
    const restore = (await latestRestores(trx, workspaceId, [id])).get(id);
    if (isActive(row.status) || (restore !== undefined && isActive(restore.status))) {
      throw new Problem('conflict', 'This backup is being created or restored. Delete it after that has finished.');
    }
    await deleteBackupRow(trx, workspaceId, id);
    await recordAuditEvent(trx, request, 'backup.deleted', auditTargetOf(row), context.clock(), { app: row.app_id });
  });
  await sweepObject(context, workspaceId, id);
}

/**
 * Deletes backups beyond the app's retention, in the transaction that completes a newer one; never deletes the
 * newest.
 */
export async function applyRetention(
  trx: Trx,
  context: PlatformContext,
  workspaceId: string,
  appId: string,
): Promise<void> {
  const app = await findResource(trx, 'app', workspaceId, appId);
  const retention = app === undefined ? null : backupSettingsOf(app).keep;
  if (retention === null || retention === undefined) return;
  const now = context.clock();
  const oldest = retention.days === undefined ? Number.NEGATIVE_INFINITY : now - retention.days * DAY;
  const expired = (await listCompletedBackups(trx, workspaceId, appId)).filter(
    (row, index) => index > 0 && (index >= (retention.last ?? Number.POSITIVE_INFINITY) || row.created_at < oldest),
  );
  const restores = await latestRestores(
    trx,
    workspaceId,
    expired.map(({ id }) => id),
  );
  for (const row of expired) {
    if (isActive(restores.get(row.id)?.status ?? '')) continue;
    await deleteBackupRow(trx, workspaceId, row.id);
    await recordAuditEvent(trx, systemRequestContext(workspaceId), 'backup.deleted', auditTargetOf(row), now, {
      app: appId,
      keep: retention,
    });
  }
}

/** Cancels restores that no node claims: the data directory with the backup may belong to no running node. */
export async function cancelUnclaimedRestores(context: PlatformContext): Promise<void> {
  const waiting = await staleRestores(context.store.read, context.clock() - RESTORE_START_TIMEOUT_MS, MAX_DUE_PER_POLL);
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

/** Starts the backup that one app's schedule is due for. Missed times are made up for once. */
async function startDueBackup(context: PlatformContext, workspaceId: string, id: string): Promise<void> {
  await context.store.transaction(async (trx) => {
    const now = context.clock();
    const app = await lockScheduled(trx, 'app', workspaceId, id);
    const dueAt = app?.next_backup_at ?? null;
    if (app === undefined || dueAt === null || dueAt > now) return;
    const { schedule } = backupSettingsOf(app);
    await setNextDueTime(
      trx,
      'app',
      workspaceId,
      id,
      schedule === null || schedule === undefined ? null : nextOccurrence(schedule, now),
    );
    // A pending or running backup serves the same purpose.
    if ((await countUnfinishedBackupWork(trx, workspaceId, id)) > 0) return;
    const request = systemRequestContext(workspaceId);
    try {
      await enqueueBackup(trx, context, request, app, requireBackupKind(app), dueAt);
    } catch (error) {
      // There is no caller to report to: the failure appears in the list.
      if (!(error instanceof Problem) || error.code !== 'conflict') throw error;
      await enqueueBackup(trx, context, request, app, 'directory', dueAt, error.message);
    }
  });
}

/** Starts the backups that schedules are due for, each once over all nodes. */
export async function startDueBackups(context: PlatformContext): Promise<void> {
  const due = await dueSchedules(context.store.read, 'app', context.clock(), MAX_DUE_PER_POLL);
  for (const { workspace_id: workspaceId, id } of due) await startDueBackup(context, workspaceId, id);
  if (due.length > 0) context.jobs.wake();
}
