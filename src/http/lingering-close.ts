import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Maximum number of body bytes that are read and dropped, so that the client receives the response. */
const MAX_DRAINED_BYTES = 64 * 1_048_576;
/** If a client sends nothing for this long, it has stopped or waits for the connection to close. */
const LINGERING_TIMEOUT_MS = 1_000;
const MAX_LINGERING_TIME_MS = 10_000;

/**
 * Reads and drops incoming data, and destroys the socket when the client is silent or a limit is reached. Returns a
 * function that stops this.
 */
function drainSocket(socket: Socket): () => void {
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
  }, LINGERING_TIMEOUT_MS);
  timer.unref();
  const stopDraining = () => {
    clearInterval(timer);
    socket.off('close', stopDraining);
  };
  socket.once('close', stopDraining);
  return stopDraining;
}

/**
 * Ensures that a response reaches a client that is still sending its body (RFC 9112, section 9.6). Node closes a
 * connection that is not kept alive right after the response, and closing with unread bytes resets the connection: the
 * client sees an error instead of the response. So the remaining body is first read and dropped, within limits. Call
 * this before the response ends.
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
    const stopDraining = drainSocket(socket);
    request.once('end', () => {
      stopDraining();
      socket.destroySoon = close;
      if (isClosing) close();
    });
    request.removeAllListeners('data').resume();
  });
}

/**
 * Sends a response on a connection whose bytes are not a valid request, ends it, and drops further data within the same
 * limits.
 */
export function endWithLingeringClose(socket: Socket, response: string): void {
  if (!socket.writable) return;
  socket.end(response);
  socket.resume();
  drainSocket(socket);
}
