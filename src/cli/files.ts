import { chmodSync, createWriteStream, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from './failure.ts';
import { decodeUtf8, readStdin } from './input.ts';

function isSpecialFile(file: string): boolean {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isFile();
}

/** Explanations of the most frequent error codes, with advice. */
const CAUSES: Readonly<Record<string, string>> = {
  EACCES: 'you have no permission (EACCES).',
  EISDIR: 'it is a directory (EISDIR). Check the path.',
  ENOENT: 'no such file or directory (ENOENT). Check the path.',
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
 * Writes a file that only its owner can read, atomically: to a temporary file that is then renamed. Anything other
 * than a regular file, such as a pipe or a symbolic link, is written directly and keeps its permissions.
 */
export function writePrivateFile(file: string, text: string): void {
  const temporaryFile = `${file}.${process.pid}`;
  try {
    if (isSpecialFile(file)) {
      writeFileSync(file, text);
      return;
    }
    writeFileSync(temporaryFile, text, { mode: 0o600, flag: 'wx' });
    chmodSync(temporaryFile, 0o600);
    renameSync(temporaryFile, file);
  } catch (error) {
    rmSync(temporaryFile, { force: true });
    throw toFileFailure(file, 'written', error);
  }
}

/** Does the same as `writePrivateFile` for a stream. Throws errors of the stream unchanged. */
export async function streamToPrivateFile(file: string, source: Readable): Promise<void> {
  const temporaryFile = isSpecialFile(file) ? file : `${file}.${process.pid}`;
  try {
    await pipeline(
      source,
      createWriteStream(temporaryFile, { mode: 0o600, flags: temporaryFile === file ? 'w' : 'wx' }),
    );
    if (temporaryFile !== file) renameSync(temporaryFile, file);
  } catch (error) {
    if (temporaryFile !== file) rmSync(temporaryFile, { force: true });
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
