import { toRevokedRecords } from '../authorization/guard-lease.ts';
import type { RenewingLease } from '../authorization/lease.ts';
import { createObjectRecordCache } from '../authorization/object-record-cache.ts';
import type { SimulatedMachine, SimulatedServer, World } from './simulation.ts';

/** A process of somebody else's that judges one workspace's credentials from memory. */
export interface SimulatedGuard extends SimulatedMachine {
  /** The credential that is presented to it. */
  readonly credential: number;
  readonly workspaceId: string;
  /** The server that it is connected to. */
  serverIndex: number;
  lease: RenewingLease;
}

/**
 * Starts a guard: the real registry, lease and renewal, with a network to one server at a time. A
 * connection is lost when either end is cut off or the server dies; the next one may be to another server.
 */
export function startGuard(world: World, machine: SimulatedGuard): void {
  const { engine, servers, leaseMs: bound, random, after, send, deliver, clocksOf } = world;
  const { workspaceId } = machine;
  const process = ++machine.process;
  const id = `guard ${machine.index}.${process}`;
  machine.inbox = [];

  /** Asks the server; what comes of it is only known if both ends stay. */
  function callServer<T>(request: (server: SimulatedServer, serverProcess: number) => Promise<T>): Promise<T> {
    const server = servers[machine.serverIndex];
    if (server === undefined) return Promise.reject(new Error('There is no such server.'));
    const serverProcess = server.process;
    const isLost = machine.isPartitioned && random() < 0.5;
    const isUnheard = machine.isPartitioned && !isLost;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) =>
        send(() =>
          deliver(machine, process, () => {
            machine.serverIndex = Math.floor(random() * servers.length);
            reject(error);
          }),
        );
      if (isLost) return fail(new Error('cut off'));
      // A frozen server answers too late, and a killed one never.
      const cancel = after(bound, () => fail(new Error('timed out')));
      send(() =>
        deliver(server, serverProcess, () => {
          request(server, serverProcess).then((answer) => {
            cancel();
            if (isUnheard || server.process !== serverProcess) fail(new Error('cut off'));
            else send(() => deliver(machine, process, () => resolve(answer)));
          }, fail);
        }),
      );
    });
  }

  const schedule = (delay: number, work: () => void) =>
    after(delay / machine.clockRate, () => deliver(machine, process, work));
  const registry = engine.createRegistry({
    read: (digest) => callServer((server) => server.guards.findRecord(workspaceId, digest)),
    lease: { holds: () => machine.lease.holds() },
    cache: createObjectRecordCache(2),
  });
  const lease = engine.createLease({
    renew: engine.renewOver((applied, moved) =>
      callServer((server) => server.guards.renewLease({ id, workspaceId, applied, moved })),
    ),
    registry,
    bound,
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
    if (since === null) return void schedule(bound / 4, followRevocations);
    callServer((server) => server.guards.waitForRevocations({ id, workspaceId }, since)).then(
      (feedPage) => {
        if (feedPage.whole) lease.applyRevocations(since, toRevokedRecords(feedPage, workspaceId), feedPage.through);
        if (!feedPage.whole || feedPage.revocations.length > 0) lease.renewNow();
        if (lease.applied() === since) schedule(bound / 4, followRevocations);
        else followRevocations();
      },
      () => schedule(bound / 4, followRevocations),
    );
  }
  followRevocations();
  void lease.start(Number.POSITIVE_INFINITY);
}
