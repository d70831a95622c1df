import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNode } from './lease.ts';
import { createRegistry } from './registry.ts';
import { type Engine, histories } from './simulation.ts';

const HISTORIES = 20_000;

/** A change of the real source: a file, what stands there once, and what stands there instead. */
type Change = readonly [file: string, line: string, instead: string];

interface Fault {
  /** Finds it soon; without one the budget is the same and the time longer. */
  readonly seed: number;
  readonly changes?: readonly Change[];
  readonly unlocked?: boolean;
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
    seed: 1,
    changes: [
      ['lease.ts', 'let applied: number | null = null;', 'let applied: number | null = null; const late = [];'],
      ['lease.ts', 'registry.apply(revocation);', 'late.push(revocation);'],
      ['lease.ts', 'confirmed = number;', 'confirmed = number; for (const one of late.splice(0)) registry.apply(one);'],
    ],
  },
  'a lease is renewed without the lock of the counter': { seed: 523_749_719, unlocked: true },
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
    seed: 1,
    changes: [['lease.ts', 'if (gap) startOver(counter);', 'if (gap) applied = counter;']],
  },
  'a wake-up is lost and nobody looks by themselves': {
    seed: 1,
    changes: [
      ['settling.ts', 'if (waiting.length > 0) cancel = schedule(Math.max(1, pause), look);', ''],
      ['lease.ts', '        settling.look();\n', ''],
    ],
  },
  'without a lease a judgement joins a read that had begun': {
    seed: 3,
    changes: [['registry.ts', 'if (!lease.holds()) return readNext(digest, running);', '']],
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
  const registry = (await import(`./registry.ts${query}`)) as typeof import('./registry.ts');
  return {
    createNode: lease.createNode,
    createRegistry: registry.createRegistry,
    unlocked: FAULTS[name]?.unlocked === true,
  };
}

test(`in ${HISTORIES} histories no judgement accepts what was ended before it began, and every answer comes`, async () => {
  await fc.assert(histories({ createNode, createRegistry }), { numRuns: HISTORIES });
});

for (const name of names) {
  test(`a planted fault is found: ${name}`, async (context) => {
    const engine = await engineWith(name);
    const seed = FAULTS[name]?.seed ?? 0;
    const { failed, numRuns } = await fc.check(histories(engine), { numRuns: HISTORIES, seed, endOnFailure: true });
    assert.ok(failed, 'the simulation does not see it');
    context.diagnostic(`found after ${numRuns} histories`);
  });
}
