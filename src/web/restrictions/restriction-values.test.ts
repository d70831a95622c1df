import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RESTRICTIONS } from '../../contract/restrictions.ts';
import { changedFields } from '../form-values.ts';
import { toKnownUses } from './known-uses.ts';
import {
  describeRestrictions,
  type RestrictionValues,
  toRestrictions,
  toRestrictionValues,
  UNRESTRICTED,
  validateAddresses,
  validateMaxUses,
  validateRate,
  validateResources,
} from './restriction-values.ts';

const formValues = (changes: Partial<RestrictionValues>): RestrictionValues => ({ ...UNRESTRICTED, ...changes });

test('converting restrictions to form values and back does not change them', () => {
  const restrictions = {
    ...NO_RESTRICTIONS,
    addresses: ['203.0.113.0/24', '2001:db8::/48'],
    projects: ['prj_1'],
    apps: ['app_1', 'app_2'],
    rate: { requests: 100, seconds: 45 },
    maxUses: 5,
  };
  for (const before of [NO_RESTRICTIONS, restrictions]) {
    assert.deepEqual(changedFields(before, toRestrictions(toRestrictionValues(before))), {});
  }
  assert.deepEqual(changedFields(restrictions, toRestrictions(UNRESTRICTED)), {
    addresses: [],
    projects: [],
    apps: [],
    rate: null,
    maxUses: null,
  });
});

test('addresses that are turned on or required must be filled in with valid addresses and ranges', () => {
  assert.equal(validateAddresses(null, { isRequired: false }), null);
  assert.equal(validateAddresses(' \n', { isRequired: false }), 'Enter at least one address');
  for (const text of [null, ''])
    assert.match(validateAddresses(text, { isRequired: true }) ?? '', /workspace policy requires/);
  assert.equal(validateAddresses('203.0.113.0/24\n 2001:db8::1\n', { isRequired: true }), null);
  assert.equal(validateAddresses('203.0.113', { isRequired: false }), '203.0.113 is not an IP address or a CIDR range');
  assert.equal(validateAddresses('::1\n'.repeat(65), { isRequired: false }), 'At most 64 addresses and ranges');
});

test('resources that are turned on must be filled in with at most 64 projects and 64 apps', () => {
  assert.equal(validateResources(null), null);
  assert.equal(validateResources(['prj_1']), null);
  assert.equal(validateResources([]), 'Choose at least one project or app');
  const tooManyApps = Array.from({ length: 65 }, (_, index) => `app_${index}`);
  assert.equal(validateResources(tooManyApps), 'At most 64 projects and 64 apps');
});

test('a rate and a number of uses that are turned on must be whole numbers in their range', () => {
  assert.equal(validateRate(null), null);
  assert.equal(validateRate({ requests: 1, seconds: 60 }), null);
  for (const requests of ['', 0, 1_000_001]) {
    assert.equal(validateRate({ requests, seconds: 60 }), 'Must be a whole number from 1 to 1,000,000');
  }
  for (const uses of [null, 1, 1_000_000_000]) assert.equal(validateMaxUses(uses), null);
  for (const uses of ['', 0, 1.5, 1_000_000_001]) {
    assert.equal(validateMaxUses(uses), 'Must be a whole number from 1 to 1,000,000,000');
  }
});

const names = new Map([
  ['app_1', 'Checkout'],
  ['prj_1', 'Online shop'],
]);

test('the summary describes each restriction, or says that its input is missing or invalid', () => {
  assert.deepEqual(describeRestrictions(UNRESTRICTED, names), []);
  assert.deepEqual(
    describeRestrictions(formValues({ addresses: '203.0.113.7', resources: ['prj_1', 'app_1'], maxUses: 1 }), names),
    ['only from 203.0.113.7', 'only on Online shop and Checkout', 'can be used once'],
  );
  assert.deepEqual(
    describeRestrictions(
      formValues({ addresses: '::1\n127.0.0.0/8', resources: ['prj_1', 'app_1', 'app_2'], maxUses: 1500 }),
      names,
    ),
    ['only from 2 addresses and ranges', 'only on 1 project and 2 apps', 'can be used 1,500 times'],
  );
  const perPeriod = (requests: number | string, seconds: number) =>
    describeRestrictions(formValues({ rate: { requests, seconds } }), names).join();
  assert.equal(perPeriod(1000, 60), 'at most 1,000 requests per minute');
  assert.equal(perPeriod(1, 45), 'at most 1 request per 45 seconds');
  assert.equal(perPeriod('', 60), 'no valid maximum number of requests entered yet');
  assert.deepEqual(describeRestrictions(formValues({ addresses: '203.0.113', resources: [], maxUses: '' }), names), [
    'no valid addresses entered yet',
    'no valid choice of projects and apps yet',
    'no valid maximum number of uses entered yet',
  ]);
});

test('addresses and apps of past uses are offered as restrictions if they are few and all of them are known', () => {
  const time = '2027-01-15T12:00:00.000Z';
  const addressUses = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      address: `203.0.113.${index}`,
      firstSeenAt: time,
      lastSeenAt: time,
      reportedBy: null,
    }));
  const rightUse = (app: { id: string; name: string | null } | null) =>
    ({ right: 'read', app, count: 1, lastUsedAt: time }) as const;
  const shop = rightUse({ id: 'app_1', name: 'Shop' });
  assert.deepEqual(toKnownUses({ addresses: addressUses(1), rights: [shop, shop] }), {
    addresses: ['203.0.113.0'],
    apps: [{ value: 'app_1', label: 'Shop' }],
  });
  const noKnownUses = { addresses: [], apps: [] };
  assert.deepEqual(toKnownUses({ addresses: [], rights: [] }), noKnownUses);
  assert.deepEqual(toKnownUses({ addresses: addressUses(6), rights: [shop, rightUse(null)] }), noKnownUses);
  assert.deepEqual(
    toKnownUses({ addresses: addressUses(6), rights: [rightUse({ id: 'app_2', name: null })] }),
    noKnownUses,
  );
});
