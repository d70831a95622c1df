import fastify from 'fastify';
import { guard } from '../src/sdk/guard.ts';

/**
 * A third-party service with a route that a guard in lease mode protects. Usage: `node guarded-service.ts URL`, with
 * the URL of Devpilot, and the API key of the guard in DEVPILOT_GUARD_KEY.
 */
const [, , url = ''] = process.argv;
let authorizeRequestCount = 0;
const devpilot = guard({
  url,
  scope: 'modify_env',
  apiKey: process.env['DEVPILOT_GUARD_KEY'] ?? '',
  timeout: 400,
  fetch: (input, init) => {
    if (String(input).includes('/v1/authorize')) authorizeRequestCount++;
    return fetch(input, init);
  },
});
const app = fastify();
await app.register(devpilot.fastify);
// Returns how often the guard has asked Devpilot. If a request does not increase it, the guard decided from its cache.
app.get('/orders', () => String(authorizeRequestCount));
await devpilot.ready();
process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
process.once('SIGTERM', () => void app.close());
