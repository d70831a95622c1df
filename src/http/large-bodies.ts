import type { FastifyReply, FastifyRequest } from 'fastify';
import { createFairShareLimiter, type FairShareLimiter } from '../contract/fair-share-limiter.ts';
import { LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { clientAddressOf } from './client-address.ts';

/** Maximum number of bodies over `LIMITS.bodyBytes` that a node receives at the same time. */
const MAX_LARGE_BODIES = 32;

export const createLargeBodyLimiter = (): FairShareLimiter => createFairShareLimiter(MAX_LARGE_BODIES);

/**
 * If the body of a request can exceed `LIMITS.bodyBytes`, reserves one of the node's slots for large bodies until the
 * response has been sent, so that many large bodies that arrive slowly cannot exhaust the memory. Neither a workspace
 * nor, for people and public routes, a client address can reserve all slots. Throws `rate_limited` if none is free.
 */
export function reserveLargeBody(
  limiter: FairShareLimiter,
  request: FastifyRequest,
  reply: FastifyReply,
  bodyLimit: number,
): void {
  const { 'content-length': length, 'transfer-encoding': transferEncoding } = request.headers;
  const maxBytes = transferEncoding === undefined ? Number(length ?? 0) : bodyLimit;
  // If the declared length exceeds the limit, the parser refuses the body without reading it.
  if (maxBytes <= LIMITS.bodyBytes || maxBytes > bodyLimit) return;
  const { principal } = request;
  const isCredential = principal !== null && principal.kind !== 'person';
  const release = limiter.acquire(isCredential ? principal.record.workspace.id : clientAddressOf(request));
  if (release === null)
    throw new Problem('rate_limited', 'Too many large requests are being received. Send this one again later.', {
      retryAfter: 1,
    });
  reply.raw.once('close', release);
  if (reply.raw.destroyed) release();
}
