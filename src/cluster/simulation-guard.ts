import { toRevokedRecords } from '../authorization/guard-lease.ts';
import type { RenewingLease } from '../authorization/lease.ts';
import { createObjectRecordCache } from '../authorization/object-record-cache.ts';
import type { SimulatedMachine, SimulatedServer, World } from './simulation-world.ts';

/** A service that decides on the credentials of one workspace from its own cache. */
export interface SimulatedGuard extends SimulatedMachine {
  /** The only credential that is presented to the guard. */
  readonly credential: number;
  readonly workspaceId: string;
  /** The server that the guard is connected to. */
  serverIndex: number;
  lease: RenewingLease;
}

/**
 * Starts a guard with the registry, lease and renewal of `world.implementation`, connected to one server at a time. The
 * connection is lost if the guard is partitioned or the server crashes; the next connection may be to another server.
 */
export function startGuard(world: World, machine: SimulatedGuard): void {
  const { implementation, servers, leaseMs, random, after, send, deliver, clocksOf } = world;
  const { workspaceId } = machine;
  const processNumber = ++machine.processNumber;
  const id = `guard ${machine.index}.${processNumber}`;
  machine.inbox = [];

  /** Sends a request to the server. Resolves only if the guard stays connected and both processes stay alive. */
  function callServer<T>(request: (server: SimulatedServer) => Promise<T>): Promise<T> {
    const server = servers[machine.serverIndex];
    if (server === undefined) return Promise.reject(new Error('There is no such server.'));
    const serverProcessNumber = server.processNumber;
    const isRequestLost = machine.isPartitioned && random() < 0.5;
    const isResponseLost = machine.isPartitioned && !isRequestLost;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) =>
        send(() =>
          deliver(machine, processNumber, () => {
            machine.serverIndex = Math.floor(random() * servers.length);
            reject(error);
          }),
        );
      if (isRequestLost) return fail(new Error('cut off'));
      // A frozen server responds too late, and a crashed server never.
      const cancel = after(leaseMs, () => fail(new Error('timed out')));
      send(() =>
        deliver(server, serverProcessNumber, () => {
          request(server).then((response) => {
            cancel();
            if (isResponseLost || server.processNumber !== serverProcessNumber) fail(new Error('cut off'));
            else send(() => deliver(machine, processNumber, () => resolve(response)));
          }, fail);
        }),
      );
    });
  }

  const schedule = (delayMs: number, work: () => void) =>
    after(delayMs / machine.clockRate, () => deliver(machine, processNumber, work));
  const registry = implementation.createRegistry({
    read: (digest) => callServer((server) => server.guards.findRecord(workspaceId, digest)),
    lease: { holds: () => machine.lease.holds() },
    cache: createObjectRecordCache(2),
  });
  const lease = implementation.createLease({
    renew: implementation.createLeaseRenewal((applied, advanced) =>
      callServer((server) => server.guards.renewLease({ id, workspaceId, applied, advanced })),
    ),
    registry,
    leaseMs,
    clocks: clocksOf(machine),
    schedule,
    random,
    onError: () => {},
    onHeartbeat: () => {},
  });
  machine.registry = registry;
  machine.lease = lease;
  machine.holds = lease.holds;

  function followRevocations(): void {
    const since = lease.applied();
    if (since === null) return void schedule(leaseMs / 4, followRevocations);
    callServer((server) => server.guards.waitForRevocations({ id, workspaceId }, since)).then(
      (feedPage) => {
        if (feedPage.whole) lease.applyRevocations(since, toRevokedRecords(feedPage, workspaceId), feedPage.through);
        if (!feedPage.whole || feedPage.revocations.length > 0) lease.renewNow();
        if (lease.applied() === since) schedule(leaseMs / 4, followRevocations);
        else followRevocations();
      },
      () => schedule(leaseMs / 4, followRevocations),
    );
  }
  followRevocations();
  void lease.start(Number.POSITIVE_INFINITY);
}
