import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyEveryLog } from '../audit/verify.ts';
import {
  type Copied,
  CopyRefused,
  copyRows,
  differingTables,
  type OnProgress,
  refuseOtherVersion,
} from '../store/copy.ts';
import {
  type CopySource,
  type CopyTarget,
  openPostgresSource,
  openPostgresTarget,
  openSqliteSource,
  openSqliteTarget,
} from '../store/copy-ends.ts';
import { type DataDirectory, takeDataDirectory } from '../store/data-directory.ts';
import { openReader } from '../store/open.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { forgetState, refuseUnlessWhole } from '../store/sqlite-guard.ts';
import { listTables } from '../store/tables.ts';
import { type NamedSecret, readSecretFile, refuseOtherSecret } from './secret.ts';

/** Where a store is: a PostgreSQL database, or a data directory. */
export type Place = { readonly databaseUrl: string } | { readonly directory: string };

export function placeOf(text: string): Place {
  return /^postgres(ql)?:\/\//.test(text) ? { databaseUrl: text } : { directory: text };
}

const fileIn = (directory: string) => join(directory, 'devpilot.db');

/** What was copied and found to be the same when it was read back. */
export interface Transfer {
  readonly copied: Copied;
  /** Entries of activity logs, each checked from its first entry. */
  readonly logEntries: number;
}

/** Opens a store as it is now. Throws `CopyRefused` where there is none. */
export async function openSource(place: Place): Promise<CopySource> {
  if ('databaseUrl' in place) return openPostgresSource(place.databaseUrl);
  const file = fileIn(place.directory);
  if (!existsSync(file)) throw new CopyRefused(`There is no ${file} to copy from.`);
  return openSqliteSource(file);
}

/** Makes the tables of a target and opens it. */
async function openTarget(place: Place): Promise<CopyTarget> {
  if ('databaseUrl' in place) {
    const { openPostgresStore } = await import('../store/postgres.ts');
    const store = await openPostgresStore(place.databaseUrl, () => undefined);
    await store.close();
    return openPostgresTarget(
      place.databaseUrl,
      listTables().map(({ name }) => name),
    );
  }
  const store = await openSqliteStore(fileIn(place.directory));
  await store.close();
  return openSqliteTarget(fileIn(place.directory));
}

const readerPlace = (place: Place): Parameters<typeof openReader>[0] =>
  'databaseUrl' in place
    ? { databaseUrl: place.databaseUrl, dataDirectory: '' }
    : { databaseUrl: null, dataDirectory: place.directory };

/** Checks every activity log of a store; returns how many entries there are. Throws for the first broken one. */
export async function verifyLogs(place: Place): Promise<number> {
  const db = openReader(readerPlace(place));
  let entries = 0;
  try {
    for await (const check of verifyEveryLog(db)) {
      const { workspaceId, broken } = check;
      if (broken !== null)
        throw new Error(`The activity log of ${workspaceId} is broken: entry ${broken.sequence} ${broken.reason}.`);
      entries += check.entries;
    }
  } finally {
    await db.destroy();
  }
  return entries;
}

/**
 * Copies one moment of `source` into an empty place, reads it back row by row, and checks the activity
 * logs there. Throws `CopyRefused`, and an error where what was read back is not what was copied.
 */
export async function transfer(source: CopySource, to: Place, onProgress: OnProgress): Promise<Transfer> {
  const target = await openTarget(to);
  let copied: Copied;
  try {
    copied = await copyRows(source, target, onProgress);
  } finally {
    await target.close();
  }
  const written = await openSource(to);
  let differing: string[];
  try {
    differing = await differingTables(copied, written, onProgress);
  } finally {
    await written.close();
  }
  if (differing.length > 0) throw new Error(`What was read back is not what was copied: ${differing.join(', ')}.`);
  return { copied, logEntries: await verifyLogs(to) };
}

function take(place: Place): DataDirectory | null {
  return 'directory' in place ? takeDataDirectory(place.directory) : null;
}

/** The secret that is set, or kept in the directory; null where there is none at hand. */
function secretAt(place: Place, given: NamedSecret | null): NamedSecret | null {
  if (given !== null || 'databaseUrl' in place) return given;
  const own = join(place.directory, 'secret');
  return existsSync(own) ? readSecretFile(own) : null;
}

async function refuseForeignSecrets(from: Place, to: Place, given: NamedSecret | null): Promise<void> {
  const secrets = [secretAt(from, given), secretAt(to, given)].filter((secret) => secret !== null);
  const db = openReader(readerPlace(from));
  try {
    for (const secret of secrets) await refuseOtherSecret(db, secret);
  } finally {
    await db.destroy();
  }
}

/**
 * Moves an installation: nobody may be at work on either side. A secret that is `given`, or lies on either side, must
 * be the source's own. Throws `DirectoryInUse`, `CopyRefused`, `StartRefused`.
 */
export async function copyStore(
  from: Place,
  to: Place,
  given: NamedSecret | null,
  onProgress: OnProgress,
): Promise<Transfer> {
  if ('directory' in from && !existsSync(fileIn(from.directory))) {
    throw new CopyRefused(`There is no ${fileIn(from.directory)} to copy from.`);
  }
  const held = take(from);
  try {
    if ('directory' in from) refuseUnlessWhole(from.directory);
    const source = await openSource(from);
    try {
      if (source.liveNodes > 0) {
        throw new CopyRefused('Nodes are at work on the source. Stop them all, or what they write is lost.');
      }
      refuseOtherVersion(source);
      await refuseForeignSecrets(from, to, given);
      const kept = take(to);
      try {
        const copied = await transfer(source, to, onProgress);
        // Whatever store was in the directory before, this one is from now on.
        if ('directory' in to) forgetState(to.directory);
        return copied;
      } finally {
        kept?.release();
      }
    } finally {
      await source.close();
    }
  } finally {
    held?.release();
  }
}
