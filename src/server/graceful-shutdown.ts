import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Time without a request after which a connection is considered idle. */
export const IDLE_MS = 250;
/** Maximum time for which a stopping server responds to requests that keep arriving. */
const DRAIN_MS = 1_500;
const CHECK_INTERVAL_MS = 10;

/** Time from the start of a shutdown to its deadline. Only work that makes progress may take longer. */
const STOP_MS = 4_200;
/** Default minimum wait for each piece of work, even if the last responses have used up `STOP_MS`. */
const MIN_WAIT_MS = 250;

/** A shutdown that could not write everything. The message lists the losses. */
export class IncompleteStop extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IncompleteStop';
  }
}

/**
 * Returns a function that waits for `work`, for at least `minimumMs`, and rejects if it has not ended by the deadline
 * of a shutdown that starts now. After the deadline, it continues to wait as long as `remaining()`, the number of items
 * still to write, decreases.
 */
export function createStopDeadline(
  remaining: () => number,
): (work: Promise<unknown>, minimumMs?: number) => Promise<void> {
  const deadlineMs = performance.now() + STOP_MS;
  return async (work, minimumMs = MIN_WAIT_MS) => {
    const ended = work.then(() => true);
    for (let previous = remaining(); ; previous = remaining()) {
      const cancel = new AbortController();
      const timeout = pause(Math.max(minimumMs, deadlineMs - performance.now()), false, { signal: cancel.signal });
      const hasEnded = await Promise.race([ended, timeout]).finally(() => {
        timeout.catch(() => undefined);
        cancel.abort();
      });
      if (hasEnded) return;
      if (remaining() >= previous) throw new Error('The database did not respond in time.');
    }
  };
}

const countConnections = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((error, count) => resolve(error === null ? count : 0)));

/**
 * Stops listening, but continues to respond to requests on open connections until no request has arrived for `idleMs`.
 * Otherwise, a client that is about to use an idle connection would get a reset. During this time, every response
 * contains `Connection: close` (`http/node-server.ts`). Afterwards, idle connections may be closed. Returns a function
 * that waits until all connections have ended. (If the promise itself were returned, the caller would wait for it
 * immediately.)
 */
async function stopListening(server: Server, idleMs: number): Promise<() => Promise<void>> {
  // `http.Server.prototype.close` is not used, because it closes idle connections immediately.
  const ended = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const startMs = performance.now();
  let lastRequestMs = startMs;
  const recordRequest = () => {
    lastRequestMs = performance.now();
  };
  server.on('request', recordRequest);
  while (performance.now() - lastRequestMs < idleMs && performance.now() - startMs < DRAIN_MS) {
    if ((await countConnections(server)) === 0) break;
    await pause(CHECK_INTERVAL_MS);
  }
  server.off('request', recordRequest);
  return () => ended;
}

/** Time after which the connections of requests in flight are closed. */
const CLOSE_TIMEOUT_MS = 4_000;
/** Longer than `CLOSE_TIMEOUT_MS`, because `closeHttpServer` enforces its own time limit. */
export const HTTP_CLOSE_LIMIT_MS = CLOSE_TIMEOUT_MS + 2_000;

/**
 * Stops listening, completes requests in flight and closes all connections. `close` is the function of the framework.
 */
export async function closeHttpServer(server: Server, close: () => Promise<unknown>, idleMs: number): Promise<void> {
  const forcedCloseTimer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  const allEnded = await stopListening(server, idleMs);
  // A connection that has just become idle would be kept alive, and the shutdown would wait for it.
  const closeIdleTimer = setInterval(() => server.closeIdleConnections(), 20);
  await close();
  await allEnded();
  clearTimeout(forcedCloseTimer);
  clearInterval(closeIdleTimer);
}
