import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** When no request has arrived for so long, a connection is taken for idle, milliseconds. */
export const QUIET_MS = 250;
/** However busy its clients are, a stop goes on after this, milliseconds. */
const DRAIN_MS = 1_500;
const CHECK_INTERVAL_MS = 10;

/** What a stop waits for must end so long after its begin, milliseconds. */
const STOP_MS = 4_200;
/** Even where the last answers took all of that. */
const LEAST_MS = 250;

/** A stop that could not write everything; `message` says what was lost. */
export class IncompleteStop extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IncompleteStop';
  }
}

/**
 * Returns a function that waits for `work`, at least for `leastMs`, and rejects where it has not ended by the end of a
 * stop that begins now. What goes on writing is waited for as long as `left`, what is left to write, becomes less.
 */
export function createStopDeadline(left: () => number): (work: Promise<unknown>, leastMs?: number) => Promise<void> {
  const end = performance.now() + STOP_MS;
  return async (work, leastMs = LEAST_MS) => {
    const ended = work.then(() => true);
    for (let before = left(); ; before = left()) {
      const cancel = new AbortController();
      const late = pause(Math.max(leastMs, end - performance.now()), false, { signal: cancel.signal });
      const isOver = await Promise.race([ended, late]).finally(() => {
        late.catch(() => undefined);
        cancel.abort();
      });
      if (isOver) return;
      if (left() >= before) throw new Error('The database did not respond in time.');
    }
  };
}

const countConnections = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((error, count) => resolve(error === null ? count : 0)));

/**
 * Stops listening, and goes on answering what arrives on open connections until nothing has arrived for
 * `quietMs`: a client that is about to send on an idle connection would see it reset. Every answer says
 * `Connection: close` meanwhile (`http/http-server.ts`). Then idle connections may be closed. The function that is
 * returned resolves when all connections have ended.
 */
export async function stopListening(server: Server, quietMs: number): Promise<() => Promise<void>> {
  // Not the one of HTTP servers, which closes idle connections at once.
  const ended = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const startedAt = performance.now();
  let lastRequest = startedAt;
  const noteRequest = () => {
    lastRequest = performance.now();
  };
  server.on('request', noteRequest);
  while (performance.now() - lastRequest < quietMs && performance.now() - startedAt < DRAIN_MS) {
    if ((await countConnections(server)) === 0) break;
    await pause(CHECK_INTERVAL_MS);
  }
  server.off('request', noteRequest);
  return () => ended;
}
