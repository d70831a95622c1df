import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import type { BackupTable, StoredObjectTable } from '../../store/schema/backups.ts';
import type { PlatformContext } from '../context.ts';
import { DecryptionFailure } from './encryption.ts';
import { ObjectNotFound, type Storage } from './storage.ts';
import { openStoredBackup } from './stored-backup.ts';

/** The stored bytes of a backup differ from the bytes that were written. */
export class DamagedBackup extends Error {}

/**
 * Yields the bytes of a backup, and throws `DamagedBackup` at the end if they differ from the bytes that were written.
 */
async function* verifyStream(source: AsyncIterable<Uint8Array>, row: BackupTable): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== row.size_bytes || hash.digest('hex') !== row.sha256) {
    throw new DamagedBackup('The backup does not match its SHA-256.');
  }
}

/** A backup that was verified completely, and is verified again while it is read. */
export interface BackupSource {
  /** The number of bytes that are sent to the server. */
  readonly sizeBytes: number;
  open(): Promise<Readable>;
}

/**
 * Reads all of a backup, and returns it as a source to be read again. Throws `DamagedBackup` if it is incomplete or
 * altered.
 */
export async function verifyBackup(
  context: PlatformContext,
  storage: Storage,
  object: StoredObjectTable,
  row: BackupTable,
  signal: AbortSignal,
): Promise<BackupSource> {
  const isZstd = row.kind === 'command';
  async function open(): Promise<Readable> {
    const stored = await openStoredBackup(context, storage, object, signal);
    const bytes = Readable.from(verifyStream(stored, row), { objectMode: false });
    if (!isZstd) return bytes;
    const plain = createZstdDecompress();
    // `pipe` does not forward errors of the source.
    bytes.once('error', (error) => plain.destroy(error));
    plain.once('close', () => bytes.destroy());
    return bytes.pipe(plain);
  }
  let size = 0;
  try {
    await pipeline(
      await open(),
      async (source: AsyncIterable<Uint8Array>) => {
        for await (const chunk of source) size += chunk.length;
      },
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ObjectNotFound || error instanceof DecryptionFailure) throw new DamagedBackup(error.message);
    // Bytes that cannot be decompressed differ from the bytes that were written.
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^(?:ZSTD_|Z_)/.test(code))
      throw new DamagedBackup('The backup does not match its SHA-256.');
    throw error;
  }
  return { sizeBytes: size, open };
}
