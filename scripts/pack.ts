/**
 * Builds the two published packages: `dist/devpilot.tgz` (server, web UI, CLI as JavaScript) and
 * `dist/devpilot-sdk.tgz` (client and guards, without dependencies).
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minifySync } from 'vite';
import manifest from '../package.json' with { type: 'json' };
import { generateWireTypes } from './wire-types.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const workDirectory = join(root, 'dist/pack');
const MAX_SDK_BYTES = 66_000;

const commandSearchPath = `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`;
function run(command: string, args: readonly string[], cwd = root): void {
  const env = { ...process.env, PATH: commandSearchPath };
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'], env });
}

/** Compiles files and their imports, and preserves the directory layout. Returns the output directory. */
function compile(name: string, include: readonly string[], extraOptions: object): string {
  const outDir = join(workDirectory, name);
  const config = join(workDirectory, `${name}.json`);
  const compilerOptions = {
    noEmit: false,
    allowImportingTsExtensions: false,
    rewriteRelativeImportExtensions: true,
    stripInternal: true,
    rootDir: root,
    outDir,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    ...extraOptions,
  };
  const exclude = ['web', '**/*.test.ts', 'testing'].map((path) => join(root, 'src', path));
  const files = include.map((path) => join(root, path));
  writeFileSync(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: files, exclude }),
  );
  run('tsc', ['-p', config]);
  return outDir;
}

