import fc from 'fast-check';
import { startGuard } from './simulation-guard.ts';
import { changeCredential, checkCredential, type History, loseCommits } from './simulation-history.ts';
import { startServer } from './simulation-server.ts';
import type { SimulatedMachine } from './simulation-world.ts';

export const SERVER_COUNT = 3;

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
  'lose notifications',
  'lose commits',
] as const;

/** One event of a history. */
export interface Step {
  readonly kind: (typeof STEP_KINDS)[number];
  /** Selects a server or a guard. Edits and deletions always go to a server. */
  readonly machineIndex: number;
  readonly credential: number;
  /** For `wait`, milliseconds. For `set clock` and `lose commits`, a number from which the parameters are derived. */
  readonly amount: number;
  /** Maximum number of messages that arrive before the next event. */
  readonly arrivals: number;
}

export const ARBITRARY_STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...STEP_KINDS),
    machineIndex: fc.nat(4),
    credential: fc.nat(1),
    amount: fc.nat(1000),
    arrivals: fc.nat(14),
  }),
  { minLength: 8, maxLength: 40, size: 'max' },
);

export function wakeUp(machine: SimulatedMachine): void {
  machine.state = 'running';
  // Reads the clocks on wake-up, so that setting the wall clock back afterwards does not hide the time asleep.
  machine.holds();
  const inbox = machine.inbox;
  machine.inbox = [];
  for (const work of inbox) work();
}

export function applyStep(history: History, { kind, machineIndex, credential, amount }: Step): void {
  const { world } = history;
  const { store, servers, guards } = world;
  const server = servers[machineIndex % SERVER_COUNT];
  const guard = guards[machineIndex - SERVER_COUNT];
  const machine = guard ?? server;
  if (server === undefined || machine === undefined) return;
  if (kind === 'check') checkCredential(history, machine, guard?.credential ?? credential);
  if (kind === 'edit' || kind === 'delete')
    changeCredential(history, server, credential, kind === 'delete').catch(() => undefined);
  if (kind === 'wait') world.advanceTime(amount);
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
    // A running process reads its clock all the time, including just before and just after the clock is set.
    machine.holds();
    machine.wallOffsetMs += (amount - 500) * 4;
    machine.holds();
  }
  if (kind === 'prune') store.prune();
  if (kind === 'lose notifications') world.areNotificationsLost = !world.areNotificationsLost;
  if (kind === 'lose commits') loseCommits(history, amount);
}
