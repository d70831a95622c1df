import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A connection is considered idle if no request has arrived for this long, milliseconds. */
export const QUIET_MS = 250;
/** Limit of the drain phase, however busy clients are, milliseconds. */
const DRAIN_MS = 1_500;
const CHECK_INTERVAL_MS = 10;

/** Time after the start of a stop at which everything it waits for must have ended, milliseconds. */
const STOP_MS = 4_200;
/** Minimum wait even if the last responses used up all of that, milliseconds. */
const LEAST_MS = 250;

/** A stop that could not write everything; `message` says what was lost. */
export class IncompleteStop extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IncompleteStop';
  }
}

/**
 * Returns a function that waits for `work`, at least `leastMs`, and rejects if it has not ended by the deadline of a
 * stop that starts now. Past the deadline it keeps waiting as long as `left`, the number of items still to write,
 * decreases.
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
 * Stops listening, but keeps answering requests on open connections until none has arrived for `quietMs`: a client
 * about to send on an idle connection would see a reset otherwise. Every response says `Connection: close` in the meantime
 * (`http/node-server.ts`). After that idle connections may be closed. The returned function resolves when all
 * connections have ended.
 */
async function stopListening(server: Server, quietMs: number): Promise<() => Promise<void>> {
  // Not `http.Server.prototype.close`, which closes idle connections immediately.
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

/** Time that requests in flight get before their connections are cut; milliseconds. */
const CLOSE_TIMEOUT_MS = 4_000;
/** Longer than that: `closeHttpServer` keeps its own time limit. */
export const HTTP_CLOSE_LIMIT_MS = CLOSE_TIMEOUT_MS + 2_000;

/** Stops listening, completes requests in flight and closes all connections. `close` is the framework's own. */
export async function closeHttpServer(server: Server, close: () => Promise<unknown>, quietMs: number): Promise<void> {
  const forcedCloseTimer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  const allEnded = await stopListening(server, quietMs);
  // A connection answered in the meantime would be kept alive, and the stop would wait for it.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  await close();
  await allEnded();
  clearTimeout(forcedCloseTimer);
  clearInterval(sweep);
}
