import fc from 'fast-check';
import type { renewOverConnection } from '../authorization/guard-lease.ts';
import type { createLease } from '../authorization/lease.ts';
import type { createRecordRegistry, RecordRegistry, Revocation } from '../authorization/registry.ts';
import type { createGuards, Guards } from './guards.ts';
import type { ClusterNode, createClusterNode } from './node.ts';
import { type SimulatedGuard, startGuard } from './simulation-guard.ts';
import { startServer } from './simulation-server.ts';
import { createSimulatedStore, type SimulatedStore, workspaceOf } from './simulation-store.ts';

/**
 * The code under test. A simulation runs servers, guards, their store and their clocks in one process, determined by
 * one seed: messages arrive in any order, late or not at all; nodes freeze, are suspended, partitioned, killed and
 * restarted; clocks drift and are set; the store loses its last commits. The registry, the lease and both sides of the
 * guard protocol are the real ones. They are passed to `runHistory`, so that faults can be planted in them.
 */
export interface ProtocolImplementation {
  readonly createNode: typeof createClusterNode;
  readonly createRegistry: typeof createRecordRegistry;
  readonly createLease: typeof createLease;
  readonly createGuards: typeof createGuards;
  readonly renewOver: typeof renewOverConnection;
  /** Renewals read the counter without locking it: a fault in the store's SQL. */
  readonly unlocked?: boolean;
  /** Guards receive records from a server's cache: a fault in the wiring of the server. */
  readonly recordsFromCache?: boolean;
}

const STEP_KINDS = [
  ...Array<'check'>(6).fill('check'),
  ...Array<'edit'>(5).fill('edit'),
  ...Array<'wait'>(6).fill('wait'),
  'delete',
  'freeze',
  'freeze',
  'suspend',
  'wake up',
  'wake up',
  'crash',
  'partition',
  'heal',
  'set clock',
  'prune',
  'lose wakes',
  'roll back',
] as const;

/** One event: its node and credential, its distance or duration, and the number of messages that arrive afterwards. */
export interface Step {
  readonly kind: (typeof STEP_KINDS)[number];
  readonly node: number;
  readonly credential: number;
  readonly amount: number;
  readonly arrivals: number;
}

export const ARBITRARY_STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...STEP_KINDS),
    node: fc.nat(4),
    credential: fc.nat(1),
    amount: fc.nat(1000),
    arrivals: fc.nat(14),
  }),
  { minLength: 8, maxLength: 40, size: 'max' },
);

const LEASE_MS = 1000;
const SERVER_COUNT = 3;
/** One per workspace. */
const GUARD_COUNT = 2;
const CREDENTIAL_COUNT = 2;
/** Clocks are fast or slow by up to this fraction. */
const MAX_CLOCK_DRIFT = 0.02;
/** While the store can be reached, a deletion returns within this time, whichever nodes are frozen. */
const MAX_ANSWER_MS = 5 * LEASE_MS;

export interface SimulatedMachine {
  readonly index: number;
  readonly clockRate: number;
  wallOffsetMs: number;
  suspendedMs: number;
  /** Frozen: nothing runs. Suspended: the monotonic clock stops too. */
  state: 'running' | 'frozen' | 'suspended';
  isPartitioned: boolean;
  /** Incremented by each restart; messages to earlier processes are lost. */
  process: number;
  inbox: (() => void)[];
  registry: RecordRegistry;
  /** Returns whether its lease holds, by the current clocks. */
  holds(): boolean;
}

export interface SimulatedServer extends SimulatedMachine {
  node: ClusterNode;
  guards: Guards;
  /** The store's rollback count when this node last checked for confirmations of a revocation, by its id. */
  rollbacksAtLastCheck: Map<string, number>;
}

