import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CopyRefusedError, type OnProgress } from '../store/copy.ts';
import { databaseFileIn, lockDataDirectory, syncPath } from '../store/data-directory.ts';
import { recordCleanStop } from '../store/installation.ts';
import { openReader } from '../store/open-reader.ts';
import { createSeal } from '../store/seal.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { resetState } from '../store/sqlite-integrity.ts';
import { hashFile, MANIFEST_FILE, type Manifest, SECRET_FILE, storeLocationOf } from './backup.ts';
import { secretFromSettings } from './open-store.ts';
import { assertMatchingSecret, type NamedSecret, readSecretFile, writeSecretFile } from './secret.ts';
import { countUnreadable } from './secret-rotation.ts';
import type { Settings } from './settings.ts';
import { copyAndVerify, openSource, verifyLogs } from './transfer.ts';

function readManifest(folder: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(join(folder, MANIFEST_FILE), 'utf8'));
  } catch {
    throw new CopyRefusedError(
      `${folder} is not a complete backup: its ${MANIFEST_FILE} is missing or unreadable. Pass a directory created by "devpilot backup".`,
    );
  }
  const { sha256, madeAt } = (parsed ?? {}) as Partial<Manifest>;
  if (typeof sha256 !== 'string' || typeof madeAt !== 'string') {
    throw new CopyRefusedError(`${folder} is not a complete backup: its ${MANIFEST_FILE} was not written by Devpilot.`);
  }
  return parsed as Manifest;
}

/**
 * Selects the secret for the restored store: the configured secret, otherwise the secret in the backup, otherwise the
 * secret in the data directory; null if there is none. `install` writes a secret selected from the backup to the data
 * directory, and returns whether it did. Throws `CopyRefusedError` or `StartRefusedError`.
 */
function chooseSecret(settings: Settings, folder: string): { secret: NamedSecret | null; install: () => boolean } {
  const configuredSecret = secretFromSettings(settings);
  const backupFile = join(folder, SECRET_FILE);
  const targetFile = join(settings.dataDirectory, SECRET_FILE);
  const installNothing = () => false;
  if (configuredSecret !== null || settings.databaseUrl !== null)
    return { secret: configuredSecret, install: installNothing };
  if (!existsSync(backupFile))
    return { secret: existsSync(targetFile) ? readSecretFile(targetFile) : null, install: installNothing };
  if (existsSync(targetFile) && readFileSync(targetFile, 'utf8') !== readFileSync(backupFile, 'utf8')) {
    throw new CopyRefusedError(
      `${targetFile} differs from the secret in the backup. Move it to another directory first.`,
    );
  }
  const secret = readSecretFile(backupFile);
  return {
    secret,
    install() {
      writeSecretFile(targetFile, secret.secret.toString());
      return true;
    },
  };
}

async function checkRestoredSecret(workDirectory: string, secret: NamedSecret | null): Promise<void> {
  if (secret === null) return;
  const db = openReader({ databaseUrl: null, dataDirectory: workDirectory });
  try {
    await assertMatchingSecret(db, secret);
  } finally {
    await db.destroy();
  }
}

/**
 * Copies the database of the backup into a new directory, and migrates it to the current schema. Throws
 * `CopyRefusedError` if the database does not match the manifest.
 */
async function prepareRestoredStore(folder: string, parentDirectory: string, manifest: Manifest): Promise<string> {
  const workDirectory = mkdtempSync(join(parentDirectory, 'restore-'));
  copyFileSync(databaseFileIn(folder), databaseFileIn(workDirectory));
  if ((await hashFile(databaseFileIn(workDirectory))) !== manifest.sha256) {
    rmSync(workDirectory, { recursive: true });
    throw new CopyRefusedError(`${databaseFileIn(folder)} is damaged: its digest does not match ${MANIFEST_FILE}.`);
  }
  const store = await openSqliteStore(databaseFileIn(workDirectory));
  await store.transaction(recordCleanStop);
  await store.close();
  return workDirectory;
}

/** The result of a restore, as `devpilot restore --json` prints it. */
export interface RestoreResult {
  readonly manifest: Manifest;
  /** Whether the secret was restored from the backup too. */
  readonly secret: boolean;
  readonly logEntries: number;
  /** Number of encrypted values that the available secret cannot decrypt. */
  readonly unreadable: number;
}

async function countUnreadableIn(settings: Settings): Promise<number> {
  const secretFile = join(settings.dataDirectory, SECRET_FILE);
  const readStoredSecret = () => (existsSync(secretFile) ? Buffer.from(readFileSync(secretFile, 'utf8').trim()) : null);
  // Without a secret, no value can be decrypted, as with a random secret.
  const secret = settings.secret ?? readStoredSecret() ?? randomBytes(32);
  const db = openReader(settings);
  try {
    return await countUnreadable(db, createSeal([secret]));
  } finally {
    await db.destroy();
  }
}

/**
 * Restores a backup into the configured data directory or database, which must not contain a store yet, runs the
 * migrations, and verifies every activity log. Throws `CopyRefusedError` or `StartRefusedError`.
 */
export async function restore(settings: Settings, folder: string, onProgress: OnProgress): Promise<RestoreResult> {
  const manifest = readManifest(folder);
  const location = storeLocationOf(settings);
  // If the target is a PostgreSQL database, the directory is only used for temporary files.
  const lockedDirectory = lockDataDirectory(
    'directory' in location ? location.directory : mkdtempSync(join(tmpdir(), 'devpilot-')),
  );
  try {
    if ('directory' in location && existsSync(lockedDirectory.databaseFile)) {
      throw new CopyRefusedError(`${lockedDirectory.databaseFile} already exists. Restore into an empty directory.`);
    }
    const { secret: selectedSecret, install: installSecret } = chooseSecret(settings, folder);
    const workDirectory = await prepareRestoredStore(folder, lockedDirectory.path, manifest);
    try {
      await checkRestoredSecret(workDirectory, selectedSecret);
      const isSecretRestored = installSecret();
      let logEntries: number;
      if ('databaseUrl' in location) {
        const source = await openSource({ directory: workDirectory });
        try {
          ({ logEntries } = await copyAndVerify(source, location, onProgress));
        } finally {
          await source.close();
        }
      } else {
        logEntries = await verifyLogs({ directory: workDirectory });
        syncPath(databaseFileIn(workDirectory));
        // Discards the recorded state of an earlier store.
        resetState(lockedDirectory.path);
        renameSync(databaseFileIn(workDirectory), lockedDirectory.databaseFile);
        syncPath(lockedDirectory.path);
      }
      return { manifest, secret: isSecretRestored, logEntries, unreadable: await countUnreadableIn(settings) };
    } finally {
      rmSync(workDirectory, { recursive: true, force: true });
    }
  } finally {
    lockedDirectory.release();
    if ('databaseUrl' in location) rmSync(lockedDirectory.path, { recursive: true, force: true });
  }
}
