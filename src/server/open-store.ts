import { existsSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type DataDirectory,
  DirectoryInUseError,
  lockDataDirectory,
  refuseUnusableFiles,
} from '../store/data-directory.ts';
import { recordCleanStop } from '../store/installation.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { assertStoreComplete, recordCreation, resetState } from '../store/sqlite-integrity.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import type { Store } from '../store/store.ts';
import { releaseReserveToOpen } from './disk-space.ts';
import { monitorStore } from './monitored-store.ts';
import { findMatchingSecret, type NamedSecret, readOrCreateSecrets, syncFolder, writeSecretCheck } from './secret.ts';
import { InvalidSettingError, type Settings } from './settings.ts';

export interface OpenedStore {
  readonly store: Store;
  readonly secret: Buffer;
  /** Lets another process have the data directory; call it after the store is closed. */
  readonly release: () => void;
}

export interface OpenOptions {
  /** Told of connections that broke while nobody used them. */
  readonly onError?: (error: Error) => void;
  /** Takes the secret that is set, or makes one, although the store was sealed with another: what is sealed is lost. */
  readonly acceptLostSecret?: boolean;
  /** Takes the embedded store as it is, although writes that were acknowledged are missing. */
  readonly acceptLostChanges?: boolean;
  /** Told of damage that was found in the embedded store's file after it was opened. */
  readonly onFault?: (message: string) => void;
}

function lockDirectory(path: string): DataDirectory {
  try {
    return lockDataDirectory(path);
  } catch (error) {
    if (error instanceof DirectoryInUseError || error instanceof StartRefusedError) throw error;
    throw new InvalidSettingError('DEVPILOT_DATA_DIR', `a directory that can be created and written (${path} cannot)`);
  }
}

function refuseFiles(path: string): void {
  try {
    refuseUnusableFiles(path);
  } catch (error) {
    if (error instanceof StartRefusedError) throw error;
    // What is at the path, or above it, is no directory or may not be looked into: `lockDirectory` says so.
  }
}

export function secretFromSettings({ secret, secretSetting }: Settings): NamedSecret | null {
  return secret === null ? null : { secret, name: secretSetting ?? 'DEVPILOT_SECRET' };
}

/** Whether a file holds anything. */
export const isNonEmptyFile = (path: string): boolean => existsSync(path) && statSync(path).size > 0;

/** A rotation that was interrupted after everything was sealed under the next secret is ended: that one is in its place. */
function finishRotation(path: string, { name }: NamedSecret): void {
  if (name !== `${path}.new`) return;
  renameSync(name, path);
  syncFolder(dirname(path));
}

async function resolveSecret(
  store: Store,
  secrets: readonly [NamedSecret, ...NamedSecret[]],
  { acceptLostSecret }: OpenOptions,
): Promise<NamedSecret> {
  if (acceptLostSecret !== true) return findMatchingSecret(store, secrets);
  const [{ secret }] = secrets;
  await store.transaction((trx) => writeSecretCheck(trx, secret));
  return secrets[0];
}

async function openEmbedded(settings: Settings, directory: DataDirectory, options: OpenOptions): Promise<OpenedStore> {
  const ownPath = join(directory.path, 'secret');
  if (options.acceptLostChanges === true) resetState(directory.path);
  else assertStoreComplete(directory.path);
  recordCreation(directory.path);
  const sealed = isNonEmptyFile(directory.database) && options.acceptLostSecret !== true ? directory.database : null;
  const configuredSecret = secretFromSettings(settings);
  const secrets = configuredSecret === null ? readOrCreateSecrets(ownPath, sealed) : ([configuredSecret] as const);
  const store = await openSqliteStore(directory.database);
  try {
    const matchingSecret = await resolveSecret(store, secrets, options);
    finishRotation(ownPath, matchingSecret);
    const monitored = await monitorStore(store, directory, options.onFault ?? (() => undefined));
    return { store: monitored, secret: matchingSecret.secret, release: directory.release };
  } catch (error) {
    // Closing brings the write-ahead log of a crash into the file and removes it, which is no loss.
    await store.transaction(recordCleanStop).catch(() => undefined);
    await store.close();
    throw error;
  }
}

/**
 * Takes the store that the settings name, for this process alone where it is the embedded one, checks that it is whole
 * and that the secret is its own, and brings its tables up to date. Throws `StartRefusedError`, `InvalidSettingError`, `DirectoryInUseError`.
 */
export async function openStore(settings: Settings, options: OpenOptions = {}): Promise<OpenedStore> {
  if (settings.databaseUrl === null) {
    refuseFiles(settings.dataDirectory);
    releaseReserveToOpen(settings.dataDirectory);
    const directory = lockDirectory(settings.dataDirectory);
    try {
      return await openEmbedded(settings, directory, options);
    } catch (error) {
      directory.release();
      throw error;
    }
  }
  const configuredSecret = secretFromSettings(settings);
  if (configuredSecret === null) throw new InvalidSettingError('DEVPILOT_SECRET', 'set when nodes share a database');
  const { openPostgresStore } = await import('../store/postgres.ts');
  const store = await openPostgresStore(settings.databaseUrl, options.onError ?? (() => undefined));
  try {
    const { secret } = await resolveSecret(store, [configuredSecret], options);
    return { store, secret, release: () => undefined };
  } catch (error) {
    await store.close();
    throw error;
  }
}
