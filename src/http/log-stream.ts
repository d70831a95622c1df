import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LogQuery } from '../contract/log-line.ts';
import type { House } from './house.ts';
import { workspaceIdOf } from './route.ts';

/** Answers with a log's lines as NDJSON; with `follow=true` for as long as more are said, or the reader stays. */
export async function sendLog(
  house: House,
  request: FastifyRequest,
  reply: FastifyReply,
  logId: string,
  query: LogQuery,
): Promise<FastifyReply> {
  const gone = new AbortController();
  request.raw.socket.once('close', () => gone.abort());
  const lines = house.workspace.logs.read(workspaceIdOf(request), logId, {
    from: Number(query.from ?? 0),
    follow: query.follow === 'true',
    signal: gone.signal,
  });
  return reply.type('application/x-ndjson').send(Readable.from(lines, { objectMode: false }));
}
