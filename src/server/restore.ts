import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CopyRefusedError, type OnProgress } from '../store/copy.ts';
import { lockDataDirectory } from '../store/data-directory.ts';
import { recordCleanStop } from '../store/installation.ts';
import { openReader } from '../store/open-reader.ts';
import { createSeal } from '../store/seal.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { resetState } from '../store/sqlite-integrity.ts';
import {
  DATABASE_FILE,
  hashFile,
  MANIFEST_FILE,
  type Manifest,
  SECRET_FILE,
  storeLocationOf,
  syncPath,
} from './backup.ts';
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
    throw new CopyRefusedError(`${folder} is not a complete backup: its ${MANIFEST_FILE} is missing or unreadable.`);
  }
  const { sha256, madeAt } = (parsed ?? {}) as Partial<Manifest>;
  if (typeof sha256 !== 'string' || typeof madeAt !== 'string') {
    throw new CopyRefusedError(`${folder} is not a complete backup: its ${MANIFEST_FILE} was not written by Devpilot.`);
  }
  return parsed as Manifest;
}

/**
 * Chooses the secret for the restored store: the configured one, the one in the data directory, or the backup's own,
 * which `keep` writes to the data directory. Throws `CopyRefusedError`, `StartRefusedError`.
 */
function chooseSecret(settings: Settings, folder: string): { secret: NamedSecret | null; keep: () => boolean } {
  const configuredSecret = secretFromSettings(settings);
  const from = join(folder, SECRET_FILE);
  const to = join(settings.dataDirectory, SECRET_FILE);
  const doNothing = () => false;
  if (configuredSecret !== null || settings.databaseUrl !== null) return { secret: configuredSecret, keep: doNothing };
  if (!existsSync(from)) return { secret: existsSync(to) ? readSecretFile(to) : null, keep: doNothing };
  if (existsSync(to) && readFileSync(to, 'utf8') !== readFileSync(from, 'utf8')) {
    throw new CopyRefusedError(`${to} differs from the secret in the backup. Move it away first.`);
  }
  const secret = readSecretFile(from);
  return {
    secret,
    keep() {
      writeSecretFile(to, secret.secret.toString());
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

/** Copies the backup's file into a new folder and migrates it to this version's tables. */
async function prepareRestoredStore(folder: string, under: string, manifest: Manifest): Promise<string> {
  const workDirectory = mkdtempSync(join(under, 'restore-'));
  copyFileSync(join(folder, DATABASE_FILE), join(workDirectory, DATABASE_FILE));
  if ((await hashFile(join(workDirectory, DATABASE_FILE))) !== manifest.sha256) {
    rmSync(workDirectory, { recursive: true });
    throw new CopyRefusedError(`${join(folder, DATABASE_FILE)} is damaged: its digest does not match the backup's.`);
  }
  const store = await openSqliteStore(join(workDirectory, DATABASE_FILE));
  await store.transaction(recordCleanStop);
  await store.close();
  return workDirectory;
}

export interface RestoreResult {
  readonly manifest: Manifest;
  /** Whether the secret was restored from the backup as well. */
  readonly secret: boolean;
  readonly logEntries: number;
  /** Number of encrypted values that the available secret cannot decrypt. */
  readonly unreadable: number;
}

async function countUnreadableIn(settings: Settings): Promise<number> {
  const own = join(settings.dataDirectory, SECRET_FILE);
  const secret = settings.secret ?? (existsSync(own) ? Buffer.from(readFileSync(own, 'utf8').trim()) : randomBytes(32));
  const db = openReader(settings);
  try {
    return await countUnreadable(db, createSeal([secret]));
  } finally {
    await db.destroy();
  }
}

/**
 * Restores a backup into the empty location that the settings name, runs the migrations, and verifies every activity
 * log. Throws `CopyRefusedError`, `StartRefusedError`.
 */
export async function restore(settings: Settings, folder: string, onProgress: OnProgress): Promise<RestoreResult> {
  const manifest = readManifest(folder);
  const location = storeLocationOf(settings);
  // If the store is a database, the folder is only a work area.
  const lockedDirectory = lockDataDirectory(
    'directory' in location ? location.directory : mkdtempSync(join(tmpdir(), 'devpilot-')),
  );
  try {
    if ('directory' in location && existsSync(lockedDirectory.database)) {
      throw new CopyRefusedError(`${lockedDirectory.database} already exists. Restore into an empty directory.`);
    }
    const { secret: chosen, keep: installSecret } = chooseSecret(settings, folder);
    const workDirectory = await prepareRestoredStore(folder, lockedDirectory.path, manifest);
    try {
      await checkRestoredSecret(workDirectory, chosen);
      const secret = installSecret();
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
        syncPath(join(workDirectory, DATABASE_FILE));
        // Discards the recorded state of an earlier store.
        resetState(lockedDirectory.path);
        renameSync(join(workDirectory, DATABASE_FILE), lockedDirectory.database);
        syncPath(lockedDirectory.path);
      }
      return { manifest, secret, logEntries, unreadable: await countUnreadableIn(settings) };
    } finally {
      rmSync(workDirectory, { recursive: true, force: true });
    }
  } finally {
    lockedDirectory.release();
    if ('databaseUrl' in location) rmSync(lockedDirectory.path, { recursive: true, force: true });
  }
}
