import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type StallServer, startStallServer } from '../testing/stall.ts';

/**
 * Every operation that takes a body or a query, asked as hostilely as can be. Held to in processor time, which does
 * not depend on what else the machine does, and five times what `npm run bench -- stall` holds it to.
 */
const BOUND_MS = 250;
/** Enough for anything that is not linear: a form of that size once took half a minute. */
const BODY_BYTES = 200_000;

let server: StallServer;
before(async () => {
  server = await startStallServer(BODY_BYTES);
});
after(() => server.stop());

test('no request of the corpus holds the event loop, and each is answered without an error of ours', async () => {
  await server.longestHold();
  for (const { operation, what, send } of server.corpus) {
    const { status } = await send();
    assert.ok(status < 500, `${operation} (${what}) was answered ${status}`);
    const hold = await server.longestHold();
    assert.ok(hold < BOUND_MS, `${operation} (${what}) held the event loop for ${hold} ms`);
  }
});

test('the corpus has requests for every operation that takes a body or a query', async () => {
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { parameters?: { in: string }[]; requestBody?: unknown }>>;
  };
  const covered = new Set(server.corpus.map(({ operation }) => operation));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { parameters = [], requestBody }] of Object.entries(operations)) {
      const takes = requestBody !== undefined || parameters.some((one) => one.in === 'query');
      if (takes) assert.ok(covered.has(`${method.toUpperCase()} ${path}`), `${method} ${path}`);
    }
  }
  // Documented without a body, since its type is Sentry's.
  assert.ok(covered.has('POST /api/1/envelope/'));
});
