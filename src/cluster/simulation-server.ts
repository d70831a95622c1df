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

/** Starts a server with the production registry, node and guards over the simulated store. */
export function startServer(world: World, machine: SimulatedServer): void {
  const { implementation, store, leaseMs, random, after, deliver, callStore, notifyAll, clocksOf } = world;
  const process = ++machine.process;
  machine.inbox = [];
  const schedule = (delayMs: number, work: () => void) =>
    after(delayMs / machine.clockRate, () => deliver(machine, process, work));
  const read = (digest: string) => callStore(machine, process, () => store.read(Number(digest)));
  const registry = implementation.createRegistry({
    read,
    lease: { holds: () => machine.node.holds() },
    cache: createRecordCache(2),
  });
  const renewal = async (work: (renewal: LeaseRenewal & Pick<GuardStore, 'readWorkspace'>) => Promise<void>) => {
    const transaction = store.begin(() => machine.process === process);
    const inTransaction = <T>(request: () => T | Promise<T>) => callStore(machine, process, request, 'immediate');
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
    await callStore(machine, process, () => store.commit(transaction));
    if (advanced) notifyAll((server) => server.checkConfirmations());
  };
  const releaseLease = (id: string) => callStore(machine, process, () => store.releaseLease(id));
  const guards = implementation.createGuards({
    leaseMs,
    schedule,
    store: {
      readWorkspace: (workspaceId, number, limit) =>
        callStore(machine, process, () => store.readWorkspace(workspaceId, number, limit)),
      guardRenewal: renewal,
      releaseLease,
    },
    read:
      implementation.recordsFromCache === true
        ? async (digest) => toStoredCredential(await registry.find(digest))
        : read,
  });
  const node = implementation.createNode({
    id: `${machine.index}.${process}`,
    leaseMs,
    isNew: process === 1,
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
      readHead: () => callStore(machine, process, () => store.readHead()),
      readAfter: (number, limit) => callStore(machine, process, () => store.readAfter(number, limit)),
      readLeases: (_workspaceIds, awaited) =>
        callStore(machine, process, () => {
          for (const { id } of awaited) machine.commitLossesAtLastCheck.set(id, store.commitLossCount());
          return store.readLeases(awaited);
        }),
      notifyNodes: () => callStore(machine, process, () => notifyAll((server) => server.catchUpNow())),
      releaseLease,
      renewal,
    },
  });
  machine.registry = registry;
  machine.guards = guards;
  machine.node = node;
  machine.holds = node.holds;
  node.start().catch(() => {
    // Restarts a process that could not start, as a process supervisor would.
    if (machine.process === process)
      after(leaseMs / 4, () => machine.process === process && startServer(world, machine));
  });
}
