import { spawn, spawnSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import { Failure } from '../failure.ts';

/**
 * Options that prevent Git from executing hooks, monitors or signature checkers that the scanned repository configures.
 */
const SAFE_GIT_OPTIONS = [
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'log.showSignature=false',
];
const GIT_ENVIRONMENT = { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_NO_LAZY_FETCH: '1', LC_ALL: 'C' };

export interface GitRun {
  readonly output: Readable;
  /** Rejects with the message of Git if Git failed. */
  readonly done: Promise<void>;
}

/** Runs Git in a directory and streams its output. */
export function git(directory: string, args: readonly string[], input?: Readable | string): GitRun {
  const child = spawn('git', [...SAFE_GIT_OPTIONS, ...args], {
    cwd: directory,
    env: GIT_ENVIRONMENT,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  let stderrText = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (stderrText.length < 2000) stderrText += chunk.toString();
  });
  child.stdin?.on('error', () => {});
  if (typeof input === 'string') child.stdin?.end(input);
  else if (input !== undefined && child.stdin !== null) input.pipe(child.stdin);
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`git ${args[0]}: ${stderrText.trim().split('\n')[0] ?? code}`));
    });
  });
  // The consumer of the output awaits this promise later. Until then, a rejection must not count as unhandled.
  done.catch(() => {});
  return { output: child.stdout as Readable, done };
}

/** Splits the output of Git at `separator`, with backpressure from the consumer. Throws if Git failed. */
export async function* splitOutput(run: GitRun, separator = '\0'): AsyncGenerator<string> {
  let remainder = '';
  for await (const chunk of run.output.setEncoding('utf8') as AsyncIterable<string>) {
    const parts = (remainder + chunk).split(separator);
    remainder = parts.pop() ?? '';
    yield* parts;
  }
  if (remainder !== '') yield remainder;
  await run.done;
}

/**
 * Returns the root of the repository that contains a directory, or the repository itself if it is bare; null outside a
 * repository. Fails if Git refuses to open the repository, because its history would otherwise appear to be clean.
 */
export function repositoryRoot(directory: string): string | null {
  const revParse = (option: string) =>
    spawnSync('git', [...SAFE_GIT_OPTIONS, 'rev-parse', option], {
      cwd: directory,
      env: GIT_ENVIRONMENT,
      encoding: 'utf8',
    });
  const top = revParse('--show-toplevel');
  if (top.status === 0) return top.stdout.replace(/\n$/, '');
  const bare = revParse('--absolute-git-dir');
  if (bare.status === 0) return bare.stdout.replace(/\n$/, '');
  if (/dubious ownership/.test(bare.stderr)) {
    // The message of Git contains the path as it must be configured, quoted for a shell.
    const repository = /safe\.directory (\S.*)$/m.exec(bare.stderr)?.[1] ?? '<path of the repository>';
    throw new Failure(
      `git refuses to open ${directory} because another user owns it. Use --no-history, or if you trust the repository, run: git config --global --add safe.directory ${repository}`,
    );
  }
  return null;
}

/** Returns the output of a short Git command, or null if it fails. */
export function gitOutput(directory: string, args: readonly string[], input?: string): string | null {
  const { status, stdout } = spawnSync('git', [...SAFE_GIT_OPTIONS, ...args], {
    cwd: directory,
    env: GIT_ENVIRONMENT,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    maxBuffer: 16 * 1024 * 1024,
    ...(input !== undefined && { input }),
  });
  return status === 0 ? stdout : null;
}
