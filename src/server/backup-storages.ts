import { createBucketStorage } from '../platform/backups/bucket-storage.ts';
import { createDirectoryStorage } from '../platform/backups/directory-storage.ts';
import type { Storage, Storages } from '../platform/backups/storage.ts';
import { makeDirectory } from '../store/data-directory.ts';
import type { Settings } from './settings.ts';

/** Returns the bucket; null if none is configured. */
export function openBucket({ backups: { bucket } }: Settings): Storage | null {
  return bucket === null ? null : createBucketStorage(bucket);
}

/**
 * Returns the storages of backups: the bucket if one is configured, and the data directory, which may contain older
 * backups. A node that shares a database needs no data directory. If the directory cannot be created, `onError` is
 * called unless a bucket is configured.
 */
export function openBackupStorages(settings: Settings, onError: (error: unknown) => void): Storages {
  const bucket = openBucket(settings);
  const storages: Storage[] = bucket === null ? [] : [bucket];
  try {
    makeDirectory(settings.dataDirectory);
    storages.push(createDirectoryStorage(settings.dataDirectory));
  } catch (error) {
    if (bucket === null) onError(error);
  }
  return { reachable: storages, maxBackupBytes: settings.backups.maxBytes };
}
