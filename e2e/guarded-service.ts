import fastify from 'fastify';
import { guard } from '../src/sdk/guard.ts';

/**
 * A third-party server with a guard in lease mode: `node guarded-service.ts URL`, with its API key in
 * DEVPILOT_GUARD_KEY.
 */
const [, , url = ''] = process.argv;
let remoteDecisions = 0;
const devpilot = guard({
  url,
  scope: 'modify_env',
  apiKey: process.env['DEVPILOT_GUARD_KEY'] ?? '',
  timeout: 400,
  fetch: (input, init) => {
    if (String(input).includes('/v1/authorize')) remoteDecisions++;
    return fetch(input, init);
  },
});
const app = fastify();
await app.register(devpilot.fastify);
// Returns the number of decisions that the guard requested. If it does not increase, the decision came from the cache.
app.get('/orders', () => String(remoteDecisions));
await devpilot.ready();
process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
process.once('SIGTERM', () => void app.close());
