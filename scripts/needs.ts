import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The helpers of tests that start something installed on this machine: Debian's programs, git, a database server. Whatever
 * imports one of them, directly or through other helpers, needs it.
 */
const STARTS_INSTALLED = new Set([
  'src/testing/debian-packages.ts',
  'src/testing/postgres.ts',
  'src/testing/git-repository.ts',
]);

/** What a file imports at run time from its own folder and others; packages and types are left out. */
function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const specifiers = source.matchAll(/^\s*(?:import|export)\b(?!\s+type\b)[^'";]*?from\s*'(\.[^']+\.ts)'/gm);
  return [...specifiers].map(([, specifier = '']) => join(dirname(file), specifier));
}

/** Tells whether a test file needs anything but Node and the packages of `npm ci`: those of `e2e` always do. */
export function needsInstalledParts(testFile: string): boolean {
  if (!testFile.startsWith('src/')) return true;
  const seen = new Set<string>();
  const queue = [testFile];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (STARTS_INSTALLED.has(file)) return true;
    if (seen.has(file)) continue;
    seen.add(file);
    // The product's own files import no helper of tests.
    queue.push(...importsOf(file).filter((path) => path.startsWith('src/testing/')));
  }
  return false;
}
