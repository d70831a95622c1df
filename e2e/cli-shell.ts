import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { scaledTimeout } from '../src/testing/timeouts.ts';

export const BIN = fileURLToPath(new URL('../bin/devpilot.mjs', import.meta.url));

export interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

/**
 * Runs `bin/devpilot.mjs` with a configuration directory of its own. From the environment of the test, the CLI inherits
 * only `PATH`.
 */
export interface CliShell {
  readonly directory: string;
  run(args: readonly string[], options?: RunOptions): Promise<ProcessResult>;
  /** Starts the CLI, whose standard input consists of `input` (by default, it is empty). */
  start(args: readonly string[], options?: RunOptions): ChildProcess;
  /** Runs the command in a pseudo-terminal and types each answer once its question has been printed. */
  typeAtTerminal(
    args: readonly string[],
    answers: readonly (readonly [question: RegExp, answer: string])[],
  ): Promise<ProcessResult>;
}

/** Collects the output of a process and resolves when it has ended. */
export function collectResult(child: ChildProcess): Promise<ProcessResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

export function openCliShell(environment: Readonly<Record<string, string>> = {}): CliShell {
  const directory = temporaryDirectory();
  const baseEnvironment = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    DEVPILOT_CONFIG_DIR: join(directory, 'config'),
    DEVPILOT_KEYCHAIN: 'off',
    ...environment,
  };
  const start: CliShell['start'] = (args, options = {}) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: options.cwd ?? directory,
      env: { ...baseEnvironment, ...options.environment },
      stdio: 'pipe',
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
    return child;
  };
  const typeAtTerminal: CliShell['typeAtTerminal'] = async (args, answers) => {
    const commandLine = [process.execPath, BIN, ...args]
      .map((argument) => `'${argument.replaceAll("'", "'\\''")}'`)
      .join(' ');
    // A new pseudo-terminal has no size until it is set.
    const child = spawn('script', ['-qefc', `stty cols 200 rows 50; ${commandLine}`, '/dev/null'], {
      cwd: directory,
      env: { ...baseEnvironment, TERM: 'xterm' },
      stdio: 'pipe',
      timeout: scaledTimeout(60_000),
    });
    const remainingAnswers = [...answers];
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const [nextAnswer] = remainingAnswers;
      if (nextAnswer === undefined) return;
      const [question, answer] = nextAnswer;
      if (!question.test(output)) return;
      output = '';
      remainingAnswers.shift();
      child.stdin.write(answer);
    });
    return collectResult(child);
  };
  return {
    directory,
    start,
    typeAtTerminal,
    run: (args, options) => collectResult(start(args, options)),
  };
}
