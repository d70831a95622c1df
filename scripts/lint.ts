/**
 * Runs Biome on the project (`npm run lint`). Because its binary is 97 MB, it is not part of `npm ci`: the first run
 * installs it from its own lockfile, `scripts/lint/package-lock.json`. Later runs do not need the registry.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installLocked } from '../src/testing/registry.ts';

const directory = fileURLToPath(new URL('lint', import.meta.url));
await installLocked(directory);
const biome = `${directory}/node_modules/@biomejs/biome/bin/biome`;
const { status } = spawnSync(process.execPath, [biome, 'check', ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
