import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/**
 * Files that also run in guards, in the processes of other applications. They import only each other and
 * `CONTRACT_WITHOUT_DEPENDENCIES`, and no module of Node.
 */
const PORTABLE_FILES = [
  'authorization/guard-lease.ts',
  'authorization/decision.ts',
  'authorization/lease.ts',
  'authorization/record-cache.ts',
  'authorization/record.ts',
  'authorization/restrictions.ts',
  'authorization/registry.ts',
  'authorization/rights.ts',
  'authorization/object-record-cache.ts',
  'authorization/usage-counters.ts',
  'authorization/batch-per-turn.ts',
  'authorization/usage-recorder.ts',
];

/**
 * Files of the contract that must not load zod, because that would slow down the start of the CLI and the web UI.
 */
const CONTRACT_WITHOUT_ZOD = [
  'contract/audit.ts',
  'contract/calendar-date.ts',
  'contract/claim-patterns.ts',
  'contract/control-variables.ts',
  'contract/csv.ts',
  'contract/dotenv.ts',
  'contract/fair-queue.ts',
  'contract/fair-share-limiter.ts',
  'contract/host-key.ts',
  'contract/id.ts',
  'contract/idempotency.ts',
  'contract/origin.ts',
  'contract/page-routes.ts',
  'contract/problem.ts',
  'contract/quotas.ts',
  'contract/redact.ts',
  'contract/repository.ts',
  'contract/shebang.ts',
  'contract/slug.ts',
  'contract/workload-issuers.ts',
  'contract/workload-presets.ts',
  'contract/workload-snippets.ts',
];

/** Files of the contract that load no library, because guards and the web UI load them. */
const CONTRACT_WITHOUT_DEPENDENCIES = [
  'contract/vocabulary.ts',
  'contract/event-names.ts',
  'contract/platform-vocabulary.ts',
  'contract/limits.ts',
  'contract/error-codes.ts',
  'contract/error-advice.ts',
  'contract/address-ranges.ts',
];

/** A model of nodes and clocks for tests and `npm run simulate`. */
const SIMULATION_FILES = [
  'cluster/simulation.ts',
  'cluster/simulation-world.ts',
  'cluster/simulation-history.ts',
  'cluster/simulation-steps.ts',
];

const sameRule = (files: readonly string[], allowed: readonly string[]) =>
  Object.fromEntries(files.map((file) => [file, allowed]));

/**
 * The imports that each folder may have besides itself (docs/layout.md), and the imports that each file with its own
 * rule may have. `node` stands for the modules of Node; other names are folders or files of `src/` (with a slash or an
 * extension) or packages.
 */
const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  ...sameRule(CONTRACT_WITHOUT_DEPENDENCIES, CONTRACT_WITHOUT_DEPENDENCIES),
  ...sameRule(CONTRACT_WITHOUT_ZOD, [...CONTRACT_WITHOUT_DEPENDENCIES, ...CONTRACT_WITHOUT_ZOD]),
  'contract/': ['contract/', 'zod'],
  ...sameRule(PORTABLE_FILES, [...CONTRACT_WITHOUT_DEPENDENCIES, ...PORTABLE_FILES]),
  'authorization/': ['contract/', 'node'],
  ...sameRule(SIMULATION_FILES, ['contract/', 'authorization/', 'cluster/', 'node', 'fast-check']),
  'cluster/simulation-worker.ts': ['authorization/', 'cluster/', 'node', 'fast-check'],
  'cluster/': ['contract/', 'authorization/', 'node'],
  'store/': ['contract/', 'node', 'kysely', 'kysely/migration', 'pg'],
  'audit/': ['contract/', 'store/', 'node'],
  'credentials/': ['contract/', 'authorization/', 'audit/', 'store/', 'outbound/', 'node', 'jose'],
  'people/': [
    'contract/',
    'authorization/',
    'audit/',
    'store/',
    'outbound/',
    'node',
    'jose',
    'openid-client',
    'otplib',
    'nodemailer',
    '@zxcvbn-ts/language-common',
    '@simplewebauthn/server',
  ],
  'jobs/': ['contract/', 'store/', 'node'],
  'outbound/': ['contract/', 'node'],
  'notify/': ['contract/', 'audit/', 'store/', 'outbound/', 'node'],
  'runner/': ['contract/', 'outbound/', 'node'],
  'platform/': ['contract/', 'audit/', 'store/', 'jobs/', 'outbound/', 'runner/', 'node', 'croner', 'aws4fetch'],
  'http/': [
    'contract/',
    'authorization/',
    'cluster/',
    'credentials/',
    'audit/',
    'notify/',
    'people/',
    'store/',
    'jobs/',
    'runner/',
    'platform/',
    'node',
    'zod',
    'fastify',
    'fastify-type-provider-zod',
    '@fastify/accept-negotiator',
    '@fastify/proxy-addr',
    '@fastify/swagger',
  ],
  'sdk/': ['contract/', ...PORTABLE_FILES],
  'web/': ['sdk/', 'contract/'],
  'cli/': [
    'sdk/',
    'contract/',
    'node',
    'commander',
    '@commander-js/extra-typings',
    '@clack/prompts',
    'jmespath',
    'package.json',
  ],
};

