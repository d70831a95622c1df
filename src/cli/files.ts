import {
  chmodSync,
  createWriteStream,
  lstatSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from './failure.ts';
import { decodeUtf8, readStdin } from './input.ts';

/**
 * Returns the path at which a file can be replaced by renaming another: `file`, or the target of a symbolic link. Null
 * if the file must be written directly: a pipe, a device, a link to a missing file, or an open file such as
 * `/dev/stdout`.
 */
function replaceablePath(file: string): string | null {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) return file;
  if (!stats.isSymbolicLink() || /^\/(?:dev|proc)\//.test(file)) return null;
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? realpathSync(file) : null;
}

/** Explanations of the most frequent error codes, with advice where it fits. */
const CAUSES: Readonly<Record<string, string>> = {
  EACCES: 'you have no permission (EACCES).',
  EISDIR: 'it is a directory (EISDIR). Check the path.',
  ENOENT: 'no such file or directory (ENOENT). Check the path.',
  ENOSPC: 'no space is left (ENOSPC).',
};

function toFileFailure(file: string, action: 'read' | 'written', error: unknown): Failure {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return new Failure(`${file} cannot be ${action}: ${CAUSES[code] ?? `${code}.`}`);
}

/** Reads a file. Throws `Failure` if it cannot be read. */
export function readFileBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw toFileFailure(file, 'read', error);
  }
}

/**
 * Writes a file that only its owner can read, atomically: to a temporary file that is then renamed. A file that cannot
 * be replaced in this way, such as a pipe, is written directly and keeps its permissions.
 */
export function writePrivateFile(file: string, text: string): void {
  const path = replaceablePath(file);
  const temporaryFile = path === null ? null : `${path}.${process.pid}`;
  try {
    if (path === null || temporaryFile === null) {
      writeFileSync(file, text, { mode: 0o600 });
      return;
    }
    writeFileSync(temporaryFile, text, { mode: 0o600, flag: 'wx' });
    chmodSync(temporaryFile, 0o600);
    renameSync(temporaryFile, path);
  } catch (error) {
    if (temporaryFile !== null) rmSync(temporaryFile, { force: true });
    throw toFileFailure(file, 'written', error);
  }
}

/** Does the same as `writePrivateFile` for a stream. Throws errors of the stream unchanged. */
export async function streamToPrivateFile(file: string, source: Readable): Promise<void> {
  const path = replaceablePath(file);
  const temporaryFile = path === null ? null : `${path}.${process.pid}`;
  try {
    await pipeline(
      source,
      createWriteStream(temporaryFile ?? file, { mode: 0o600, flags: temporaryFile === null ? 'w' : 'wx' }),
    );
    if (path !== null && temporaryFile !== null) renameSync(temporaryFile, path);
  } catch (error) {
    if (temporaryFile !== null) rmSync(temporaryFile, { force: true });
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : toFileFailure(file, 'written', error);
  }
}

/** Reads a file as UTF-8, or standard input for `-`. Fails if it is not valid UTF-8. */
export async function readFileOrStdin(file: string): Promise<string> {
  if (file === '-') return readStdin();
  return decodeUtf8(readFileBytes(file), file);
}

/** Reads a file, or standard input for `-`, and parses it as JSON. */
export async function readJson(file: string): Promise<unknown> {
  const text = await readFileOrStdin(file);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new Failure(`${file === '-' ? 'Standard input' : file} is not valid JSON.`);
  }
}
