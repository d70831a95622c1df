import fc from 'fast-check';
import type { renewOverConnection } from '../authorization/guard-lease.ts';
import type { createLease } from '../authorization/lease.ts';
import type { CredentialRecord, StoredCredential } from '../authorization/record.ts';
import { createRecordCache } from '../authorization/record-cache.ts';
import type { createRecordRegistry, RecordRegistry, Revocation } from '../authorization/registry.ts';
import type { createGuards, GuardStore, Guards } from './guards.ts';
import type { ClusterNode, createClusterNode, NodeStore } from './node.ts';
import { type SimulatedGuard, startGuard } from './simulation-guard.ts';
import { createSimulatedStore, type SimulatedStore, workspaceOf } from './simulation-store.ts';

/**
 * Servers, guards, their store and their clocks in one process and one seed: messages arrive in any order
 * and at any time, or not at all; nodes freeze, are suspended, cut off, killed and started anew; clocks
 * drift and are set; the store loses its last commits. The registry, the lease and both halves of what guards speak are the real ones,
 * given to `live` so that a fault can be planted in them.
 */
export interface ProtocolImplementation {
  readonly createNode: typeof createClusterNode;
  readonly createRegistry: typeof createRecordRegistry;
  readonly createLease: typeof createLease;
  readonly createGuards: typeof createGuards;
  readonly renewOver: typeof renewOverConnection;
  /** The counter is read without its lock when a lease is renewed: a fault of the store's SQL. */
  readonly unlocked?: boolean;
  /** Guards are given records out of a server's memory: a fault of how the server is put together. */
  readonly recordsFromMemory?: boolean;
}

const STEP_KINDS = [
  ...Array<'judge'>(6).fill('judge'),
  ...Array<'edit'>(5).fill('edit'),
  ...Array<'wait'>(6).fill('wait'),
  'delete',
  'freeze',
  'freeze',
  'suspend',
  'wake up',
  'wake up',
  'crash',
  'cut',
  'mend',
  'set clock',
  'prune',
  'lose wakes',
  'go back',
] as const;

/** What happens next: to which node and credential, how far or long, and how many messages arrive after it. */
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
/** One of each workspace. */
const GUARD_COUNT = 2;
const CREDENTIAL_COUNT = 2;
/** Clocks run up to this much fast or slow. */
const MAX_CLOCK_DRIFT = 0.02;
/** With the store in reach, an answer takes no longer than this, whatever froze. */
const MAX_ANSWER_MS = 5 * LEASE_MS;

export interface SimulatedMachine {
  readonly index: number;
  readonly clockRate: number;
  wallOffsetMs: number;
  suspendedMs: number;
  /** Frozen: nothing runs. Suspended: the monotonic clock stands still too. */
  state: 'running' | 'frozen' | 'suspended';
  isPartitioned: boolean;
  /** Deliveries to a process before this one are lost. */
  process: number;
  inbox: (() => void)[];
  registry: RecordRegistry;
  /** Whether its lease holds; looks at the clocks. */
  holds(): boolean;
}

export interface SimulatedServer extends SimulatedMachine {
  node: ClusterNode;
  guards: Guards;
  /** How often the store had gone back when this node last asked whether a change is confirmed, by the change's id. */
  rollbacksAtLastCheck: Map<string, number>;
}

/** What the machines live in. */
export interface World {
  readonly engine: ProtocolImplementation;
  readonly store: SimulatedStore;
  readonly servers: readonly SimulatedServer[];
  readonly leaseMs: number;
  readonly random: () => number;
  after(delay: number, work: () => void): () => void;
  /** A message: arrives when the scheduler says so. */
  send(deliverMessages: () => void): void;
  /** Hands something to a process, if it still is the same one when it runs again. */
  deliver(machine: SimulatedMachine, process: number, work: () => void): void;
  /** Asks the store; the question or the answer may be lost while the machine is cut off. */
  callStore<T>(machine: SimulatedMachine, process: number, question: () => T | Promise<T>, slow?: boolean): Promise<T>;
  clocksOf(machine: SimulatedMachine): { monotonic(): number; wall(): number };
}

