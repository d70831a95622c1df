/**
 * `npm run simulate [histories]`: simulates random histories of a cluster, by default a million, on all processors.
 * Prints the seed of each failure, with which the failure can be reproduced.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { createLeaseRenewal } from '../src/authorization/guard-lease.ts';
import { createLease } from '../src/authorization/lease.ts';
import { createRecordRegistry } from '../src/authorization/registry.ts';
import { createGuards } from '../src/cluster/guards.ts';
import { createClusterNode } from '../src/cluster/node.ts';
import { randomHistories } from '../src/cluster/simulation.ts';

/** `workerIndex` is set only in the worker processes, which run the same script. */
const [, script = '', historyCount = '1000000', workerIndex] = process.argv;

if (workerIndex === undefined) {
  const workerCount = availableParallelism();
  const historiesPerWorker = Math.ceil(Number(historyCount) / workerCount);
  const exitCodes = await Promise.all(
    Array.from({ length: workerCount }, (_, index) => {
      const child = spawn(process.execPath, [script, String(historiesPerWorker), String(index)], { stdio: 'inherit' });
      return new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
    }),
  );
  process.exitCode = Math.max(...exitCodes);
} else {
  const BATCH_SIZE = 10_000;
  const implementation = {
    createNode: createClusterNode,
    createRegistry: createRecordRegistry,
    createLease,
    createGuards,
    createLeaseRenewal,
  };
  for (let simulatedCount = 0; simulatedCount < Number(historyCount); simulatedCount += BATCH_SIZE) {
    await fc.assert(randomHistories(implementation), {
      numRuns: Math.min(BATCH_SIZE, Number(historyCount) - simulatedCount),
    });
    process.stdout.write(
      `${workerIndex}: ${Math.min(simulatedCount + BATCH_SIZE, Number(historyCount))} histories, no failures\n`,
    );
  }
}
