import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { parentPort } from 'node:worker_threads';
import fc from 'fast-check';
import { createLeaseRenewal } from '../authorization/guard-lease.ts';
import { createLease } from '../authorization/lease.ts';
import { createRecordRegistry } from '../authorization/registry.ts';
import { createGuards } from './guards.ts';
import { createClusterNode } from './node.ts';
import { randomHistories } from './simulation.ts';
import { FAULTS } from './simulation-faults.ts';
import type { ProtocolImplementation } from './simulation-world.ts';

/**
 * A request to run histories in this worker thread. They run in a separate thread because the test runner tracks every
 * promise of the thread that runs the tests, which makes the simulation three times as slow.
 */
export interface HistoriesRequest {
  /** The name of the fault to plant; null for none. */
  readonly fault: string | null;
  readonly numRuns: number;
}

export interface HistoriesResult {
  readonly failed: boolean;
  readonly numRuns: number;
  /** The failure with the seed that reproduces it; null if there was none. */
  readonly report: string | null;
}

const faultNames = Object.keys(FAULTS);
const faultIndexIn = (url: string | undefined) => /\?fault=(\d+)$/.exec(url ?? '')?.[1];

// Importing a module with `?fault=n` loads it with the changes of that fault. The modules that it imports are changed
// too.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const fault = specifier.startsWith('.') ? faultIndexIn(context.parentURL) : undefined;
    return fault === undefined ? resolved : { ...resolved, url: `${resolved.url}?fault=${fault}` };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const fault = faultIndexIn(url);
    if (fault === undefined) return loaded;
    let source = String(loaded.source);
    for (const [file, text, replacement] of FAULTS[faultNames[Number(fault)] ?? '']?.changes ?? []) {
      if (!url.includes(`/${file}?`)) continue;
      assert.equal(source.split(text).length, 2, `${file} must contain this exactly once: ${text}`);
      source = source.replace(text, () => replacement);
    }
    return { ...loaded, source };
  },
});

async function implementationWithFault(name: string): Promise<ProtocolImplementation> {
  const query = `?fault=${faultNames.indexOf(name)}`;
  const lease = (await import(`../authorization/lease.ts${query}`)) as typeof import('../authorization/lease.ts');
  const node = (await import(`./node.ts${query}`)) as typeof import('./node.ts');
  const registry = (await import(
    `../authorization/registry.ts${query}`
  )) as typeof import('../authorization/registry.ts');
  const guards = (await import(`./guards.ts${query}`)) as typeof import('./guards.ts');
  const guardLease = (await import(
    `../authorization/guard-lease.ts${query}`
  )) as typeof import('../authorization/guard-lease.ts');
  return {
    createNode: node.createClusterNode,
    createRegistry: registry.createRecordRegistry,
    createLease: lease.createLease,
    createGuards: guards.createGuards,
    createLeaseRenewal: guardLease.createLeaseRenewal,
    skipsShareLock: FAULTS[name]?.skipsShareLock === true,
    recordsFromCache: FAULTS[name]?.recordsFromCache === true,
  };
}

parentPort?.on('message', async ({ fault, numRuns }: HistoriesRequest) => {
  const productionCode = {
    createNode: createClusterNode,
    createRegistry: createRecordRegistry,
    createLease,
    createGuards,
    createLeaseRenewal,
  };
  const implementation = fault === null ? productionCode : await implementationWithFault(fault);
  const seed = fault === null ? undefined : FAULTS[fault]?.seed;
  // A planted fault only has to be found, so its counterexample is not shrunk.
  const options = { numRuns, ...(seed !== undefined && { seed, endOnFailure: true }) };
  const runDetails = await fc.check(randomHistories(implementation), options);
  const result: HistoriesResult = {
    failed: runDetails.failed,
    numRuns: runDetails.numRuns,
    report: fc.defaultReportMessage(runDetails) ?? null,
  };
  parentPort?.postMessage(result);
});
