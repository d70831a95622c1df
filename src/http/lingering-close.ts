import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How much of a body is read that nobody wants any more, so that its sender gets the answer. */
const MAX_DRAINED_BYTES = 64 * 1_048_576;
/** A client that sends nothing for so long has stopped, or waits for the end of the connection. */
const LINGERING_TIMEOUT_MS = 1_000;
const LINGERING_TIME_MS = 10_000;

/** Reads what still comes and drops it, until `done`, silence or a bound; then destroys the socket. */
function drainSocket(socket: Socket): () => void {
  const initialBytes = socket.bytesRead;
  const startedAtMs = performance.now();
  let previousBytes = initialBytes;
  const timer = setInterval(() => {
    const { bytesRead } = socket;
    if (
      bytesRead > previousBytes &&
      bytesRead - initialBytes <= MAX_DRAINED_BYTES &&
      performance.now() - startedAtMs <= LINGERING_TIME_MS
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
 * Lets an answer reach a client that is still sending its body (RFC 9112, section 9.6). Node closes a connection
 * right after the answer where it is not to be kept, and a close with unread bytes resets it: the client sees an
 * error instead of the answer. So the rest of the body is read and dropped first, within bounds. To be called before
 * the answer ends.
 */
export function enableLingeringClose(request: IncomingMessage, response: ServerResponse): void {
  // Before Node's own listener, which closes the connection.
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

/** The same for a connection whose bytes are no request: writes the answer, ends, and reads on within the bounds. */
export function endWithLingeringClose(socket: Socket, answer: string): void {
  if (!socket.writable) return;
  socket.end(answer);
  socket.resume();
  drainSocket(socket);
}
