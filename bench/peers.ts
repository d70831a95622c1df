import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FAILURE_LIMITS } from '../src/contract/words.ts';
import { createFailureLimiter } from '../src/credentials/failures.ts';
import { createJudges } from '../src/credentials/present.ts';
import { createProof } from '../src/credentials/proof.ts';
import { createRegistry } from '../src/credentials/registry.ts';
import { needAll } from '../src/credentials/rights.ts';
import { createUsage } from '../src/credentials/usage.ts';
import { createUsageStore, readForJudging } from '../src/server/credential-store.ts';
import { openSqlite } from '../src/store/sqlite-open.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { run } from './lib/processes.ts';
import { type Finding, list, medianRatio } from './lib/report.ts';
import { runFolder, seededWith } from './lib/seed.ts';

export const PEERS = { 'better-auth': '1.7.5', '@better-auth/api-key': '1.7.5' };
const KEYS = 1_000;
const ROUNDS = 5;
const THEIRS_A_ROUND = 300;
const OURS_A_ROUND = 100_000;
const directory = fileURLToPath(new URL('.peers/', import.meta.url));

/** Installs the peers into a folder of their own, outside our lockfile, where they are missing. */
async function needPeers(): Promise<void> {
  if (existsSync(join(directory, 'node_modules/@better-auth/api-key'))) return;
  process.stdout.write('the peers are missing; installing them with npm into bench/.peers\n');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, dependencies: PEERS }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'], directory);
}
