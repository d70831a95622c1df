import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { git, gitOutput, splitOutput } from './git.ts';
import { IGNORE_FILE } from './list-files.ts';
import { createSecretFinder, type SecretMatch } from './secret-finder.ts';

/** A Git object. */
export interface NamedObject {
  /** Hash of the object. */
  readonly object: string;
  /** Path of the file whose content the object is; null for a commit or tag. */
  readonly path: string | null;
}

/** A secret in a Git object: in the content of a file, or in the message of a commit or tag. */
export interface ObjectMatch extends SecretMatch, NamedObject {}

const SEARCHED_TYPES = new Set(['blob', 'commit', 'tag']);

/**
 * Searches the output of `git cat-file --batch`, in which each object is a header line, content of the length in the
 * header, and a newline.
 */
async function searchBatch(
  output: AsyncIterable<Buffer>,
  nextObject: () => NamedObject | undefined,
  onMatch: (match: ObjectMatch) => void,
): Promise<void> {
  let header = '';
  let remainingBytes = 0;
  let finder: ReturnType<typeof createSecretFinder> | null = null;
  for await (const chunk of output) {
    let offset = 0;
    while (offset < chunk.length) {
      if (remainingBytes === 0) {
        const newline = chunk.indexOf('\n', offset);
        const end = newline === -1 ? chunk.length : newline;
        header += chunk.toString('latin1', offset, end);
        offset = end + 1;
        if (newline === -1) break;
        const [, type = '', size = ''] = header.split(' ');
        header = '';
        const gitObject = nextObject();
        if (!/^\d+$/.test(size) || gitObject === undefined) continue;
        remainingBytes = Number(size) + 1;
        finder = SEARCHED_TYPES.has(type) ? createSecretFinder((match) => onMatch({ ...match, ...gitObject })) : null;
        continue;
      }
      const length = Math.min(remainingBytes, chunk.length - offset);
      // The last byte is the newline after the content.
      finder?.write(chunk.subarray(offset, offset + (length === remainingBytes ? length - 1 : length)));
      remainingBytes -= length;
      offset += length;
      if (remainingBytes === 0) finder?.end();
    }
  }
}

/** Searches objects in the order of the input, in constant memory. Returns their number. */
export async function searchObjects(
  root: string,
  objects: AsyncIterable<NamedObject>,
  onMatch: (match: ObjectMatch) => void,
): Promise<number> {
  const pendingObjects: NamedObject[] = [];
  let count = 0;
  const input = new PassThrough();
  const batch = git(root, ['cat-file', '--batch', '--buffer'], input);
  const reading = searchBatch(batch.output, () => pendingObjects.shift(), onMatch);
  for await (const gitObject of objects) {
    pendingObjects.push(gitObject);
    count++;
    if (!input.write(`${gitObject.object}\n`)) {
      await Promise.race([new Promise((resolve) => input.once('drain', resolve)), batch.done]);
    }
  }
  input.end();
  await reading;
  await batch.done;
  return count;
}

/**
 * Yields all objects that are reachable from any ref or reflog; unless `path` is empty, only the commits that change it
 * and the objects below it.
 */
export async function* historyObjects(root: string, path: string): AsyncGenerator<NamedObject> {
  const pathFilter = path === '' ? [] : ['--full-history', '--', path];
  const run = git(root, ['rev-list', '--objects', '--all', '--reflog', ...pathFilter]);
  for await (const line of splitOutput(run, '\n')) {
    const separatorIndex = line.indexOf(' ');
    const object = separatorIndex === -1 ? line : line.slice(0, separatorIndex);
    const name = separatorIndex === -1 ? '' : line.slice(separatorIndex + 1);
    yield { object, path: name === '' ? null : name };
  }
}

/** Yields the contents of the files with staged changes, as they are staged. */
export async function* stagedObjects(root: string): AsyncGenerator<NamedObject> {
  const run = git(root, [
    'diff',
    '--cached',
    '--raw',
    '-z',
    '--no-abbrev',
    '--no-renames',
    '--no-ext-diff',
    '--diff-filter=AMT',
  ]);
  let object = '';
  for await (const field of splitOutput(run)) {
    if (field.startsWith(':')) object = field.split(' ')[3] ?? '';
    else yield { object, path: field };
  }
}

/**
 * Returns the abbreviated hash of the first commit that contains the content of a file, or null if there is none. For a
 * commit or tag, returns its own abbreviated hash.
 */
export function findCommit(root: string, { object, path }: NamedObject): string | null {
  if (path === null) return object.slice(0, 12);
  const args = [
    'log',
    '--all',
    '--reflog',
    '--full-history',
    '--reverse',
    '--format=%H',
    '--no-ext-diff',
    '--no-textconv',
  ];
  const output = gitOutput(root, [...args, `--find-object=${object}`]);
  return output?.split('\n')[0]?.slice(0, 12) || null;
}

/** Returns the paths that the `.devpilotignore` of the repository excludes. */
export function findIgnored(root: string, paths: readonly string[]): Set<string> {
  const ignoreFile = join(root, IGNORE_FILE);
  if (paths.length === 0 || !existsSync(ignoreFile)) return new Set();
  // Evaluated in an empty repository, so that no .gitignore applies.
  const emptyRepository = mkdtempSync(join(tmpdir(), 'devpilot-scan-'));
  try {
    gitOutput(emptyRepository, ['init', '-q', '.']);
    const args = ['-c', `core.excludesFile=${ignoreFile}`, 'check-ignore', '--no-index', '-z', '--stdin'];
    return new Set((gitOutput(emptyRepository, args, paths.join('\0')) ?? '').split('\0'));
  } finally {
    rmSync(emptyRepository, { recursive: true, force: true });
  }
}
