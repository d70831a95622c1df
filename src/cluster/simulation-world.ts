import type fc from 'fast-check';
import type { createLeaseRenewal } from '../authorization/guard-lease.ts';
import type { createLease } from '../authorization/lease.ts';
import type { createRecordRegistry, RecordRegistry } from '../authorization/registry.ts';
import type { createGuards, Guards } from './guards.ts';
import type { ClusterNode, createClusterNode } from './node.ts';
import type { SimulatedGuard } from './simulation-guard.ts';
import { createSimulatedStore, type SimulatedStore } from './simulation-store.ts';

export const LEASE_MS = 1000;
export const CREDENTIAL_COUNT = 2;

/**
 * The production code that a simulation runs, and two faults outside of it. It is passed to `runHistory`
 * (`simulation.ts`), so that a test can plant faults in it.
 *
 * A simulation runs servers, guards, their store and their clocks in one process, and one seed determines everything:
 * messages arrive in any order, late or not at all; nodes freeze, are suspended, partitioned, killed and restarted;
 * clocks drift and are set; the store loses its last commits.
 */
export interface ProtocolImplementation {
  readonly createNode: typeof createClusterNode;
  readonly createRegistry: typeof createRecordRegistry;
  readonly createLease: typeof createLease;
  readonly createGuards: typeof createGuards;
  readonly createLeaseRenewal: typeof createLeaseRenewal;
  /**
   * Whether renewals of leases read the revocation counter without locking it, as a fault in the SQL of the store would
   * cause.
   */
  readonly skipsShareLock?: boolean;
  /** Whether guards receive records from a server's cache, as a fault in the wiring of the server would cause. */
  readonly recordsFromCache?: boolean;
}

export interface SimulatedMachine {
  readonly index: number;
  readonly clockRate: number;
  wallOffsetMs: number;
  suspendedMs: number;
  /** On a frozen machine nothing runs. On a suspended machine the monotonic clock stops too. */
  state: 'running' | 'frozen' | 'suspended';
  isPartitioned: boolean;
  /** Incremented by each restart. Messages to a process with an earlier number are lost. */
  processNumber: number;
  inbox: (() => void)[];
  registry: RecordRegistry;
  /** Returns whether the machine's lease holds, by its current clocks. */
  holds(): boolean;
}

export interface SimulatedServer extends SimulatedMachine {
  node: ClusterNode;
  guards: Guards;
  /**
   * How often the store had lost commits when this node last checked for confirmations of a revocation, by revocation
   * ID.
   */
  commitLossesAtLastCheck: Map<string, number>;
}

/** The environment of the simulated machines. */
export interface World {
  readonly implementation: ProtocolImplementation;
  readonly store: SimulatedStore;
  readonly servers: readonly SimulatedServer[];
  readonly leaseMs: number;
  readonly random: () => number;
  after(delayMs: number, work: () => void): () => void;
  /** Sends a message, which arrives when the scheduler decides. */
  send(deliverMessage: () => void): void;
  /** Runs `work` once the machine runs, unless it has been restarted since `processNumber`. */
  deliver(machine: SimulatedMachine, processNumber: number, work: () => void): void;
  /**
   * Sends a request to the store. If the machine is partitioned at that time, either the request or the response is
   * lost, and the call fails. The response arrives when the scheduler decides, or if `responseTime` is `immediate`, as
   * soon as it is sent.
   */
  callStore<T>(
    machine: SimulatedMachine,
    processNumber: number,
    request: () => T | Promise<T>,
    responseTime?: 'delayed' | 'immediate',
  ): Promise<T>;
  /** Notifies all servers, unless notifications are being lost. */
  notifyAll(notify: (node: ClusterNode) => void): void;
  clocksOf(machine: SimulatedMachine): { monotonic(): number; wall(): number };
}

/** The world with the controls that a history of the simulation uses, such as advancing time. */
export interface SimulatedWorld extends World {
  readonly servers: SimulatedServer[];
  readonly guards: SimulatedGuard[];
  /** Whether notifications to servers are lost. */
  areNotificationsLost: boolean;
  machines(): readonly SimulatedMachine[];
  now(): number;
  /**
   * Advances time by up to `durationMs` and runs the timers that become due. May stop after a timer, so that pending
   * messages can arrive before the next one.
   */
  advanceTime(durationMs: number): void;
}

