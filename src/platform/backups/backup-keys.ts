import { randomBytes } from 'node:crypto';
import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { BackupKey } from '../../contract/backups.ts';
import { createId } from '../../contract/id.ts';
import { toIsoString } from '../../contract/instant.ts';
import { DAY, RESOURCE_LIMITS } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import {
  countBackupKeys,
  deleteUnusedBackupKeys,
  findBackupKey,
  findCurrentBackupKey,
  insertBackupKey,
} from '../../store/backup-keys.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import type { BackupKeyTable } from '../../store/schema/backups.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { KEY_BYTES } from './encryption.ts';
import { StorageFailure } from './storage.ts';

/** Returns the associated data of a workspace's sealed backup key. */
export const backupKeyAssociatedData = (row: Pick<BackupKeyTable, 'id' | 'workspace_id'>): string =>
  `backup key ${row.workspace_id} ${row.id}`;

type KeyContext = Pick<PlatformContext, 'seal' | 'clock'>;

async function createKey(trx: Trx, context: KeyContext, workspaceId: string): Promise<BackupKeyTable> {
  const now = context.clock();
  const ids = { id: createId('backup_key', now), workspace_id: workspaceId };
  const key = randomBytes(KEY_BYTES).toString('base64url');
  const row = { ...ids, key_sealed: context.seal.seal(key, backupKeyAssociatedData(ids)), created_at: now };
  await insertBackupKey(trx, row);
  return row;
}

const openKey = (context: KeyContext, row: BackupKeyTable): Buffer =>
  Buffer.from(context.seal.open(row.key_sealed, backupKeyAssociatedData(row)), 'base64url');

/** Returns the key for a new backup; creates one if the workspace has none that can be opened. */
export async function currentBackupKey(
  trx: Trx,
  context: KeyContext,
  workspaceId: string,
): Promise<{ readonly id: string; readonly key: Buffer }> {
  const existing = await findCurrentBackupKey(trx, workspaceId);
  // Replaces a key that was sealed with a `DEVPILOT_SECRET` that is no longer known.
  const row =
    existing !== undefined && context.seal.hasKeyFor(existing.key_sealed)
      ? existing
      : await createKey(trx, context, workspaceId);
  return { id: row.id, key: openKey(context, row) };
}

/**
 * Returns the key that a backup was encrypted with. Throws `StorageFailure` if it no longer exists or cannot be opened.
 */
export async function requireBackupKey(
  db: Queryable,
  context: KeyContext,
  workspaceId: string,
  id: string,
): Promise<Buffer> {
  const row = await findBackupKey(db, workspaceId, id);
  if (row === undefined) throw new StorageFailure('The key that this backup was encrypted with no longer exists.');
  if (!context.seal.hasKeyFor(row.key_sealed)) {
    throw new StorageFailure('The key that this backup was encrypted with needs an older DEVPILOT_SECRET.');
  }
  return openKey(context, row);
}

/**
 * Replaces the key that encrypts new backups. Existing backups stay encrypted with their keys. Earlier keys that no
 * backup needs are deleted, unless they were created within the last day. Throws `conflict` if there are too many keys,
 * `idempotent_replay` for a repeated request.
 */
export async function replaceBackupKey(context: PlatformContext, request: RequestContext): Promise<BackupKey> {
  const { workspaceId } = request;
  return context.store.transaction(async (trx) => {
    const now = context.clock();
    await deleteUnusedBackupKeys(trx, workspaceId, now - DAY);
    if ((await countBackupKeys(trx, workspaceId)) >= RESOURCE_LIMITS.backupKeys) {
      throw new Problem(
        'conflict',
        `This workspace has ${RESOURCE_LIMITS.backupKeys} backup keys. Delete the oldest backups first.`,
      );
    }
    const { id, created_at: createdAt } = await createKey(trx, context, workspaceId);
    await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
    const target = { kind: 'workspace', id: workspaceId, name: null } as const;
    await recordAuditEvent(trx, request, 'backup.key_replaced', target, now, { key: id });
    return { id, createdAt: toIsoString(createdAt) };
  });
}
