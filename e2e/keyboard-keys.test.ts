import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { bearer, createKey, createToken, type TestPerson } from '../src/testing/test-server.ts';
import { checkAppearance } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { button, closeWithEscape, createKeyboardUser, waitForDialog, waitForFocus } from './keyboard.ts';
import { rowOf } from './page-actions.ts';

// These tests replace a token and edit an API key by keyboard only and check the appearance of each dialog.
const fixture = setUpBrowserFixture(async ({ owner }) => {
  await createToken(owner, ['run_scripts'], { name: 'Second token' });
});

const menuOf = (tab: Page, name: string) => button(tab, `Actions for ${name}`);

async function open(path: string, person?: TestPerson) {
  const tab = await fixture.open(path, person === undefined ? {} : { person });
  return { tab, keys: createKeyboardUser(tab) };
}

test('a token is replaced, from the first step to the last', async () => {
  const oldToken = await createToken(fixture.owner, ['basic_deployment'], { name: 'Deployer' });
  const { tab, keys } = await open('/settings/access-tokens?q=deployer');
  await keys.choose(menuOf(tab, 'Deployer'), 'Replace');
  const dialog = await waitForDialog(tab, 'Replace Deployer', 'dialog-replace-create');
  await keys.enter(button(dialog, 'Create replacement'));
  const secret = (await dialog.getByTestId('secret').textContent()) ?? '';
  await checkAppearance(tab, 'dialog-replace-secret');
  await keys.enter(button(dialog, 'I have stored it'));
  await dialog.getByText('Waiting for the new access token to be used').waitFor();
  await checkAppearance(tab, 'dialog-replace-waiting');
  await fixture.server.call('/v1/whoami', { headers: bearer(secret) });
  await dialog.getByText('The new access token is in use').waitFor();
  await checkAppearance(tab, 'dialog-replace-seen');
  await keys.enter(button(dialog, /^Delete old/));
  const deleteDialog = tab.getByRole('dialog', { name: 'Delete access token' });
  await closeWithEscape(deleteDialog, button(dialog, /^Delete old/));
  await keys.press('Enter');
  await keys.enter(button(deleteDialog, 'Delete'));
  await dialog.getByText('was replaced and deleted').waitFor();
  await checkAppearance(tab, 'dialog-replace-done');
  await keys.enter(button(dialog, 'Done'));
  await dialog.waitFor({ state: 'detached' });
  assert.equal((await fixture.server.call('/v1/whoami', { headers: bearer(oldToken.secret) })).status, 401);
});

test('the form for an API key is opened and closed; a key is edited, disabled and deleted', async () => {
  await createKey(fixture.owner, ['read'], { name: 'Sleeper', description: 'Reads at night.' });
  const { tab, keys } = await open('/settings/api-keys');
  const opener = button(tab, 'Generate API Key');
  await keys.enter(opener);
  const form = await waitForDialog(tab, 'Generate API Key', 'dialog-key-create');
  await closeWithEscape(form, opener);

  await keys.choose(menuOf(tab, 'Sleeper'), 'Edit');
  const editDialog = await waitForDialog(tab, 'Edit Sleeper', 'dialog-key-edit');
  await keys.tabTo(editDialog.getByLabel('Description (optional)'));
  await keys.type(' And at noon.');
  await keys.toggle(editDialog.getByLabel('view_logs'));
  await keys.enter(button(editDialog, 'Save'));
  await editDialog.waitFor({ state: 'detached' });
  await waitForFocus(tab, menuOf(tab, 'Sleeper'));
  await rowOf(tab, 'And at noon').getByText('view_logs').waitFor();

  await keys.toggle(tab.getByLabel('Sleeper is active'));
  await tab.getByText('API key Sleeper disabled').waitFor();
  await keys.choose(menuOf(tab, 'Sleeper'), 'Delete');
  await waitForDialog(tab, 'Delete API key', 'dialog-key-delete');
  await keys.enter(button(tab.getByRole('dialog'), 'Delete'));
  await tab.getByRole('heading', { name: 'No API keys yet' }).waitFor();
});
