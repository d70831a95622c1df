import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Maximum number of body bytes that are read and dropped. */
const MAX_DRAINED_BYTES = 64 * 1_048_576;
/**
 * A client that sends nothing for this long is assumed to have stopped or to be waiting for the connection to close.
 */
const IDLE_TIMEOUT_MS = 1_000;
const MAX_LINGERING_TIME_MS = 10_000;

/**
 * Destroys the socket when the client sends nothing more or a limit is reached. The caller reads and drops the incoming
 * data. Returns a function that stops the checks.
 */
function limitDraining(socket: Socket): () => void {
  const initialBytes = socket.bytesRead;
  const startedAtMs = performance.now();
  let previousBytes = initialBytes;
  const timer = setInterval(() => {
    const { bytesRead } = socket;
    if (
      bytesRead > previousBytes &&
      bytesRead - initialBytes <= MAX_DRAINED_BYTES &&
      performance.now() - startedAtMs <= MAX_LINGERING_TIME_MS
    )
      previousBytes = bytesRead;
    else socket.destroy();
  }, IDLE_TIMEOUT_MS);
  timer.unref();
  const stopChecks = () => {
    clearInterval(timer);
    socket.off('close', stopChecks);
  };
  socket.once('close', stopChecks);
  return stopChecks;
}

/**
 * Ensures that a response reaches a client that is still sending its body (RFC 9112, section 9.6). Node closes a
 * connection that is not kept alive immediately after the response. If bytes are unread then, the connection is reset,
 * and the client sees an error instead of the response. So the remaining body is read and dropped first, within limits.
 * Call this before the response ends.
 */
export function enableLingeringClose(request: IncomingMessage, response: ServerResponse): void {
  // Must run before Node's own listener, which closes the connection.
  response.prependOnceListener('finish', () => {
    const { socket } = request;
    if (request.complete || socket.destroyed) return;
    const close = socket.destroySoon.bind(socket);
    let isClosing = false;
    socket.destroySoon = () => {
      isClosing = true;
    };
    const stopChecks = limitDraining(socket);
    request.once('end', () => {
      stopChecks();
      socket.destroySoon = close;
      if (isClosing) close();
    });
    request.removeAllListeners('data').resume();
  });
}

/**
 * Sends a response to bytes that are not a valid request and ends the connection. Drops further data within the same
 * limits.
 */
export function endWithLingeringClose(socket: Socket, response: string): void {
  if (!socket.writable) return;
  socket.end(response);
  socket.resume();
  limitDraining(socket);
}
