import { revocationsIn } from './guard-lease.ts';
import type { BeatingLease } from './lease.ts';
import type { Machine, ServerMachine, World } from './simulation.ts';
import { createSmallMemory } from './small-memory.ts';

/** A process of somebody else's that judges one workspace's credentials from memory. */
export interface GuardMachine extends Machine {
  /** The credential that is presented to it. */
  readonly credential: number;
  readonly workspaceId: string;
  /** The server that it is connected to. */
  at: number;
  lease: BeatingLease;
}

/**
 * Starts a guard: the real registry, lease and renewal, with a network to one server at a time. A
 * connection is lost when either end is cut off or the server dies; the next one may be to another server.
 */
export function bootGuard(world: World, machine: GuardMachine): void {
  const { engine, servers, bound, random, after, send, deliver, clocksOf } = world;
  const { workspaceId } = machine;
  const process = ++machine.process;
  const id = `guard ${machine.index}.${process}`;
  machine.inbox = [];

  /** Asks the server; what comes of it is only known if both ends stay. */
  function call<T>(question: (server: ServerMachine, serverProcess: number) => Promise<T>): Promise<T> {
    const server = servers[machine.at];
    if (server === undefined) return Promise.reject(new Error('There is no such server.'));
    const serverProcess = server.process;
    const isLost = machine.cut && random() < 0.5;
    const isUnheard = machine.cut && !isLost;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) =>
        send(() =>
          deliver(machine, process, () => {
            machine.at = Math.floor(random() * servers.length);
            reject(error);
          }),
        );
      if (isLost) return fail(new Error('cut off'));
      // A frozen server answers too late, and a killed one never.
      const cancel = after(bound, () => fail(new Error('timed out')));
      send(() =>
        deliver(server, serverProcess, () => {
          question(server, serverProcess).then((answer) => {
            cancel();
            if (isUnheard || server.process !== serverProcess) fail(new Error('cut off'));
            else send(() => deliver(machine, process, () => resolve(answer)));
          }, fail);
        }),
      );
    });
  }

  const schedule = (delay: number, work: () => void) =>
    after(delay / machine.rate, () => deliver(machine, process, work));
  const registry = engine.createRegistry({
    read: (digest) => call((server) => server.guards.record(workspaceId, digest)),
    lease: { holds: () => machine.lease.holds() },
    memory: createSmallMemory(2),
  });
  const lease = engine.createLease({
    renew: engine.renewOver((applied, moved) =>
      call((server) => server.guards.beat({ id, workspaceId, applied, moved })),
    ),
    registry,
    bound,
    clocks: clocksOf(machine),
    schedule,
    random,
    onError: () => {},
    onBeat: () => {},
  });
  machine.registry = registry;
  machine.lease = lease;
  machine.holds = lease.holds;

  function listen(): void {
    const since = lease.applied();
    if (since === null) return void schedule(bound / 4, listen);
    call((server) => server.guards.wait({ id, workspaceId }, since)).then(
      (news) => {
        if (news.whole) lease.hear(since, revocationsIn(news, workspaceId), news.through);
        if (!news.whole || news.revocations.length > 0) lease.wake();
        if (lease.applied() === since) schedule(bound / 4, listen);
        else listen();
      },
      () => schedule(bound / 4, listen),
    );
  }
  listen();
  void lease.start(Number.POSITIVE_INFINITY);
}
