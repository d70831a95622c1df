import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { PASSWORD, startHouse, type TestHouse } from '../src/testing/house.ts';
import { openTab, startBrowser, watchConsole } from './browser.ts';

let house: TestHouse;
let browser: Browser;

before(async () => {
  house = await startHouse();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await house?.close();
});

async function signIn(tab: Page, password: string): Promise<void> {
  await tab.getByLabel('Email').fill('ada@example.com');
  await tab.getByLabel('Password', { exact: true }).fill(password);
  await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
}

test('the setup link leads through account and workspace to an empty Access Tokens page', async () => {
  const tab = await openTab(browser, house);
  const complaints = watchConsole(tab);
  const link = new URL(house.setupLink ?? '');
  await tab.goto(link.pathname + link.hash);
  await tab.getByRole('heading', { name: 'Set up Devpilot' }).waitFor();
  assert.equal(new URL(tab.url()).hash, '', 'the code is out of the address');
  await tab.getByRole('button', { name: 'Create account' }).click();
  await tab.getByText('Tell us your name').waitFor();
  await tab.getByLabel('Your name').fill('Ada Lovelace');
  await tab.getByLabel('Email').fill('ada@example.com');
  await tab.getByLabel('Password', { exact: true }).fill('password1');
  await tab.getByRole('button', { name: 'Create account' }).click();
  await tab.locator('[id$="-error"]').first().waitFor();
  await tab.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await tab.getByRole('button', { name: 'Create account' }).click();
  await tab.getByLabel('Workspace name').fill('Acme');
  await tab.getByRole('button', { name: 'Create workspace' }).click();
  await tab.getByRole('heading', { name: 'No access tokens yet' }).waitFor();
  await tab.getByRole('button', { name: 'Generate Token' }).waitFor();
  assert.deepEqual(complaints, []);
  await tab.getByRole('button', { name: /^Account:/ }).click();
  await tab.getByRole('menuitem', { name: 'Sign out' }).click();
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await tab.goto('/settings/access-tokens');
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await tab.context().close();
});

test('a wrong password says so, the right one goes on', async () => {
  const tab = await openTab(browser, house);
  await tab.goto('/');
  await signIn(tab, 'not the password');
  await tab.getByRole('alert').waitFor();
  await signIn(tab, PASSWORD);
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  await tab.context().close();
});

test('a lost session comes back to the same place after sign-in, and never to a foreign one', async () => {
  const tab = await openTab(browser, house);
  await tab.goto('/settings/api-keys?status=active&q=bill');
  await signIn(tab, PASSWORD);
  await tab.getByRole('heading', { name: 'API Keys', exact: true }).waitFor();
  assert.equal(await tab.getByRole('searchbox').inputValue(), 'bill');
  await tab.context().clearCookies();
  await tab.getByLabel('Status', { exact: true }).selectOption('inactive');
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(tab, PASSWORD);
  await tab.getByRole('heading', { name: 'API Keys', exact: true }).waitFor();
  assert.match(tab.url(), /status=inactive/);
  for (const from of ['//evil.example', 'https://evil.example/', '/\\evil.example']) {
    await tab.context().clearCookies();
    await tab.goto(`/sign-in?from=${encodeURIComponent(from)}`);
    await signIn(tab, PASSWORD);
    await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
    assert.equal(new URL(tab.url()).origin, house.url);
  }
  await tab.context().close();
});

test('a lost network says so and comes back by itself; a failure shows its request and tries again', async () => {
  const tab = await openTab(browser, house);
  await tab.goto('/');
  await signIn(tab, PASSWORD);
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  await tab.context().setOffline(true);
  await tab.getByRole('link', { name: 'API Keys' }).click();
  await tab.getByText('The server can not be reached. Trying again').waitFor();
  await tab.context().setOffline(false);
  await tab.getByText('The server can not be reached. Trying again').waitFor({ state: 'detached' });
  await tab.getByRole('heading', { name: 'No API keys yet' }).waitFor();

  const problem = { code: 'internal', detail: 'Something went wrong here.', requestId: 'req-e2e-1' };
  await tab.route('**/v1/access-tokens*', (route) =>
    route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
  await tab.goto('/settings/access-tokens');
  await tab.getByText('req-e2e-1').waitFor();
  await tab.unroute('**/v1/access-tokens*');
  await tab.getByRole('button', { name: 'Try again' }).click();
  await tab.getByRole('heading', { name: 'No access tokens yet' }).waitFor();
  await tab.context().close();
});
