/** The unchanged server with an additional route `/bare`, which only returns 200. */
import { subscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';
import { createLogger } from '../../src/server/logger.ts';
import { readSettings } from '../../src/server/settings.ts';
import { startServer } from '../../src/server/start.ts';

subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { fastify: FastifyInstance };
  fastify.get('/bare', (_request, reply) => reply.send());
});

const settings = readSettings(process.env);
const running = await startServer(settings, { logger: createLogger(settings.logLevel) });
process.stdout.write(`${running.url}\n`);
process.once('SIGTERM', () => void running.close());
