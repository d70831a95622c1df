import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import { Problem } from '../../contract/problem.ts';
import { findStoredObject } from '../../store/backups.ts';
import type { PlatformContext } from '../context.ts';
import { auditTargetOf, requireBackup } from './backup-record.ts';
import { DecryptionFailure } from './encryption.ts';
import { ObjectNotFound, StorageFailure, storageOf } from './storage.ts';
import { openStoredBackup } from './stored-backup.ts';

/** A download of a decrypted backup. */
export interface BackupDownload {
  readonly fileName: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
  /**
   * Starts reading. Throws `conflict` if the stored data cannot be read. If it is damaged, the stream fails before its
   * last chunk.
   */
  open(signal: AbortSignal): Promise<NodeJS.ReadableStream>;
}

/**
 * Passes bytes through, but the last chunk only if the hash matches, so that a damaged download never looks complete.
 */
function createHashVerifier(sha256: string): Transform {
  const hash = createHash('sha256');
  let last: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      const previous = last;
      last = chunk;
      done(null, previous.length === 0 ? undefined : previous);
    },
    flush(done) {
      if (hash.digest('hex') === sha256) done(null, last);
      else done(new Problem('conflict', 'The stored data of the backup does not match its SHA-256.'));
    },
  });
}

/**
 * Returns a download of a decrypted backup; opening it records an audit event. Throws `not_found`, and `conflict` if
 * the backup is incomplete or stored where this node cannot read it.
 */
export async function downloadBackup(
  context: PlatformContext,
  request: RequestContext,
  id: string,
): Promise<BackupDownload> {
  const { workspaceId } = request;
  const { read } = context.store;
  const row = await requireBackup(read, workspaceId, id);
  const object = await findStoredObject(read, workspaceId, id);
  const { sha256, size_bytes: sizeBytes, kind } = row;
  if (sha256 === null) throw new Problem('conflict', `There is nothing to download: this backup is ${row.status}.`);
  if (object === undefined) throw new Problem('conflict', 'This backup no longer exists.');
  const storage = storageOf(context.backupStorages, object.place);
  if (storage === undefined)
    throw new Problem(
      'conflict',
      'This node cannot read the storage of this backup. Send the request to the node that stores it, or store backups in a bucket.',
    );
  const isArchive = kind === 'directory';
  return {
    fileName: `${id}${isArchive ? '.tar.gz' : '.zst'}`,
    contentType: isArchive ? 'application/gzip' : 'application/zstd',
    sizeBytes: sizeBytes ?? 0,
    sha256,
    async open(signal) {
      await context.store.transaction((trx) =>
        recordAuditEvent(trx, request, 'backup.downloaded', auditTargetOf(row), context.clock(), { app: row.app_id }),
      );
      try {
        const bytes = Readable.from(await openStoredBackup(context, storage, object, signal), { objectMode: false });
        const verifier = createHashVerifier(sha256);
        // `pipe` forwards neither errors nor the disconnection of the reader.
        bytes.once('error', (error) =>
          verifier.destroy(error instanceof DecryptionFailure ? new Problem('conflict', error.message) : error),
        );
        verifier.once('close', () => bytes.destroy());
        signal.addEventListener('abort', () => verifier.destroy(), { once: true });
        return bytes.pipe(verifier);
      } catch (error) {
        if (error instanceof ObjectNotFound || error instanceof StorageFailure)
          throw new Problem('conflict', error.message);
        throw error;
      }
    },
  };
}
