import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { digestOf, digestToBytes, hintOf, mintSecret } from '../../src/authorization/secret.ts';
import { createId } from '../../src/contract/id.ts';
import { DAY } from '../../src/contract/limits.ts';
import { temporaryDirectory } from '../../src/testing/temporary-directory.ts';
import { signUpOwner, startTestServer } from '../../src/testing/test-server.ts';

/** The data directory of a stopped server, filled with credentials. */
export interface SeededDirectory {
  readonly directory: string;
  /** Path of the file with the installation's secret (`DEVPILOT_SECRET_FILE`). */
  readonly storeSecretFile: string;
  /** Path of the file with the secrets of the credentials, one per line. */
  readonly secretsFile: string;
  /** Session cookie of the owner. */
  readonly cookie: string;
  readonly workspaceId: string;
}

/** Directory for the files of this run. */
export const RUN_DIRECTORY = temporaryDirectory();
const seededDirectories = new Map<number, Promise<SeededDirectory>>();

function insertTokens(path: string, secretsFile: string, workspaceId: string, personId: string, count: number): void {
  const database = new DatabaseSync(path);
  database.exec('pragma synchronous = off; pragma cache_size = -400000; begin');
  const insert = database.prepare(`insert into credential
    (id, workspace_id, kind, name, name_key, rights, active, digest, hint, expires_at, created_at, updated_at,
     created_by, last_used_at, use_count)
    values ($id, $workspaceId, 'access_token', $name, $nameKey, '["run_scripts"]', 1, $digest, $hint, $expiresAt,
     $createdAt, $createdAt, $personId, $lastUsedAt, $useCount)`);
  const file = openSync(secretsFile, 'w');
  const now = Date.now();
  const oldestCreatedAt = now - 300 * DAY;
  let lines = '';
  for (let index = 0; index < count; index++) {
    const secret = mintSecret('access_token');
    lines += `${secret}\n`;
    if (lines.length > 1e6 || index === count - 1) {
      writeSync(file, lines);
      lines = '';
    }
    const createdAt = oldestCreatedAt + Math.floor((index / count) * 200 * DAY);
    // Names, expiries and uses vary, so that every sort order differs from the order of insertion.
    const shuffledIndex = (index * 7919) % count;
    const name = `Pipeline ${String(shuffledIndex).padStart(7, '0')}`;
    const expiresAt = index % 3 === 0 ? null : now + DAY + shuffledIndex * 1000;
    const lastUsedAt = index % 4 === 0 ? null : now - DAY - shuffledIndex * 1000;
    insert.run({
      id: createId('access_token', createdAt),
      workspaceId,
      name,
      nameKey: name.toLowerCase(),
      digest: digestToBytes(digestOf(secret)),
      hint: hintOf(secret),
      expiresAt,
      createdAt,
      personId,
      lastUsedAt,
      useCount: lastUsedAt === null ? 0 : index % 1000,
    });
  }
  closeSync(file);
  database.exec('commit; pragma wal_checkpoint(truncate)');
  database.close();
}

async function createSeededDirectory(count: number): Promise<SeededDirectory> {
  const startMs = performance.now();
  const directory = join(RUN_DIRECTORY, `with-${count}`);
  mkdirSync(directory);
  // The server itself creates the schema and the owner.
  const server = await startTestServer({ dataDirectory: directory });
  const owner = await signUpOwner(server);
  const me = await owner.call<{ id: string }>('/v1/me');
  await server.running.close();
  const secretsFile = join(RUN_DIRECTORY, `secrets-${count}`);
  insertTokens(join(directory, 'devpilot.db'), secretsFile, owner.workspaceId, me.body.id, count);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(`  (seeded ${count.toLocaleString('en')} access tokens in ${seconds} s)\n`);
  return {
    directory,
    storeSecretFile: join(directory, 'secret'),
    secretsFile,
    cookie: owner.cookie,
    workspaceId: owner.workspaceId,
  };
}

/** Returns a data directory with this many access tokens. Each size is created once per run. */
export function seededDirectory(count: number): Promise<SeededDirectory> {
  let directory = seededDirectories.get(count);
  if (directory === undefined) seededDirectories.set(count, (directory = createSeededDirectory(count)));
  return directory;
}
