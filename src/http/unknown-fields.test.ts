import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProblemBody } from '../contract/problem-body.ts';
import { bearer, createKey, signUpOwner, startTestServer } from '../testing/test-server.ts';
import type { AppContext } from './app-context.ts';
import { routeTable } from './http-server.ts';
import type { Route } from './route.ts';

const CHANGING = ['POST', 'PUT', 'PATCH', 'DELETE'];
const GUARD = 'A'.repeat(22);
// Routes that end, on success, the session that the rest of the table needs.
const endsSession = (url: string): boolean => url.startsWith('/v1/sessions') || url === '/v1/members/me';

test('every route that changes something refuses unknown fields, and those without a body accept none or {}', async () => {
  const server = await startTestServer();
  try {
    const owner = await signUpOwner(server);
    const guard = await createKey(owner, ['read'], { guard: true });
    const routes = routeTable({} as AppContext).filter(
      ({ method, bodyFormat: takes }) => CHANGING.includes(String(method)) && takes === undefined,
    );
    assert.ok(routes.length > 60);
    const send = ({ method, url, access }: Route, body?: object) => {
      const path = url
        .replace(':version', '1')
        .replace(':guard', GUARD)
        .replace(/:[a-zA-Z]+/g, 'nothing');
      const options = { method: String(method), ...(body !== undefined && { body }) };
      if ('guard' in access) return server.call<ProblemBody>(path, { ...options, headers: bearer(guard.secret) });
      return 'public' in access ? server.call<ProblemBody>(path, options) : owner.call<ProblemBody>(path, options);
    };
    for (const route of routes) {
      const { status, body, text } = await send(route, { unexpected: 1 });
      const fields = body.errors?.map(({ field }) => field) ?? [];
      assert.deepEqual([status, fields.includes('unexpected')], [422, true], `${route.method} ${route.url}: ${text}`);
    }
    const last = (one: Route) => Number(endsSession(one.url));
    const bare = routes.filter(({ body }) => body === undefined).sort((one, other) => last(one) - last(other));
    assert.ok(bare.length > 30);
    for (const route of bare) {
      for (const { status, text } of [await send(route), await send(route, {})]) {
        assert.ok(![400, 415, 422].includes(status), `${route.method} ${route.url} without a field: ${text}`);
      }
    }
  } finally {
    await server.close();
  }
});
