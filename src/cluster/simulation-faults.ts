/** A change to a source file: its name, text that it contains exactly once, and the replacement of that text. */
type Change = readonly [file: string, text: string, replacement: string];

export interface Fault {
  /** A seed with which the fault is found early, to save time. */
  readonly seed: number;
  readonly changes?: readonly Change[];
  /** See `ProtocolImplementation`. */
  readonly skipsShareLock?: boolean;
  /** See `ProtocolImplementation`. */
  readonly recordsFromCache?: boolean;
}

/** Faults to plant in the production code, each of which the simulation must find. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'stale records are cached': {
    seed: 5,
    changes: [
      ['registry.ts', 'if (epoch !== epochBefore && attemptsLeft > 1) continue;', ''],
      ['registry.ts', 'if (epoch !== epochBefore) return { ...record, row: NO_ROW };', ''],
    ],
  },
  'a revocation is confirmed before its record is removed': {
    seed: 10,
    changes: [
      [
        'lease.ts',
        'let applied: RevocationPoint | null = null;',
        'let applied: RevocationPoint | null = null; const delayed = [];',
      ],
      ['lease.ts', 'registry.apply(revocation);', 'delayed.push(revocation);'],
      [
        'lease.ts',
        '    readWallClock();\n    if (stopped',
        '    for (const revocation of delayed.splice(0)) registry.apply(revocation);\n    if (stopped',
      ],
    ],
  },
  'a lease is renewed without locking the counter': { seed: 44, skipsShareLock: true },
  'a lease is timed by one clock, which stops while the machine is suspended': {
    seed: 1,
    changes: [
      [
        'lease.ts',
        'Math.max(clocks.monotonic() - granted.monotonic, wall - granted.wall)',
        'clocks.monotonic() - granted.monotonic',
      ],
    ],
  },
  'a deletion returns after a timeout instead of the end of the lease': {
    seed: 1,
    changes: [
      [
        'revocation-barrier.ts',
        'if (confirmed < live.length) return true;',
        'if (confirmed < live.length && clocks.monotonic() - waiter.sinceMs < leaseMs / 2) return true;',
      ],
    ],
  },
  'a server ignores that revocations were pruned while it was suspended': {
    seed: 3,
    changes: [['node.ts', 'follower.reset(head);', 'follower.apply([], head);']],
  },
  'a notification is lost and there is no polling': {
    seed: 1,
    changes: [
      [
        'revocation-barrier.ts',
        'if (waiting.length > 0) cancelTimer = schedule(Math.max(1, pauseMs), checkConfirmations);',
        '',
      ],
      ['node.ts', 'onHeartbeat: revocationBarrier.checkConfirmations', 'onHeartbeat: () => {}'],
    ],
  },
  'without a lease a look-up shares a read that has already begun': {
    seed: 33,
    changes: [['registry.ts', 'if (!lease.holds()) return readNext(digest, runningRead);', '']],
  },
  'a guard is granted a lease without checking for missing revocations': {
    seed: 2,
    changes: [
      [
        'guards.ts',
        'if (feedPage !== null && (!feedPage.whole || feedPage.revocations.length > 0))',
        'if (feedPage === undefined)',
      ],
    ],
  },
  "a guard receives records from a server's cache": { seed: 26, recordsFromCache: true },
  'deletions do not wait for guards': {
    seed: 1,
    changes: [
      [
        'revocation-barrier.ts',
        'node.workspaceId === null || workspaceId === null || node.workspaceId === workspaceId',
        'node.workspaceId === null',
      ],
    ],
  },
  'a guard ignores that revocations were pruned while it was suspended': {
    seed: 10,
    changes: [['guard-lease.ts', 'else follower.reset(feedPage.head);', 'else follower.apply([], feedPage.head);']],
  },
  'a server compares revocation points by number only': {
    seed: 1,
    changes: [
      [
        'lease.ts',
        'return point.number === other.number && point.id === other.id && point.history === other.history;',
        'return point.number === other.number;',
      ],
      [
        'node.ts',
        'const isKnownPoint = head.history === from.history && base === from.id;',
        'const isKnownPoint = true;',
      ],
    ],
  },
  'the revocation point of a guard is compared by number only': {
    seed: 33,
    changes: [
      [
        'guards.ts',
        'const isKnownPoint = head.history === after.history && base === after.id;',
        'const isKnownPoint = true;',
      ],
    ],
  },
  'the history of the database is compared but the IDs of revocations are not': {
    seed: 15,
    changes: [
      ['lease.ts', ' && point.id === other.id', ''],
      ['node.ts', ' && base === from.id', ''],
    ],
  },
  'deletions do not wait for leases that the store has lost': {
    seed: 1,
    changes: [['revocation-barrier.ts', 'if (clocks.monotonic() < lostLeasesExpiredAt) return true;', '']],
  },
  'a deletion that the store has lost is reported as done': {
    seed: 1,
    changes: [['revocation-barrier.ts', 'if (lost.includes(waiter.revocation.id)) {', 'if (lost.includes("")) {']],
  },
};
