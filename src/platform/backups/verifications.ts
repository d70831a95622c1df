import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { Backup } from '../../contract/backups.ts';
import { Problem } from '../../contract/problem.ts';
import { findLatestRestores, findStoredObject, insertRestore } from '../../store/backups.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { findResource, lockResource } from '../../store/resources.ts';
import type { BackupTable, RestoreTable } from '../../store/schema/backups.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import {
  auditTargetOf,
  backupLanes,
  checkUnfinishedLimit,
  isUnfinished,
  JOB_TIMEOUT_MS,
  newRestoreRow,
  requireBackup,
  serializeBackup,
} from './backup-record.ts';
import { storageNameOf } from './storage.ts';

/**
 * Returns the job kind of verifications of backups in a storage. Each storage has its own, because not every node can
 * reach it.
 */
export const verificationJobKindName = (storageName: string): string => `verify from ${storageName}`;

/**
 * Creates a verification and enqueues its job. Throws `conflict` if the backup has no stored object, is already being
 * verified, or too much work on the app's backups is pending, and `idempotent_replay` for a repeated request.
 */
export async function enqueueVerification(
  trx: Trx,
  context: PlatformContext,
  request: RequestContext,
  row: BackupTable,
): Promise<RestoreTable> {
  const { workspaceId } = request;
  if (row.sha256 === null) throw new Problem('conflict', `There is nothing to verify: this backup is ${row.status}.`);
  const latest = (await findLatestRestores(trx, workspaceId, [row.id])).get(row.id);
  if (isUnfinished(latest?.verification)) throw new Problem('conflict', 'This backup is already being verified.');
  await checkUnfinishedLimit(trx, workspaceId, row.app_id);
  const object = await findStoredObject(trx, workspaceId, row.id);
  if (object === undefined) throw new Problem('conflict', 'This backup no longer exists.');
  const now = context.clock();
  const verification = newRestoreRow(request, row, { purpose: 'verification', appId: row.app_id, serverId: null, now });
  await claimOrRefuseReplay(trx, request.idempotencyClaim, row.id, now);
  await insertRestore(trx, verification);
  const app = await findResource(trx, 'app', workspaceId, row.app_id);
  await context.jobs.enqueue(trx, {
    kind: verificationJobKindName(storageNameOf(object.place)),
    workspaceId,
    resourceId: verification.id,
    lanes: backupLanes(row.app_id, app?.server_id ?? null),
    timeLimitMs: JOB_TIMEOUT_MS,
  });
  await recordAuditEvent(trx, request, 'backup.verification_started', auditTargetOf(row), now, { app: row.app_id });
  return verification;
}

/**
 * Creates a verification and enqueues its job. Throws `not_found`, `conflict`, `idempotent_replay` for a repeated
 * request.
 */
export async function startVerification(
  context: PlatformContext,
  request: RequestContext,
  id: string,
): Promise<Backup> {
  const { workspaceId } = request;
  const serialized = await context.store.transaction(async (trx) => {
    const { app_id: appId } = await requireBackup(trx, workspaceId, id);
    // Waits for concurrent retention and verifications of the app. The app itself may have been deleted.
    await lockResource(trx, 'app', workspaceId, appId);
    const row = await requireBackup(trx, workspaceId, id);
    const verification = await enqueueVerification(trx, context, request, row);
    const latest = (await findLatestRestores(trx, workspaceId, [id], request.allowed)).get(id);
    return serializeBackup(row, { restore: latest?.restore, verification });
  });
  context.jobs.wake();
  return serialized;
}
