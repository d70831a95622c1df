import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SECOND } from '../contract/limits.ts';
import type { LogQuery } from '../contract/logs.ts';
import { findCurrentRights, findCurrentRole } from '../store/current-rights.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './route.ts';

/** How often it is asked whether the reader of a stream may still read. */
const ACCESS_CHECK_INTERVAL_MS = 2 * SECOND;

/** What the principal of a request may do at the moment, as one word; null for nothing any more. */
function accessSnapshot(context: AppContext, request: FastifyRequest): Promise<string | null> {
  const { principal } = request;
  const workspaceId = workspaceIdOf(request);
  const { read } = context.store;
  if (principal?.kind === 'person') {
    return findCurrentRole(read, workspaceId, principal.personId, principal.sessionId, context.clock());
  }
  return findCurrentRights(read, workspaceId, principal?.record.id ?? '', context.clock());
}

/** Calls `onJobEnd` when the principal of a request is no longer what it was when the request was let in. */
async function watchAccess(context: AppContext, request: FastifyRequest, onEnd: () => void): Promise<() => void> {
  const initialAccess = await accessSnapshot(context, request);
  let isChecking = false;
  const timer = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    accessSnapshot(context, request)
      .then((currentAccess) => {
        if (currentAccess !== initialAccess || currentAccess === null) onEnd();
      })
      // Who can't be asked about is not let read on.
      .catch(onEnd)
      .finally(() => {
        isChecking = false;
      });
  }, ACCESS_CHECK_INTERVAL_MS);
  return () => clearInterval(timer);
}

/**
 * Answers with lines as they come. `begin` is given a signal that ends when the reader goes away, or is
 * revoked: a stream that was begun before a deletion does not outlive it by more than two seconds.
 */
export async function streamLines(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  readChunks: (signal: AbortSignal) => AsyncGenerator<string>,
): Promise<FastifyReply> {
  const abortController = new AbortController();
  const stopWatching = await watchAccess(context, request, () => abortController.abort());
  const { socket } = request.raw;
  const endStream = () => {
    // The connection outlives its answers, and would keep what each has left with it.
    socket.off('close', endStream);
    stopWatching();
    abortController.abort();
  };
  reply.raw.once('close', endStream);
  socket.once('close', endStream);
  // Who left while that was asked is not heard leaving any more.
  if (reply.raw.destroyed || socket.destroyed) endStream();
  const chunks = readChunks(abortController.signal);
  // Proxies that gather answers would keep a live log from its reader.
  reply.header('x-accel-buffering', 'no').type('application/x-ndjson');
  return reply.send(Readable.from(chunks, { objectMode: false }));
}

/** Answers with a log's lines as NDJSON; with `follow=true` for as long as more are said, or the reader stays. */
export function sendLog(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  logId: string,
  query: LogQuery,
): Promise<FastifyReply> {
  const { from = '0', follow } = query;
  const options = { from: Number(from), follow: follow === 'true' };
  return streamLines(context, request, reply, (signal) =>
    context.platform.logs.read(workspaceIdOf(request), logId, { ...options, signal }),
  );
}
