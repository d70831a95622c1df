import type { FastifyInstance } from 'fastify';
import { Problem } from '../contract/problem.ts';
import type { House } from './house.ts';
import { sendProblem } from './problems.ts';

/** `/healthz`: the process answers. `/readyz`: the store is reachable, migrated, and the lease is held. */
export function registerHealth(app: FastifyInstance, house: House): void {
  app.get('/healthz', (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const reason = await house.notReady();
    if (reason !== null) return sendProblem(reply, new Problem('unavailable', reason, { retryAfter: 1 }));
    return reply.header('cache-control', 'no-store').send({ status: 'ready' });
  });
}
