/** Builds the web UI into `dist/web`, unless its inputs are unchanged since the last build. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const outputDirectory = join(root, 'dist/web');
const inputsHashFile = join(outputDirectory, '.inputs');

/** Returns a hash of all inputs of the web UI. */
function hashInputs(): string {
  const files = [
    ...globSync('src/{web,sdk,contract}/**/*', { cwd: root, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
      .map((entry) => join(entry.parentPath, entry.name)),
    join(root, 'package-lock.json'),
    fileURLToPath(import.meta.url),
  ].sort();
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}

/** Writes a Brotli and a gzip copy of each asset, so that the server does not need to compress assets. */
function compress(): void {
  for (const file of globSync('assets/*.{js,css,svg,json}', { cwd: outputDirectory })) {
    const bytes = readFileSync(join(outputDirectory, file));
    const brotliParams = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(join(outputDirectory, `${file}.br`), brotliCompressSync(bytes, { params: brotliParams }));
    writeFileSync(join(outputDirectory, `${file}.gz`), gzipSync(bytes, { level: 9 }));
  }
}

/** Copies the script that the API reference plugin serves, so that servers do not need to install the plugin. */
async function copyApiReferenceScript(): Promise<void> {
  const { default: fastify } = await import('fastify');
  const { default: reference } = await import('@scalar/fastify-api-reference');
  const app = fastify();
  await app.register(reference, { routePrefix: '/', configuration: { url: '/openapi.json' } });
  const { statusCode, rawPayload } = await app.inject('/js/scalar.js');
  await app.close();
  if (statusCode !== 200) throw new Error('The script of the API reference was not found.');
  mkdirSync(join(outputDirectory, 'docs'), { recursive: true });
  writeFileSync(join(outputDirectory, 'docs/scalar.js.gz'), gzipSync(rawPayload, { level: 9 }));
}

async function build(inputsHash: string): Promise<void> {
  const startMs = performance.now();
  process.stderr.write('Building the web UI …\n');
  const { build: bundle } = await import('vite');
  rmSync(outputDirectory, { recursive: true, force: true });
  // In a terminal, the bundler would redraw a line per module without this variable.
  process.env['CI'] ??= 'true';
  await bundle({ configFile: join(root, 'src/web/vite.config.ts'), build: { outDir: outputDirectory } });
  compress();
  await copyApiReferenceScript();
  writeFileSync(inputsHashFile, inputsHash);
  process.stderr.write(`Built the web UI in ${((performance.now() - startMs) / 1000).toFixed(1)} s.\n`);
}

const inputsHash = hashInputs();
const isUpToDate = existsSync(inputsHashFile) && readFileSync(inputsHashFile, 'utf8') === inputsHash;
if (!isUpToDate) {
  try {
    await build(inputsHash);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write(
      'Could not build the web UI. If a package is missing, run `npm ci` first, then `npm run build` again.\n',
    );
    process.exit(1);
  }
}
