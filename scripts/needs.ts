import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Test helpers that start programs installed on this machine: Debian packages, Git, a database server. A test that
 * imports one of them, directly or indirectly, needs those programs.
 */
const STARTS_INSTALLED = new Set([
  'src/testing/debian-packages.ts',
  'src/testing/postgres.ts',
  'src/testing/git-repository.ts',
]);

/** Relative imports of a file at run time, without types. */
function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const specifiers = source.matchAll(/^\s*(?:import|export)\b(?!\s+type\b)[^'";]*?from\s*'(\.[^']+\.ts)'/gm);
  return [...specifiers].map(([, specifier = '']) => join(dirname(file), specifier));
}

/** Returns whether a test file needs more than Node and the packages of `npm ci`. Tests in `e2e` always do. */
export function needsInstalledParts(testFile: string): boolean {
  if (!testFile.startsWith('src/')) return true;
  const seen = new Set<string>();
  const queue = [testFile];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (STARTS_INSTALLED.has(file)) return true;
    if (seen.has(file)) continue;
    seen.add(file);
    // Production code imports no test helpers.
    queue.push(...importsOf(file).filter((path) => path.startsWith('src/testing/')));
  }
  return false;
}
