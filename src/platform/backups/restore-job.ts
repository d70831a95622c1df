import { raiseNotice } from '../../audit/notices.ts';
import { recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import { UNFINISHED_STATUSES, type VerificationMethod } from '../../contract/platform-vocabulary.ts';
import { JobFailure, type JobKind, type RunningJob } from '../../jobs/jobs.ts';
import { createConnectionPool } from '../../runner/ssh-connection.ts';
import { findStoredObject, setVerified } from '../../store/backups.ts';
import { resolveNotices } from '../../store/notices.ts';
import { findResource } from '../../store/resources.ts';
import type { BackupTable, RestoreTable } from '../../store/schema/backups.ts';
import { findWorkItem, updateWorkItem } from '../../store/work-items.ts';
import type { PlatformContext } from '../context.ts';
import { resolveAppTarget } from './app-target.ts';
import { auditTargetOf, backupSettingsOf } from './backup-record.ts';
import { restoreByCommand, restoreDirectory, verifyByCommand, verifyDirectory } from './restore-steps.ts';
import { restoreJobKindName } from './restores.ts';
import { type Storage, StorageFailure } from './storage.ts';
import { verificationJobKindName } from './verifications.ts';
import { type BackupSource, DamagedBackup, verifyBackup } from './verified-source.ts';

/** A restore or verification whose backup was read completely and is intact. */
interface RestoreRun {
  readonly context: PlatformContext;
  readonly job: RunningJob;
  readonly backup: BackupTable;
  readonly restore: RestoreTable;
  readonly source: BackupSource;
}

/**
 * Reads the backup of a restore or verification completely, and calls `work` if the backup is intact. Throws
 * `JobFailure` if it cannot be read, or if it is damaged; a damaged backup is marked as failed.
 */
async function withBackup(
  context: PlatformContext,
  storage: Storage,
  job: RunningJob,
  work: (run: RestoreRun) => Promise<void>,
): Promise<undefined> {
  const { workspaceId, resourceId: id } = job;
  const { backup, restore, object } = await job.transaction(async (trx) => {
    const row = await findWorkItem(trx, 'restore', workspaceId, id);
    const backupRow = row === undefined ? undefined : await findWorkItem(trx, 'backup', workspaceId, row.backup_id);
    const stored = backupRow === undefined ? undefined : await findStoredObject(trx, workspaceId, backupRow.id);
    if (row === undefined || backupRow === undefined || stored === undefined)
      throw new JobFailure('The backup was deleted.');
    await updateWorkItem(trx, 'restore', workspaceId, id, ['pending'], {
      status: 'processing',
      started_at: context.clock(),
    });
    return { backup: backupRow, restore: row, object: stored };
  });
  try {
    const source = await verifyBackup(context, storage, object, backup, job.signal);
    await work({ context, job, backup, restore, source });
  } catch (error) {
    if (error instanceof StorageFailure) throw new JobFailure(error.message);
    if (!(error instanceof DamagedBackup)) throw error;
    await job.transaction((trx) =>
      updateWorkItem(trx, 'backup', workspaceId, backup.id, ['completed', 'failed'], {
        status: 'failed',
        error: error.message,
        updated_at: context.clock(),
      }),
    );
    throw new JobFailure(restore.purpose === 'restore' ? `${error.message} Nothing was restored.` : error.message);
  }
}

async function restoreOnServer({ context, job, backup, restore, source }: RestoreRun): Promise<void> {
  const connections = createConnectionPool();
  try {
    const { workspaceId } = job;
    const target = await resolveAppTarget(context, connections, workspaceId, restore.app_id, restore.server_id);
    if (backup.kind === 'directory') await restoreDirectory(target, restore.id, source, job);
    else await restoreByCommand(target, restore.id, source, job);
  } finally {
    await connections.close();
  }
}

/**
 * Verifies a backup on the app's server: unpacks an archive of `shared/` into a scratch directory, or passes the output
 * of the backup command to the verification command. Returns the method of verification. It is `stored` if the app
 * lacks a server, or the directory or command: then only `withBackup` has verified the stored bytes.
 */
async function verifyOnServer({ context, job, backup, restore, source }: RestoreRun): Promise<VerificationMethod> {
  const app = await findResource(context.store.read, 'app', job.workspaceId, backup.app_id);
  const verifyCommand = app === undefined ? null : (backupSettingsOf(app).verifyCommand ?? null);
  if (app === undefined || app.server_id === null) return 'stored';
  if (backup.kind === 'directory' ? app.directory === null : verifyCommand === null) return 'stored';
  const connections = createConnectionPool();
  try {
    const target = await resolveAppTarget(context, connections, job.workspaceId, app.id);
    if (backup.kind === 'command') {
      if (verifyCommand === null) return 'stored';
      await verifyByCommand(target, verifyCommand, restore.id, source, job);
      return 'command';
    }
    if (target.app.directory === null) return 'stored';
    await verifyDirectory(target, target.app.directory, restore.id, source, job);
    return 'unpacked';
  } finally {
    await connections.close();
  }
}

/**
 * The job kind of restores from one storage. If its node is lost, the restore fails; the previous files still exist,
 * and the next restore of the app cleans up.
 */
export function restoreJobKind(context: PlatformContext, storage: Storage): JobKind {
  return {
    name: restoreJobKindName(storage.name),
    resumable: false,
    run: (job) => withBackup(context, storage, job, restoreOnServer),
    async finalize(trx, { workspaceId, resourceId: id }, { status, error, endedAt }) {
      const restore = await findWorkItem(trx, 'restore', workspaceId, id);
      const change = { status, error, finished_at: endedAt };
      if (
        restore === undefined ||
        !(await updateWorkItem(trx, 'restore', workspaceId, id, UNFINISHED_STATUSES, change))
      )
        return;
      const row = await findWorkItem(trx, 'backup', workspaceId, restore.backup_id);
      const target = { kind: 'backup', id: restore.backup_id, name: row?.app_name ?? '' } as const;
      const detail = { status, ...(error !== null && { error }) };
      await recordAuditEvent(
        trx,
        systemRequestContext(workspaceId),
        'backup.restore_finished',
        target,
        endedAt,
        detail,
      );
    },
  };
}

/** The job kind of verifications of backups in one storage. A failed or cancelled verification raises a notice. */
export function verificationJobKind(context: PlatformContext, storage: Storage): JobKind {
  return {
    name: verificationJobKindName(storage.name),
    resumable: false,
    run: (job) =>
      withBackup(context, storage, job, async (run) => {
        const method = await verifyOnServer(run);
        await job.transaction((trx) =>
          updateWorkItem(trx, 'restore', job.workspaceId, job.resourceId, ['processing'], { method }),
        );
      }),
    async finalize(trx, { workspaceId, resourceId: id }, { status, error, endedAt }) {
      const change = { status, error, finished_at: endedAt };
      if (!(await updateWorkItem(trx, 'restore', workspaceId, id, UNFINISHED_STATUSES, change))) return;
      const verification = await findWorkItem(trx, 'restore', workspaceId, id);
      const row =
        verification === undefined ? undefined : await findWorkItem(trx, 'backup', workspaceId, verification.backup_id);
      if (row === undefined) return;
      const detail = { status, method: verification?.method ?? null, ...(error !== null && { error }) };
      const system = systemRequestContext(workspaceId);
      await recordAuditEvent(trx, system, 'backup.verification_finished', auditTargetOf(row), endedAt, detail);
      if (status === 'completed') {
        await setVerified(trx, workspaceId, row.id, endedAt);
        await resolveNotices(trx, workspaceId, row.app_id, ['backup.failed']);
        return;
      }
      await raiseNotice(trx, {
        workspaceId,
        kind: 'backup.failed',
        at: endedAt,
        occurrence: id,
        subject: { kind: 'app', id: row.app_id, name: row.app_name },
        detail: { backupId: row.id, error, verification: true },
      });
    },
  };
}
