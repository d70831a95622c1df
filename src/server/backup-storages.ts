import { createBucketStorage } from '../platform/backups/bucket-storage.ts';
import { createDirectoryStorage } from '../platform/backups/directory-storage.ts';
import type { Storage, Storages } from '../platform/backups/storage.ts';
import { makeDirectory } from '../store/data-directory.ts';
import type { Settings } from './settings.ts';

/**
 * Where backups are kept: the bucket if there is one, and the data directory, which may hold those of
 * before. A node that shares a database needs no data directory; where it can't have one, `onError` is
 * told unless there is a bucket.
 */
export function openBackupStorages(settings: Settings, onError: (error: unknown) => void): Storages {
  const { bucket, maxBytes: limit } = settings.backups;
  const all: Storage[] = bucket === null ? [] : [createBucketStorage(bucket)];
  try {
    makeDirectory(settings.dataDirectory);
    all.push(createDirectoryStorage(settings.dataDirectory));
  } catch (error) {
    if (bucket === null) onError(error);
  }
  return { all, maxBackupBytes: limit };
}
