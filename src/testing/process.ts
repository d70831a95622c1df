import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SentResponse } from './responses/recorder.ts';
import { expectDocumented } from './responses/validate.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const CLI_PATH = fileURLToPath(new URL('../../bin/devpilot.mjs', import.meta.url));

/** Result of a finished command: its exit code or the signal that ended it, and its output. */
export interface ProcessResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

/** Running servers, which are killed after the tests of the file, even if a test fails. */
const runningServers = new Set<ChildProcess>();
/** Directory to which the servers record their responses. */
const responseDirectory = temporaryDirectory();
const RECORDER = new URL('./responses/record-to-file.ts', import.meta.url);
let serverCount = 0;
after(async () => {
  for (const child of runningServers) child.kill('SIGKILL');
  const lines = readdirSync(responseDirectory).flatMap((name) =>
    readFileSync(join(responseDirectory, name), 'utf8').split('\n').slice(0, -1),
  );
  if (lines.length > 0) await expectDocumented(lines.map((line) => JSON.parse(line) as SentResponse));
});

/** Returns Node.js options that make a server record its responses, which are checked after the tests of the file. */
function recordingOptions(): string[] {
  const file = join(responseDirectory, String(serverCount++));
  return ['--import', `${RECORDER.href}?${new URLSearchParams({ file }).toString()}`];
}

/** Returns the environment of a command: only these variables and those that Node.js needs. */
function commandEnvironment(environment: Environment): NodeJS.ProcessEnv {
  // With a shared cache, the many processes of the tests compile each module only once.
  const cache = join(tmpdir(), 'devpilot-compile-cache');
  return { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_COMPILE_CACHE: cache, ...environment };
}

function collectResult(child: ChildProcess): Promise<ProcessResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
}

/** Runs the `devpilot` command until it exits. */
export function runCommand(args: readonly string[], environment: Environment, input = ''): Promise<ProcessResult> {
  const child = spawn(process.execPath, [CLI_PATH, ...args], { env: commandEnvironment(environment) });
  child.stdin.end(input);
  return collectResult(child);
}

/** A server in its own process. */
export interface ServerProcess {
  /** URL without a trailing slash. */
  readonly url: string;
  readonly setupCode: string | null;
  readonly metricsUrl: string | null;
  readonly pid: number;
  /** Everything printed so far. */
  output(): string;
  /** Sends a signal and resolves when the server has exited. */
  stop(signal: NodeJS.Signals): Promise<ProcessResult>;
}

/** Starts `devpilot serve` on a free port. Rejects if it exits before it listens. */
export async function spawnServer(dataDirectory: string, environment: Environment = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...recordingOptions(), CLI_PATH, 'serve'], {
    env: commandEnvironment({ PORT: '0', DEVPILOT_DATA_DIR: dataDirectory, LOG_LEVEL: 'silent', ...environment }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  runningServers.add(child);
  const result = collectResult(child).finally(() => runningServers.delete(child));
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const onOutput = (chunk: Buffer) => {
      output += chunk.toString();
      const listeningUrl = /Devpilot is at (\S+)\n/.exec(output)?.[1];
      if (listeningUrl !== undefined) resolve(listeningUrl);
    };
    child.stdout.on('data', onOutput);
    child.stderr.on('data', onOutput);
    result.then((ended) => reject(new Error(`The server ended: ${JSON.stringify(ended)}`)));
  });
  return {
    url,
    setupCode: /#code=(\w+)/.exec(output)?.[1] ?? null,
    metricsUrl: /Metrics are at (\S+)/.exec(output)?.[1] ?? null,
    pid: child.pid ?? 0,
    output: () => output,
    stop(signal) {
      child.kill(signal);
      return result;
    },
  };
}
