import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createRecordCache } from '../src/authorization/record-cache.ts';
import { createRecordRegistry } from '../src/authorization/registry.ts';
import { requireAll } from '../src/authorization/rights.ts';
import { createUsageRecorder } from '../src/authorization/usage-recorder.ts';
import { createDeletedSecrets } from '../src/credentials/deleted-secrets.ts';
import { readStoredCredential } from '../src/credentials/stored-record.ts';
import { createUsageJournal } from '../src/credentials/usage-journal.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { openSqlite } from '../src/store/sqlite-open.ts';
import { createAuthenticator } from './lib/authenticator.ts';
import { run } from './lib/processes.ts';
import { type Finding, formatList, medianRatio } from './lib/report.ts';
import { RUN_DIRECTORY, seededDirectory } from './lib/seed.ts';

const PACKAGES = { 'better-auth': '1.7.5', '@better-auth/api-key': '1.7.5' };
const CREDENTIALS = 1_000;
const ROUNDS = 5;
const BETTER_AUTH_VERIFICATIONS_PER_ROUND = 300;
const DEVPILOT_VERIFICATIONS_PER_ROUND = 100_000;
const packageDirectory = fileURLToPath(new URL('.peers/', import.meta.url));

/** Installs better-auth into its own directory, outside the lockfile, if it is missing. */
async function installBetterAuth(): Promise<void> {
  if (existsSync(join(packageDirectory, 'node_modules/@better-auth/api-key'))) return;
  process.stdout.write('better-auth is missing; installing it with npm into bench/.peers\n');
  mkdirSync(packageDirectory, { recursive: true });
  writeFileSync(join(packageDirectory, 'package.json'), JSON.stringify({ private: true, dependencies: PACKAGES }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'], packageDirectory);
}

/** The part of better-auth that the benchmark calls. */
interface BetterAuth {
  readonly api: {
    signUpEmail(options: { body: object }): Promise<{ user: { id: string } }>;
    createApiKey(options: { body: object }): Promise<{ readonly key: string }>;
    verifyApiKey(options: { body: { key: string } }): Promise<{ valid: boolean }>;
  };
}

/**
 * Creates API keys in better-auth on SQLite. Its rate limiting is off, because Devpilot's credentials have no rate
 * limit by default.
 */
async function openBetterAuth(): Promise<{ auth: BetterAuth; keys: string[] }> {
  const path = join(RUN_DIRECTORY, 'peers.db');
  const database = openSqlite(path, false);
  const importModule = async (name: string) =>
    (await import(pathToFileURL(join(packageDirectory, 'node_modules', name)).href)) as never;
  const { betterAuth } = (await importModule('better-auth/dist/index.mjs')) as {
    betterAuth: (options: object) => BetterAuth;
  };
  const { apiKey } = (await importModule('@better-auth/api-key/dist/index.mjs')) as {
    apiKey: (options: object) => unknown;
  };
  const { getMigrations } = (await importModule('better-auth/dist/db/get-migration.mjs')) as {
    getMigrations: (options: object) => Promise<{ runMigrations: () => Promise<void> }>;
  };
  const options = {
    database,
    secret: 'a secret of more than thirty-two bytes for the bench',
    baseURL: 'http://127.0.0.1:1',
    emailAndPassword: { enabled: true },
    plugins: [apiKey({ rateLimit: { enabled: false } })],
    telemetry: { enabled: false },
    logger: { disabled: true },
  };
  await (await getMigrations(options)).runMigrations();
  const auth = betterAuth(options);
  const body = { email: 'ada@example.com', password: 'a long and private sentence', name: 'Ada' };
  const { user } = await auth.api.signUpEmail({ body });
  const keys: string[] = [];
  while (keys.length < CREDENTIALS)
    keys.push((await auth.api.createApiKey({ body: { userId: user.id, name: 'one' } })).key);
  return { auth, keys };
}

/**
 * Compares how many credentials per second Devpilot and better-auth verify in this process. Each has 1,000 credentials
 * in its own SQLite file; each verification picks one of them at random.
 */
export async function peers(): Promise<Finding[]> {
  await installBetterAuth();
  const { auth, keys } = await openBetterAuth();
  const seeded = await seededDirectory(CREDENTIALS);
  const secrets = readFileSync(seeded.secretsFile, 'utf8').trim().split('\n');
  const path = join(RUN_DIRECTORY, 'devpilot.db');
  cpSync(join(seeded.directory, 'devpilot.db'), path);
  const store = await openSqliteStore(path);
  const registry = createRecordRegistry({
    read: (digest) => readStoredCredential(store, digest, createDeletedSecrets()),
    lease: { holds: () => true },
    cache: createRecordCache(CREDENTIALS),
  });
  const usageRecorder = createUsageRecorder(await createUsageJournal(store), 'nod_01', registry.counterSlots);
  const authenticator = createAuthenticator(registry, usageRecorder);
  const requirement = { access_token: requireAll('access_token', []), api_key: null };
  const pickRandom = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

  async function verifyWithDevpilot(): Promise<void> {
    const request = {
      secret: pickRandom(secrets),
      passphrase: null,
      address: '127.0.0.1',
      userAgent: null,
      requestId: 'r',
    };
    const result = authenticator.authenticate(request, requirement);
    const { decision } = result instanceof Promise ? await result : result;
    if (decision !== 'ok') throw new Error(`Devpilot's decision was ${decision}.`);
  }
  async function verifyWithBetterAuth(): Promise<void> {
    const { valid } = await auth.api.verifyApiKey({ body: { key: pickRandom(keys) } });
    if (!valid) throw new Error('better-auth did not verify a key.');
  }
  async function measurePerSecond(verifications: number, verify: () => Promise<void>): Promise<number> {
    const startMs = performance.now();
    for (let count = 0; count < verifications; count++) await verify();
    // Devpilot writes the uses at the end of each round; better-auth writes each use with its verification.
    await usageRecorder.flush();
    return (verifications / (performance.now() - startMs)) * 1000;
  }

  const devpilotRates: number[] = [];
  const betterAuthRates: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const devpilotRate = await measurePerSecond(DEVPILOT_VERIFICATIONS_PER_ROUND, verifyWithDevpilot);
      const betterAuthRate = await measurePerSecond(BETTER_AUTH_VERIFICATIONS_PER_ROUND, verifyWithBetterAuth);
      if (round > 0) {
        devpilotRates.push(devpilotRate);
        betterAuthRates.push(betterAuthRate);
      }
    }
  } finally {
    await store.close();
  }
  return [
    {
      name: `verifications per second relative to @better-auth/api-key ${PACKAGES['@better-auth/api-key']}, both on SQLite`,
      value: medianRatio(devpilotRates, betterAuthRates),
      unit: '×',
      bound: null,
      measurements: `${formatList(devpilotRates)} over ${formatList(betterAuthRates)} per second, including the time to write the uses`,
    },
  ];
}
