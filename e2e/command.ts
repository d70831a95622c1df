import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../bin/devpilot.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** The real command, with a configuration of its own and nothing of the environment's. */
export interface Shell {
  readonly directory: string;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  start(args: readonly string[], options?: RunOptions): ChildProcess;
  close(): void;
}

/** Collects what a process says until it ends. */
export function untilEnd(child: ChildProcess): Promise<Ended> {
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

export function openShell(environment: Readonly<Record<string, string>> = {}): Shell {
  const directory = mkdtempSync(join(tmpdir(), 'devpilot-cli-'));
  const own = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    DEVPILOT_CONFIG_DIR: join(directory, 'config'),
    DEVPILOT_KEYCHAIN: 'off',
    ...environment,
  };
  const start: Shell['start'] = (args, options = {}) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: options.cwd ?? directory,
      env: { ...own, ...options.environment },
      stdio: 'pipe',
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
    return child;
  };
  return {
    directory,
    start,
    run: (args, options) => untilEnd(start(args, options)),
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