interface Timer {
  readonly due: number;
  readonly work: () => void;
  cancelled: boolean;
}

/** A small generator, so that a history follows from its seed alone (Steele, mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function toStoredCredential(record: CredentialRecord | null): StoredCredential | null {
  if (record === null) return null;
  const { kind, id, name, active, expiresAt, createdAt, passphraseHash, workspace } = record;
  return { kind, id, name, active, expiresAt, createdAt, passphraseHash, workspaceId: workspace.id, rights: ['read'] };
}

/** Lives one history. Throws when a judgement accepted what an earlier answer had ended, or an answer never came. */
export async function runHistory(
  engine: ProtocolImplementation,
  scheduler: fc.Scheduler,
  seed: number,
  steps: readonly Step[],
): Promise<void> {
  const random = createRandom(seed);
  let now = 1_000_000;
  let areWakesLost = false;
  let timers: Timer[] = [];
  /** The oldest version of each credential that may still be accepted. */
  const required = Array.from({ length: CREDENTIAL_COUNT }, () => 0);
  const unanswered = new Set<{ machine: SimulatedMachine; process: number }>();
  const violations: string[] = [];
  const servers: SimulatedServer[] = [];
  const guards: SimulatedGuard[] = [];
  const all = (): SimulatedMachine[] => [...servers, ...guards];

  const store: SimulatedStore = createSimulatedStore({
    credentials: CREDENTIAL_COUNT,
    unlocked: engine.unlocked === true,
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

  /** A message: arrives when the scheduler says so. */
  function send(deliverMessages: () => void): void {
    void scheduler.schedule(Promise.resolve()).then(deliverMessages);
  }

  function deliver(machine: SimulatedMachine, process: number, work: () => void): void {
    if (machine.process !== process) return;
    if (machine.state === 'running') work();
    else machine.inbox.push(() => deliver(machine, process, work));
  }

  /** Asks the store; the question or the answer may be lost while the machine is cut off. */
  function callStore<T>(
    machine: SimulatedMachine,
    process: number,
    request: () => T | Promise<T>,
    slow = true,
  ): Promise<T> {
    const fate = machine.isPartitioned ? (random() < 0.5 ? 'question lost' : 'answer lost') : 'heard';
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => send(() => deliver(machine, process, () => reject(error)));
      send(() => {
        if (fate === 'question lost') return fail(new Error('cut off'));
        new Promise<T>((done) => done(request())).then((result) => {
          if (fate === 'answer lost') fail(new Error('cut off'));
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

  const world: World = { engine, store, servers, leaseMs: LEASE_MS, random, after, send, deliver, callStore, clocksOf };

  function startServer(machine: SimulatedServer): void {
    const process = ++machine.process;
    machine.inbox = [];
    const schedule = (delay: number, work: () => void) =>
      after(delay / machine.clockRate, () => deliver(machine, process, work));
    const read = (digest: string) => callStore(machine, process, () => store.read(Number(digest)));
    const registry = engine.createRegistry({
      read,
      lease: { holds: () => machine.node.holds() },
      cache: createRecordCache(2),
    });
    const renewal = async (
      work: (
        renewal: Parameters<Parameters<NodeStore['renewal']>[0]>[0] & Pick<GuardStore, 'readWorkspace'>,
      ) => Promise<void>,
    ) => {
      const transaction = store.begin(() => machine.process === process);
      const inTransaction = <T>(question: () => T | Promise<T>) => callStore(machine, process, question, false);
      let moved = false;
      await work({
        lockCounter: () => inTransaction(() => store.lockCounter(transaction, 'share')),
        readHead: () => inTransaction(() => store.readHead(transaction)),
        readAfter: (number, limit) => inTransaction(() => store.readAfter(number, limit, transaction)),
        readWorkspace: (workspaceId, number, limit) =>
          inTransaction(() => store.readWorkspace(workspaceId, number, limit, transaction)),
        grant: (confirmation) => {
          moved ||= confirmation.moved;
          store.grant(transaction, confirmation);
          return Promise.resolve(true);
        },
      });
      await callStore(machine, process, () => store.commit(transaction));
      if (moved) notifyAll((other) => other.checkConfirmations());
    };
    const giveUp = (id: string) => callStore(machine, process, () => store.releaseLease(id));
    const mine = engine.createGuards({
      bound: LEASE_MS,
      schedule,
      store: {
        readWorkspace: (workspaceId, number, limit) =>
          callStore(machine, process, () => store.readWorkspace(workspaceId, number, limit)),
        guardRenewal: renewal,
        releaseLease: giveUp,
      },
      read:
        engine.recordsFromMemory === true ? async (digest) => toStoredCredential(await registry.find(digest)) : read,
    });
    const node = engine.createNode({
      id: `${machine.index}.${process}`,
      bound: LEASE_MS,
      isNew: process === 1,
      registry: {
        apply(revocation) {
          registry.apply(revocation);
          mine.onRevocation(revocation);
        },
        clear: registry.clear,
      },
      clocks: clocksOf(machine),
      schedule,
      random,
      onError: () => {},
      store: {
        readHead: () => callStore(machine, process, () => store.readHead()),
        readAfter: (number, limit) => callStore(machine, process, () => store.readAfter(number, limit)),
        readLeases: (_workspaceIds, awaited) =>
          callStore(machine, process, () => {
            for (const { id } of awaited) machine.rollbacksAtLastCheck.set(id, store.rollbackCount());
            return store.readLeases(awaited);
          }),
        notifyNodes: () => callStore(machine, process, () => notifyAll((other) => other.catchUpNow())),
        releaseLease: giveUp,
        renewal,
      },
    });
    machine.registry = registry;
    machine.guards = mine;
    machine.node = node;
    machine.holds = node.holds;
    node.start().catch(() => {
      // As an operator's supervisor does: a process that could not start is started again.
      if (machine.process === process) after(LEASE_MS / 4, () => machine.process === process && startServer(machine));
    });
  }

  function checkCredential(machine: SimulatedMachine, credential: number): void {
    const oldest = required[credential] ?? 0;
    const returns = store.rollbackCount();
    const { process } = machine;
    send(() =>
      deliver(machine, process, () => {
        const { registry } = machine;
        const digest = String(credential);
        const found = registry.findCached(digest);
        // A guard without a lease asks a server, whose judgements are watched as they are.
        if (found === null && !('node' in machine) && !machine.holds()) return;
        Promise.resolve(found ?? registry.find(digest)).then(
          (record) => {
            // What a store that went back meanwhile has again may be accepted again.
            if (record === null || Number(record.name) >= oldest || store.rollbackCount() !== returns) return;
            violations.push(
              `node ${machine.index} accepted version ${record.name} of ${credential}, ended before ${oldest}`,
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
      return { ...change.made(), workspaceId: workspaceOf(credential), digest: String(credential) };
    });
    const open = { machine, process };
    unanswered.add(open);
    await node.waitForConfirmation(revocation).finally(() => unanswered.delete(open));
    if (store.readLeases([revocation]).lost.length > 0) {
      if (machine.rollbacksAtLastCheck.get(revocation.id) === store.rollbackCount())
        violations.push(`node ${machine.index} answered what was lost`);
      return;
    }
    // Lost and pruned, so that nobody can tell. Revocations are pruned an hour after they were made: no answer waits that long.
    const current = store.versionOf(credential);
    if (current !== null && current < change.version()) return;
    required[credential] = Math.max(required[credential] ?? 0, change.version());
  }

  /** Lets time pass, and every timer go off that is due in it. */
  function advanceTime(span: number): void {
    const end = now + span;
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
    // The system tells a process that it slept; a clock that is set back over the sleep would hide it.
    machine.holds();
    const inbox = machine.inbox;
    machine.inbox = [];
    for (const work of inbox) work();
  }

  /** What was ended and is there again may be accepted, and nothing older. */
  function goBack(amount: number): void {
    store.rollBack(1 - (amount % 100) / 200, amount % 2 === 0);
    for (let credential = 0; credential < CREDENTIAL_COUNT; credential++) {
      const version = store.versionOf(credential);
      if (version !== null) required[credential] = Math.min(required[credential] ?? 0, version);
    }
  }

  function applyStep({ kind, node, credential, amount }: Step): void {
    const server = servers[node % SERVER_COUNT];
    const guard = guards[node - SERVER_COUNT];
    const machine = guard ?? server;
    if (server === undefined || machine === undefined) return;
    if (kind === 'judge') checkCredential(machine, guard?.credential ?? credential);
    if (kind === 'edit' || kind === 'delete') change(server, credential, kind === 'delete').catch(() => undefined);
    if (kind === 'wait') advanceTime(amount);
    if (kind === 'freeze' && machine.state === 'running') machine.state = 'frozen';
    if (kind === 'suspend' && machine.state === 'running') machine.state = 'suspended';
    if (kind === 'wake up') wakeUp(machine);
    if (kind === 'crash') {
      machine.state = 'running';
      store.abortOrphans();
      if (guard === undefined) startServer(server);
      else startGuard(world, guard);
    }
    if (kind === 'cut') machine.isPartitioned = true;
    if (kind === 'mend') machine.isPartitioned = false;
    if (kind === 'set clock' && machine.state === 'running') {
      // A running process looks at its clock all the time: just before it was set back, and before it sleeps again.
      machine.holds();
      machine.wallOffsetMs += (amount - 500) * 4;
      machine.holds();
    }
    if (kind === 'prune') store.prune();
    if (kind === 'lose wakes') areWakesLost = !areWakesLost;
    if (kind === 'go back') goBack(amount);
  }

  /** What has arrived may be about to send something: lets it, so that time does not pass meanwhile. */
  async function settleMicrotasks(): Promise<void> {
    if (scheduler.count() === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async function deliverMessages(count: number): Promise<void> {
    await settleMicrotasks();
    const arriving = Math.min(count, scheduler.count());
    // One by one, for `waitNext` looks fifty times for more between any two.
    for (let one = 0; one < arriving; one++) await scheduler.waitOne();
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
    startServer(machine);
  }
  for (let index = 0; index < GUARD_COUNT; index++) {
    const guardFields = { credential: index, workspaceId: workspaceOf(index), serverIndex: index };
    const machine = { ...newMachine(SERVER_COUNT + index), ...guardFields } as unknown as SimulatedGuard;
    guards.push(machine);
    startGuard(world, machine);
  }
  // Everybody has a lease before anything goes wrong: a history without one shows nothing.
  while (!all().every((machine) => machine.holds())) {
    await deliverMessages(8);
    await settleMicrotasks();
    if (scheduler.count() === 0) advanceTime(1);
  }
  for (const step of steps) {
    applyStep(step);
    await deliverMessages(step.arrivals);
  }

  // From here on all is well, but for wake-ups: every answer comes, and everybody judges by it.
  areWakesLost = true;
  for (const machine of all()) machine.isPartitioned = false;
  const end = now + MAX_ANSWER_MS;
  for (await settleMicrotasks(); scheduler.count() > 0 || unanswered.size > 0; await settleMicrotasks()) {
    await deliverMessages(8);
    await settleMicrotasks();
    for (const open of unanswered) {
      if (open.machine.process !== open.process || open.machine.state !== 'running') unanswered.delete(open);
    }
    // Time passes for those who wait; without them the beats alone would go on for ever.
    if (unanswered.size === 0) continue;
    if (scheduler.count() === 0) advanceTime(LEASE_MS / 16);
    if (now > end) throw new Error('an answer never came');
  }
  for (const machine of all()) if (machine.state !== 'running') wakeUp(machine);
  for (let credential = 0; credential < CREDENTIAL_COUNT; credential++) {
    for (const machine of servers) checkCredential(machine, credential);
  }
  for (const machine of guards) checkCredential(machine, machine.credential);
  for (await settleMicrotasks(); scheduler.count() > 0; await settleMicrotasks()) await deliverMessages(8);
}

/** Random histories, as a property. */
export function randomHistories(engine: ProtocolImplementation) {
  return fc.asyncProperty(fc.scheduler(), fc.nat(), ARBITRARY_STEPS, (scheduler, seed, steps) =>
    runHistory(engine, scheduler, seed, steps),
  );
}
