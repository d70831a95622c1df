import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories: string[] = [];

/**
 * Creates an empty directory, which is removed when the process exits. Until then, a server or a deployment that a test
 * started may still write into it: a hook that removed it earlier would fail, and skip what follows in the hook.
 */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'devpilot-'));
  directories.push(directory);
  return directory;
}

process.once('exit', () => {
  for (const directory of directories) {
    try {
      // Processes that were just killed may still create files. Node.js rounds the delay down to whole seconds.
      rmSync(directory, { recursive: true, force: true, maxRetries: 2, retryDelay: 1000 });
    } catch (error) {
      // The other directories are removed nevertheless, and the result of the tests stays.
      process.stderr.write(`A temporary directory remains: ${String(error)}\n`);
    }
  }
});
