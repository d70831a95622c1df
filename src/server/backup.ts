import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import packageJson from '../../package.json' with { type: 'json' };
import { CopyRefusedError, type OnProgress } from '../store/copy.ts';
import { openReader } from '../store/open-reader.ts';
import { assertStoreComplete, markCopyClean } from '../store/sqlite-integrity.ts';
import { recordBackupTime } from './last-backup.ts';
import { secretFromSettings } from './open-store.ts';
import { assertMatchingSecret, readSecretFile } from './secret.ts';
import type { Settings } from './settings.ts';
import { copyAndVerify, openSource, type StoreLocation, verifyLogs } from './transfer.ts';

/** What a backup says of itself, in `backup.json`. */
export interface Manifest {
  readonly devpilot: string;
  readonly madeAt: string;
  /** What the store was; a backup is a SQLite file either way. */
  readonly engine: 'sqlite' | 'postgres';
  readonly bytes: number;
  readonly sha256: string;
  /** Entries of activity logs, each checked from its first entry. */
  readonly logEntries: number;
}

export const DATABASE_FILE = 'devpilot.db';
export const SECRET_FILE = 'secret';
export const MANIFEST_FILE = 'backup.json';

export function storeLocationOf(settings: Pick<Settings, 'databaseUrl' | 'dataDirectory'>): StoreLocation {
  return settings.databaseUrl === null ? { directory: settings.dataDirectory } : { databaseUrl: settings.databaseUrl };
}

/** Has the system write a file or a folder's entries to the disk. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function makeEmptyFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (readdirSync(path).length > 0)
    throw new CopyRefusedError(`${path} is not empty. Choose a directory that does not exist yet.`);
  chmodSync(path, 0o700);
}

/** Throws `StartRefusedError` where the secret that would be kept with a backup, or is set, does not open the store. */
async function refuseForeignSecret(settings: Settings): Promise<void> {
  const own = join(settings.dataDirectory, SECRET_FILE);
  const configuredSecret =
    secretFromSettings(settings) ?? (settings.databaseUrl === null && existsSync(own) ? readSecretFile(own) : null);
  if (
    configuredSecret === null ||
    (settings.databaseUrl === null && !existsSync(join(settings.dataDirectory, DATABASE_FILE)))
  )
    return;
  const db = openReader(settings);
  try {
    await assertMatchingSecret(db, configuredSecret);
  } finally {
    await db.destroy();
  }
}

/** One moment of the embedded store as a file of its own, while its server goes on. */
function vacuumInto(from: string, to: string): void {
  if (!existsSync(from)) throw new CopyRefusedError(`${from} was not found; there is nothing to back up.`);
  const database = new DatabaseSync(from, { readOnly: true });
  try {
    database.exec('pragma busy_timeout = 5000');
    database.prepare('vacuum into ?').run(to);
  } finally {
    database.close();
  }
  markCopyClean(to);
}

/**
 * Writes one moment of the store into an empty folder, while servers go on: `devpilot.db`, a SQLite file
 * whatever the store is, `backup.json`, and the secret that the installation made for itself, unless
 * `withSecret` is false. Every activity log in it is checked. Throws `CopyRefusedError`.
 */
export async function createBackup(
  settings: Settings,
  folder: string,
  withSecret: boolean,
  onProgress: OnProgress,
): Promise<{ manifest: Manifest; secret: boolean }> {
  const location = storeLocationOf(settings);
  await refuseForeignSecret(settings);
  makeEmptyFolder(folder);
  const file = join(folder, DATABASE_FILE);
  const madeAt = new Date().toISOString();
  let logEntries: number;
  if ('databaseUrl' in location) {
    const source = await openSource(location);
    try {
      ({ logEntries } = await copyAndVerify(source, { directory: folder }, onProgress));
    } finally {
      await source.close();
    }
  } else {
    assertStoreComplete(location.directory);
    vacuumInto(join(location.directory, DATABASE_FILE), file);
    logEntries = await verifyLogs({ directory: folder });
  }
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  chmodSync(file, 0o600);
  syncPath(file);

  const ownSecret = join(settings.dataDirectory, SECRET_FILE);
  const secret = withSecret && settings.secret === null && existsSync(ownSecret);
  if (secret) {
    copyFileSync(ownSecret, join(folder, SECRET_FILE));
    chmodSync(join(folder, SECRET_FILE), 0o600);
    syncPath(join(folder, SECRET_FILE));
  }
  const manifest: Manifest = {
    devpilot: packageJson.version,
    madeAt,
    engine: 'databaseUrl' in location ? 'postgres' : 'sqlite',
    bytes: statSync(file).size,
    sha256: await hashFile(file),
    logEntries,
  };
  // Last: a folder without it is not a whole backup.
  writeFileSync(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  syncPath(join(folder, MANIFEST_FILE));
  syncPath(folder);
  recordBackupTime(settings.dataDirectory, Date.parse(madeAt));
  return { manifest, secret };
}
