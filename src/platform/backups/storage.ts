import type { Readable } from 'node:stream';

/**
 * A place to store backups: a data directory or a bucket. A location consists of the storage's name and the object's;
 * an object is complete or does not exist.
 */
export interface Storage {
  /**
   * Prefix of every location in this storage, which ends with the only `#` in it: the same on every node that reaches
   * the storage, and unique.
   */
  readonly name: string;
  /**
   * Writes an object, and resolves once it is complete and durable. Rejects with the reason, leaving nothing that
   * `remove` would be needed for, unless the process ends in the meantime. Calls `onUpload` with the id of a multipart
   * upload before its first part.
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

/** An object that should exist does not. */
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
