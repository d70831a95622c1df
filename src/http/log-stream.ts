import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SECOND } from '../contract/limits.ts';
import { findCurrentRights, findCurrentRole } from '../store/current-rights.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './principal.ts';
import { allowedResourcesOf, resourceCheckOf } from './resource-access.ts';

/** How often access is checked again while a stream is open. */
const ACCESS_CHECK_INTERVAL_MS = 2 * SECOND;

/** Returns the current access of the principal of a request as a comparable string; null without access. */
async function readCurrentAccess(context: AppContext, request: FastifyRequest): Promise<string | null> {
  const { principal } = request;
  const workspaceId = workspaceIdOf(request);
  const { read } = context.store;
  if (principal?.kind === 'person') {
    return findCurrentRole(read, workspaceId, principal.personId, principal.sessionId, context.clock());
  }
  // The app might have been moved to a project to which the credential has no access.
  const allowed = allowedResourcesOf(request);
  if (allowed !== null && (await resourceCheckOf(context, request)?.(allowed, workspaceId)) === false) return null;
  return findCurrentRights(read, workspaceId, principal?.record.id ?? '', context.clock());
}

/**
 * Calls `onEnd` when the access of the principal is gone, differs from that at the time of the call, or cannot be
 * checked. Returns a function that stops the checks.
 */
async function watchAccess(context: AppContext, request: FastifyRequest, onEnd: () => void): Promise<() => void> {
  const initialAccess = await readCurrentAccess(context, request);
  let isChecking = false;
  const timer = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    readCurrentAccess(context, request)
      .then((currentAccess) => {
        if (currentAccess !== initialAccess || currentAccess === null) onEnd();
      })
      // Fail closed: end the stream if access cannot be checked.
      .catch(onEnd)
      .finally(() => {
        isChecking = false;
      });
  }, ACCESS_CHECK_INTERVAL_MS);
  return () => clearInterval(timer);
}

/**
 * Streams log lines as they arrive. The signal given to `readChunks` is aborted when the client disconnects or,
 * within about two seconds, when the access of the principal changes.
 */
export async function streamLines(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  readChunks: (signal: AbortSignal) => AsyncGenerator<string>,
): Promise<FastifyReply> {
  // Proxies that buffer responses would delay a live log.
  reply.header('x-accel-buffering', 'no').type('application/x-ndjson');
  // A HEAD request must not start a log command.
  if (request.method === 'HEAD') return reply.send(Readable.from([]));
  const signal = await signalWhileAllowed(context, request, reply);
  return reply.send(Readable.from(readChunks(signal), { objectMode: false }));
}

/**
 * Returns a signal that is aborted when the client disconnects or, within about two seconds, when the access of the
 * principal changes.
 */
export async function signalWhileAllowed(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<AbortSignal> {
  const abortController = new AbortController();
  const stopWatching = await watchAccess(context, request, () => abortController.abort());
  const { socket } = request.raw;
  const endStream = () => {
    // The connection is reused for further requests, so its listeners must not accumulate.
    socket.off('close', endStream);
    stopWatching();
    abortController.abort();
  };
  reply.raw.once('close', endStream);
  socket.once('close', endStream);
  // If the client disconnected during the await, no close event will be emitted.
  if (reply.raw.destroyed || socket.destroyed) endStream();
  return abortController.signal;
}