interface Timer {
  readonly due: number;
  readonly work: () => void;
  isCancelled: boolean;
}

/**
 * Returns a seeded generator of numbers from 0 (inclusive) to 1 (exclusive), so that a history is reproducible
 * (mulberry32, Tommy Ettinger).
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

/** Simulated time, with timers and the machines' clocks. */
function createTime(scheduler: fc.Scheduler, random: () => number, machines: () => readonly SimulatedMachine[]) {
  let now = 1_000_000;
  let timers: Timer[] = [];

  function after(delayMs: number, work: () => void): () => void {
    const timer = { due: now + delayMs, work, isCancelled: false };
    timers.push(timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  function advanceTime(durationMs: number): void {
    const end = now + durationMs;
    for (;;) {
      timers = timers.filter((timer) => !timer.isCancelled);
      const next = timers.filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      setTime(Math.max(now, next.due));
      next.isCancelled = true;
      next.work();
      if (scheduler.count() > 0 && random() < 0.3) return;
    }
    setTime(end);
  }

  function setTime(newTime: number): void {
    for (const machine of machines()) if (machine.state === 'suspended') machine.suspendedMs += newTime - now;
    now = newTime;
  }

  const clocksOf = (machine: SimulatedMachine) => ({
    monotonic: () => (now - machine.suspendedMs) * machine.clockRate,
    wall: () => now * machine.clockRate + machine.wallOffsetMs,
  });

  return { now: () => now, after, advanceTime, clocksOf };
}

/** Messages between machines and to the store, which arrive when the scheduler decides. */
function createMessages(scheduler: fc.Scheduler, random: () => number) {
  function send(deliverMessage: () => void): void {
    void scheduler.schedule(Promise.resolve()).then(deliverMessage);
  }

  function deliver(machine: SimulatedMachine, processNumber: number, work: () => void): void {
    if (machine.processNumber !== processNumber) return;
    if (machine.state === 'running') work();
    else machine.inbox.push(() => deliver(machine, processNumber, work));
  }

  function callStore<T>(
    machine: SimulatedMachine,
    processNumber: number,
    request: () => T | Promise<T>,
    responseTime: 'delayed' | 'immediate' = 'delayed',
  ): Promise<T> {
    const isRequestLost = machine.isPartitioned && random() < 0.5;
    const isResponseLost = machine.isPartitioned && !isRequestLost;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => send(() => deliver(machine, processNumber, () => reject(error)));
      send(() => {
        if (isRequestLost) return fail(new Error('cut off'));
        new Promise<T>((done) => done(request())).then((result) => {
          if (isResponseLost) fail(new Error('cut off'));
          else if (responseTime === 'delayed') send(() => deliver(machine, processNumber, () => resolve(result)));
          else deliver(machine, processNumber, () => resolve(result));
        }, fail);
      });
    });
  }

  return { send, deliver, callStore };
}

export function createWorld(
  implementation: ProtocolImplementation,
  scheduler: fc.Scheduler,
  seed: number,
): SimulatedWorld {
  const random = createRandom(seed);
  const servers: SimulatedServer[] = [];
  const guards: SimulatedGuard[] = [];
  const machines = () => [...servers, ...guards];
  const time = createTime(scheduler, random, machines);
  const messages = createMessages(scheduler, random);
  const store: SimulatedStore = createSimulatedStore({
    credentials: CREDENTIAL_COUNT,
    skipsShareLock: implementation.skipsShareLock === true,
    clock: time.now,
    after: time.after,
  });
  const world: SimulatedWorld = {
    ...time,
    ...messages,
    implementation,
    store,
    servers,
    guards,
    leaseMs: LEASE_MS,
    random,
    areNotificationsLost: false,
    machines,
    notifyAll(notify) {
      for (const machine of servers) {
        const { processNumber, node } = machine;
        if (!world.areNotificationsLost)
          messages.send(() => messages.deliver(machine, processNumber, () => notify(node)));
      }
    },
  };
  return world;
}
