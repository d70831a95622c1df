import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../settings.ts';
import { CopyRefused, type OnProgress } from '../store/copy.ts';
import { takeDataDirectory } from '../store/data-directory.ts';
import { markClean } from '../store/installation.ts';
import { openReader } from '../store/open.ts';
import { createSeal } from '../store/seal.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { forgetState } from '../store/sqlite-guard.ts';
import { digestOfFile, FILE, MANIFEST, type Manifest, placeOfSettings, SECRET, sync } from './backup.ts';
import { secretOfSettings } from './open-store.ts';
import { type NamedSecret, readSecretFile, refuseOtherSecret, writeSecretFile } from './secret.ts';
import { countUnreadable } from './secret-rotation.ts';
import { openSource, transfer, verifyLogs } from './transfer.ts';

function readManifest(folder: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'));
  } catch {
    throw new CopyRefused(`${folder} is not a whole backup: it has no ${MANIFEST} that can be read.`);
  }
  const { sha256, madeAt } = (parsed ?? {}) as Partial<Manifest>;
  if (typeof sha256 !== 'string' || typeof madeAt !== 'string') {
    throw new CopyRefused(`${folder} is not a whole backup: its ${MANIFEST} is not one of ours.`);
  }
  return parsed as Manifest;
}

/**
 * Finds the secret that the restored store will be opened with: the one that is set, the one that is there, or the
 * backup's own, which is put there by `keep`. Throws `CopyRefused`, `StartRefused`.
 */
function chooseSecret(settings: Settings, folder: string): { secret: NamedSecret | null; keep: () => boolean } {
  const given = secretOfSettings(settings);
  const from = join(folder, SECRET);
  const to = join(settings.dataDirectory, SECRET);
  const nothing = () => false;
  if (given !== null || settings.databaseUrl !== null) return { secret: given, keep: nothing };
  if (!existsSync(from)) return { secret: existsSync(to) ? readSecretFile(to) : null, keep: nothing };
  if (existsSync(to) && readFileSync(to, 'utf8') !== readFileSync(from, 'utf8')) {
    throw new CopyRefused(`${to} is another secret than the backup's. Move it away first.`);
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

async function checkUnpacked(work: string, secret: NamedSecret | null): Promise<void> {
  if (secret === null) return;
  const db = openReader({ databaseUrl: null, dataDirectory: work });
  try {
    await refuseOtherSecret(db, secret);
  } finally {
    await db.destroy();
  }
}

/** The backup's file brought up to this version's tables, in a folder of its own. */
async function unpack(folder: string, under: string, manifest: Manifest): Promise<string> {
  const work = mkdtempSync(join(under, 'restore-'));
  copyFileSync(join(folder, FILE), join(work, FILE));
  if ((await digestOfFile(join(work, FILE))) !== manifest.sha256) {
    rmSync(work, { recursive: true });
    throw new CopyRefused(`${join(folder, FILE)} is not the file that was written: its digest is another.`);
  }
  const store = await openSqliteStore(join(work, FILE));
  await store.transaction(markClean);
  await store.close();
  return work;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Whether the secret came out of the backup too. */
  readonly secret: boolean;
  readonly logEntries: number;
  /** Sealed values that the secret which is there can't open. */
  readonly unreadable: number;
}

async function countUnreadableIn(settings: Settings): Promise<number> {
  const own = join(settings.dataDirectory, SECRET);
  const secret = settings.secret ?? (existsSync(own) ? Buffer.from(readFileSync(own, 'utf8').trim()) : randomBytes(32));
  const db = openReader(settings);
  try {
    return await countUnreadable(db, createSeal([secret]));
  } finally {
    await db.destroy();
  }
}

/**
 * Puts a backup into the empty place that the settings name, brings its tables up to date, and checks
 * every activity log there. Throws `CopyRefused`, `DirectoryInUse`, `StartRefused` where the secret is another's.
 */
export async function restore(settings: Settings, folder: string, onProgress: OnProgress): Promise<Restored> {
  const manifest = readManifest(folder);
  const place = placeOfSettings(settings);
  // Where the store is a database, the folder is but somewhere to work in.
  const held = takeDataDirectory('directory' in place ? place.directory : mkdtempSync(join(tmpdir(), 'devpilot-')));
  try {
    if ('directory' in place && existsSync(held.database)) {
      throw new CopyRefused(`${held.database} is there already. Restore into an empty place.`);
    }
    const { secret: chosen, keep } = chooseSecret(settings, folder);
    const work = await unpack(folder, held.path, manifest);
    try {
      await checkUnpacked(work, chosen);
      const secret = keep();
      let logEntries: number;
      if ('databaseUrl' in place) {
        const source = await openSource({ directory: work });
        try {
          ({ logEntries } = await transfer(source, place, onProgress));
        } finally {
          await source.close();
        }
      } else {
        logEntries = await verifyLogs({ directory: work });
        sync(join(work, FILE));
        // Whatever was here before is not what is here from now on.
        forgetState(held.path);
        renameSync(join(work, FILE), held.database);
        sync(held.path);
      }
      return { manifest, secret, logEntries, unreadable: await countUnreadableIn(settings) };
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  } finally {
    held.release();
    if ('databaseUrl' in place) rmSync(held.path, { recursive: true, force: true });
  }
}
