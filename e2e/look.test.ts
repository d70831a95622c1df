import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page, Route } from 'playwright-core';
import { bearer, createKey, createToken, signUpMember, type TestPerson } from '../src/testing/house.ts';
import { inspect, openTab, picture } from './browser.ts';
import { looksRight, type Sight } from './looks.ts';
import { setStage, settled } from './stage.ts';
import { lineOf } from './steps.ts';

/** Every page in every state, looked at. The dialogs are in the files of the keyboard. */
let member: TestPerson;
let token: string;
let key: string;

const stage = setStage(async ({ house, owner }) => {
  member = await signUpMember(house, owner, 'member', 'linus@example.com');
  await signUpMember(house, owner, 'admin', 'a.rather.long.address.of.somebody@engineering.example.com');
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const used = await createToken(owner, ['basic_deployment', 'advanced_deployment'], {
    name: 'CI/CD Pipeline',
    expiresAt: inDays(6),
  });
  token = used.id;
  for (let uses = 0; uses < 3; uses++) await house.call('/v1/whoami', { headers: bearer(used.secret) });
  await house.call('/v1/authorize?scope=run_scripts', { headers: bearer(used.secret) });
  await createToken(owner, ['all'], { name: 'Deployment Automation' });
  await createToken(
    owner,
    ['error_tracker', 'activity_tracker', 'activity_tracker_analytics', 'run_scripts', 'modify_env'],
    {
      name: 'Monitoring Script',
      passphrase: 'correct horse battery staple',
      expiresAt: inDays(80),
    },
  );
  const billing = await createKey(owner, ['read', 'deploy', 'view_logs', 'manage_apps', 'write'], {
    name: 'Billing service',
    description: 'Reads what the billing service needs every night, and nothing else.',
  });
  key = billing.id;
  await createKey(owner, ['read'], { name: 'Old importer', active: false });
  await owner.call(`/v1/api-keys/${key}`, { method: 'PATCH', body: { permissions: ['read', 'deploy'] } });
  await owner.call('/v1/invitations', { body: { email: 'grace@example.com', role: 'admin' } });
  await owner.call('/v1/workspaces', { body: { name: 'Empty place' } });
});

/** In the workspace Acme, unless the address says otherwise. */
function within(path: string): string {
  if (!path.startsWith('/settings') || path.includes('workspace=')) return path;
  return `${path}${path.includes('?') ? '&' : '?'}workspace=acme`;
}

const asMember = () => member;
const asNobody = () => null;
const press = (name: string | RegExp) => (tab: Page) => tab.getByRole('button', { name }).click();
const TOKENS = '/settings/access-tokens';
const LOG = '/settings/activity-log';

const SIGHTS: readonly Sight[] = [
  { name: 'tokens', path: TOKENS },
  { name: 'tokens-menu', path: TOKENS, reach: press('Actions for CI/CD Pipeline') },
  { name: 'tokens-folded-scopes', path: TOKENS, reach: (tab) => tab.getByText('+2').hover() },
  { name: 'tokens-as-member', path: TOKENS, person: asMember },
  { name: 'tokens-empty', path: `${TOKENS}?workspace=empty-place` },
  { name: 'tokens-no-match', path: `${TOKENS}?q=nothing+like+it` },
  { name: 'tokens-bad-filter', path: `${TOKENS}?status=nonsense` },
  {
    name: 'tokens-create-refused',
    path: TOKENS,
    async reach(tab) {
      await press('Generate Token')(tab);
      const form = tab.getByRole('dialog');
      await form.getByLabel('Passphrase (optional)').fill('short');
      await form.getByLabel('Expiry').selectOption('never');
      await form.getByRole('button', { name: 'Generate Token' }).click();
      await form.getByText('Choose at least one scope').waitFor();
    },
  },
  {
    name: 'tokens-create-date',
    path: TOKENS,
    async reach(tab) {
      await press('Generate Token')(tab);
      await tab.getByLabel('Expiry').selectOption('date');
      await tab.getByLabel('Last day').click();
      await tab.locator('[data-dates-dropdown], .mantine-DateInput-calendarHeader').first().waitFor();
    },
  },
  { name: 'token', path: () => `${TOKENS}/${token}`, reach: (tab) => tab.getByText('As a table').click() },
  { name: 'token-as-member', path: () => `${TOKENS}/${token}`, person: asMember },
  { name: 'token-gone', path: `${TOKENS}/tok_01h455vb4pex5vsknk084sn02q` },
  { name: 'keys', path: '/settings/api-keys' },
  { name: 'keys-empty', path: '/settings/api-keys?workspace=empty-place' },
  { name: 'key', path: () => `/settings/api-keys/${key}` },
  { name: 'members', path: '/settings/members' },
  { name: 'members-menu', path: '/settings/members', reach: press('Actions for linus') },
  { name: 'members-as-member', path: '/settings/members', person: asMember },
  { name: 'log', path: LOG },
  {
    name: 'log-details',
    path: LOG,
    reach: (tab) => lineOf(tab, 'changed permissions').getByRole('button').click(),
  },
  { name: 'log-export', path: LOG, reach: press('Export') },
  {
    name: 'log-range',
    path: LOG,
    async reach(tab) {
      await tab.getByRole('combobox', { name: 'Time' }).click();
      await tab.getByRole('option', { name: 'From … to …' }).click();
      await tab.getByLabel('Before').fill('2020-01-01T00:00');
      await tab.getByRole('heading', { name: 'Nothing matches' }).waitFor();
    },
  },
  { name: 'log-as-member', path: LOG, person: asMember },
  { name: 'workspace', path: '/settings/workspace' },
  { name: 'workspace-as-member', path: '/settings/workspace', person: asMember },
  { name: 'workspace-none', path: `${TOKENS}?workspace=nobodys` },
  { name: 'workspace-create', path: '/?create=workspace' },
  { name: 'account', path: '/account' },
  { name: 'device', path: '/device', reach: press('Continue') },
  {
    name: 'device-unknown',
    path: '/device#BCDFGHJK',
    reach: (tab) => tab.getByText('There is no request with this code.', { exact: false }).waitFor(),
  },
  { name: 'invitation', path: '/accept-invitation#somecode' },
  {
    name: 'invitation-refused',
    path: '/accept-invitation#somecode',
    reach: async (tab) => {
      await press('Accept the invitation')(tab);
      await tab.getByRole('alert').waitFor();
    },
  },
  { name: 'invitation-new', path: '/accept-invitation#somecode', person: asNobody, reach: press('Create account') },
  {
    name: 'invitation-known',
    path: '/accept-invitation#somecode',
    person: asNobody,
    reach: (tab) => tab.getByText('I have an account').click(),
  },
  { name: 'invitation-again', path: '/accept-invitation' },
  { name: 'sign-in', path: '/sign-in', person: asNobody, reach: press('Sign in') },
  { name: 'setup', path: '/setup', person: asNobody },
  { name: 'nowhere', path: '/settings/nowhere' },
];

