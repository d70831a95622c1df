import type { Readable } from 'node:stream';
import type { StoredObjectTable } from '../../store/schema/backups.ts';
import type { PlatformContext } from '../context.ts';
import { requireBackupKey } from './backup-keys.ts';
import { decryptBackup } from './encryption.ts';
import type { Storage } from './storage.ts';

/**
 * Returns the decrypted bytes of a backup. Rejects with `ObjectNotFound` or `StorageFailure`; reading the bytes throws
 * `DecryptionFailure` if they are damaged.
 */
export async function openStoredBackup(
  context: PlatformContext,
  storage: Storage,
  { id, workspace_id: workspaceId, place, key_id: keyId }: StoredObjectTable,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  // Backups of Devpilot versions without encryption have no key.
  if (keyId === null) return storage.read(place, signal);
  const key = await requireBackupKey(context.store.read, context, workspaceId, keyId);
  const bytes: Readable = await storage.read(place, signal);
  return decryptBackup(bytes, { key, workspaceId, backupId: id });
}
