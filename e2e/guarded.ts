import fastify from 'fastify';
import { guard } from '../src/sdk/guard.ts';

/** A server of somebody else's, guarded from memory: `node guarded.ts URL`, its API key in DEVPILOT_GUARD_KEY. */
const [, , url = ''] = process.argv;
let asked = 0;
const devpilot = guard({
  url,
  scope: 'modify_env',
  apiKey: process.env['DEVPILOT_GUARD_KEY'] ?? '',
  timeout: 400,
  fetch: (input, init) => {
    if (String(input).includes('/v1/authorize')) asked++;
    return fetch(input, init);
  },
});
const app = fastify();
await app.register(devpilot.fastify);
// How often it asked so far: what doesn't raise it was judged from memory.
app.get('/thing', () => String(asked));
await devpilot.ready();
process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
process.once('SIGTERM', () => void app.close());
