import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { forEachEngine } from '../testing/engines.ts';
import { type ExpensiveRequest, type StallServer, startStallServer } from '../testing/stall-server.ts';

/**
 * Sends the most hostile requests to every operation with a body or a query. The limit is in processor time, which does
 * not depend on other load on the machine, and is five times the limit of `npm run bench -- stall`.
 */
const BOUND_MS = 250;
/** Sufficient to detect anything that is not linear: a form of this size once took half a minute. */
const BODY_BYTES = 200_000;

/** Statuses of requests that were not read. */
const UNREAD = new Set([401, 403, 404, 415]);

/** Sends requests one after another. Each must be answered soon, and with a status that `isExpected`. */
async function expectNoHold(
  server: StallServer,
  requests: readonly ExpensiveRequest[],
  isExpected: (status: number) => boolean,
): Promise<void> {
  await server.longestBlockMs();
  for (const { operation, description, send } of requests) {
    const { status } = await send();
    assert.ok(isExpected(status), `${operation} (${description}) was answered ${status}`);
    const hold = await server.longestBlockMs();
    assert.ok(hold < BOUND_MS, `${operation} (${description}) held the event loop for ${hold} ms`);
  }
}

forEachEngine('the largest requests', (engine) => {
  test('are all read, and block the event loop no longer than others', async () => {
    const server = await startStallServer(BODY_BYTES, await engine.environment());
    const isRead = (status: number) => status < 500 && !UNREAD.has(status);
    await expectNoHold(server, server.largestRequests, isRead).finally(server.stop);
  });
});

let server: StallServer;
before(async () => {
  server = await startStallServer(BODY_BYTES);
});
after(() => server.stop());

test('no request of the corpus blocks the event loop, and none is answered with a server error', () =>
  expectNoHold(server, server.hostileRequests, (status) => status < 500));

test('the corpus has requests for every operation with a body or a query', async () => {
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { parameters?: { in: string }[]; requestBody?: unknown }>>;
  };
  const covered = new Set(server.hostileRequests.map(({ operation }) => operation));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { parameters = [], requestBody }] of Object.entries(operations)) {
      const takes = requestBody !== undefined || parameters.some((parameter) => parameter.in === 'query');
      if (takes) assert.ok(covered.has(`${method.toUpperCase()} ${path}`), `${method} ${path}`);
    }
  }
  // Documented without a body, because the body's format is Sentry's.
  assert.ok(server.largestRequests.some(({ operation }) => operation === 'POST /api/1/envelope/'));
});
