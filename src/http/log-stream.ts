import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';

const NDJSON = 'application/x-ndjson; charset=utf-8';

/**
 * Answers with lines as they come. `begin` is given a signal that ends when the reader goes away; its
 * first piece is waited for where that can still become a problem, so a refusal is a proper answer.
 */
export async function streamLines(
  request: FastifyRequest,
  reply: FastifyReply,
  begin: (signal: AbortSignal) => AsyncGenerator<string>,
): Promise<FastifyReply> {
  const gone = new AbortController();
  request.raw.socket.once('close', () => gone.abort());
  reply.raw.once('close', () => gone.abort());
  const pieces = begin(gone.signal);
  // Proxies that gather answers would keep a live log from its reader.
  reply.header('x-accel-buffering', 'no').type(NDJSON);
  reply.raw.once('close', () => void pieces.return(undefined));
  return reply.send(Readable.from(pieces, { objectMode: false, highWaterMark: 65_536 }));
}
