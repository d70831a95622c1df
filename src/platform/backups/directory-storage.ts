import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ObjectNotFound, type Storage, StorageFailure } from './storage.ts';

const OBJECT_NAME = /^[a-z0-9_][a-z0-9_.]*(?:\/[a-z0-9_][a-z0-9_.]*){0,3}$/;

/**
 * Returns the ID of a data directory, which distinguishes it from the directories of other nodes. The ID is stored in
 * the directory, so a copy of the directory has the same ID.
 */
function readOrCreateDirectoryId(dataDirectory: string): string {
  const path = join(dataDirectory, 'backups.id');
  try {
    writeFileSync(path, `${randomBytes(8).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(path, 'utf8').trim();
}

function toStorageError(error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StorageFailure('The disk of the data directory is full.', { cause: error });
  if (code === 'EROFS' || code === 'EIO' || code === 'EACCES') {
    return new StorageFailure(`The data directory cannot be written to (${code}).`, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Stores backups in the folder `backups` (mode 0700) of a data directory. Each backup is a file (mode 0600) that is
 * renamed to its final name only once it is completely on disk.
 */
export function createDirectoryStorage(dataDirectory: string): Storage {
  const folder = join(dataDirectory, 'backups');
  const name = `data:${readOrCreateDirectoryId(dataDirectory)}#`;
  function pathOf(location: string): string {
    const relative = location.slice(name.length);
    if (!location.startsWith(name) || !OBJECT_NAME.test(relative))
      throw new Error('The location is not in the data directory.');
    return join(folder, relative);
  }
  return {
    name,
    async write(location, source, _onUpload, signal) {
      const path = pathOf(location);
      const partialPath = `${path}.part`;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const file = await open(partialPath, 'wx', 0o600);
        try {
          for await (const chunk of source) {
            signal.throwIfAborted();
            await file.writeFile(chunk);
          }
          signal.throwIfAborted();
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(partialPath, path);
        await syncDirectory(dirname(path));
      } catch (error) {
        await rm(partialPath, { force: true }).catch(() => undefined);
        throw toStorageError(error);
      }
    },
    async read(location) {
      try {
        return (await open(pathOf(location), 'r')).createReadStream();
      } catch (error) {
        throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new ObjectNotFound() : error;
      }
    },
    async remove(location) {
      const path = pathOf(location);
      await rm(path, { force: true });
      await rm(`${path}.part`, { force: true });
    },
  };
}
