import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toAuditQuery } from './audit-query.ts';

const now = Date.parse('2027-02-24T09:00:00Z');
const toQuery = (search: Record<string, string>) => toAuditQuery((name) => search[name], now);

test("the URL's filters become the API's query", () => {
  assert.deepEqual(toQuery({ action: 'api_key.created', actor: 'per_1', since: '24h' }), {
    action: 'api_key.created',
    actor: 'per_1',
    target: undefined,
    credential: undefined,
    from: '2027-02-23T09:00:00.000Z',
    to: undefined,
  });
});

test('invalid filters are ignored', () => {
  const { action, from, to } = toQuery({ action: 'no.such', since: 'ever', from: 'soon', to: '2027-02-24T08:00Z' });
  assert.deepEqual([action, from, to], [undefined, undefined, '2027-02-24T08:00:00.000Z']);
});
