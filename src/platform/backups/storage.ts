import type { Readable } from 'node:stream';

/**
 * A data directory or a bucket that stores backups. A location is the name of the storage followed by that of the
 * object; an object is complete or does not exist.
 */
export interface Storage {
  /**
   * Unique prefix of every location in this storage, the same on every node that can reach it. It ends with the only
   * `#` in a location.
   */
  readonly name: string;
  /**
   * Writes an object, and resolves once it is complete and durable. If it rejects, nothing needs to be
   * removed, unless the process ended in the meantime. Calls `onUpload` with the id of a multipart upload before the
   * first part is sent.
   */
  write(
    location: string,
    source: AsyncIterable<Uint8Array>,
    onUpload: (uploadId: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Returns the bytes of an object. Rejects with `ObjectNotFound` if there is none. */
  read(location: string, signal: AbortSignal): Promise<Readable>;
  /** Removes an object, and an incomplete upload of it. Neither needs to exist. */
  remove(location: string, uploadId: string | null, signal?: AbortSignal): Promise<void>;
}

export class ObjectNotFound extends Error {
  constructor() {
    super('The stored backup was not found.');
    this.name = 'ObjectNotFound';
  }
}

/** A failure whose message may be shown to users. */
export class StorageFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageFailure';
  }
}

/** The storages that this node can reach. */
export interface Storages {
  /** New backups are written to the first one. */
  readonly all: readonly Storage[];
  /** Maximum size of a backup in bytes. */
  readonly maxBackupBytes: number;
}

/** Returns the name of the storage of a location. */
export function storageNameOf(location: string): string {
  return location.slice(0, location.indexOf('#') + 1);
}

/** Returns the storage of a location; undefined if this node cannot reach it. */
export function storageOf({ all }: Storages, location: string): Storage | undefined {
  return all.find(({ name }) => name === storageNameOf(location));
}
