import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { connectGuard, parseHeartbeatResponse, parseRecord, parseRevocations } from './connection.ts';
import { DevpilotError } from './errors.ts';

const DIGEST = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 200)).toString('base64url');
const POINT = { history: 'h', number: 9, id: 'i' };
const GRANTED = {
  granted: true,
  confirmed: POINT,
  bound: 2000,
  workspaceId: 'wsp_1',
  now: '2027-02-24T09:00:00.000Z',
};
const FEED_PAGE = { head: POINT, through: POINT, whole: true, revocations: [{ number: 8, digest: DIGEST }] };

test("the server's responses are parsed", () => {
  assert.deepEqual(parseHeartbeatResponse(GRANTED), {
    response: { granted: true, confirmed: POINT, bound: 2000, workspaceId: 'wsp_1' },
    now: Date.UTC(2027, 1, 24, 9),
  });
  const { revocations } = parseRevocations(FEED_PAGE);
  assert.equal(Buffer.from(revocations[0]?.digest ?? '', 'latin1').toString('base64url'), DIGEST);
  assert.equal(
    parseRevocations({ ...FEED_PAGE, revocations: [{ number: 8, digest: null }] }).revocations[0]?.digest,
    null,
  );
  assert.equal(parseRecord({ record: null }), null);
});

test('uses are reported without rights to an earlier version of the server, which rejects unknown fields', async () => {
  const bodies: { uses: { rights?: unknown }[] }[] = [];
  const refusal = { type: 'about:blank', title: 'x', status: 422, code: 'validation_failed', detail: 'Unknown field.' };
  const connection = connectGuard({
    url: 'http://127.0.0.1:1',
    apiKey: 'dp_x',
    timeout: 1000,
    fetch: async (_url, init) => {
      const body = JSON.parse(String(init?.body)) as (typeof bodies)[number];
      bodies.push(body);
      if (body.uses[0]?.rights === undefined) return new Response(null, { status: 204 });
      return Response.json(refusal, { status: 422, headers: { 'content-type': 'application/problem+json' } });
    },
  });
  const use = { credentialId: 'tok_1', count: 2, lastUsedAt: 1, addresses: [] };
  await connection.reportUses(1, [{ ...use, rights: [{ right: 'read', app: null, count: 2 }] }]);
  assert.deepEqual(
    bodies.map(({ uses }) => uses[0]?.rights),
    [[{ right: 'read', count: 2 }], undefined],
  );
});

/** A valid response with one field replaced by an arbitrary value. */
function withArbitraryField(response: object): fc.Arbitrary<unknown> {
  const names = Object.keys(response);
  return fc
    .tuple(fc.constantFrom(...names), fc.jsonValue())
    .map(([name, value]) => ({ ...response, [name]: value }) as unknown);
}

/** Returns the parsed body; null if the parser threw `unexpected_answer`. */
function parseOrReject<Result>(parse: (body: unknown) => Result, body: unknown): Result | null {
  try {
    return parse(body);
  } catch (error) {
    assert.ok(error instanceof DevpilotError && error.code === 'unexpected_answer');
    return null;
  }
}

test('every response is either parsed or rejected as unexpected, and only an explicit grant grants a lease', () => {
  const responseBody = fc.oneof(
    fc.jsonValue(),
    withArbitraryField(GRANTED),
    withArbitraryField(FEED_PAGE),
    withArbitraryField({ granted: false, ...FEED_PAGE }),
  );
  fc.assert(
    fc.property(responseBody, (body) => {
      parseOrReject(parseRevocations, body);
      parseOrReject(parseRecord, body);
      const response = parseOrReject(parseHeartbeatResponse, body)?.response;
      if (response?.granted !== true) return;
      assert.equal((body as { granted?: unknown }).granted, true);
      assert.ok(Number.isSafeInteger(response.confirmed.number) && Number.isSafeInteger(response.bound));
    }),
    { numRuns: 3000 },
  );
});
