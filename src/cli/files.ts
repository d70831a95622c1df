import { chmodSync, createWriteStream, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from './failure.ts';
import { decodeUtf8, readStdin } from './input.ts';

function isSpecialFile(file: string): boolean {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isFile();
}

function toWriteFailure(file: string, error: unknown): Failure {
  return new Failure(`${file} cannot be written: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}.`);
}

/**
 * Writes a file that only its owner can read, atomically: to a temporary file that is then renamed. Anything other
 * than a regular file, such as a pipe, is written directly.
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
    throw toWriteFailure(file, error);
  }
}

/** Does the same as `writePrivateFile` for a stream. */
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
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : toWriteFailure(file, error);
  }
}

/** Reads a file as UTF-8, or standard input for `-`. Fails if it is not valid UTF-8. */
export async function readFileOrStdin(file: string): Promise<string> {
  if (file === '-') return readStdin();
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}.`);
  }
  return decodeUtf8(bytes, file);
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
