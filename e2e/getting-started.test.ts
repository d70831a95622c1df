import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSWORD } from '../src/testing/test-server.ts';
import { checkAppearance } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { button, createKeyboardUser, waitForFocus } from './keyboard.ts';
import { rowOf, signIn } from './page-actions.ts';

const ADA = 'ada@example.com';
const fixture = setUpBrowserFixture(async () => {}, { owner: false });

test('the setup link leads through account and workspace to an empty Access Tokens page', async () => {
  const link = new URL(fixture.server.setupLink ?? '');
  const tab = await fixture.open('/settings/access-tokens', { person: null });
  await tab.getByLabel('Setup code').waitFor();
  assert.equal(new URL(tab.url()).pathname, '/setup', 'before setup, every page leads to it');
  // Leaves the web UI: from /setup, the browser would only change the hash and not load the page again.
  await tab.goto('/healthz');
  await tab.goto(link.pathname + link.hash);
  await tab.getByRole('heading', { name: 'Set up Devpilot' }).waitFor();
  assert.equal(new URL(tab.url()).hash, '', 'the code is removed from the address');
  await tab.reload();
  await tab.getByRole('heading', { name: 'Set up Devpilot' }).waitFor();
  assert.equal(await tab.getByLabel('Setup code').count(), 0, 'the code is kept for the tab');
  await createKeyboardUser(tab).enter(button(tab, 'Create account'));
  await tab.getByText('Enter your name').waitFor();
  await waitForFocus(tab, tab.getByLabel('Your name'));
  await checkAppearance(tab, 'setup');
  await tab.getByLabel('Your name').fill('Ada Lovelace');
  await tab.getByLabel('Email').fill(ADA);
  await tab.getByLabel('Password', { exact: true }).fill('password1');
  await tab.getByRole('button', { name: 'Create account' }).click();
  await tab.locator('[id$="-error"]').first().waitFor();
  await tab.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await tab.getByRole('button', { name: 'Create account' }).click();
  await tab.getByLabel('Workspace name').waitFor();
  assert.doesNotMatch(await tab.evaluate(() => Object.keys(sessionStorage).join()), /code/, 'a used code is not kept');
  await tab.reload();
  await tab.getByText('Step 2 of 2').waitFor();
  await tab.getByLabel('Workspace name').fill('Acme');
  await tab.getByRole('button', { name: 'Create workspace' }).click();
  await tab.getByRole('heading', { name: 'No access tokens yet' }).waitFor();
  await tab.getByRole('button', { name: 'Generate Token' }).waitFor();
  await tab.getByRole('button', { name: /^Account:/ }).click();
  await tab.getByRole('menuitem', { name: 'Sign out' }).click();
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await tab.goto('/settings/access-tokens');
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('an incorrect password is reported, and the correct one signs in', async () => {
  const tab = await fixture.open('/', { person: null });
  await signIn(tab, ADA, 'not the password');
  await tab.getByRole('alert').waitFor();
  await signIn(tab, ADA);
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
});

test('after an expired session, sign-in returns to the same page and never to another origin', async () => {
  const tab = await fixture.open('/settings/api-keys?status=active&q=bill', { person: null });
  await signIn(tab, ADA);
  await tab.getByRole('heading', { name: 'API Keys', exact: true }).waitFor();
  assert.equal(await tab.getByRole('searchbox').inputValue(), 'bill');
  await tab.context().clearCookies();
  await tab.getByLabel('Status', { exact: true }).selectOption('inactive');
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(tab, ADA);
  await tab.getByRole('heading', { name: 'API Keys', exact: true }).waitFor();
  assert.match(tab.url(), /status=inactive/);
  for (const from of ['//evil.example', 'https://evil.example/', '/\\evil.example']) {
    await tab.context().clearCookies();
    await tab.goto(`/sign-in?from=${encodeURIComponent(from)}`);
    await signIn(tab, ADA);
    await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
    assert.equal(new URL(tab.url()).origin, fixture.server.url);
  }
});

test('after setup, the setup page leads to sign-in or to the workspace', async () => {
  const tab = await fixture.open('/setup', { person: null });
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(tab, ADA);
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  await tab.goto('/setup');
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
});

test('a lost connection is reported and recovers automatically; an error shows its request ID and can be retried', async () => {
  const tab = await fixture.open('/', { person: null });
  await signIn(tab, ADA);
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  // The module of the next page fails to load. Chromium remembers that, so the router reloads the page, and may log the
  // failure, which must not fail the test.
  tab.removeAllListeners('console');
  await tab.context().setOffline(true);
  await tab.getByRole('link', { name: 'API Keys' }).click();
  await tab.getByText('Connection lost. Reconnecting').waitFor();
  await tab.context().setOffline(false);
  await tab.getByText('Connection lost. Reconnecting').waitFor({ state: 'detached' });
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
});

test('a form keeps its content when the session has ended: signing in again opens another tab', async () => {
  const tab = await fixture.open('/', { person: null });
  await signIn(tab, ADA);
  await tab.getByRole('button', { name: 'Generate Token' }).click();
  const form = tab.getByRole('dialog', { name: 'Generate Token' });
  await form.getByLabel('Name').fill('Nightly');
  await form.getByLabel('basic_deployment').check();
  const context = tab.context();
  await context.clearCookies();
  await form.getByRole('button', { name: 'Generate Token' }).click();
  const [signInTab] = await Promise.all([
    context.waitForEvent('page'),
    form.getByRole('link', { name: 'Sign in again' }).click(),
  ]);
  await signIn(signInTab, ADA);
  await signInTab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  await signInTab.close();
  assert.equal(await form.getByLabel('Name').inputValue(), 'Nightly');
  await form.getByRole('button', { name: 'Generate Token' }).click();
  await tab.getByRole('dialog', { name: 'Your new access token' }).waitFor();
  await tab.getByRole('button', { name: 'I have stored it' }).click();
  await rowOf(tab, 'Nightly').waitFor();
});