/** Files in `cli/` that open the store themselves, beside or instead of a server, and therefore import its parts. */
const STORE_COMMANDS = new Set([
  'serve',
  'init',
  'people',
  'audit-bucket',
  'audit-verify',
  'migrate',
  'store-accept',
  'store-backup',
  'store-copy',
  'doctor',
  'main',
]);
const SERVER_PARTS = ['server/', 'people/', 'audit/', 'store/'];
/** The composition of the server, the test helpers and the build of the web UI, which may import anything. */
const UNRESTRICTED_FILES = /^(?:server\/|testing\/|web\/vite\.config\.ts$)/;
/** Packages that the web UI may import. */
const WEB_PACKAGES = /^(?:react|react-dom|@mantine|@tanstack|@simplewebauthn|get-nonce|recharts|dayjs|uqr|anser)\b/;

/** Patterns of all kinds of imports. The first group is the specifier. */
const IMPORT_PATTERNS = [
  /^\s*(?:import|export)\b[^'";]*?from\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\bimport\.meta\.resolve\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\bnew URL\(\s*['"](\.[^'"]+\.tsx?)['"]/g,
  /\brequire\(\s*['"]([^'"]+)['"]\s*\)/g,
];

interface Import {
  readonly file: string;
  /** A path under `src/`, `package.json`, `node`, or a package. */
  readonly target: string;
  readonly isTypeOnly: boolean;
}

function resolveSpecifier(file: string, specifier: string): string {
  if (specifier.startsWith('node:')) return 'node';
  if (!specifier.startsWith('.')) return specifier;
  return normalize(join(dirname(file), specifier)).replace(/^\.\.\//, '');
}

function importsOf(file: string): Import[] {
  const source = readFileSync(join('src', file), 'utf8');
  const imports: Import[] = [];
  for (const pattern of IMPORT_PATTERNS) {
    for (const match of source.matchAll(pattern)) {
      const specifier = match[1] ?? '';
      const isTypeOnly =
        /^\s*(?:import|export)\s+type\b/.test(match[0]) || /typeof\s+$/.test(source.slice(0, match.index));
      imports.push({ file, target: resolveSpecifier(file, specifier), isTypeOnly });
    }
  }
  return imports;
}

const files = globSync('**/*.{ts,tsx}', { cwd: 'src', exclude: ['**/node_modules'] })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => !file.includes('.test.'))
  .sort();

function isWithin(target: string, allowed: string): boolean {
  return allowed.endsWith('/') ? target.startsWith(allowed) : target === allowed;
}

/** Returns null if `file` may import `target`, otherwise the violation. */
function findViolation({ file, target, isTypeOnly }: Import): string | null {
  if (UNRESTRICTED_FILES.test(file)) return null;
  const folder = `${file.split('/')[0]}/`;
  const rules = ALLOWED_IMPORTS[file] ?? ALLOWED_IMPORTS[folder];
  if (rules === undefined) return `${file}: its folder has no rule`;
  const isStoreCommand = file.startsWith('cli/') && STORE_COMMANDS.has(file.slice(4).replace(/\.ts$/, ''));
  const allowed = [
    ...rules,
    ...(ALLOWED_IMPORTS[file] === undefined ? [folder] : []),
    ...(isStoreCommand ? SERVER_PARTS : []),
  ];
  if (allowed.some((entry) => isWithin(target, entry))) {
    // At run time, the SDK imports only files without dependencies, because it runs in other processes.
    if (
      folder === 'sdk/' &&
      target.startsWith('contract/') &&
      !CONTRACT_WITHOUT_DEPENDENCIES.includes(target) &&
      !isTypeOnly
    ) {
      return `${file} imports ${target} at run time`;
    }
    return null;
  }
  if (folder === 'web/' && (WEB_PACKAGES.test(target) || target.endsWith('.css'))) return null;
  return `${file} imports ${target}`;
}

