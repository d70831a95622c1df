import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { holdRenewedToken, renewalDelayMs } from './renewed-token.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

/** Runs timers, and the asynchronous work that they start. */
async function advance(milliseconds: number): Promise<void> {
  mock.timers.tick(milliseconds);
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

function createExchange(lifetimeSeconds: number) {
  let count = 0;
  const exchange = mock.fn(async () => ({
    access_token: `token-${++count}`,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' as const,
    token_type: 'Bearer' as const,
    expires_in: lifetimeSeconds,
    scope: 'deploy',
  }));
  return exchange;
}

test('a token is replaced a minute before its expiry, a short-lived token after two thirds of its lifetime', () => {
  const delays = [60, 90, 180, 900, 43_200].map((seconds) => renewalDelayMs({ expires_in: seconds }) / 1000);
  assert.deepEqual(delays, [40, 60, 120, 840, 43_140]);
});

test('work that outlasts its token continues with a new token, and all tokens are returned to be revoked', async () => {
  const exchange = createExchange(900);
  const token = await holdRenewedToken(exchange, assert.ifError);
  await advance(839_000);
  assert.equal(token.secret(), 'token-1');
  await advance(1_000);
  assert.equal(token.secret(), 'token-2');
  await advance(840_000);
  assert.deepEqual(await token.end(), ['token-1', 'token-2', 'token-3']);
  await advance(10_000_000);
  assert.equal(exchange.mock.callCount(), 3);
});

test('a failed renewal is reported and retried, and the current token stays in use', async () => {
  const exchange = createExchange(60);
  const failures: unknown[] = [];
  const token = await holdRenewedToken(exchange, (error) => failures.push(error));
  exchange.mock.mockImplementationOnce(() => Promise.reject(new Error('replay')));
  await advance(40_000);
  assert.deepEqual([token.secret(), failures.map(String)], ['token-1', ['Error: replay']]);
  await advance(30_000);
  assert.equal(token.secret(), 'token-2');
  await token.end();
});

test('a token that is issued while the work ends is returned too', async () => {
  const exchange = createExchange(60);
  const token = await holdRenewedToken(exchange, assert.ifError);
  const issue = Promise.withResolvers<void>();
  const exchangeOnce = createExchange(60);
  exchange.mock.mockImplementationOnce(() =>
    issue.promise.then(exchangeOnce).then((body) => ({ ...body, access_token: 'late' })),
  );
  await advance(40_000);
  const ended = token.end();
  issue.resolve();
  assert.deepEqual(await ended, ['token-1', 'late']);
});
