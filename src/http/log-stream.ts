import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LogQuery } from '../contract/log-line.ts';
import { SECOND } from '../contract/words.ts';
import { credentialStanding, memberStanding } from '../store/presence.ts';
import type { House } from './house.ts';
import { workspaceIdOf } from './route.ts';

/** How often it is asked whether the reader of a stream may still read. */
const ASK_EVERY = 2 * SECOND;

/** What the principal of a request may do at the moment, as one word; null for nothing any more. */
function standingOf(house: House, request: FastifyRequest): Promise<string | null> {
  const { principal } = request;
  const workspaceId = workspaceIdOf(request);
  const { read } = house.store;
  if (principal?.kind === 'person') {
    return memberStanding(read, workspaceId, principal.personId, principal.sessionId, house.clock());
  }
  return credentialStanding(read, workspaceId, principal?.record.id ?? '', house.clock());
}

/** Calls `onEnd` when the principal of a request is no longer what it was when the request was let in. */
async function watchStanding(house: House, request: FastifyRequest, onEnd: () => void): Promise<() => void> {
  const before = await standingOf(house, request);
  let asking = false;
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    standingOf(house, request)
      .then((now) => {
        if (now !== before || now === null) onEnd();
      })
      // Who can't be asked about is not let read on.
      .catch(onEnd)
      .finally(() => {
        asking = false;
      });
  }, ASK_EVERY);
  return () => clearInterval(timer);
}

/**
 * Answers with lines as they come. `begin` is given a signal that ends when the reader goes away, or is
 * revoked: a stream that was begun before a deletion does not outlive it by more than two seconds.
 */
export async function streamLines(
  house: House,
  request: FastifyRequest,
  reply: FastifyReply,
  begin: (signal: AbortSignal) => AsyncGenerator<string>,
): Promise<FastifyReply> {
  const gone = new AbortController();
  const stop = await watchStanding(house, request, () => gone.abort());
  const { socket } = request.raw;
  const end = () => {
    // The connection outlives its answers, and would keep what each has left with it.
    socket.off('close', end);
    stop();
    gone.abort();
  };
  reply.raw.once('close', end);
  socket.once('close', end);
  // Who left while that was asked is not heard leaving any more.
  if (reply.raw.destroyed || socket.destroyed) end();
  const lines = begin(gone.signal);
  // Proxies that gather answers would keep a live log from its reader.
  reply.header('x-accel-buffering', 'no').type('application/x-ndjson');
  return reply.send(Readable.from(lines, { objectMode: false }));
}

/** Answers with a log's lines as NDJSON; with `follow=true` for as long as more are said, or the reader stays. */
export function sendLog(
  house: House,
  request: FastifyRequest,
  reply: FastifyReply,
  logId: string,
  query: LogQuery,
): Promise<FastifyReply> {
  const { from = '0', follow } = query;
  const how = { from: Number(from), follow: follow === 'true' };
  return streamLines(house, request, reply, (signal) =>
    house.workspace.logs.read(workspaceIdOf(request), logId, { ...how, signal }),
  );
}
