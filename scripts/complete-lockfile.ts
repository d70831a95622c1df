/**
 * Completes `package-lock.json`. Run it manually after `npm install` (`node scripts/complete-lockfile.ts`).
 *
 * Adds the platform packages that npm omitted because the configured registry does not have them in this version, so
 * that `npm ci` considers lockfile and manifests consistent on every machine. These entries have no integrity hash;
 * none of them is for Linux with glibc, where Devpilot runs.
 *
 * Removes the `engines` of every package: npm compares them with the Node version that runs npm and prints warnings,
 * but all packages run on the Node version that `npm ci` installs.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockfileEntry {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  engines?: unknown;
  optionalDependencies?: Record<string, string>;
}

const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockfileEntry> };

/**
 * Returns the paths at which a dependency of the package at `path` can be installed, nearest first: below the package,
 * or below a parent directory.
 */
function candidatePaths(path: string, name: string): string[] {
  const folders = [path];
  for (
    let index = path.lastIndexOf('/node_modules/');
    index !== -1;
    index = path.lastIndexOf('/node_modules/', index - 1)
  ) {
    folders.push(path.slice(0, index));
  }
  return [...folders.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`];
}

/** Returns the path for a missing dependency, as high in the tree as npm would place it; null if it is not missing. */
function findMissingPath(path: string, name: string, version: string): string | null {
  const paths = candidatePaths(path, name);
  const nearest = paths.find((candidate) => lockfile.packages[candidate] !== undefined);
  if (nearest !== undefined && lockfile.packages[nearest]?.version === version) return null;
  const freePaths = nearest === undefined ? paths : paths.slice(0, paths.indexOf(nearest));
  return freePaths.at(-1) ?? null;
}

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** Derives the operating system, processor and C library from the name of a platform package. */
function derivePlatform(name: string): Pick<LockfileEntry, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.filter((system) => words.some((word) => word.startsWith(system)));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor));
  if (os.length === 0 && cpu.length === 0) throw new Error(`The platform of ${name} cannot be derived from its name.`);
  return {
    ...(os.length > 0 && { os }),
    ...(cpu.length > 0 && { cpu }),
    ...(words.some((word) => word.includes('musl')) && { libc: ['musl'] }),
  };
}

let added = 0;
for (const [path, entry] of Object.entries(lockfile.packages)) {
  delete entry.engines;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    // Platform packages are required in an exact version. Other optional dependencies have a range.
    if (!/^\d/.test(version)) continue;
    const missingPath = findMissingPath(path, name, version);
    if (missingPath === null) continue;
    lockfile.packages[missingPath] = {
      version,
      ...derivePlatform(name),
      ...(entry.dev === true && { dev: true }),
      optional: true,
    };
    added++;
  }
}
const sorted = Object.fromEntries(Object.entries(lockfile.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync('package-lock.json', `${JSON.stringify({ ...lockfile, packages: sorted }, null, 2)}\n`);
process.stdout.write(`Added ${added} platform packages.\n`);
