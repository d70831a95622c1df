import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { renewOver } from '../src/credentials/guard-lease.ts';
import { createGuards } from '../src/credentials/guards.ts';
import { createLease } from '../src/credentials/lease.ts';
import { createNode } from '../src/credentials/node.ts';
import { createRegistry } from '../src/credentials/registry.ts';
import { histories } from '../src/credentials/simulation.ts';

/**
 * `npm run simulate [histories]`: a million by default, over all processors. Prints the seed of what
 * it finds, so that it can be lived again.
 */
const [, script = '', wanted = '1000000', part] = process.argv;

if (part === undefined) {
  const count = availableParallelism();
  const share = Math.ceil(Number(wanted) / count);
  const codes = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const child = spawn(process.execPath, [script, String(share), String(index)], { stdio: 'inherit' });
      return new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
    }),
  );
  process.exitCode = Math.max(...codes);
} else {
  const BATCH = 10_000;
  for (let lived = 0; lived < Number(wanted); lived += BATCH) {
    const engine = { createNode, createRegistry, createLease, createGuards, renewOver };
    await fc.assert(histories(engine), { numRuns: Math.min(BATCH, Number(wanted) - lived) });
    process.stdout.write(`${part}: ${Math.min(lived + BATCH, Number(wanted))} histories, nothing found\n`);
  }
}
