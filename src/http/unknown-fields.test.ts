import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProblemBody } from '../contract/problem-body.ts';
import { fillRoutePath } from '../testing/route-path.ts';
import { bearer, createKey, signUpOwner, startTestServer } from '../testing/test-server.ts';
import type { AppContext } from './app-context.ts';
import type { Route } from './route.ts';
import { routeTable } from './route-table.ts';

interface Document {
  paths: Record<string, Record<string, { requestBody?: { required?: boolean } }>>;
}

const WRITE_METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'];
/** Whether a route ends the session that the requests to the other routes need, so that it must be called last. */
const endsSession = (url: string): boolean => url.startsWith('/v1/sessions') || url === '/v1/members/me';

test('every write route refuses unknown fields, and a missing body unless OpenAPI documents it as optional', async () => {
  const server = await startTestServer();
  try {
    const owner = await signUpOwner(server);
    const guard = await createKey(owner, ['read'], { guard: true });
    const routes = routeTable({} as AppContext).filter(
      ({ method, bodyFormat }) => WRITE_METHODS.includes(String(method)) && bodyFormat === undefined,
    );
    assert.ok(routes.length > 60);
    const send = ({ method, url, access }: Route, body?: object) => {
      const path = fillRoutePath(url);
      const options = { method: String(method), ...(body !== undefined && { body }) };
      const refusesPeople = !('public' in access || 'any' in access) && access.person === undefined;
      if (refusesPeople) return server.call<ProblemBody>(path, { ...options, headers: bearer(guard.secret) });
      return 'public' in access ? server.call<ProblemBody>(path, options) : owner.call<ProblemBody>(path, options);
    };
    for (const route of routes) {
      const { status, body, text } = await send(route, { unexpected: 1 });
      const fields = body.errors?.map(({ field }) => field) ?? [];
      assert.deepEqual([status, fields.includes('unexpected')], [422, true], `${route.method} ${route.url}: ${text}`);
    }
    const { body: document } = await server.call<Document>('/openapi.json');
    const isRequired = ({ method, url }: Route) =>
      document.paths[url.replace(/:([A-Za-z]+)/g, '{$1}')]?.[String(method).toLowerCase()]?.requestBody?.required;
    const optional = routes
      .filter((route) => isRequired(route) === false)
      .sort((a, b) => Number(endsSession(a.url)) - Number(endsSession(b.url)));
    const required = routes.filter((route) => isRequired(route) === true);
    assert.equal(optional.length + required.length, routes.length);
    assert.ok(optional.length > 30 && optional.some(({ body }) => body !== undefined));
    for (const route of required) {
      const { status, text } = await send(route);
      assert.equal(status, 422, `${route.method} ${route.url} without a body: ${text}`);
    }
    for (const route of optional) {
      for (const { status, text } of [await send(route), await send(route, {})]) {
        assert.ok(![400, 415, 422].includes(status), `${route.method} ${route.url} without a field: ${text}`);
      }
    }
  } finally {
    await server.close();
  }
});

test('routes refuse unknown query parameters, except the routes of OAuth, OpenID Connect and Sentry SDKs', async () => {
  const server = await startTestServer();
  try {
    const owner = await signUpOwner(server);
    const routesIgnoringQuery = routeTable({} as AppContext).filter(({ ignoresQuery }) => ignoresQuery === true);
    assert.deepEqual([...new Set(routesIgnoringQuery.map(({ url }) => url))].sort(), [
      '/.well-known/oauth-authorization-server',
      '/api/:any/envelope/',
      '/api/:any/store/',
      '/v1/device/code',
      '/v1/device/token',
      '/v1/introspect',
      '/v1/oauth/token',
      '/v1/oidc/backchannel-logout',
      '/v1/oidc/callback',
      '/v1/revoke',
    ]);
    const guard = await createKey(owner, ['read'], { guard: true });
    let refusedCount = 0;
    for (const { method, url, access, ignoresQuery, body: bodySchema } of routeTable({} as AppContext)) {
      // The body is validated before the query, so routes that require a body do not report the unknown parameter.
      if (ignoresQuery === true || bodySchema?.safeParse(undefined).success === false) continue;
      const path = fillRoutePath(url);
      const options = { method: String(method), ...('guard' in access && { headers: bearer(guard.secret) }) };
      const call = 'guard' in access || 'public' in access ? server.call : owner.call;
      const { status, body, text } = await call<ProblemBody>(`${path}?dryRun=1`, options);
      // Routes that people cannot use refuse the request before they validate it.
      if (status === 403 || status === 405) continue;
      const fields = body.errors?.map(({ field }) => field);
      assert.deepEqual([status, fields?.includes('dryRun')], [422, true], `${String(method)} ${path}: ${text}`);
      refusedCount++;
    }
    assert.ok(refusedCount > 70, String(refusedCount));
  } finally {
    await server.close();
  }
});