/** The environment of the simulated machines. */
export interface World {
  readonly implementation: ProtocolImplementation;
  readonly store: SimulatedStore;
  readonly servers: readonly SimulatedServer[];
  readonly leaseMs: number;
  readonly random: () => number;
  after(delay: number, work: () => void): () => void;
  /** Sends a message, which arrives when the scheduler decides. */
  send(deliverMessages: () => void): void;
  /** Runs `work` in a process once the machine runs, unless the process was restarted. */
  deliver(machine: SimulatedMachine, process: number, work: () => void): void;
  /** Sends a request to the store; the request or the response may be lost while the machine is partitioned. */
  callStore<T>(machine: SimulatedMachine, process: number, request: () => T | Promise<T>, slow?: boolean): Promise<T>;
  /** Wakes all servers, unless such messages are being lost. */
  notifyAll(wake: (node: ClusterNode) => void): void;
  clocksOf(machine: SimulatedMachine): { monotonic(): number; wall(): number };
}

interface Timer {
  readonly due: number;
  readonly work: () => void;
  cancelled: boolean;
}

/**
 * Returns a seeded generator of numbers from 0 to 1, so that a history is reproducible (mulberry32, Tommy Ettinger).
 */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Runs one history. Throws if a check accepts a credential whose revocation has returned, or a deletion never returns.
 */
