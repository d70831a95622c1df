import type { Readable } from 'node:stream';

/**
 * Where backups are kept: a data directory or a bucket. A place is the storage's name and, behind it,
 * the object's; what is written there is whole or not there at all.
 */
export interface Storage {
  /** Begins every place of this storage, and ends with the only `#` in it: the same on every node that reaches it, and no other's. */
  readonly name: string;
  /**
   * Writes an object, and resolves once it is whole and safe. Rejects with what went wrong, leaving
   * nothing behind that `remove` would have to be called for, unless the process ends meanwhile.
   * `onUpload` is told what a bucket calls an upload in parts, before its first part.
   */
  write(
    location: string,
    source: AsyncIterable<Uint8Array>,
    onUpload: (uploadId: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** The bytes of an object. Rejects with `Missing` where there is none. */
  read(location: string, signal: AbortSignal): Promise<Readable>;
  /** Removes an object, and an upload of it that was not ended. There may be none. */
  remove(location: string, uploadId: string | null, signal?: AbortSignal): Promise<void>;
}

/** An object that should be there is not. */
export class ObjectNotFound extends Error {
  constructor() {
    super('The stored backup was not found.');
    this.name = 'ObjectNotFound';
  }
}

/** A failure that may be told as it stands. */
export class StorageFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageFailure';
  }
}

/** The storages that this node reaches. */
export interface Storages {
  /** The first one is where new backups go. */
  readonly all: readonly Storage[];
  /** Bytes that a backup may have. */
  readonly maxBackupBytes: number;
}

/** The name of the storage that a place is in. */
export function storageNameOf(location: string): string {
  return location.slice(0, location.indexOf('#') + 1);
}

/** The storage that a place is in; undefined where this node does not reach it. */
export function storageOf({ all }: Storages, location: string): Storage | undefined {
  return all.find(({ name }) => name === storageNameOf(location));
}
