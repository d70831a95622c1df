import fc from 'fast-check';
import { type SimulatedGuard, startGuard } from './simulation-guard.ts';
import { checkCredential, type History } from './simulation-history.ts';
import { startServer } from './simulation-server.ts';
import { ARBITRARY_STEPS, applyStep, SERVER_COUNT, type Step, wakeUp } from './simulation-steps.ts';
import { workspaceOf } from './simulation-store.ts';
import {
  CREDENTIAL_COUNT,
  createWorld,
  LEASE_MS,
  type ProtocolImplementation,
  type SimulatedServer,
  type SimulatedWorld,
} from './simulation-world.ts';

/** One guard per workspace. */
const GUARD_COUNT = 2;
/** Clocks run fast or slow by up to this fraction. */
const MAX_CLOCK_DRIFT = 0.02;
/** While the store can be reached, a deletion or edit returns within this time, even if nodes are frozen. */
const MAX_CHANGE_MS = 5 * LEASE_MS;
/** Maximum number of messages that are delivered before time can pass. */
const MESSAGES_PER_ROUND = 8;

/** Lets the recipients of messages send their own messages before time passes. */
async function settleMicrotasks({ scheduler }: History): Promise<void> {
  if (scheduler.count() === 0) await new Promise((resolve) => setImmediate(resolve));
}

async function deliverMessages(history: History, count: number): Promise<void> {
  const { scheduler, violations } = history;
  await settleMicrotasks(history);
  const arriving = Math.min(count, scheduler.count());
  // One message at a time, because `waitNext` polls fifty times for new messages between two messages.
  for (let index = 0; index < arriving; index++) await scheduler.waitOne();
  if (violations.length > 0) throw new Error(violations[0]);
}

function newMachine(index: number, random: () => number) {
  const clockRate = 1 + (random() * 2 - 1) * MAX_CLOCK_DRIFT;
  const wallOffsetMs = random() * 1e6;
  return {
    index,
    clockRate,
    wallOffsetMs,
    suspendedMs: 0,
    state: 'running' as const,
    isPartitioned: false,
    processNumber: 0,
    inbox: [],
  };
}

/** `startServer` and `startGuard` set the fields that `newMachine` does not. */
function startMachines(world: SimulatedWorld): void {
  for (let index = 0; index < SERVER_COUNT; index++) {
    const machine = {
      ...newMachine(index, world.random),
      commitLossesAtLastCheck: new Map(),
    } as unknown as SimulatedServer;
    world.servers.push(machine);
    startServer(world, machine);
  }
  for (let index = 0; index < GUARD_COUNT; index++) {
    const guardFields = { credential: index, workspaceId: workspaceOf(index), serverIndex: index };
    const machine = { ...newMachine(SERVER_COUNT + index, world.random), ...guardFields } as unknown as SimulatedGuard;
    world.guards.push(machine);
    startGuard(world, machine);
  }
}

/** Waits until all machines hold a lease, because a history without leases proves nothing. */
async function waitForLeases(history: History): Promise<void> {
  const { world, scheduler } = history;
  while (!world.machines().every((machine) => machine.holds())) {
    await deliverMessages(history, MESSAGES_PER_ROUND);
    await settleMicrotasks(history);
    if (scheduler.count() === 0) world.advanceTime(1);
  }
}

/** Waits until every change on a running server has returned. Only notifications are lost during the wait. */
async function waitForPendingChanges(history: History): Promise<void> {
  const { world, scheduler, pendingChanges } = history;
  world.areNotificationsLost = true;
  for (const machine of world.machines()) machine.isPartitioned = false;
  const end = world.now() + MAX_CHANGE_MS;
  for (;;) {
    await settleMicrotasks(history);
    if (scheduler.count() === 0 && pendingChanges.size === 0) return;
    await deliverMessages(history, MESSAGES_PER_ROUND);
    await settleMicrotasks(history);
    for (const change of pendingChanges) {
      if (change.machine.processNumber !== change.processNumber || change.machine.state !== 'running')
        pendingChanges.delete(change);
    }
    // Time passes only while a change waits. Otherwise heartbeats would continue forever.
    if (pendingChanges.size === 0) continue;
    if (scheduler.count() === 0) world.advanceTime(LEASE_MS / 16);
    if (world.now() > end) throw new Error('a deletion or edit never returned');
  }
}

/** Wakes all machines, then checks every credential on every server, and on each guard the credential of that guard. */
async function checkAll(history: History): Promise<void> {
  const { world, scheduler } = history;
  for (const machine of world.machines()) if (machine.state !== 'running') wakeUp(machine);
  for (let credential = 0; credential < CREDENTIAL_COUNT; credential++) {
    for (const machine of world.servers) checkCredential(history, machine, credential);
  }
  for (const machine of world.guards) checkCredential(history, machine, machine.credential);
  for (;;) {
    await settleMicrotasks(history);
    if (scheduler.count() === 0) return;
    await deliverMessages(history, MESSAGES_PER_ROUND);
  }
}

/**
 * Runs one history. Throws if a check that began after a revocation had returned accepts the revoked credential, or if
 * a deletion or edit never returns.
 */
async function runHistory(
  implementation: ProtocolImplementation,
  scheduler: fc.Scheduler,
  seed: number,
  steps: readonly Step[],
): Promise<void> {
  const world = createWorld(implementation, scheduler, seed);
  const oldestAcceptable = Array.from({ length: CREDENTIAL_COUNT }, () => 0);
  const history: History = { world, scheduler, oldestAcceptable, pendingChanges: new Set(), violations: [] };
  startMachines(world);
  await waitForLeases(history);
  for (const step of steps) {
    applyStep(history, step);
    await deliverMessages(history, step.arrivals);
  }
  await waitForPendingChanges(history);
  await checkAll(history);
}

/** Returns the property that `runHistory` succeeds for random histories. */
export function randomHistories(implementation: ProtocolImplementation) {
  return fc.asyncProperty(fc.scheduler(), fc.nat(), ARBITRARY_STEPS, (scheduler, seed, steps) =>
    runHistory(implementation, scheduler, seed, steps),
  );
}
