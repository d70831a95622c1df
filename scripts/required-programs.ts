import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Test helpers that start installed programs: Debian packages, Git, a database server. A test that imports one of these
 * helpers, directly or indirectly, requires the programs.
 */
const HELPERS_WITH_PROGRAMS = new Set([
  'src/testing/debian-packages.ts',
  'src/testing/postgres.ts',
  'src/testing/git-repository.ts',
]);

/** Returns the paths of the files that a file imports, except type imports. */
function listImports(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const specifiers = source.matchAll(/^\s*(?:import|export)\b(?!\s+type\b)[^'";]*?from\s*'(\.[^']+\.ts)'/gm);
  return [...specifiers].map(([, specifier = '']) => join(dirname(file), specifier));
}

/** Returns whether a test file requires more than Node and the packages of `npm ci`. All tests in `e2e` do. */
export function needsInstalledPrograms(testFile: string): boolean {
  if (!testFile.startsWith('src/')) return true;
  const visited = new Set<string>();
  const queue = [testFile];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (HELPERS_WITH_PROGRAMS.has(file)) return true;
    if (visited.has(file)) continue;
    visited.add(file);
    // Follows only imports of test helpers, because production code does not import test helpers.
    queue.push(...listImports(file).filter((path) => path.startsWith('src/testing/')));
  }
  return false;
}
