import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { renewOver } from './guard-lease.ts';
import { createGuards } from './guards.ts';
import { createLease } from './lease.ts';
import { createNode } from './node.ts';
import { createRegistry } from './registry.ts';
import { type Engine, histories } from './simulation.ts';

const HISTORIES = 20_000;
/** As many tests, so that the file is seen to go on. */
const PARTS = 5;

/** A change of the real source: a file, what stands there once, and what stands there instead. */
type Change = readonly [file: string, line: string, instead: string];

interface Fault {
  /** Finds it soon; without one the budget is the same and the time longer. */
  readonly seed: number;
  readonly changes?: readonly Change[];
  readonly unlocked?: boolean;
  readonly recordsFromMemory?: boolean;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'memory is filled without the check': {
    seed: 5,
    changes: [
      ['registry.ts', 'if (epoch !== before && left > 1) continue;', ''],
      ['registry.ts', 'if (epoch !== before) return { ...record, row: NO_ROW };', ''],
    ],
  },
  'a number is confirmed before its record is dropped': {
    seed: 10,
    changes: [
      ['lease.ts', 'let applied: Point | null = null;', 'let applied: Point | null = null; const late = [];'],
      ['lease.ts', 'registry.apply(revocation);', 'late.push(revocation);'],
      [
        'lease.ts',
        '    observe();\n    if (stopped',
        '    for (const one of late.splice(0)) registry.apply(one);\n    if (stopped',
      ],
    ],
  },
  'a lease is renewed without the lock of the counter': { seed: 44, unlocked: true },
  'a lease is timed by one clock, and the machine is suspended': {
    seed: 1,
    changes: [
      [
        'lease.ts',
        'Math.max(clocks.monotonic() - granted.monotonic, wall - granted.wall)',
        'clocks.monotonic() - granted.monotonic',
      ],
    ],
  },
  'the answer comes at a time-out instead of the end of the lease': {
    seed: 1,
    changes: [
      [
        'settling.ts',
        'if (confirmed < live.length) return true;',
        'if (confirmed < live.length && clocks.monotonic() - waiter.since < bound / 2) return true;',
      ],
    ],
  },
  'revocations are pruned that a sleeper has not seen': {
    seed: 3,
    changes: [['node.ts', 'if (gap) following.startOver(head);', 'if (gap) following.apply([], head);']],
  },
  'a wake-up is lost and nobody looks by themselves': {
    seed: 1,
    changes: [
      ['settling.ts', 'if (waiting.length > 0) cancel = schedule(Math.max(1, pause), look);', ''],
      ['node.ts', 'onBeat: settling.look', 'onBeat: () => {}'],
    ],
  },
  'without a lease a judgement joins a read that had begun': {
    seed: 33,
    changes: [['registry.ts', 'if (!lease.holds()) return readNext(digest, running);', '']],
  },
  'a guard is given a lease without a look at what it has not applied': {
    seed: 2,
    changes: [
      ['guards.ts', 'if (news !== null && (!news.whole || news.revocations.length > 0))', 'if (news === undefined)'],
    ],
  },
  "a guard is given records out of a server's memory": { seed: 26, recordsFromMemory: true },
  'guards are not waited for': {
    seed: 1,
    changes: [
      [
        'settling.ts',
        'node.workspaceId === null || workspaceId === null || node.workspaceId === workspaceId',
        'node.workspaceId === null',
      ],
    ],
  },
  'a guard keeps what was revoked and pruned while it slept': {
    seed: 10,
    changes: [['guard-lease.ts', 'else following.startOver(news.head);', 'else following.apply([], news.head);']],
  },
  'numbers alone tell a node where it stands': {
    seed: 1,
    changes: [
      [
        'lease.ts',
        'return one.number === other.number && one.id === other.id && one.history === other.history;',
        'return one.number === other.number;',
      ],
      ['node.ts', 'const isOurs = head.history === from.history && base === from.id;', 'const isOurs = true;'],
    ],
  },
  'numbers alone tell a server where a guard stands': {
    seed: 33,
    changes: [
      ['guards.ts', 'const isOurs = head.history === after.history && base === after.id;', 'const isOurs = true;'],
    ],
  },
  'the history of the database is compared and ids are not': {
    seed: 15,
    changes: [
      ['lease.ts', ' && one.id === other.id', ''],
      ['node.ts', ' && base === from.id', ''],
    ],
  },
  'leases that the store has forgotten are not waited for': {
    seed: 1,
    changes: [['settling.ts', 'if (clocks.monotonic() < certainAt) return true;', '']],
  },
  'a deletion that the store has lost is answered': {
    seed: 1,
    changes: [['settling.ts', 'if (lost.includes(waiter.revocation.id)) {', 'if (lost.includes("")) {']],
  },
};

const names = Object.keys(FAULTS);
const faultOf = (url: string | undefined) => /\?fault=(\d+)$/.exec(url ?? '')?.[1];

// Modules that are asked for with a fault are the real ones with its changes, and so are those they ask for.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const fault = specifier.startsWith('./') ? faultOf(context.parentURL) : undefined;
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

async function engineWith(name: string): Promise<Engine> {
  const query = `?fault=${names.indexOf(name)}`;
  const lease = (await import(`./lease.ts${query}`)) as typeof import('./lease.ts');
  const node = (await import(`./node.ts${query}`)) as typeof import('./node.ts');
  const registry = (await import(`./registry.ts${query}`)) as typeof import('./registry.ts');
  const guards = (await import(`./guards.ts${query}`)) as typeof import('./guards.ts');
  const guardLease = (await import(`./guard-lease.ts${query}`)) as typeof import('./guard-lease.ts');
  return {
    createNode: node.createNode,
    createRegistry: registry.createRegistry,
    createLease: lease.createLease,
    createGuards: guards.createGuards,
    renewOver: guardLease.renewOver,
    unlocked: FAULTS[name]?.unlocked === true,
    recordsFromMemory: FAULTS[name]?.recordsFromMemory === true,
  };
}

for (let part = 1; part <= PARTS; part++) {
  test(`part ${part} of ${HISTORIES} histories: no judgement accepts what was ended before it began, and every answer comes`, async () => {
    await fc.assert(histories({ createNode, createRegistry, createLease, createGuards, renewOver }), {
      numRuns: HISTORIES / PARTS,
    });
  });
}

for (const name of names) {
  test(`a planted fault is found: ${name}`, async (context) => {
    const engine = await engineWith(name);
    const seed = FAULTS[name]?.seed ?? 0;
    const { failed, numRuns } = await fc.check(histories(engine), { numRuns: HISTORIES, seed, endOnFailure: true });
    assert.ok(failed, 'the simulation does not see it');
    context.diagnostic(`found after ${numRuns} histories`);
  });
}
