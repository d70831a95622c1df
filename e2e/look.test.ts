import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startHouse,
  type TestHouse,
  type TestPerson,
} from '../src/testing/house.ts';
import { findBarriers, openTab, picture, startBrowser, watchConsole } from './browser.ts';

let house: TestHouse;
let browser: Browser;
let ada: TestPerson;

before(async () => {
  house = await startHouse();
  browser = await startBrowser();
  ada = await signUpOwner(house);
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const used = await createToken(ada, ['basic_deployment', 'advanced_deployment'], {
    name: 'CI/CD Pipeline',
    expiresAt: inDays(6),
  });
  for (let uses = 0; uses < 3; uses++) await house.call('/v1/whoami', { headers: bearer(used.secret) });
  await createToken(ada, ['all'], { name: 'Deployment Automation' });
  await createToken(
    ada,
    ['error_tracker', 'activity_tracker', 'activity_tracker_analytics', 'run_scripts', 'modify_env'],
    {
      name: 'Monitoring Script',
      passphrase: 'correct horse battery staple',
      expiresAt: inDays(80),
    },
  );
  await createKey(ada, ['read', 'deploy', 'view_logs', 'manage_apps', 'write'], {
    name: 'Billing service',
    description: 'Reads what the billing service needs every night, and nothing else.',
  });
  await createKey(ada, ['read'], { name: 'Old importer', active: false });
});
after(async () => {
  await browser?.close();
  await house?.close();
});

async function menu(tab: Page, name: string, item: string): Promise<void> {
  await tab.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
  await tab.getByRole('menuitem', { name: item }).click();
  await tab.getByRole('dialog').waitFor();
}

/** Everything to look at, each reached from the page before it is looked at. */
const SIGHTS: readonly { name: string; path: string; reach?: (tab: Page) => Promise<void> }[] = [
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
];

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 400]) {
    describe(`In ${scheme} at ${width} pixels`, () => {
      let tab: Page;
      let complaints: string[];
      before(async () => {
        tab = await openTab(browser, house, { person: ada, scheme, width });
        complaints = watchConsole(tab);
      });
      after(() => tab?.context().close());

      for (const { name, path, reach } of SIGHTS) {
        test(`${name} has no barriers, fits, and keeps to its content policy`, async () => {
          await tab.goto(path);
          await tab.getByRole('table').waitFor();
          await reach?.(tab);
          await picture(tab, `${name}-${scheme}-${width}`);
          assert.deepEqual(await findBarriers(tab), []);
          const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.ok(overflow <= 0, `${overflow} pixels too wide`);
          assert.deepEqual(complaints, []);
        });
      }

      test('the secret’s dialog has no barriers', async () => {
        await tab.goto('/settings/access-tokens');
        await tab.getByRole('button', { name: 'Generate Token' }).click();
        await tab.getByRole('dialog').getByLabel('Name').fill('To look at');
        await tab.getByLabel('run_scripts').check();
        await tab.getByRole('dialog').getByRole('button', { name: 'Generate Token' }).click();
        await tab.getByTestId('secret').waitFor();
        await picture(tab, `tokens-secret-${scheme}-${width}`);
        assert.deepEqual(await findBarriers(tab), []);
        await tab.getByRole('button', { name: 'I have stored it' }).click();
      });
    });
  }
}

test('signing in and setting up have no barriers, and a page of 360 pixels does not scroll sideways', async () => {
  for (const scheme of ['light', 'dark'] as const) {
    const tab = await openTab(browser, house, { scheme, width: 360 });
    for (const path of ['/sign-in', '/setup']) {
      await tab.goto(path);
      await tab.getByRole('heading', { level: 1 }).waitFor();
      await picture(tab, `${path.slice(1)}-${scheme}-360`);
      assert.deepEqual(await findBarriers(tab), []);
      assert.equal(await tab.evaluate(() => document.documentElement.scrollWidth), 360);
    }
    await tab.context().close();
  }
});

test('the first load of the settings page is at most 250 kB of compressed JavaScript, all from here', async () => {
  const tab = await openTab(browser, house, { person: ada });
  const sizes: Promise<number>[] = [];
  const foreign: string[] = [];
  tab.on('response', (response) => {
    if (!response.url().startsWith(house.url)) foreign.push(response.url());
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
  await tab.context().close();
});
