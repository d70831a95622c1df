import { existsSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DataDirectory, lockDataDirectory, refuseUnusableFiles, syncPath } from '../store/data-directory.ts';
import { recordCleanStop } from '../store/installation.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { assertStoreComplete, recordCreation, resetState } from '../store/sqlite-integrity.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import type { Store } from '../store/store.ts';
import { releaseReserveToOpen } from './disk-space.ts';
import { monitorStore } from './monitored-store.ts';
import { type NamedSecret, readOrCreateSecrets, requireMatchingSecret, writeSecretCheck } from './secret.ts';
import { InvalidSettingError, type Settings } from './settings.ts';

export interface OpenedStore {
  readonly store: Store;
  readonly secret: Buffer;
  /** Unlocks the data directory for other processes. Must be called after the store is closed. */
  readonly release: () => void;
}

export interface OpenOptions {
  /** Called when an idle connection fails. */
  readonly onError?: (error: Error) => void;
  /**
   * Accepts the configured or generated secret even though the store was encrypted with another secret. The encrypted
   * values are lost.
   */
  readonly acceptLostSecret?: boolean;
  /** Accepts the embedded store even though acknowledged writes are missing. */
  readonly acceptLostChanges?: boolean;
  /** Called if damage is found in the embedded store's file after it was opened, and when its disk becomes full. */
  readonly onFault?: (message: string) => void;
  /** Called when a full disk has free space again. */
  readonly onRecovery?: (message: string) => void;
}

function lockDirectory(path: string): DataDirectory {
  try {
    return lockDataDirectory(path);
  } catch (error) {
    if (error instanceof StartRefusedError) throw error;
    throw new InvalidSettingError('DEVPILOT_DATA_DIR', `a directory that can be created and written (${path} cannot)`);
  }
}

/** Prefixes an error that names no setting with the setting that selects the data directory. */
function prefixWithSetting(error: unknown): unknown {
  if (!(error instanceof StartRefusedError) || error.message.includes('DEVPILOT_')) return error;
  return new StartRefusedError(`DEVPILOT_DATA_DIR: ${error.message}`, { cause: error });
}

/** Refuses files that cannot be used. Leaves all other problems with the directory to `lockDataDirectory`. */
function refuseFiles(path: string): void {
  try {
    refuseUnusableFiles(path);
  } catch (error) {
    if (error instanceof StartRefusedError) throw error;
    // The path is not a directory or cannot be read.
  }
}

/** Returns the configured secret, named after its setting; null if none is configured. */
export function secretFromSettings({ secret, secretSetting }: Settings): NamedSecret | null {
  return secret === null ? null : { secret, name: secretSetting ?? 'DEVPILOT_SECRET' };
}

/** Returns whether a file exists and is not empty. */
export const isNonEmptyFile = (path: string): boolean => existsSync(path) && statSync(path).size > 0;

/**
 * Completes a rotation that was interrupted after everything had been encrypted with the next secret: makes the next
 * secret the current one.
 */
function finishRotation(path: string, { name }: NamedSecret): void {
  if (name !== `${path}.new`) return;
  renameSync(name, path);
  syncPath(dirname(path));
}

async function resolveSecret(
  store: Store,
  secrets: readonly [NamedSecret, ...NamedSecret[]],
  { acceptLostSecret }: OpenOptions,
): Promise<NamedSecret> {
  if (acceptLostSecret !== true) return requireMatchingSecret(store, secrets);
  const [{ secret }] = secrets;
  await store.transaction((trx) => writeSecretCheck(trx, secret));
  return secrets[0];
}

async function openEmbedded(settings: Settings, directory: DataDirectory, options: OpenOptions): Promise<OpenedStore> {
  const secretPath = join(directory.path, 'secret');
  if (options.acceptLostChanges === true) resetState(directory.path);
  else assertStoreComplete(directory.path);
  recordCreation(directory.path);
  const encryptedStorePath =
    isNonEmptyFile(directory.databaseFile) && options.acceptLostSecret !== true ? directory.databaseFile : null;
  const configuredSecret = secretFromSettings(settings);
  const secrets =
    configuredSecret === null ? readOrCreateSecrets(secretPath, encryptedStorePath) : ([configuredSecret] as const);
  const store = await openSqliteStore(directory.databaseFile);
  try {
    const matchingSecret = await resolveSecret(store, secrets, options);
    finishRotation(secretPath, matchingSecret);
    const monitored = await monitorStore(store, directory, options);
    return { store: monitored, secret: matchingSecret.secret, release: directory.release };
  } catch (error) {
    // Closing writes the write-ahead log of a crash into the file and removes it. Unless a clean stop is recorded, the
    // next start would refuse the store because the log is missing.
    await store.transaction(recordCleanStop).catch(() => undefined);
    await store.close();
    throw error;
  }
}

/**
 * Opens the configured store, exclusively for this process if it is embedded. Checks its integrity and its secret, and
 * runs the migrations. Throws `StartRefusedError` or `InvalidSettingError`.
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
      throw prefixWithSetting(error);
    }
  }
  const configuredSecret = secretFromSettings(settings);
  if (configuredSecret === null) throw new InvalidSettingError('DEVPILOT_SECRET', 'set when DATABASE_URL is set');
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
