import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { bearer, createKey, createToken } from '../src/testing/house.ts';
import { inspect, openTab } from './browser.ts';
import { looksRight, type Sight } from './looks.ts';
import { setStage } from './stage.ts';
import { chooseInMenu } from './steps.ts';

const stage = setStage(async ({ house, owner }) => {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const used = await createToken(owner, ['basic_deployment', 'advanced_deployment'], {
    name: 'CI/CD Pipeline',
    expiresAt: inDays(6),
  });
  for (let uses = 0; uses < 3; uses++) await house.call('/v1/whoami', { headers: bearer(used.secret) });
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
  await createKey(owner, ['read', 'deploy', 'view_logs', 'manage_apps', 'write'], {
    name: 'Billing service',
    description: 'Reads what the billing service needs every night, and nothing else.',
  });
  await createKey(owner, ['read'], { name: 'Old importer', active: false });
});

async function menu(tab: Page, name: string, item: string): Promise<void> {
  await chooseInMenu(tab, name, item);
  await tab.getByRole('dialog').waitFor();
}

/** Everything to look at, each reached from the page before it is looked at. */
const SIGHTS: readonly Sight[] = [
  { name: 'tokens', path: '/settings/access-tokens' },
  {
    name: 'tokens-menu',
    path: '/settings/access-tokens',
    reach: (tab) => tab.getByRole('button', { name: 'Actions for CI/CD Pipeline' }).click(),
  },
  {
    name: 'tokens-create',
    path: '/settings/access-tokens',
    async reach(tab) {
      await tab.getByRole('button', { name: 'Generate Token' }).click();
      const form = tab.getByRole('dialog');
      await form.getByLabel('Passphrase (optional)').fill('short');
      await form.getByLabel('Expiry').selectOption('never');
      await form.getByRole('button', { name: 'Generate Token' }).click();
      await form.getByText('Choose at least one scope').waitFor();
    },
  },
  {
    name: 'tokens-date',
    path: '/settings/access-tokens',
    async reach(tab) {
      await tab.getByRole('button', { name: 'Generate Token' }).click();
      await tab.getByLabel('Expiry').selectOption('date');
      await tab.getByLabel('Last day').click();
      await tab.locator('[data-dates-dropdown], .mantine-DateInput-calendarHeader').first().waitFor();
    },
  },
  { name: 'tokens-delete', path: '/settings/access-tokens', reach: (tab) => menu(tab, 'CI/CD Pipeline', 'Delete') },
  {
    name: 'tokens-delete-many',
    path: '/settings/access-tokens',
    async reach(tab) {
      await tab.getByRole('checkbox', { name: 'Select CI/CD Pipeline' }).check();
      await tab.getByRole('checkbox', { name: 'Select Monitoring Script' }).check();
      await tab.getByRole('button', { name: 'Delete selected' }).click();
      await tab.getByRole('dialog').waitFor();
    },
  },
  { name: 'tokens-replace', path: '/settings/access-tokens', reach: (tab) => menu(tab, 'CI/CD Pipeline', 'Replace') },
  { name: 'keys', path: '/settings/api-keys' },
  { name: 'keys-edit', path: '/settings/api-keys', reach: (tab) => menu(tab, 'Billing service', 'Edit') },
  {
    name: 'tokens-secret',
    path: '/settings/access-tokens',
    async reach(tab) {
      await tab.getByRole('button', { name: 'Generate Token' }).click();
      await tab.getByRole('dialog').getByLabel('Name').fill('To look at');
      await tab.getByLabel('run_scripts').check();
      await tab.getByRole('dialog').getByRole('button', { name: 'Generate Token' }).click();
      await tab.getByTestId('secret').waitFor();
    },
  },
  { name: 'members', path: '/settings/members' },
  { name: 'activity-log', path: '/settings/activity-log' },
  { name: 'workspace', path: '/settings/workspace' },
  { name: 'account', path: '/account' },
  { name: 'device', path: '/device' },
  { name: 'invitation', path: '/accept-invitation#somecode' },
];

looksRight(stage, SIGHTS);

for (const path of ['/sign-in', '/setup']) {
  test(`${path} has no barriers and fits, in both schemes, wide and narrow`, async () => {
    await inspect(await stage.open(path, { person: null }), path.slice(1));
  });
}

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
  await tab.goto('/settings/access-tokens');
  await tab.getByRole('table').waitFor();
  await tab.waitForLoadState('networkidle');
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  assert.ok(sizes.length > 1 && total > 50_000, 'the sizes were read');
  assert.ok(total <= 250_000, `${total} bytes`);
  assert.deepEqual(foreign, []);
});
