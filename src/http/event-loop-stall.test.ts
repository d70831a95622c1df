import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { forEachEngine } from '../testing/engines.ts';
import type { ExpensiveRequest } from '../testing/largest-requests.ts';
import { type ProbedServer, startProbedServer } from '../testing/probed-server.ts';

/**
 * The longest time for which a request can block the event loop: five times the 50 ms that `npm run bench -- stall`
 * allows, but in CPU time, which does not depend on other load on the machine.
 */
const MAX_BLOCK_MS = 250;
/** Large enough to detect work that is not linear: a form of this size once took half a minute to parse. */
const BODY_BYTES = 200_000;

/** Statuses of requests that are refused before their body is read. */
const UNREAD_BODY_STATUSES = new Set([401, 403, 404, 415]);

/** Sends requests one at a time. Each must get a status that `isExpected` accepts, without blocking the event loop. */
async function expectNoStall(
  server: ProbedServer,
  requests: readonly ExpensiveRequest[],
  isExpected: (status: number) => boolean,
): Promise<void> {
  await server.takeLongestBlockMs();
  for (const { operation, description, send } of requests) {
    const { status } = await send();
    assert.ok(isExpected(status), `${operation} (${description}) got status ${status}`);
    const blockMs = await server.takeLongestBlockMs();
    assert.ok(blockMs < MAX_BLOCK_MS, `${operation} (${description}) blocked the event loop for ${blockMs} ms`);
  }
}

forEachEngine('the largest requests', (engine) => {
  test('the largest requests are all read, and do not stall the event loop', async () => {
    const server = await startProbedServer(BODY_BYTES, await engine.environment());
    const isRead = (status: number) => status < 500 && !UNREAD_BODY_STATUSES.has(status);
    await expectNoStall(server, server.largestRequests, isRead).finally(server.stop);
  });
});

let server: ProbedServer;
before(async () => {
  server = await startProbedServer(BODY_BYTES);
});
after(() => server.stop());

test('no hostile request stalls the event loop or causes a server error', () =>
  expectNoStall(server, server.hostileRequests, (status) => status < 500));

test('there are hostile requests for every operation with a body or a query', async () => {
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { parameters?: { in: string }[]; requestBody?: unknown }>>;
  };
  const covered = new Set(server.hostileRequests.map(({ operation }) => operation));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { parameters = [], requestBody }] of Object.entries(operations)) {
      const hasInput = requestBody !== undefined || parameters.some((parameter) => parameter.in === 'query');
      if (hasInput) assert.ok(covered.has(`${method.toUpperCase()} ${path}`), `${method} ${path}`);
    }
  }
  // The OpenAPI document has no body for this operation, because Sentry defines its format.
  assert.ok(server.largestRequests.some(({ operation }) => operation === 'POST /api/1/envelope/'));
});
