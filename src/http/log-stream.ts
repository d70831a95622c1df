import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LogQuery } from '../contract/log-line.ts';
import type { House } from './house.ts';
import { workspaceIdOf } from './route.ts';

/** Answers with lines as they come. `begin` is given a signal that ends when the reader goes away. */
export async function streamLines(
  request: FastifyRequest,
  reply: FastifyReply,
  begin: (signal: AbortSignal) => AsyncGenerator<string>,
): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  request.raw.socket.once('close', () => gone.abort());
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
  return streamLines(request, reply, (signal) =>
    house.workspace.logs.read(workspaceIdOf(request), logId, { ...how, signal }),
  );
}
