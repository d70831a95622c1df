import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import { ProblemBody } from '../contract/problem-body.ts';
import type { AppContext } from './app-context.ts';
import { sendProblem } from './problems.ts';

const HEALTH_SCHEMA = {
  tags: ['Health'],
  description: 'Checks that the process responds. Requires no session, access token or API key.',
  security: [],
  response: { 200: z.object({ status: z.enum(['ok', 'ready']), warning: z.string().optional() }), 503: ProblemBody },
};

/**
 * Registers `/healthz`, which succeeds if the process responds, and `/readyz`, which succeeds if the database is
 * reachable and has no known fault, this node holds its lease, and its clock agrees with the database's.
 */
export function registerHealth(app: FastifyInstance, context: AppContext): void {
  app.get(
    '/healthz',
    { schema: { ...HEALTH_SCHEMA, operationId: 'health.get', summary: 'Check liveness' } },
    (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        ...HEALTH_SCHEMA,
        operationId: 'readiness.get',
        summary: 'Check readiness',
        description:
          'Checks that the database is reachable and has no known fault, that this node holds its lease, and that its clock agrees with the clock of the database. `reasons` lists the failed checks. Requires no session, access token or API key.',
      },
    },
    async (_request, reply) => {
      const failures = await context.readinessFailures();
      if (failures.length > 0) {
        const reasons = failures.map(({ reason }) => reason);
        const detail = failures.map((failure) => failure.detail).join(' ');
        return sendProblem(reply, new Problem('unavailable', detail, { retryAfter: 1, reasons }));
      }
      // A node with a full disk is still ready: authorization works, and administrators must be able to revoke access.
      const warning = context.store.isDiskFull?.() === true && {
        warning: 'The disk is full: most writes are refused.',
      };
      return reply.header('cache-control', 'no-store').send({ status: 'ready' as const, ...warning });
    },
  );
}
