import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { parentPort } from 'node:worker_threads';
import fc from 'fast-check';
import { renewOverConnection } from '../authorization/guard-lease.ts';
import { createLease } from '../authorization/lease.ts';
import { createRecordRegistry } from '../authorization/registry.ts';
import { createGuards } from './guards.ts';
import { createClusterNode } from './node.ts';
import { type ProtocolImplementation, randomHistories } from './simulation.ts';
import { FAULTS } from './simulation-faults.ts';

/**
 * Runs histories on a thread of its own: the test runner follows every promise of the thread that tests run on, which
 * makes the simulation three times as slow.
 */
export interface HistoriesRequest {
  /** The planted fault; none where it is null. */
  readonly fault: string | null;
  readonly numRuns: number;
}

export interface HistoriesResult {
  readonly failed: boolean;
  readonly numRuns: number;
  /** What failed, with the seed that repeats it; null where nothing did. */
  readonly report: string | null;
}

const names = Object.keys(FAULTS);
const faultOf = (url: string | undefined) => /\?fault=(\d+)$/.exec(url ?? '')?.[1];

// Modules that are asked for with a fault are the real ones with its changes, and so are those they ask for.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const fault = specifier.startsWith('.') ? faultOf(context.parentURL) : undefined;
    return fault === undefined ? resolved : { ...resolved, url: `${resolved.url}?fault=${fault}` };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const fault = faultOf(url);
    if (fault === undefined) return loaded;
    let source = String(loaded.source);
    for (const [file, line, instead] of FAULTS[names[Number(fault)] ?? '']?.changes ?? []) {
      if (!url.includes(`/${file}?`)) continue;
      assert.equal(source.split(line).length, 2, `${file} has this once: ${line}`);
      source = source.replace(line, () => instead);
    }
    return { ...loaded, source };
  },
});

async function engineWith(name: string): Promise<ProtocolImplementation> {
  const query = `?fault=${names.indexOf(name)}`;
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
    renewOver: guardLease.renewOverConnection,
    unlocked: FAULTS[name]?.unlocked === true,
    recordsFromMemory: FAULTS[name]?.recordsFromMemory === true,
  };
}

parentPort?.on('message', async ({ fault, numRuns }: HistoriesRequest) => {
  const real = {
    createNode: createClusterNode,
    createRegistry: createRecordRegistry,
    createLease,
    createGuards,
    renewOver: renewOverConnection,
  };
  const engine = fault === null ? real : await engineWith(fault);
  const seed = fault === null ? undefined : FAULTS[fault]?.seed;
  // A planted fault is only to be found; the example is reduced where nobody expected one.
  const options = { numRuns, ...(seed !== undefined && { seed, endOnFailure: true }) };
  const details = await fc.check(randomHistories(engine), options);
  const result: HistoriesResult = {
    failed: details.failed,
    numRuns: details.numRuns,
    report: fc.defaultReportMessage(details) ?? null,
  };
  parentPort?.postMessage(result);
});
