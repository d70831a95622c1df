/** A third-party server with a bare and a guarded route: `node guarded.ts URL KEY`. */
import fastify from 'fastify';
import { guard } from '../../src/sdk/guard.ts';

const [, , url = '', apiKey = ''] = process.argv;
const devpilot = guard({ url, apiKey, scope: 'run_scripts' });
const app = fastify();
app.get('/bare', (_request, reply) => reply.send());
await app.register(async (scope) => {
  await scope.register(devpilot.fastify);
  scope.get('/guarded', (_request, reply) => reply.send());
});
if (!(await devpilot.ready())) throw new Error('The guard got no lease.');
process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
process.once('SIGTERM', () => {
  app.server.closeAllConnections();
  void app.close();
});
