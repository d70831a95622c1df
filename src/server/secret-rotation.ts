import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { appendAuditEvent, SYSTEM_ACTOR, SYSTEM_LOG } from '../audit/log.ts';
import type { EnvOwnerKind } from '../contract/platform-vocabulary.ts';
import { webhookSecretAssociatedData } from '../notify/webhooks.ts';
import { refreshTokenAssociatedData, totpAssociatedData } from '../people/context.ts';
import { backupKeyAssociatedData } from '../platform/backups/backup-keys.ts';
import { statusTokenAssociatedData } from '../platform/commit-status/settings.ts';
import { variableAssociatedData } from '../platform/environment/effective-variables.ts';
import { pushSecretAssociatedData } from '../platform/push/push.ts';
import { deployKeyAssociatedData } from '../platform/resources/deploy-keys.ts';
import { repositoryPasswordAssociatedData } from '../platform/resources/repository-credentials.ts';
import { serverKeyAssociatedData } from '../platform/resources/run-target.ts';
import { CopyRefusedError } from '../store/copy.ts';
import { syncPath } from '../store/data-directory.ts';
import { createSeal, type Seal } from '../store/seal.ts';
import {
  readSealedRows,
  SEALED_COLUMNS,
  type SealedRow,
  type SealedTable,
  updateSealedValue,
} from '../store/sealed-columns.ts';
import type { Queryable, Store } from '../store/store.ts';
import { openStore } from './open-store.ts';
import { generateInstallationSecret, writeSecretCheck, writeSecretFile } from './secret.ts';
import { SECRET_BYTES, type Settings } from './settings.ts';
import { openSource } from './transfer.ts';

const associatedDataOfVariable = (kind: EnvOwnerKind, id: string, row: SealedRow) =>
  variableAssociatedData(
    { kind, id, workspaceId: String(row['workspace_id']) },
    {
      name: String(row['name']),
      version: Number(row['version']),
    },
  );

/** Per table: the associated data that binds the encrypted value of a row to that row. */
const ASSOCIATED_DATA: Readonly<Record<SealedTable, (row: SealedRow) => string>> = {
  person: (row) => totpAssociatedData({ id: String(row['id']) }),
  session_sign_in: (row) => refreshTokenAssociatedData({ session_id: String(row['session_id']) }),
  server: (row) => serverKeyAssociatedData({ id: String(row['id']), workspace_id: String(row['workspace_id']) }),
  app: (row) =>
    repositoryPasswordAssociatedData({
      workspace_id: String(row['workspace_id']),
      id: String(row['id']),
      repository: String(row['repository']),
    }),
  env_change: (row) => associatedDataOfVariable('app', String(row['app_id']), row),
  project_env_change: (row) => associatedDataOfVariable('project', String(row['project_id']), row),
  backup_key: (row) => backupKeyAssociatedData({ id: String(row['id']), workspace_id: String(row['workspace_id']) }),
  push_secret: (row) =>
    pushSecretAssociatedData({ app_id: String(row['app_id']), workspace_id: String(row['workspace_id']) }),
  commit_status: (row) =>
    statusTokenAssociatedData({
      app_id: String(row['app_id']),
      workspace_id: String(row['workspace_id']),
      url: String(row['url']),
    }),
  deploy_key: (row) =>
    deployKeyAssociatedData({ app_id: String(row['app_id']), workspace_id: String(row['workspace_id']) }),
  webhook: (row) => webhookSecretAssociatedData({ id: String(row['id']), workspace_id: String(row['workspace_id']) }),
};

/** Counts the encrypted values that `seal` has no key for. */
export async function countUnreadable(db: Queryable, seal: Seal): Promise<number> {
  let count = 0;
  for (const column of SEALED_COLUMNS) {
    for await (const rows of readSealedRows(db, column)) {
      count += rows.filter((row) => !seal.hasKeyFor(String(row[column.column]))).length;
    }
  }
  return count;
}

/**
 * Encrypts every value again. `seal` must encrypt with `newSecret`, and be able to decrypt the stored values. Returns
 * the number of values.
 */
async function resealAll(store: Store, seal: Seal, newSecret: Buffer): Promise<number> {
  return store.transaction(async (trx) => {
    let count = 0;
    await writeSecretCheck(trx, newSecret);
    for (const column of SEALED_COLUMNS) {
      for await (const rows of readSealedRows(trx, column)) {
        for (const row of rows) {
          const associatedData = ASSOCIATED_DATA[column.table](row);
          const value = seal.open(String(row[column.column]), associatedData);
          await updateSealedValue(trx, column, row, seal.seal(value, associatedData));
          count++;
        }
      }
    }
    await appendAuditEvent(trx, {
      workspaceId: SYSTEM_LOG,
      action: 'system.secret_rotated',
      at: Date.now(),
      actor: SYSTEM_ACTOR,
      target: null,
      credential: null,
      origin: { address: null, userAgent: null, requestId: null },
      detail: { values: count },
    });
    return count;
  });
}

function readNewSecret(path: string): Buffer {
  let secret: Buffer;
  try {
    secret = Buffer.from(readFileSync(path, 'utf8').trim());
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new CopyRefusedError(`${path} cannot be read (${code}). Pass a file that contains the new secret.`);
  }
  if (secret.length < SECRET_BYTES) throw new CopyRefusedError(`${path} must have at least ${SECRET_BYTES} bytes.`);
  return secret;
}

/**
 * Returns the next secret of an installation that generates its own secret. Reuses the secret of an interrupted
 * rotation.
 */
function readOrCreateNextSecret(path: string): Buffer {
  if (!existsSync(path)) writeSecretFile(path, generateInstallationSecret());
  return readNewSecret(path);
}

/**
 * Replaces the secret of the installation: encrypts every value again with the new secret, in one transaction. If the
 * installation generated its secret, writes the new secret to that file and returns the path. Otherwise, returns
 * `secretFile: null`, and the operator must set the new secret before the next start. No server may be using the store.
 * After an interruption, run the rotation again.
 */
export async function rotateSecret(
  settings: Settings,
  newSecretFile: string | null,
): Promise<{ values: number; secretFile: string | null }> {
  if (settings.secret !== null && newSecretFile === null) {
    throw new CopyRefusedError('Pass the file with the new secret: --new-secret-file FILE');
  }
  // Read first, so that a wrong path changes nothing.
  const suppliedSecret = newSecretFile === null ? null : readNewSecret(newSecretFile);
  if (settings.databaseUrl !== null) {
    const source = await openSource({ databaseUrl: settings.databaseUrl });
    await source.close();
    if (source.liveNodes > 0) throw new CopyRefusedError('Nodes are using the database. Stop them all first.');
  }
  const { store, secret, release } = await openStore(settings);
  try {
    const currentPath = join(settings.dataDirectory, 'secret');
    const nextPath = `${currentPath}.new`;
    const newSecret = suppliedSecret ?? readOrCreateNextSecret(nextPath);
    if (settings.secret === null && suppliedSecret !== null) writeSecretFile(nextPath, suppliedSecret.toString());
    const values = await resealAll(store, createSeal([newSecret, secret]), newSecret);
    if (settings.secret !== null) return { values, secretFile: null };
    renameSync(nextPath, currentPath);
    syncPath(settings.dataDirectory);
    return { values, secretFile: currentPath };
  } finally {
    await store.close();
    release();
  }
}
