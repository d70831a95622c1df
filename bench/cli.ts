import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { createToken, signUpOwner, startTestServer } from '../src/testing/test-server.ts';
import { atMost, type Finding, formatList, medianRatio } from './lib/report.ts';

const RUNS = 15;
const COMMANDS = [
  { args: ['--help'], bound: atMost(2.5) },
  { args: ['tokens', 'list', '--json'], bound: atMost(5) },
];
const BIN = fileURLToPath(new URL('../bin/devpilot.mjs', import.meta.url));

/** Returns the milliseconds from the start of a process to its exit. */
async function measureRunMs(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, { env: environment, stdio: 'ignore' });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} exited with code ${code}.`);
  return performance.now() - startMs;
}

/** Compares the run time of CLI commands with the run time of an empty script, in alternating runs. */
export async function cli(): Promise<Finding[]> {
  const server = await startTestServer();
  const configDirectory = temporaryDirectory();
  try {
    const owner = await signUpOwner(server);
    await createToken(owner, ['all']);
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: configDirectory,
      DEVPILOT_CONFIG_DIR: configDirectory,
      DEVPILOT_KEYCHAIN: 'off',
      DEVPILOT_URL: server.url,
      // The CLI also accepts the secret of a session.
      DEVPILOT_TOKEN: owner.cookie.split('=')[1] ?? '',
    };
    const findings: Finding[] = [];
    for (const { args, bound } of COMMANDS) {
      const commandTimesMs: number[] = [];
      const emptyScriptTimesMs: number[] = [];
      // The first runs fill the compile cache.
      for (let run = -2; run < RUNS; run++) {
        const commandMs = await measureRunMs([BIN, ...args], environment);
        const emptyScriptMs = await measureRunMs(['-e', '0'], environment);
        if (run < 0) continue;
        commandTimesMs.push(commandMs);
        emptyScriptTimesMs.push(emptyScriptMs);
      }
      findings.push({
        name: `devpilot ${args.join(' ')}, from process start to exit, relative to an empty script`,
        value: medianRatio(commandTimesMs, emptyScriptTimesMs),
        unit: '×',
        bound,
        measurements: `${formatList(commandTimesMs)} ms; an empty script: ${formatList(emptyScriptTimesMs)} ms`,
      });
    }
    return findings;
  } finally {
    await server.close();
  }
}
