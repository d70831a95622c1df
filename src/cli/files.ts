import { chmodSync, createWriteStream, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from './failure.ts';
import { decode, readInput } from './input.ts';

function isSpecial(file: string): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile();
}

function unwritable(file: string, error: unknown): Failure {
  return new Failure(`${file} can not be written: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}.`);
}

/**
 * Writes a file that its owner alone can read, whole or not at all: written beside it and renamed. What is no
 * plain file, such as a pipe, is written to as it is.
 */
export function writePrivately(file: string, text: string): void {
  const beside = `${file}.${process.pid}`;
  try {
    if (isSpecial(file)) {
      writeFileSync(file, text);
      return;
    }
    writeFileSync(beside, text, { mode: 0o600, flag: 'wx' });
    chmodSync(beside, 0o600);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw unwritable(file, error);
  }
}

/** The same with what comes in pieces, of any length. */
export async function writePrivatelyFrom(file: string, source: Readable): Promise<void> {
  const beside = isSpecial(file) ? file : `${file}.${process.pid}`;
  try {
    await pipeline(source, createWriteStream(beside, { mode: 0o600, flags: beside === file ? 'w' : 'wx' }));
    if (beside !== file) renameSync(beside, file);
  } catch (error) {
    if (beside !== file) rmSync(beside, { force: true });
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : unwritable(file, error);
  }
}

/** What a file holds as UTF-8, or standard input for `-`. Bytes that are none are refused. */
export async function readGiven(file: string): Promise<string> {
  if (file === '-') return readInput();
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Failure(`${file} can not be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}.`);
  }
  return decode(bytes, file);
}
/** What a file says in JSON. */
export async function readJson(file: string): Promise<unknown> {
  const text = await readGiven(file);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new Failure(`${file === '-' ? 'Standard input' : file} is not JSON.`);
  }
}