export async function runHistory(
  implementation: ProtocolImplementation,
  scheduler: fc.Scheduler,
  seed: number,
  steps: readonly Step[],
): Promise<void> {
  const random = createRandom(seed);
  let now = 1_000_000;
  let areWakesLost = false;
  let timers: Timer[] = [];
  /** The oldest version of each credential that may still be accepted. */
  const oldestAcceptable = Array.from({ length: CREDENTIAL_COUNT }, () => 0);
  const unanswered = new Set<{ machine: SimulatedMachine; process: number }>();
  const violations: string[] = [];
  const servers: SimulatedServer[] = [];
  const guards: SimulatedGuard[] = [];
  const all = (): SimulatedMachine[] => [...servers, ...guards];

  const store: SimulatedStore = createSimulatedStore({
    credentials: CREDENTIAL_COUNT,
    unlocked: implementation.unlocked === true,
    clock: () => now,
    after,
  });

  function after(delay: number, work: () => void): () => void {
    const timer = { due: now + delay, work, cancelled: false };
    timers.push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  function send(deliverMessages: () => void): void {
    void scheduler.schedule(Promise.resolve()).then(deliverMessages);
  }

  function deliver(machine: SimulatedMachine, process: number, work: () => void): void {
    if (machine.process !== process) return;
    if (machine.state === 'running') work();
    else machine.inbox.push(() => deliver(machine, process, work));
  }

  function callStore<T>(
    machine: SimulatedMachine,
    process: number,
    request: () => T | Promise<T>,
    slow = true,
  ): Promise<T> {
    const fate = machine.isPartitioned ? (random() < 0.5 ? 'request lost' : 'response lost') : 'delivered';
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => send(() => deliver(machine, process, () => reject(error)));
      send(() => {
        if (fate === 'request lost') return fail(new Error('cut off'));
        new Promise<T>((done) => done(request())).then((result) => {
          if (fate === 'response lost') fail(new Error('cut off'));
          else if (slow) send(() => deliver(machine, process, () => resolve(result)));
          else deliver(machine, process, () => resolve(result));
        }, fail);
      });
    });
  }

  function notifyAll(wake: (node: ClusterNode) => void): void {
    for (const machine of servers) {
      const { process, node } = machine;
      if (!areWakesLost) send(() => deliver(machine, process, () => wake(node)));
    }
  }

  const clocksOf = (machine: SimulatedMachine) => ({
    monotonic: () => (now - machine.suspendedMs) * machine.clockRate,
    wall: () => now * machine.clockRate + machine.wallOffsetMs,
  });

  const world: World = {
    implementation,
    store,
    servers,
    leaseMs: LEASE_MS,
    random,
    after,
    send,
    deliver,
    callStore,
    notifyAll,
    clocksOf,
  };

  function checkCredential(machine: SimulatedMachine, credential: number): void {
    const oldest = oldestAcceptable[credential] ?? 0;
    const returns = store.rollbackCount();
    const { process } = machine;
    send(() =>
      deliver(machine, process, () => {
        const { registry } = machine;
        const digest = String(credential);
        const found = registry.findCached(digest);
        // A guard without a lease forwards to a server, whose decisions are checked already.
        if (found === null && !('node' in machine) && !machine.holds()) return;
        Promise.resolve(found ?? registry.find(digest)).then(
          (record) => {
            // A store that was rolled back in the meantime may accept restored credentials again.
            if (record === null || Number(record.name) >= oldest || store.rollbackCount() !== returns) return;
            violations.push(
              `node ${machine.index} accepted version ${record.name} of ${credential}, revoked before ${oldest}`,
            );
          },
          () => undefined,
        );
      }),
    );
  }

  async function change(machine: SimulatedServer, credential: number, deleting: boolean): Promise<void> {
    const { process, node } = machine;
    const transaction = store.begin(() => machine.process === process);
    await callStore(machine, process, () => store.lockCounter(transaction, 'update'));
    const change = store.change(transaction, credential, deleting);
    if (change === null) return;
    const revocation: Revocation = await callStore(machine, process, () => {
      store.commit(transaction);
      return { ...change.inserted(), workspaceId: workspaceOf(credential), digest: String(credential) };
    });
    const open = { machine, process };
    unanswered.add(open);
    await node.waitForConfirmation(revocation).finally(() => unanswered.delete(open));
    if (store.readLeases([revocation]).lost.length > 0) {
      if (machine.rollbacksAtLastCheck.get(revocation.id) === store.rollbackCount())
        violations.push(`node ${machine.index} confirmed a lost deletion`);
      return;
    }
    // Lost and pruned, so undetectable. In production revocations are pruned after an hour, and no deletion waits that
    // long.
    const current = store.versionOf(credential);
    if (current !== null && current < change.version()) return;
    oldestAcceptable[credential] = Math.max(oldestAcceptable[credential] ?? 0, change.version());
  }

  /** Advances time and runs the timers that become due. */
  function advanceTime(durationMs: number): void {
    const end = now + durationMs;
    for (;;) {
      timers = timers.filter((timer) => !timer.cancelled);
      const next = timers.filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      setTime(Math.max(now, next.due));
      next.cancelled = true;
      next.work();
      if (scheduler.count() > 0 && random() < 0.3) return;
    }
    setTime(end);
  }

  function setTime(to: number): void {
    for (const machine of all()) if (machine.state === 'suspended') machine.suspendedMs += to - now;
    now = to;
  }

  function wakeUp(machine: SimulatedMachine): void {
    machine.state = 'running';
    // Reads the clocks on wake-up: setting the wall clock back afterwards must not hide the time asleep.
    machine.holds();
    const inbox = machine.inbox;
    machine.inbox = [];
    for (const work of inbox) work();
  }

  /** Rolls the store back. Credentials that it restores may be accepted again, but no older version of them. */
  function rollBack(amount: number): void {
    store.rollBack(1 - (amount % 100) / 200, amount % 2 === 0);
    for (let credential = 0; credential < CREDENTIAL_COUNT; credential++) {
      const version = store.versionOf(credential);
      if (version !== null) oldestAcceptable[credential] = Math.min(oldestAcceptable[credential] ?? 0, version);
    }
  }

  function applyStep({ kind, node, credential, amount }: Step): void {
    const server = servers[node % SERVER_COUNT];
    const guard = guards[node - SERVER_COUNT];
    const machine = guard ?? server;
    if (server === undefined || machine === undefined) return;
    if (kind === 'check') checkCredential(machine, guard?.credential ?? credential);
    if (kind === 'edit' || kind === 'delete') change(server, credential, kind === 'delete').catch(() => undefined);
    if (kind === 'wait') advanceTime(amount);
    if (kind === 'freeze' && machine.state === 'running') machine.state = 'frozen';
    if (kind === 'suspend' && machine.state === 'running') machine.state = 'suspended';
    if (kind === 'wake up') wakeUp(machine);
    if (kind === 'crash') {
      machine.state = 'running';
      store.abortOrphans();
      if (guard === undefined) startServer(world, server);
      else startGuard(world, guard);
    }
    if (kind === 'partition') machine.isPartitioned = true;
    if (kind === 'heal') machine.isPartitioned = false;
    if (kind === 'set clock' && machine.state === 'running') {
      // A running process reads its clock all the time: just before it is set, and before the machine sleeps again.
      machine.holds();
      machine.wallOffsetMs += (amount - 500) * 4;
      machine.holds();
    }
    if (kind === 'prune') store.prune();
    if (kind === 'lose wakes') areWakesLost = !areWakesLost;
    if (kind === 'roll back') rollBack(amount);
  }

  /** Lets the recipients of messages send theirs before time passes. */
  async function settleMicrotasks(): Promise<void> {
    if (scheduler.count() === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async function deliverMessages(count: number): Promise<void> {
    await settleMicrotasks();
    const arriving = Math.min(count, scheduler.count());
    // One by one, because `waitNext` polls fifty times for new messages between any two.
    for (let index = 0; index < arriving; index++) await scheduler.waitOne();
    if (violations.length > 0) throw new Error(violations[0]);
  }

  const newMachine = (index: number) => {
    const clockRate = 1 + (random() * 2 - 1) * MAX_CLOCK_DRIFT;
    const wallOffsetMs = random() * 1e6;
    return {
      index,
      clockRate,
      wallOffsetMs,
      suspendedMs: 0,
      state: 'running' as const,
      isPartitioned: false,
      process: 0,
      inbox: [],
    };
  };
  for (let index = 0; index < SERVER_COUNT; index++) {
    const machine = { ...newMachine(index), rollbacksAtLastCheck: new Map() } as unknown as SimulatedServer;
    servers.push(machine);
    startServer(world, machine);
  }
  for (let index = 0; index < GUARD_COUNT; index++) {
    const guardFields = { credential: index, workspaceId: workspaceOf(index), serverIndex: index };
    const machine = { ...newMachine(SERVER_COUNT + index), ...guardFields } as unknown as SimulatedGuard;
    guards.push(machine);
    startGuard(world, machine);
  }
  // All machines hold a lease before the first step: without leases a history proves nothing.
  while (!all().every((machine) => machine.holds())) {
    await deliverMessages(8);
    await settleMicrotasks();
    if (scheduler.count() === 0) advanceTime(1);
  }
  for (const step of steps) {
    applyStep(step);
    await deliverMessages(step.arrivals);
  }

  // From here on nothing fails except notifications: every deletion must return, and every machine must respect it.
  areWakesLost = true;
  for (const machine of all()) machine.isPartitioned = false;
  const end = now + MAX_ANSWER_MS;
  for (await settleMicrotasks(); scheduler.count() > 0 || unanswered.size > 0; await settleMicrotasks()) {
    await deliverMessages(8);
    await settleMicrotasks();
    for (const open of unanswered) {
      if (open.machine.process !== open.process || open.machine.state !== 'running') unanswered.delete(open);
    }
    // Time passes only while a deletion waits; otherwise heartbeats would continue forever.
    if (unanswered.size === 0) continue;
    if (scheduler.count() === 0) advanceTime(LEASE_MS / 16);
    if (now > end) throw new Error('a deletion never returned');
  }
  for (const machine of all()) if (machine.state !== 'running') wakeUp(machine);
  for (let credential = 0; credential < CREDENTIAL_COUNT; credential++) {
    for (const machine of servers) checkCredential(machine, credential);
  }
  for (const machine of guards) checkCredential(machine, machine.credential);
  for (await settleMicrotasks(); scheduler.count() > 0; await settleMicrotasks()) await deliverMessages(8);
}

/** Returns the property that `runHistory` succeeds for random histories. */
export function randomHistories(implementation: ProtocolImplementation) {
  return fc.asyncProperty(fc.scheduler(), fc.nat(), ARBITRARY_STEPS, (scheduler, seed, steps) =>
    runHistory(implementation, scheduler, seed, steps),
  );
}
