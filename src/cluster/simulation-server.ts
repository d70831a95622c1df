import type { CredentialRecord, StoredCredential } from '../authorization/record.ts';
import { createRecordCache } from '../authorization/record-cache.ts';
import type { GuardStore } from './guards.ts';
import type { LeaseRenewal } from './node.ts';
import type { SimulatedServer, World } from './simulation-world.ts';

function toStoredCredential(record: CredentialRecord | null): StoredCredential | null {
  if (record === null) return null;
  const { kind, id, name, active, expiresAt, createdAt, passphraseHash, workspace } = record;
  return { kind, id, name, active, expiresAt, createdAt, passphraseHash, workspaceId: workspace.id, rights: ['read'] };
}

/**
 * Starts a simulated Devpilot server with the registry, node and guards of `world.implementation`: the production code,
 * in which a test may have planted a fault.
 */
export function startServer(world: World, machine: SimulatedServer): void {
  const { implementation, store, leaseMs, random, after, deliver, callStore, notifyAll, clocksOf } = world;
  const processNumber = ++machine.processNumber;
  machine.inbox = [];
  const schedule = (delayMs: number, work: () => void) =>
    after(delayMs / machine.clockRate, () => deliver(machine, processNumber, work));
  const read = (digest: string) => callStore(machine, processNumber, () => store.read(Number(digest)));
  const registry = implementation.createRegistry({
    read,
    lease: { holds: () => machine.node.holds() },
    cache: createRecordCache(2),
  });
  const runRenewal = async (work: (renewal: LeaseRenewal & Pick<GuardStore, 'readWorkspace'>) => Promise<void>) => {
    const transaction = store.begin(() => machine.processNumber === processNumber);
    const inTransaction = <T>(request: () => T | Promise<T>) => callStore(machine, processNumber, request, 'immediate');
    let advanced = false;
    await work({
      lockCounter: () => inTransaction(() => store.lockCounter(transaction, 'share')),
      readHead: () => inTransaction(() => store.readHead(transaction)),
      readAfter: (number, limit) => inTransaction(() => store.readAfter(number, limit, transaction)),
      readWorkspace: (workspaceId, number, limit) =>
        inTransaction(() => store.readWorkspace(workspaceId, number, limit, transaction)),
      grant: (confirmation) => {
        advanced ||= confirmation.advanced;
        store.grant(transaction, confirmation);
        return Promise.resolve(true);
      },
    });
    await callStore(machine, processNumber, () => store.commit(transaction));
    if (advanced) notifyAll((server) => server.checkConfirmations());
  };
  const releaseLease = (id: string) => callStore(machine, processNumber, () => store.releaseLease(id));
  const guards = implementation.createGuards({
    leaseMs,
    schedule,
    store: {
      readWorkspace: (workspaceId, number, limit) =>
        callStore(machine, processNumber, () => store.readWorkspace(workspaceId, number, limit)),
      runGuardRenewal: runRenewal,
      releaseLease,
    },
    read:
      implementation.recordsFromCache === true
        ? async (digest) => toStoredCredential(await registry.find(digest))
        : read,
  });
  const node = implementation.createNode({
    id: `${machine.index}.${processNumber}`,
    leaseMs,
    isNew: processNumber === 1,
    registry: {
      apply(revocation) {
        registry.apply(revocation);
        guards.onRevocation(revocation);
      },
      clear: registry.clear,
    },
    clocks: clocksOf(machine),
    schedule,
    random,
    onError: () => {},
    store: {
      readHead: () => callStore(machine, processNumber, () => store.readHead()),
      readAfter: (number, limit) => callStore(machine, processNumber, () => store.readAfter(number, limit)),
      readLeases: (_workspaceIds, awaited) =>
        callStore(machine, processNumber, () => {
          for (const { id } of awaited) machine.commitLossesAtLastCheck.set(id, store.commitLossCount());
          return store.readLeases(awaited);
        }),
      notifyNodes: () => callStore(machine, processNumber, () => notifyAll((server) => server.catchUpNow())),
      releaseLease,
      runRenewal,
    },
  });
  machine.registry = registry;
  machine.guards = guards;
  machine.node = node;
  machine.holds = node.holds;
  node.start().catch(() => {
    // Restarts a process that could not start, as a process supervisor would.
    if (machine.processNumber === processNumber)
      after(leaseMs / 4, () => machine.processNumber === processNumber && startServer(world, machine));
  });
}
