import assert from 'node:assert/strict';
import { request as sendHttpRequest } from 'node:http';
import { test } from 'node:test';
import { PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import { fillRoutePath } from '../testing/route-path.ts';
import {
  bearer,
  cookieOf,
  createKey,
  createToken,
  PASSWORD,
  signUpOwner,
  startTestServer,
} from '../testing/test-server.ts';
import type { AppContext } from './app-context.ts';
import type { Route } from './route.ts';
import { routeTable } from './route-table.ts';

const CHANGING_METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'];
/** Routes that require authentication and have a method that can change something. */
const ROUTES = routeTable({} as AppContext).filter(
  ({ method, access }) => CHANGING_METHODS.includes(String(method)) && !('public' in access),
);

interface HeldRequest {
  readonly route: string;
  /** The status if the server refused the request before reading its body, or null if the server waits for the body. */
  readonly earlyStatus: number | null;
  /** Sends the body and resolves to the status. */
  complete(): Promise<number>;
}

/** Sends a request up to the point where the server has authenticated it and waits for its body. */
function holdRequest(baseUrl: string, { method, url, bodyFormat }: Route, secret: string): Promise<HeldRequest> {
  const type = bodyFormat === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
  return new Promise((resolve, reject) => {
    const outgoing = sendHttpRequest(`${baseUrl}${fillRoutePath(url)}`, {
      method: String(method),
      agent: false,
      headers: { ...bearer(secret), 'content-type': type, 'content-length': 2, expect: '100-continue' },
    });
    const status = new Promise<number>((resolveStatus, rejectStatus) => {
      outgoing.once('error', rejectStatus);
      outgoing.once('response', (response) => {
        response.resume();
        resolveStatus(response.statusCode ?? 0);
      });
    });
    const route = `${String(method)} ${url}`;
    const complete = () => {
      outgoing.end('{}');
      return status;
    };
    outgoing.once('continue', () => resolve({ route, earlyStatus: null, complete }));
    status.then((earlyStatus) => resolve({ route, earlyStatus, complete: () => Promise.resolve(earlyStatus) }), reject);
    outgoing.flushHeaders();
  });
}

test('a request whose session or credential ends before its body has arrived is refused on every route', async () => {
  const server = await startTestServer();
  try {
    const owner = await signUpOwner(server);
    const signedIn = await server.call('/v1/sessions', { body: { email: owner.email, password: PASSWORD } });
    const token = await createToken(owner, [...SCOPES]);
    const key = await createKey(owner, [...PERMISSIONS]);
    const guard = await createKey(owner, ['read'], { guard: true });
    const session = cookieOf(signedIn).split('=')[1] ?? '';
    const endings: [secret: string, minimumWaiting: number, end: () => Promise<{ status: number }>][] = [
      [session, 60, () => server.call('/v1/sessions/current', { method: 'DELETE', headers: bearer(session) })],
      [token.secret, 10, () => owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })],
      [key.secret, 20, () => owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' })],
      [guard.secret, 2, () => owner.call(`/v1/api-keys/${guard.id}`, { method: 'PATCH', body: { active: false } })],
    ];
    for (const [secret, minimumWaiting, end] of endings) {
      const held = await Promise.all(ROUTES.map((route) => holdRequest(server.url, route, secret)));
      const waiting = held.filter(({ earlyStatus }) => earlyStatus === null);
      assert.ok(waiting.length >= minimumWaiting, `${waiting.length} of ${held.length} wait`);
      const { status } = await end();
      assert.ok(status < 300, String(status));
      for (const { route, complete } of waiting) assert.equal(await complete(), 401, route);
      for (const { earlyStatus, complete } of held) if (earlyStatus !== null) assert.ok((await complete()) >= 400);
    }
  } finally {
    await server.close();
  }
});
