import type { App } from '../../contract/apps.ts';
import type { Backup } from '../../contract/backups.ts';
import type { AuditPartyKind } from '../../contract/event-names.ts';
import { toIsoString, toIsoStringOrNull } from '../../contract/instant.ts';
import { HOUR } from '../../contract/limits.ts';
import type { BackupKind, WorkStatus } from '../../contract/platform-vocabulary.ts';
import { Problem } from '../../contract/problem.ts';
import { countUnfinishedBackupWork } from '../../store/backups.ts';
import type { BackupTable, RestoreTable } from '../../store/schema/backups.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import { findWorkItem } from '../../store/work-items.ts';
import { serverLane } from '../job-lanes.ts';

/** Maximum duration of a backup or restore. */
export const JOB_TIMEOUT_MS = 12 * HOUR;
/** Maximum number of pending or running backups and restores per app. */
const MAX_PENDING_PER_APP = 10;

/** Backup settings of an app. */
export type BackupSettings = NonNullable<App['backup']>;
export function backupSettingsOf(app: AppTable): BackupSettings {
  return app.backup === null ? { command: null, restoreCommand: null } : (JSON.parse(app.backup) as BackupSettings);
}

export const isActive = (status: string) => status === 'pending' || status === 'processing';
export const auditTargetOf = (row: BackupTable) => ({ kind: 'backup', id: row.id, name: row.app_name }) as const;

export function serializeBackup(row: BackupTable, restore: RestoreTable | undefined): Backup {
  const actorOf = (row: BackupTable | RestoreTable) => ({
    kind: row.actor_kind as AuditPartyKind,
    id: row.actor_id,
    name: row.actor_name,
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

export async function requireBackup(db: Queryable, workspaceId: string, id: string): Promise<BackupTable> {
  const row = await findWorkItem(db, 'backup', workspaceId, id);
  if (row === undefined) throw new Problem('not_found', 'The backup was not found in this workspace.');
  return row;
}

/** Lanes for work on an app's backups: one at a time per app, and a limited number per server. */
export function backupLanes(app: AppTable) {
  return [{ key: `backup:${app.id}`, limit: 1 }, serverLane(app.server_id ?? '')];
}

export async function checkPendingLimit(trx: Trx, workspaceId: string, appId: string): Promise<void> {
  if ((await countUnfinishedBackupWork(trx, workspaceId, appId)) < MAX_PENDING_PER_APP) return;
  throw new Problem('conflict', `${MAX_PENDING_PER_APP} backups and restores of this app are already waiting.`);
}