describe('Every page', () => {
  looksRight(
    stage,
    SIGHTS.map(({ path, ...sight }) => ({ ...sight, path: () => within(typeof path === 'string' ? path : path()) })),
  );

  test('the navigation of a narrow screen', async () => {
    const tab = await stage.open('/settings/members', { width: 360 });
    await tab.getByRole('button', { name: 'Navigation', exact: true }).click();
    await tab.getByRole('link', { name: 'API Keys' }).waitFor();
    await picture(tab, 'navigation-light-360');
    await tab.getByRole('link', { name: 'API Keys' }).click();
    await tab.getByRole('heading', { name: 'API Keys', exact: true }).waitFor();
    await tab.getByRole('link', { name: 'API Keys' }).waitFor({ state: 'hidden' });
  });
});

/** What each page reads first, and an address that shows it. */
const READ: readonly { readonly name: string; readonly path: () => string; readonly reads: RegExp }[] = [
  { name: 'tokens', path: () => TOKENS, reads: /\/v1\/access-tokens(?:\?|$)/ },
  { name: 'keys', path: () => '/settings/api-keys', reads: /\/v1\/api-keys(?:\?|$)/ },
  { name: 'token', path: () => `${TOKENS}/${token}`, reads: /\/v1\/access-tokens\/\w+$/ },
  { name: 'members', path: () => '/settings/members', reads: /\/v1\/members(?:\?|$)/ },
  { name: 'log', path: () => LOG, reads: /\/v1\/audit-events(?:\?|$)/ },
  { name: 'account', path: () => '/account', reads: /\/v1\/sessions(?:\?|$)/ },
];
const PROBLEM = { code: 'internal', title: 'Internal error', detail: 'Something went wrong here.', requestId: 'req-7' };

for (const { name, path, reads } of READ) {
  test(`while ${name} is read its place is kept; when that fails it says so, with the request, and tries again`, async () => {
    const tab = await stage.open('/settings/workspace');
    let answer: (route: Route) => Promise<void> = (route) =>
      route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify(PROBLEM) });
    const held: Route[] = [];
    let hold = true;
    await tab.route(reads, (route) => {
      if (hold) held.push(route);
      else return answer(route);
    });
    await tab.goto(within(path()));
    await tab.locator('[aria-busy=true]').first().waitFor();
    await inspect(tab, `${name}-reading`);
    hold = false;
    for (const route of held) await answer(route);
    await tab.getByText('req-7').first().waitFor();
    await inspect(tab, `${name}-failed`);
    answer = (route) => route.continue();
    await tab.getByRole('button', { name: 'Try again' }).first().click();
    await tab.getByText('req-7').first().waitFor({ state: 'detached' });
  });
}

/** Collects how far things move on the page without anybody touching it (the Layout Instability API). */
function collectJumps(): void {
  const jumps: number[] = [];
  Object.assign(globalThis, { jumps });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) jumps.push((entry as PerformanceEntry & { value: number }).value);
  }).observe({ type: 'layout-shift', buffered: true });
}

/** A fifth of what counts as good: a block may turn out a line longer than its place, a table may not. */
const STILL = 0.02;

test('nothing jumps while a page is read', async () => {
  const tab = await stage.open('/settings/workspace');
  await tab.addInitScript(collectJumps);
  for (const { name, path } of READ) {
    await tab.goto(within(path()));
    await settled(tab);
    await tab.waitForLoadState('networkidle');
    const jumps = await tab.evaluate(() => (globalThis as unknown as { jumps: number[] }).jumps);
    const total = jumps.reduce((sum, jump) => sum + jump, 0);
    assert.ok(total <= STILL, `${name}: ${total}`);
  }
});

test('the first load of the settings page is at most 250 kB of compressed JavaScript, all from here', async () => {
  const tab = await openTab(stage.browser, stage.house, { person: stage.owner });
  const sizes: Promise<number>[] = [];
  const foreign: string[] = [];
  tab.on('response', (response) => {
    if (!response.url().startsWith(stage.house.url)) foreign.push(response.url());
    if (response.url().endsWith('.js'))
      sizes.push(
        response
          .request()
          .sizes()
          .then((one) => one.responseBodySize),
      );
  });
  await tab.goto(within(TOKENS));
  await tab.getByRole('table').waitFor();
  await tab.waitForLoadState('networkidle');
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  assert.ok(sizes.length > 1 && total > 50_000, 'the sizes were read');
  assert.ok(total <= 250_000, `${total} bytes`);
  assert.deepEqual(foreign, []);
});
