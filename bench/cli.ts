import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createToken, signUpOwner, startHouse } from '../src/testing/house.ts';
import { atMost, type Finding, list, median } from './lib/report.ts';

const RUNS = 15;
const BIN = fileURLToPath(new URL('../bin/devpilot.mjs', import.meta.url));

/** Milliseconds from the start of a process to its end, again and again; the first runs fill the compile cache. */
async function timesOf(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<number[]> {
  const times: number[] = [];
  for (let run = -2; run < RUNS; run++) {
    const began = performance.now();
    const child = spawn(process.execPath, args, { env: environment, stdio: 'ignore' });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}.`);
    if (run >= 0) times.push(performance.now() - began);
  }
  return times;
}

/** How long the CLI takes to start, beside an empty script. */
export async function cli(): Promise<Finding[]> {
  const house = await startHouse();
  const place = mkdtempSync(join(tmpdir(), 'devpilot-bench-'));
  try {
    const owner = await signUpOwner(house);
    await createToken(owner, ['all']);
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: place,
      DEVPILOT_CONFIG_DIR: place,
      DEVPILOT_KEYCHAIN: 'off',
      DEVPILOT_URL: house.url,
      DEVPILOT_TOKEN: owner.cookie.split('=')[1] ?? '',
    };
    const bare = await timesOf(['-e', '0'], environment);
    const findings: Finding[] = [];
    for (const words of [['--help'], ['tokens', 'list', '--json']]) {
      const times = await timesOf([BIN, ...words], environment);
      findings.push({
        what: `devpilot ${words.join(' ')}, from start to end`,
        figure: median(times),
        unit: ' ms',
        bound: atMost(150),
        from: `${list(times)} ms; an empty script: ${list(bare)} ms`,
      });
    }
    return findings;
  } finally {
    await house.close();
    rmSync(place, { recursive: true, force: true });
  }
}