test('imports of values, types and packages are found, also with import()', () => {
  const imports = files.flatMap(importsOf);
  const has = (file: string, target: string) =>
    imports.some((imported) => imported.file === file && imported.target === target);
  assert.ok(files.length > 60);
  assert.ok(has('people/passwords.ts', '@zxcvbn-ts/language-common'), 'import()');
  assert.ok(has('authorization/decision.ts', 'authorization/rights.ts'), 'import of a value and a type');
  assert.ok(has('audit/denials.ts', 'contract/audit.ts'), 'import type');
  assert.ok(has('store/schema.ts', 'kysely'), 'import type of a package');
});

test('each folder imports only what the table allows', () => {
  const violations = files.flatMap(importsOf).flatMap((imported) => findViolation(imported) ?? []);
  assert.deepEqual([...new Set(violations)], []);
});

test('the web UI does not load zod, the library of the schemas, which would add a third to the size of its first page', () => {
  const runtimeImports = Map.groupBy(
    files.flatMap(importsOf).filter(({ isTypeOnly }) => !isTypeOnly),
    ({ file }) => file,
  );
  /** The chain of imports through which the web UI loads each file or package. */
  const importChains = new Map(files.filter((file) => file.startsWith('web/')).map((file) => [file, file]));
  // The loop also visits the entries that it adds.
  for (const [file, chain] of importChains) {
    for (const { target } of runtimeImports.get(file) ?? []) {
      if (!importChains.has(target)) importChains.set(target, `${chain} → ${target}`);
    }
  }
  assert.equal(importChains.get('zod'), undefined);
});

test('forbidden imports are reported', () => {
  const forbiddenImports: [file: string, target: string, isTypeOnly?: boolean][] = [
    ['contract/vocabulary.ts', 'contract/problem.ts'],
    ['contract/redact.ts', 'zod'],
    ['contract/redact.ts', 'node'],
    ['authorization/decision.ts', 'store/store.ts', true],
    ['authorization/decision.ts', 'http/http-server.ts', true],
    ['authorization/decision.ts', 'kysely', true],
    ['store/sqlite.ts', 'audit/log.ts'],
    ['outbound/outbound.ts', 'store/store.ts'],
    ['audit/log.ts', 'people/context.ts', true],
    ['people/sessions.ts', 'http/http-server.ts'],
    ['http/http-server.ts', 'server/start.ts'],
    ['http/http-server.ts', 'kysely'],
    ['sdk/client.ts', 'contract/people.ts'],
    ['sdk/client.ts', 'zod'],
    ['sdk/lease-authorizer.ts', 'authorization/secret.ts', true],
    ['sdk/lease-authorizer.ts', 'cluster/revocation-barrier.ts', true],
    ['authorization/lease.ts', 'cluster/revocation-barrier.ts', true],
    ['authorization/registry.ts', 'node'],
    ['authorization/decision.ts', 'contract/problem.ts', true],
    ['cli/tokens.ts', 'store/sqlite.ts'],
    ['web/app.tsx', 'authorization/secret.ts', true],
    ['attic/x.ts', 'contract/vocabulary.ts'],
  ];
  for (const [file, target, isTypeOnly = false] of forbiddenImports)
    assert.notEqual(findViolation({ file, target, isTypeOnly }), null, `${file} → ${target}`);
});

const readWithoutComments = (file: string) =>
  readFileSync(join('src', file), 'utf8').replace(/^\s*(?:\*|\/\/).*$/gm, '');

test('of the files outside testing/, only those in store/ contain SQL', () => {
  const pattern = /\b(?:select\s+[\w*,. ]+\s+from|insert\s+into|update\s+\w+\s+set|delete\s+from)\s/i;
  const filesWithSql = files
    .filter((file) => !file.startsWith('store/') && !file.startsWith('testing/'))
    .filter((file) => pattern.test(readWithoutComments(file)));
  assert.deepEqual(filesWithSql, []);
});

test('only files that also work without a secure context use browser features that require one', () => {
  const pattern =
    /navigator\.(?:clipboard|credentials|serviceWorker|locks|storage|mediaDevices|wakeLock)\b|crypto\.(?:subtle\.|randomUUID\()|\b(?:cookieStore|caches)\.|\bPublicKeyCredential\b|\bisSecureContext\b/;
  const filesWithFeatures = files
    .filter((file) => /^(?:web|contract)\/|^sdk\/(?!guard|audit)/.test(file))
    .filter((file) => pattern.test(readWithoutComments(file)));
  assert.deepEqual(filesWithFeatures.sort(), [
    'web/account/passkey.ts',
    'web/components/clipboard.ts',
    'web/servers/check-section.tsx',
    'web/servers/server-form.ts',
  ]);
});
