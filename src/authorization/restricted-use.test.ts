import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RESTRICTIONS } from '../contract/restrictions.ts';
import { createCredentialAuthenticator } from './authenticate.ts';
import { createRateLimiter } from './rate-limiter.ts';
import type { CredentialRecord } from './record.ts';
import { compileRestrictions, type StoredRestrictions } from './restrictions.ts';
import { grantedMaskOf, requireAll } from './rights.ts';
import { mintSecret } from './secret.ts';
import { createUseTaker, type TakeStoredUses } from './use-batches.ts';
import { takeUses, type UseLimits } from './use-limits.ts';

const REQUIREMENT = { access_token: requireAll('access_token', ['modify_env']), api_key: null };
/** The test store throws if it has to take exactly this many uses. */
const FAILING_BATCH_SIZE = 13;

/**
 * An authenticator with one credential. `edit` replaces its record, or deletes it for null. After `hold`, the store
 * responds only when `release` is called.
 */
function setUp(restrictions: StoredRestrictions) {
  const secret = mintSecret('access_token');
  const recordOf = (stored: StoredRestrictions): CredentialRecord => ({
    kind: 'access_token',
    label: 'tok_1 CI',
    id: 'tok_1',
    name: 'CI',
    workspace: { id: 'wsp_1', revoked: false },
    rights: grantedMaskOf('access_token', ['modify_env']),
    active: true,
    expiresAt: null,
    createdAt: 0,
    passphraseHash: null,
    restrictions: compileRestrictions(stored),
    row: -1,
  });
  let record: CredentialRecord | null = recordOf(restrictions);
  let now = 1_800_000_000_000;
  let limits: UseLimits = { ...restrictions, rateMissing: 0, rateAt: 0, spentUses: 0 };
  const batches: number[] = [];
  const heldTransactions: (() => void)[] = [];
  let isHeld = false;
  const take: TakeStoredUses = async (_workspace, _id, wanted) => {
    batches.push(wanted);
    if (isHeld) await new Promise<void>((resolve) => heldTransactions.push(resolve));
    if (wanted === FAILING_BATCH_SIZE) throw new Error('unreachable');
    const taken = takeUses(limits, wanted, now);
    ({ limits } = taken);
    return taken;
  };
  const authenticator = createCredentialAuthenticator({
    registry: { findCached: () => record },
    findRecord: async () => record,
    passphraseVerifier: { checkCached: () => 'not_needed' } as never,
    usageRecorder: { count: () => undefined } as never,
    useCounting: {
      takeUse: createUseTaker(take),
      rateLimiter: createRateLimiter(
        async () => new Map(),
        () => now,
      ),
    },
    clock: () => now,
  });
  const request = { secret, passphrase: null, address: '192.0.2.1', userAgent: null, requestId: 'r' };
  return {
    batches,
    hold: () => (isHeld = true),
    release: () => {
      for (const resolve of heldTransactions.splice(0)) resolve();
    },
    advance: (ms: number) => (now += ms),
    edit: (stored: StoredRestrictions | null) => (record = stored === null ? null : recordOf(stored)),
    use: (checkResource?: () => boolean | Promise<boolean>) =>
      authenticator.authenticate({ ...request, checkResource }, REQUIREMENT),
  };
}

test('requests that arrive during a transaction share the next one, and each gets its own decision', async () => {
  const { use, batches, hold, release } = setUp({ ...NO_RESTRICTIONS, maxUses: 3 });
  hold();
  const results = Array.from({ length: 11 }, () => use());
  release();
  await results[0];
  release();
  const decisions = (await Promise.all(results)).map(({ decision }) => decision);
  assert.deepEqual(batches, [1, 10]);
  assert.equal(decisions.filter((decision) => decision === 'ok').length, 3);
  assert.equal(decisions.filter((decision) => decision === 'credential_spent').length, 8);
  assert.deepEqual((await use()).decision, 'credential_spent');
  assert.equal(batches.length, 2, 'a spent credential no longer needs the store');
});

test('an error of the store fails the requests that were waiting for it, but no later requests', async () => {
  const { use, hold, release } = setUp({ ...NO_RESTRICTIONS, maxUses: 3 });
  hold();
  const first = use();
  const failing = Array.from({ length: FAILING_BATCH_SIZE }, async () => use());
  release();
  assert.equal((await first).decision, 'ok');
  release();
  for (const result of failing) await assert.rejects(result, /unreachable/);
  const last = use();
  release();
  assert.equal((await last).decision, 'ok');
});

test('requests beyond the rate of a credential with both limits are refused without the store; once the wait is over or the clock is set back, the store decides again', async () => {
  const { use, batches, advance } = setUp({ ...NO_RESTRICTIONS, maxUses: 9, rate: { requests: 2, seconds: 60 } });
  assert.deepEqual([(await use()).decision, (await use()).rate?.remaining], ['ok', 0]);
  const batchCount = batches.length;
  for (let index = 0; index < 10_000; index++) {
    const refusal = use();
    assert.ok(!(refusal instanceof Promise) && refusal.decision === 'rate_exceeded' && refusal.rate?.remaining === 0);
  }
  assert.equal(batches.length, batchCount);
  advance(29_999);
  const refusal = use();
  assert.ok(!(refusal instanceof Promise) && refusal.rate?.waitMs === 1);
  advance(1);
  assert.equal((await use()).decision, 'ok');
  assert.equal((await use()).decision, 'rate_exceeded');
  const countBeforeClockChange = batches.length;
  advance(-3_600_000);
  const { decision, rate } = await use();
  assert.deepEqual([decision, rate?.waitMs], ['rate_exceeded', 30_000]);
  assert.equal(batches.length, countBeforeClockChange + 1, 'the store decided');
});

test('the decision on a credential with only a rate needs neither the store nor a promise', () => {
  const { use, batches } = setUp({ ...NO_RESTRICTIONS, rate: { requests: 2, seconds: 60 } });
  const results = [use(), use(), use()].map((result) => (result instanceof Promise ? null : result));
  assert.deepEqual(
    results.map((result) => [result?.decision, result?.rate?.remaining]),
    [
      ['ok', 1],
      ['ok', 0],
      ['rate_exceeded', 0],
    ],
  );
  assert.equal(batches.length, 0);
});

test('if a credential is deleted or edited while the resource of the request is looked up, the decision uses its new state', async () => {
  const first = { ...NO_RESTRICTIONS, apps: ['app_1'] };
  const second = { ...NO_RESTRICTIONS, apps: ['app_2'] };
  for (const [edited, expected, expectedLookUps] of [
    [first, 'ok', 1],
    [{ ...first, addresses: ['203.0.113.0/24'] }, 'address_not_allowed', 1],
    [second, 'resource_not_allowed', 2],
    [null, 'invalid_token', 1],
  ] as const) {
    const { use, edit } = setUp(first);
    let lookUps = 0;
    const { decision } = await use(async () => {
      edit(edited);
      // The first look-up finds the resource allowed, the second does not.
      return ++lookUps === 1;
    });
    assert.deepEqual([decision, lookUps], [expected, expectedLookUps]);
  }
});