function writeManifest(directory: string, contents: object): void {
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(contents, null, 2)}\n`);
}

/** Packs a directory with npm, and renames the result from npm's name, which contains the version. */
function pack(directory: string, npmName: string, fileName: string): void {
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', join(root, 'dist')], directory);
  renameSync(join(root, 'dist', npmName), join(root, 'dist', fileName));
}

const { version, license, type } = manifest;
/** Node version that `bin/devpilot.mjs` requires. Unlike the project, the packed server does not install Node. */
const engines = { node: '>=24.14' };

function packServer(): void {
  const directory = compile('devpilot', ['src/**/*.ts', 'package.json'], {});
  cpSync(join(root, 'dist/web'), join(directory, 'dist/web'), { recursive: true });
  mkdirSync(join(directory, 'bin'), { recursive: true });
  const bin = readFileSync(join(root, 'bin/devpilot.mjs'), 'utf8').replace('../src/cli/main.ts', '../src/cli/main.js');
  writeFileSync(join(directory, 'bin/devpilot.mjs'), bin, { mode: 0o755 });
  for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md']) cpSync(join(root, file), join(directory, file));
  cpSync(join(root, 'docs'), join(directory, 'docs'), { recursive: true });
  const { name, description, bin: commands, dependencies } = manifest;
  writeManifest(directory, { name, version, description, license, type, engines, bin: commands, dependencies });
  pack(directory, `devpilot-${version}.tgz`, 'devpilot.tgz');
}

/** Files of the contract that contain no schemas and that the SDK includes unchanged. */
const FILES_WITHOUT_SCHEMAS = ['vocabulary', 'event-names', 'platform-vocabulary', 'limits', 'error-codes'];

/** Returns the names that the SDK imports from each schema file of the contract. */
function listUsedNames(): Map<string, string[]> {
  const usedNames = new Map<string, string[]>();
  for (const file of globSync('src/sdk/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts')) continue;
    const imports = readFileSync(join(root, file), 'utf8').matchAll(
      /import type \{([^{}]*)\} from '\.\.\/contract\/([a-z-]+)\.ts'/g,
    );
    for (const [, names = '', from = ''] of imports) {
      if (FILES_WITHOUT_SCHEMAS.includes(from)) continue;
      const list = names.split(',').map((name) => name.trim());
      usedNames.set(from, [...(usedNames.get(from) ?? []), ...list.filter((name) => name !== '')]);
    }
  }
  return usedNames;
}

/** Function names are preserved for stack traces. */
const MINIFY = { module: true, mangle: { keepNames: true } } as const;
const ENTRIES = ['sdk/client', 'sdk/audit', 'sdk/guard', 'sdk/secret', 'sdk/vocabulary'] as const;

/** Modules that users of the SDK neither import nor see. Their declarations need no comments. */
const INTERNAL =
  /^(?:authorization\/|sdk\/(?:remote-authorizer|lease-authorizer|connection|guard-session|follow-revocations)$)/;

/** Shortens declarations: narrow indentation, and no comments in internal modules and in files without schemas. */
function shortenTypes(file: string, text: string): string {
  const isInternal = INTERNAL.test(file) || FILES_WITHOUT_SCHEMAS.some((name) => file === `contract/${name}`);
  const withoutComments = isInternal ? text.replace(/^ *\/\*\*.*?\*\/\n/gms, '') : text;
  return withoutComments.replace(/^(?: {4})+(?! \*)/gm, (indentation) => ' '.repeat(indentation.length / 4));
}

type Extension = '.ts' | '.js' | '.d.ts';

/** Minifies scripts and shortens declarations; returns other source files unchanged. */
function shorten(file: string, text: string, extension: Extension): string {
  if (extension === '.js') return minifySync(file, text, MINIFY).code;
  return extension === '.d.ts' ? shortenTypes(file, text) : text;
}

/** Copies a module and its imports, shortened. Skips files that do not exist or have already been copied. */
function copyWithImports(from: string, directory: string, file: string, extension: Extension): void {
  const target = join(directory, file + extension);
  if (existsSync(target) || !existsSync(join(from, file + extension))) return;
  const source = readFileSync(join(from, file + extension), 'utf8');
  // The compiler does not rewrite the file extensions in declarations.
  const text =
    extension === '.ts' ? source : source.replace(/((?:from |import\()['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2');
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, shorten(file, text, extension));
  for (const [, imported = ''] of text.matchAll(/(?:from |import\()['"](\.{1,2}\/[^'"]+)\.[jt]s['"]/g)) {
    copyWithImports(from, directory, join(dirname(file), imported), extension);
  }
}

/**
 * Copies the source of the SDK, with wire types instead of the schemas of the contract. In declarations, the compiler
 * repeats all fields of a type inferred from a schema at each use, but refers to an interface by its name.
 */
async function copySourceWithWireTypes(directory: string): Promise<void> {
  mkdirSync(join(directory, 'contract'), { recursive: true });
  for (const [file, names] of listUsedNames()) {
    const schemas = (await import(`../src/contract/${file}.ts`)) as Readonly<Record<string, unknown>>;
    writeFileSync(join(directory, `contract/${file}.ts`), generateWireTypes(schemas, names));
  }
  for (const entry of ENTRIES) copyWithImports(join(root, 'src'), directory, entry, '.ts');
}

async function packSdk(): Promise<void> {
  const directory = join(workDirectory, 'sdk');
  const source = join(workDirectory, 'sdk-source');
  await copySourceWithWireTypes(source);
  const include = [relative(root, join(source, 'sdk/*.ts'))];
  // Only the declarations contain comments.
  const scripts = compile('sdk-scripts', include, { rootDir: source, removeComments: true });
  const types = compile('sdk-types', include, { rootDir: source, declaration: true, emitDeclarationOnly: true });
  for (const entry of ENTRIES) {
    copyWithImports(scripts, directory, entry, '.js');
    copyWithImports(types, directory, entry, '.d.ts');
  }
  cpSync(join(root, 'LICENSE'), join(directory, 'LICENSE'));
  cpSync(join(root, 'docs/guides/guards.md'), join(directory, 'README.md'));
  const exportOf = (name: string) => ({ types: `./sdk/${name}.d.ts`, default: `./sdk/${name}.js` });
  writeManifest(directory, {
    name: '@devpilot/sdk',
    version,
    description: 'Client for Devpilot, and guards for servers that accept its access tokens and API keys.',
    license,
    type,
    sideEffects: false,
    exports: {
      '.': exportOf('client'),
      './audit': exportOf('audit'),
      './guard': exportOf('guard'),
      './secret': exportOf('secret'),
      './vocabulary': exportOf('vocabulary'),
      // Deprecated name of `./vocabulary`.
      './words': exportOf('vocabulary'),
    },
  });
  pack(directory, `devpilot-sdk-${version}.tgz`, 'devpilot-sdk.tgz');
  const { size } = statSync(join(root, 'dist/devpilot-sdk.tgz'));
  if (size > MAX_SDK_BYTES) throw new Error(`dist/devpilot-sdk.tgz is ${size} bytes; the limit is ${MAX_SDK_BYTES}.`);
}

rmSync(workDirectory, { recursive: true, force: true });
mkdirSync(workDirectory, { recursive: true });
run(process.execPath, ['scripts/build.ts']);
packServer();
await packSdk();
rmSync(workDirectory, { recursive: true, force: true });
process.stdout.write('Packed dist/devpilot.tgz and dist/devpilot-sdk.tgz.\n');
