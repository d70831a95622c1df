import { actorColumnsOf, actorOf, type RequestContext } from '../../audit/request-context.ts';
import type { App } from '../../contract/apps.ts';
import type { Backup } from '../../contract/backups.ts';
import { createId } from '../../contract/id.ts';
import { toIsoString, toIsoStringOrNull } from '../../contract/instant.ts';
import { HOUR } from '../../contract/limits.ts';
import {
  type BackupKind,
  UNFINISHED_STATUSES,
  type VerificationMethod,
  type WorkStatus,
} from '../../contract/platform-vocabulary.ts';
import { Problem } from '../../contract/problem.ts';
import { countUnfinishedBackupWork, type LatestRestores } from '../../store/backups.ts';
import type { BackupTable, RestoreTable } from '../../store/schema/backups.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import { findWorkItem } from '../../store/work-items.ts';
import { serverLane } from '../job-lanes.ts';

/** Maximum duration of a backup, restore or verification. */
export const JOB_TIMEOUT_MS = 12 * HOUR;
/** Maximum number of pending or running backups, restores and verifications per app. */
const MAX_UNFINISHED_PER_APP = 10;

export type BackupSettings = NonNullable<App['backup']>;
/** Returns the backup settings of an app; settings without commands if the app has none. */
export function backupSettingsOf(app: AppTable): BackupSettings {
  return app.backup === null ? { command: null, restoreCommand: null } : (JSON.parse(app.backup) as BackupSettings);
}

/** Whether a backup, restore or verification has not ended. */
export const isUnfinished = (row: { readonly status: string } | undefined): boolean =>
  UNFINISHED_STATUSES.some((status) => status === row?.status);
/** Whether a restore or verification of a backup is pending or running. */
export const isInUse = ({ restore, verification }: LatestRestores = {}) =>
  isUnfinished(restore) || isUnfinished(verification);
export const auditTargetOf = (row: BackupTable) => ({ kind: 'backup', id: row.id, name: row.app_name }) as const;

/** Serializes the fields that a restore and a verification have in common. */
const serializeOutcome = (row: RestoreTable) => ({
  status: row.status as WorkStatus,
  error: row.error,
  createdBy: actorOf(row),
  createdAt: toIsoString(row.created_at),
  startedAt: toIsoStringOrNull(row.started_at),
  finishedAt: toIsoStringOrNull(row.finished_at),
});

export function serializeBackup(row: BackupTable, { restore, verification }: LatestRestores = {}): Backup {
  const status = restore !== undefined && isUnfinished(restore) ? restore.status : row.status;
  return {
    id: row.id,
    appId: row.app_id,
    kind: row.kind as BackupKind,
    status: status as WorkStatus,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    error: row.error,
    createdBy: actorOf(row),
    startedAt: toIsoStringOrNull(row.started_at),
    finishedAt: toIsoStringOrNull(row.finished_at),
    lastRestore:
      restore === undefined
        ? null
        : { ...serializeOutcome(restore), appId: restore.app_id, serverId: restore.server_id },
    verifiedAt: toIsoStringOrNull(row.verified_at),
    lastVerification:
      verification === undefined
        ? null
        : { ...serializeOutcome(verification), method: verification.method as VerificationMethod | null },
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

/** Returns the row of a backup. Throws `not_found`. */
export async function requireBackup(db: Queryable, workspaceId: string, id: string): Promise<BackupTable> {
  const row = await findWorkItem(db, 'backup', workspaceId, id);
  if (row === undefined) throw new Problem('not_found', 'The backup was not found in this workspace.');
  return row;
}

/** Returns a new row of the table `restore`, in which a verification is a row with another `purpose`. */
export function newRestoreRow(
  request: RequestContext,
  backup: BackupTable,
  {
    purpose,
    appId,
    serverId,
    now,
  }: Pick<RestoreTable, 'purpose'> & {
    readonly appId: string;
    readonly serverId: string | null;
    readonly now: number;
  },
): RestoreTable {
  return {
    id: createId('restore', now),
    workspace_id: backup.workspace_id,
    backup_id: backup.id,
    purpose,
    app_id: appId,
    server_id: serverId,
    method: null,
    status: 'pending',
    error: null,
    ...actorColumnsOf(request),
    created_at: now,
    started_at: null,
    finished_at: null,
  };
}

/** Lanes for work on an app's backups: one at a time per app, and a limited number per server. */
export const backupLanes = (appId: string, serverId: string | null) => [
  { key: `backup:${appId}`, limit: 1 },
  ...(serverId === null ? [] : [serverLane(serverId)]),
];

/** Throws `conflict` if too many backups, restores and verifications of an app are pending or running. */
export async function checkUnfinishedLimit(trx: Trx, workspaceId: string, appId: string): Promise<void> {
  if ((await countUnfinishedBackupWork(trx, workspaceId, appId)) < MAX_UNFINISHED_PER_APP) return;
  throw new Problem(
    'conflict',
    `${MAX_UNFINISHED_PER_APP} backups, restores and verifications of this app are already waiting or running.`,
  );
}
