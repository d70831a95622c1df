import { recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import { DAY } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { deleteBackupRow, findLatestRestores, hasUnfinishedBackup, listStoredBackups } from '../../store/backups.ts';
import { findResource, lockResource } from '../../store/resources.ts';
import { listDueResources, setNextDueTime } from '../../store/schedules.ts';
import type { BackupTable } from '../../store/schema/backups.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { nextOccurrence } from '../cron-schedule.ts';
import { auditTargetOf, backupSettingsOf, isInUse } from './backup-record.ts';
import { enqueueBackup, requireBackupKind } from './backups.ts';
import { enqueueVerification } from './verifications.ts';

const MAX_DUE_PER_POLL = 50;

const isCompleted = (row: BackupTable) => row.status === 'completed';

const occurrenceAfter = (schedule: string | null | undefined, now: number): number | null =>
  schedule === null || schedule === undefined ? null : nextOccurrence(schedule, now);

/**
 * Enqueues the scheduled backup of one app if it is due and the app has no unfinished backup. If the schedule was
 * missed several times, only one backup is enqueued.
 */
async function enqueueDueBackup(context: PlatformContext, workspaceId: string, id: string): Promise<void> {
  await context.store.transaction(async (trx) => {
    const now = context.clock();
    const app = await lockResource(trx, 'app', workspaceId, id);
    const dueAt = app?.next_backup_at ?? null;
    if (app === undefined || dueAt === null || dueAt > now) return;
    const { schedule } = backupSettingsOf(app);
    await setNextDueTime(trx, 'backup', workspaceId, id, occurrenceAfter(schedule, now));
    // A pending or running backup serves the same purpose.
    if (await hasUnfinishedBackup(trx, workspaceId, id)) return;
    const request = systemRequestContext(workspaceId);
    try {
      const kind = requireBackupKind(app);
      await enqueueBackup(trx, context, request, app, { kind, scheduledFor: dueAt, failure: null });
    } catch (error) {
      // There is no caller that could receive the error, so a failed backup is added to the list.
      if (!(error instanceof Problem) || error.code !== 'conflict') throw error;
      const failedBackup = { kind: 'directory', scheduledFor: dueAt, failure: error.message } as const;
      await enqueueBackup(trx, context, request, app, failedBackup);
    }
  });
}

/** Enqueues the backups that are due, at most `MAX_DUE_PER_POLL` per call, each only once across all nodes. */
export async function enqueueDueBackups(context: PlatformContext): Promise<void> {
  const due = await listDueResources(context.store.read, 'backup', context.clock(), MAX_DUE_PER_POLL);
  for (const { workspace_id: workspaceId, id } of due) await enqueueDueBackup(context, workspaceId, id);
  if (due.length > 0) context.jobs.wake();
}

/** Enqueues the verification of one app's newest completed backup if it is due. */
async function enqueueDueVerification(context: PlatformContext, workspaceId: string, id: string): Promise<void> {
  await context.store.transaction(async (trx) => {
    const now = context.clock();
    const app = await lockResource(trx, 'app', workspaceId, id);
    const dueAt = app?.next_verification_at ?? null;
    if (app === undefined || dueAt === null || dueAt > now) return;
    const next = occurrenceAfter(backupSettingsOf(app).verifySchedule, now);
    await setNextDueTime(trx, 'verification', workspaceId, id, next);
    const newest = (await listStoredBackups(trx, workspaceId, id)).find(isCompleted);
    if (newest === undefined) return;
    try {
      await enqueueVerification(trx, context, systemRequestContext(workspaceId), newest);
    } catch (error) {
      // A verification is already running, or too many are waiting: the next scheduled one suffices.
      if (!(error instanceof Problem) || error.code !== 'conflict') throw error;
    }
  });
}

/** Enqueues the verifications that are due, at most `MAX_DUE_PER_POLL` per call, each only once across all nodes. */
export async function enqueueDueVerifications(context: PlatformContext): Promise<void> {
  const due = await listDueResources(context.store.read, 'verification', context.clock(), MAX_DUE_PER_POLL);
  for (const { workspace_id: workspaceId, id } of due) await enqueueDueVerification(context, workspaceId, id);
  if (due.length > 0) context.jobs.wake();
}

/**
 * Deletes the backups that exceed the app's retention, in the transaction that completes a newer backup. Keeps the
 * newest completed backup, the newest verified backup, and backups that are being restored or verified. Stored backups
 * that are `failed`, because they are damaged, expire too, but do not count towards `keep.last`.
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
  const oldestAllowed = retention.days === undefined ? Number.NEGATIVE_INFINITY : now - retention.days * DAY;
  const stored = await listStoredBackups(trx, workspaceId, appId);
  const newestVerified = stored.find((row) => isCompleted(row) && row.verified_at !== null);
  let newerCompleted = 0;
  const expired = stored.filter((row) => {
    const isExpired =
      newerCompleted > 0 &&
      row !== newestVerified &&
      (newerCompleted >= (retention.last ?? Number.POSITIVE_INFINITY) || row.created_at < oldestAllowed);
    if (isCompleted(row)) newerCompleted += 1;
    return isExpired;
  });
  const restores = await findLatestRestores(
    trx,
    workspaceId,
    expired.map(({ id }) => id),
  );
  for (const row of expired) {
    if (isInUse(restores.get(row.id))) continue;
    await deleteBackupRow(trx, workspaceId, row.id);
    await recordAuditEvent(trx, systemRequestContext(workspaceId), 'backup.deleted', auditTargetOf(row), now, {
      app: appId,
      keep: retention,
    });
  }
}
