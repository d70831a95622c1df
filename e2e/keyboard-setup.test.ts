import { test } from 'node:test';
import { PASSWORD } from '../src/testing/test-server.ts';
import { setUpBrowserFixture, waitUntilLoaded } from './browser-fixture.ts';
import { button, createKeyboardUser, waitForFocus } from './keyboard.ts';

const fixture = setUpBrowserFixture(async () => {}, { owner: false });

test('by keyboard only, the owner sets up Devpilot, creates the workspace, signs out, enters an incorrect password, and signs in', async () => {
  const link = new URL(fixture.server.setupLink ?? '');
  const tab = await fixture.open(link.pathname + link.hash, { person: null });
  const keys = createKeyboardUser(tab);
  await waitForFocus(tab, tab.getByLabel('Your name'));
  await keys.type('Ada Lovelace');
  await keys.tabTo(tab.getByLabel('Email'));
  await keys.type('ada@example.com');
  await keys.press('Enter');
  await waitForFocus(tab, tab.getByLabel('Password', { exact: true }));
  await keys.type(PASSWORD);
  await keys.press('Enter');
  await waitForFocus(tab, tab.getByLabel('Workspace name'));
  await keys.type('Acme');
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'No access tokens yet' }).waitFor();
  await waitUntilLoaded(tab);
  await keys.enter(button(tab, 'Generate Token'));
  await waitForFocus(tab, tab.getByRole('dialog').getByLabel('Name'));
  await keys.press('Escape');
  await tab.getByRole('dialog').waitFor({ state: 'detached' });

  await keys.choose(button(tab, /^Account:/), 'Sign out');
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await waitForFocus(tab, tab.getByLabel('Email'));
  await keys.type('ada@example.com');
  await keys.tabTo(tab.getByLabel('Password', { exact: true }));
  await keys.type('not the password');
  await keys.press('Enter');
  await tab.getByRole('alert').waitFor();
  await waitForFocus(tab, tab.getByLabel('Password', { exact: true }));
  await keys.press('ControlOrMeta+a');
  await keys.type(PASSWORD);
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
});
