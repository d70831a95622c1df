import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { renewOverConnection } from '../src/authorization/guard-lease.ts';
import { createLease } from '../src/authorization/lease.ts';
import { createRecordRegistry } from '../src/authorization/registry.ts';
import { createGuards } from '../src/cluster/guards.ts';
import { createClusterNode } from '../src/cluster/node.ts';
import { randomHistories } from '../src/cluster/simulation.ts';

/**
 * `npm run simulate [histories]`: simulates random histories of a cluster, by default a million, on all processors.
 * Prints the seed of each failure, which replays it.
 */
const [, script = '', historyCount = '1000000', workerIndex] = process.argv;

if (workerIndex === undefined) {
  const count = availableParallelism();
  const share = Math.ceil(Number(historyCount) / count);
  const codes = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const child = spawn(process.execPath, [script, String(share), String(index)], { stdio: 'inherit' });
      return new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
    }),
  );
  process.exitCode = Math.max(...codes);
} else {
  const BATCH = 10_000;
  for (let simulatedCount = 0; simulatedCount < Number(historyCount); simulatedCount += BATCH) {
    const implementation = {
      createNode: createClusterNode,
      createRegistry: createRecordRegistry,
      createLease,
      createGuards,
      renewOver: renewOverConnection,
    };
    await fc.assert(randomHistories(implementation), {
      numRuns: Math.min(BATCH, Number(historyCount) - simulatedCount),
    });
    process.stdout.write(
      `${workerIndex}: ${Math.min(simulatedCount + BATCH, Number(historyCount))} histories, no failures\n`,
    );
  }
}
