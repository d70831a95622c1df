import { createReadStream, lstatSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { git, gitOutput, splitOutput } from './git.ts';

export const IGNORE_FILE = '.devpilotignore';

/** Calls `listPaths` with Git arguments that make a directory outside a repository look like an empty repository. */
async function* withRepository(
  directory: string,
  listPaths: (repository: readonly string[]) => AsyncGenerator<string>,
): AsyncGenerator<string> {
  if (gitOutput(directory, ['rev-parse', '--is-inside-work-tree'])?.trim() === 'true') {
    yield* listPaths([]);
    return;
  }
  const emptyRepository = mkdtempSync(join(tmpdir(), 'devpilot-scan-'));
  try {
    if (gitOutput(emptyRepository, ['init', '-q', '--bare', '.']) === null)
      throw new Failure('Git is required to scan a directory. Install it, or pass the files to scan.');
    yield* listPaths([`--git-dir=${emptyRepository}`, `--work-tree=.`]);
  } finally {
    rmSync(emptyRepository, { recursive: true, force: true });
  }
}

async function* listGitFiles(directory: string, repository: readonly string[]): AsyncGenerator<string> {
  const listPaths = (args: readonly string[]) =>
    splitOutput(git(directory, [...repository, 'ls-files', '-z', ...args]));
  const ignored = new Set<string>();
  const ignoreFileOptions = ['-i', `--exclude-per-directory=${IGNORE_FILE}`];
  for await (const path of listPaths(['--cached', ...ignoreFileOptions])) ignored.add(path);
  for await (const path of listPaths(['--others', ...ignoreFileOptions])) ignored.add(path);
  const listedPaths = new Set<string>();
  const passes = [['--cached'], ['--others', '--exclude-standard']];
  for (const args of passes) {
    for await (const path of listPaths(args)) {
      if (!ignored.has(path) && !listedPaths.has(path)) yield path;
      listedPaths.add(path);
    }
  }
}

/**
 * Yields a file, or the regular files below a directory that Git lists. Files excluded by `.devpilotignore`, and
 * untracked files excluded by `.gitignore`, are omitted. Symbolic links are not followed. Calls `onRepository` for each
 * nested repository.
 */
export async function* listFiles(path: string, onRepository: (directory: string) => void): AsyncGenerator<string> {
  if (!statSync(path).isDirectory()) {
    yield path;
    return;
  }
  for await (const entry of withRepository(path, (repository) => listGitFiles(path, repository))) {
    const file = join(path, entry);
    const stats = lstatSync(file, { throwIfNoEntry: false });
    // Git lists a nested repository as a directory. The repository has its own ignore files.
    if (stats?.isDirectory()) {
      onRepository(file);
      yield* listFiles(file, onRepository);
    } else if (stats?.isFile()) yield file;
  }
}

export function readChunks(file: string): AsyncIterable<Uint8Array> {
  return createReadStream(file, { highWaterMark: 1 << 20 });
}
