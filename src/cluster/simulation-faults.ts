/** A change of the real source: a file, what stands there once, and what stands there instead. */
type Change = readonly [file: string, line: string, instead: string];

export interface Fault {
  /** Finds it soon; without one the budget is the same and the time longer. */
  readonly seed: number;
  readonly changes?: readonly Change[];
  readonly unlocked?: boolean;
  readonly recordsFromMemory?: boolean;
}

/** Faults to plant in the real code, each of which the simulation must find. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'memory is filled without the check': {
    seed: 5,
    changes: [
      ['registry.ts', 'if (epoch !== before && attemptsLeft > 1) continue;', ''],
      ['registry.ts', 'if (epoch !== before) return { ...record, row: NO_ROW };', ''],
    ],
  },
  'a number is confirmed before its record is dropped': {
    seed: 10,
    changes: [
      [
        'lease.ts',
        'let applied: RevocationPoint | null = null;',
        'let applied: RevocationPoint | null = null; const late = [];',
      ],
      ['lease.ts', 'registry.apply(revocation);', 'late.push(revocation);'],
      [
        'lease.ts',
        '    readWallClock();\n    if (stopped',
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
        'revocation-barrier.ts',
        'if (confirmed < live.length) return true;',
        'if (confirmed < live.length && clocks.monotonic() - waiter.since < bound / 2) return true;',
      ],
    ],
  },
  'revocations are pruned that a sleeper has not seen': {
    seed: 3,
    changes: [['node.ts', 'if (gap) following.reset(head);', 'if (gap) following.apply([], head);']],
  },
  'a wake-up is lost and nobody looks by themselves': {
    seed: 1,
    changes: [
      [
        'revocation-barrier.ts',
        'if (waiting.length > 0) cancel = schedule(Math.max(1, pauseMs), checkConfirmations);',
        '',
      ],
      ['node.ts', 'onHeartbeat: revocationBarrier.checkConfirmations', 'onHeartbeat: () => {}'],
    ],
  },
  'without a lease a judgement joins a read that had begun': {
    seed: 33,
    changes: [['registry.ts', 'if (!lease.holds()) return readNext(digest, running);', '']],
  },
  'a guard is given a lease without a look at what it has not applied': {
    seed: 2,
    changes: [
      [
        'guards.ts',
        'if (feedPage !== null && (!feedPage.whole || feedPage.revocations.length > 0))',
        'if (feedPage === undefined)',
      ],
    ],
  },
  "a guard is given records out of a server's memory": { seed: 26, recordsFromMemory: true },
  'guards are not waited for': {
    seed: 1,
    changes: [
      [
        'revocation-barrier.ts',
        'node.workspaceId === null || workspaceId === null || node.workspaceId === workspaceId',
        'node.workspaceId === null',
      ],
    ],
  },
  'a guard keeps what was revoked and pruned while it slept': {
    seed: 10,
    changes: [['guard-lease.ts', 'else follower.reset(feedPage.head);', 'else follower.apply([], feedPage.head);']],
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
    changes: [['revocation-barrier.ts', 'if (clocks.monotonic() < allLeasesKnownAt) return true;', '']],
  },
  'a deletion that the store has lost is answered': {
    seed: 1,
    changes: [['revocation-barrier.ts', 'if (lost.includes(waiter.revocation.id)) {', 'if (lost.includes("")) {']],
  },
};
