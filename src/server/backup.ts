import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import packageJson from '../../package.json' with { type: 'json' };
import { CopyRefusedError, type OnProgress } from '../store/copy.ts';
import { databaseFileIn, syncPath } from '../store/data-directory.ts';
import { openReader } from '../store/open-reader.ts';
import { assertStoreComplete, markCopyClean } from '../store/sqlite-integrity.ts';
import { recordBackupTime } from './last-backup.ts';
import { secretFromSettings } from './open-store.ts';
import { assertMatchingSecret, type NamedSecret, readSecretFile } from './secret.ts';
import type { Settings } from './settings.ts';
import { copyAndVerify, openSource, type StoreLocation, verifyLogs } from './transfer.ts';

/** Content of `backup.json`. */
export interface Manifest {
  /** The version of Devpilot that created the backup. */
  readonly devpilot: string;
  readonly madeAt: string;
  /** Engine of the source store; a backup is a SQLite file either way. */
  readonly engine: 'sqlite' | 'postgres';
  /** Size of `devpilot.db`. */
  readonly bytes: number;
  /** SHA-256 of `devpilot.db`, in hex. */
  readonly sha256: string;
  /** Number of activity log entries. The hash chain of every log was verified from its first entry. */
  readonly logEntries: number;
}

export const SECRET_FILE = 'secret';
export const MANIFEST_FILE = 'backup.json';

export function storeLocationOf(settings: Pick<Settings, 'databaseUrl' | 'dataDirectory'>): StoreLocation {
  return settings.databaseUrl === null ? { directory: settings.dataDirectory } : { databaseUrl: settings.databaseUrl };
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Creates a directory with mode 0700. Throws `CopyRefusedError` if it exists and is not empty. */
function makeEmptyFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (readdirSync(path).length > 0)
    throw new CopyRefusedError(`${path} is not empty. Choose an empty directory, or one that does not exist yet.`);
  chmodSync(path, 0o700);
}

/** Returns the secret that an installation with an embedded store generated; null if there is none. */
function readGeneratedSecret({ databaseUrl, dataDirectory }: Settings): NamedSecret | null {
  const file = join(dataDirectory, SECRET_FILE);
  return databaseUrl === null && existsSync(file) ? readSecretFile(file) : null;
}

/**
 * Throws `StartRefusedError` if the store cannot be decrypted with the configured secret or, if none is configured,
 * with the generated secret.
 */
async function assertSecretMatchesStore(settings: Settings): Promise<void> {
  const secret = secretFromSettings(settings) ?? readGeneratedSecret(settings);
  if (secret === null) return;
  if (settings.databaseUrl === null && !existsSync(databaseFileIn(settings.dataDirectory))) return;
  const db = openReader(settings);
  try {
    await assertMatchingSecret(db, secret);
  } finally {
    await db.destroy();
  }
}

/** Writes a consistent snapshot of the embedded store into a new file while its server runs. */
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
 * Writes a consistent snapshot of the store into an empty directory while servers run: `devpilot.db`, a SQLite file for
 * every engine; `backup.json`; and the secret that the installation generated, unless `withSecret` is false. Verifies
 * every activity log in the snapshot. Throws `CopyRefusedError` or `StartRefusedError`.
 */
export async function createBackup(
  settings: Settings,
  folder: string,
  { withSecret }: { readonly withSecret: boolean },
  onProgress: OnProgress,
): Promise<{ manifest: Manifest; isSecretIncluded: boolean }> {
  const location = storeLocationOf(settings);
  await assertSecretMatchesStore(settings);
  makeEmptyFolder(folder);
  const file = databaseFileIn(folder);
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
    vacuumInto(databaseFileIn(location.directory), file);
    logEntries = await verifyLogs({ directory: folder });
  }
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  chmodSync(file, 0o600);
  syncPath(file);

  const generatedSecretFile = join(settings.dataDirectory, SECRET_FILE);
  const isSecretIncluded = withSecret && settings.secret === null && existsSync(generatedSecretFile);
  if (isSecretIncluded) {
    copyFileSync(generatedSecretFile, join(folder, SECRET_FILE));
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
  // Written last: a directory without this file is an incomplete backup.
  writeFileSync(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  syncPath(join(folder, MANIFEST_FILE));
  syncPath(folder);
  recordBackupTime(settings.dataDirectory, Date.parse(madeAt));
  return { manifest, isSecretIncluded };
}
