import type fc from 'fast-check';
import type { Revocation } from '../authorization/registry.ts';
import { workspaceOf } from './simulation-store.ts';
import {
  CREDENTIAL_COUNT,
  type SimulatedMachine,
  type SimulatedServer,
  type SimulatedWorld,
} from './simulation-world.ts';

/** The state of one simulated history: its world, the guarantees given so far, and their violations. */
export interface History {
  readonly world: SimulatedWorld;
  readonly scheduler: fc.Scheduler;
  /** The oldest version of each credential that may still be accepted. */
  readonly oldestAcceptable: number[];
  /** Committed deletions and edits whose revocation is not confirmed yet. */
  readonly pendingChanges: Set<{
    readonly machine: SimulatedMachine;
    readonly processNumber: number;
  }>;
  readonly violations: string[];
}

/** Sends a check to a machine, and records a violation if it accepts a version that must no longer be accepted. */
export function checkCredential(history: History, machine: SimulatedMachine, credential: number): void {
  const { world, oldestAcceptable, violations } = history;
  const { store, send, deliver } = world;
  const oldest = oldestAcceptable[credential] ?? 0;
  const commitLossesBefore = store.commitLossCount();
  const { processNumber } = machine;
  send(() =>
    deliver(machine, processNumber, () => {
      const { registry } = machine;
      const digest = String(credential);
      const cached = registry.findCached(digest);
      // A guard without a lease forwards requests to a server, whose decisions are checked separately.
      if (cached === null && !('node' in machine) && !machine.holds()) return;
      Promise.resolve(cached ?? registry.find(digest)).then(
        (record) => {
          // If the store has lost commits since the check was sent, restored credentials may be accepted again.
          if (record === null || Number(record.name) >= oldest || store.commitLossCount() !== commitLossesBefore)
            return;
          violations.push(
            `machine ${machine.index} accepted version ${record.name} of credential ${credential}; versions before ${oldest} are revoked`,
          );
        },
        () => undefined,
      );
    }),
  );
}

/** Edits or deletes a credential. Older versions must not be accepted once the change is confirmed. */
export async function changeCredential(
  history: History,
  machine: SimulatedServer,
  credential: number,
  isDeletion: boolean,
): Promise<void> {
  const { world, oldestAcceptable, pendingChanges, violations } = history;
  const { store, callStore } = world;
  const { processNumber, node } = machine;
  const transaction = store.begin(() => machine.processNumber === processNumber);
  await callStore(machine, processNumber, () => store.lockCounter(transaction, 'update'));
  const change = store.change(transaction, credential, isDeletion);
  if (change === null) return;
  const revocation: Revocation = await callStore(machine, processNumber, () => {
    store.commit(transaction);
    return { ...change.revocation(), workspaceId: workspaceOf(credential), digest: String(credential) };
  });
  const pendingChange = { machine, processNumber };
  pendingChanges.add(pendingChange);
  await node.waitForConfirmation(revocation).finally(() => pendingChanges.delete(pendingChange));
  if (store.readLeases([revocation]).lost.length > 0) {
    // The node can only have missed the loss if the store lost commits after the node's last check.
    if (machine.commitLossesAtLastCheck.get(revocation.id) === store.commitLossCount())
      violations.push(`server ${machine.index} confirmed a lost revocation`);
    return;
  }
  // An older version means that the revocation was lost and then pruned, which cannot be detected. In production,
  // revocations are pruned after an hour, and no deletion waits that long.
  const current = store.versionOf(credential);
  if (current !== null && current < change.version()) return;
  oldestAcceptable[credential] = Math.max(oldestAcceptable[credential] ?? 0, change.version());
}

/**
 * Makes the store lose its latest commits. The restored versions of credentials may be accepted again, but no older
 * versions.
 */
export function loseCommits({ world, oldestAcceptable }: History, amount: number): void {
  const { store } = world;
  // `amount` determines both parameters. At most the last half of the commits is lost.
  const keptFraction = 1 - (amount % 100) / 200;
  const inPlace = amount % 2 === 0;
  store.loseCommits(keptFraction, inPlace);
  for (let credential = 0; credential < CREDENTIAL_COUNT; credential++) {
    const version = store.versionOf(credential);
    if (version !== null) oldestAcceptable[credential] = Math.min(oldestAcceptable[credential] ?? 0, version);
  }
}
