import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyEveryLog } from '../audit/verify.ts';
import {
  type CopiedTables,
  CopyRefusedError,
  copyRows,
  findDifferingTables,
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
} from '../store/copy-adapters.ts';
import { type DataDirectory, databaseFileIn, lockDataDirectory } from '../store/data-directory.ts';
import { openReader } from '../store/open-reader.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { assertStoreComplete, resetState } from '../store/sqlite-integrity.ts';
import { listTables } from '../store/tables.ts';
import { assertMatchingSecret, type NamedSecret, readSecretFile } from './secret.ts';

/** Location of a store: a PostgreSQL database or a data directory. */
export type StoreLocation = { readonly databaseUrl: string } | { readonly directory: string };

export function parseStoreLocation(text: string): StoreLocation {
  return /^postgres(ql)?:\/\//.test(text) ? { databaseUrl: text } : { directory: text };
}

/** The result of a verified copy. */
export interface TransferResult {
  readonly copied: CopiedTables;
  /** Number of activity log entries. The hash chain of every log was verified from its first entry. */
  readonly logEntries: number;
}

/** Opens an existing store without migrating it. Throws `CopyRefusedError` if a directory contains none. */
export async function openSource(location: StoreLocation): Promise<CopySource> {
  if ('databaseUrl' in location) return openPostgresSource(location.databaseUrl);
  const file = databaseFileIn(location.directory);
  if (!existsSync(file)) throw new CopyRefusedError(`${file} was not found; there is nothing to copy.`);
  return openSqliteSource(file);
}

/** Creates the tables in the target and opens it. */
async function openTarget(location: StoreLocation): Promise<CopyTarget> {
  if ('databaseUrl' in location) {
    const { openPostgresStore } = await import('../store/postgres.ts');
    const store = await openPostgresStore(location.databaseUrl, () => undefined);
    await store.close();
    return openPostgresTarget(
      location.databaseUrl,
      listTables().map(({ name }) => name),
    );
  }
  const store = await openSqliteStore(databaseFileIn(location.directory));
  await store.close();
  return openSqliteTarget(databaseFileIn(location.directory));
}

const toReaderOptions = (location: StoreLocation): Parameters<typeof openReader>[0] =>
  'databaseUrl' in location
    ? { databaseUrl: location.databaseUrl, dataDirectory: '' }
    : { databaseUrl: null, dataDirectory: location.directory };

/** Verifies every activity log of a store and returns the number of entries. Throws for the first broken log. */
export async function verifyLogs(location: StoreLocation): Promise<number> {
  const db = openReader(toReaderOptions(location));
  let entries = 0;
  try {
    for await (const { workspaceId, broken, entries: entriesOfLog } of verifyEveryLog(db)) {
      if (broken !== null)
        throw new Error(`The activity log of ${workspaceId} is broken: entry ${broken.sequence} ${broken.reason}.`);
      entries += entriesOfLog;
    }
  } finally {
    await db.destroy();
  }
  return entries;
}

/**
 * Copies a consistent snapshot of `source` into an empty location, compares the digest of every table, and verifies the
 * activity logs of the copy. Throws `CopyRefusedError`, or another error if the copy differs.
 */
export async function copyAndVerify(
  source: CopySource,
  to: StoreLocation,
  onProgress: OnProgress,
): Promise<TransferResult> {
  const target = await openTarget(to);
  let copied: CopiedTables;
  try {
    copied = await copyRows(source, target, onProgress);
  } finally {
    await target.close();
  }
  const copy = await openSource(to);
  let differingTables: string[];
  try {
    differingTables = await findDifferingTables(copied, copy, onProgress);
  } finally {
    await copy.close();
  }
  if (differingTables.length > 0) throw new Error(`The copy differs from the source: ${differingTables.join(', ')}.`);
  return { copied, logEntries: await verifyLogs(to) };
}

function lockLocation(location: StoreLocation): DataDirectory | null {
  return 'directory' in location ? lockDataDirectory(location.directory) : null;
}

/** Returns the configured secret, or the secret stored in the directory; null if there is none. */
function findSecretAt(location: StoreLocation, configuredSecret: NamedSecret | null): NamedSecret | null {
  if (configuredSecret !== null || 'databaseUrl' in location) return configuredSecret;
  const secretPath = join(location.directory, 'secret');
  return existsSync(secretPath) ? readSecretFile(secretPath) : null;
}

/**
 * Throws `StartRefusedError` if a configured secret, or a secret in either location, is not the secret of the source.
 */
async function assertMatchingSecrets(
  from: StoreLocation,
  to: StoreLocation,
  configuredSecret: NamedSecret | null,
): Promise<void> {
  const secrets = [findSecretAt(from, configuredSecret), findSecretAt(to, configuredSecret)].filter(
    (secret) => secret !== null,
  );
  const db = openReader(toReaderOptions(from));
  try {
    for (const secret of secrets) await assertMatchingSecret(db, secret);
  } finally {
    await db.destroy();
  }
}

/**
 * Copies an installation into an empty location. No server may be using either location. A secret that is configured or
 * present in either location must be the secret of the source. Throws `CopyRefusedError` or `StartRefusedError`.
 */
export async function copyStore(
  from: StoreLocation,
  to: StoreLocation,
  configuredSecret: NamedSecret | null,
  onProgress: OnProgress,
): Promise<TransferResult> {
  if ('directory' in from && !existsSync(databaseFileIn(from.directory))) {
    throw new CopyRefusedError(`${databaseFileIn(from.directory)} was not found; there is nothing to copy.`);
  }
  const sourceLock = lockLocation(from);
  try {
    if ('directory' in from) assertStoreComplete(from.directory);
    const source = await openSource(from);
    try {
      if (source.liveNodes > 0) {
        throw new CopyRefusedError('Nodes are using the source. Stop them all, or their writes will be lost.');
      }
      refuseOtherVersion(source);
      await assertMatchingSecrets(from, to, configuredSecret);
      const targetLock = lockLocation(to);
      try {
        const copied = await copyAndVerify(source, to, onProgress);
        // Discards the recorded state of an earlier store in the directory.
        if ('directory' in to) resetState(to.directory);
        return copied;
      } finally {
        targetLock?.release();
      }
    } finally {
      await source.close();
    }
  } finally {
    sourceLock?.release();
  }
}
