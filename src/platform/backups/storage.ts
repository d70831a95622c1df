import type { Readable } from 'node:stream';

/**
 * A data directory or a bucket that stores backups. A location is the name of the storage followed by the name of the
 * object. An object is complete or does not exist.
 */
export interface Storage {
  /**
   * Unique prefix of every location in this storage, which is the same on every node that can reach the storage. It
   * ends with the only `#` in a location.
   */
  readonly name: string;
  /**
   * Writes an object, and resolves once the object is complete and durable. If it rejects, it has tried to remove the
   * incomplete object. Calls `onUpload` with the ID of a multipart upload before the first part is sent.
   */
  write(
    location: string,
    source: AsyncIterable<Uint8Array>,
    onUpload: (uploadId: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Returns the bytes of an object. Rejects with `ObjectNotFound` if there is none. */
  read(location: string, signal: AbortSignal): Promise<Readable>;
  /** Removes an object and its incomplete upload, if they exist. */
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

/** The storages of backups that this node can use. */
export interface Storages {
  /** The first one stores new backups. */
  readonly reachable: readonly Storage[];
  /** Maximum size of a backup in bytes. */
  readonly maxBackupBytes: number;
}

/** Returns the name of the storage of a location. */
export function storageNameOf(location: string): string {
  return location.slice(0, location.indexOf('#') + 1);
}

/** Returns the storage of a location; undefined if this node cannot reach it. */
export function storageOf({ reachable }: Storages, location: string): Storage | undefined {
  return reachable.find(({ name }) => name === storageNameOf(location));
}
