import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { bearer, createToken, type TestPerson } from '../src/testing/test-server.ts';
import { checkAppearance } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { button, closeWithEscape, createKeyboardUser, waitForDialog, waitForFocus } from './keyboard.ts';
import { rowOf } from './page-actions.ts';

// These tests use access tokens by keyboard only and check the appearance of each dialog.
const fixture = setUpBrowserFixture(async ({ owner }) => {
  await createToken(owner, ['run_scripts'], { name: 'Second token' });
});

const menuOf = (tab: Page, name: string) => button(tab, `Actions for ${name}`);

async function open(path: string, person?: TestPerson) {
  const tab = await fixture.open(path, person === undefined ? {} : { person });
  return { tab, keys: createKeyboardUser(tab) };
}

test('the first tab stop skips the navigation', async () => {
  const { tab, keys } = await open('/settings/access-tokens');
  await keys.press('Tab');
  await waitForFocus(tab, button(tab, 'Skip to content'));
  await keys.press('Enter');
  assert.equal(await tab.evaluate(() => document.activeElement?.id), 'main');
  await keys.press('Tab');
  assert.equal(await tab.evaluate(() => document.activeElement?.closest('main') !== null), true);
});

test('a token is generated, its secret is shown, and the focus returns', async () => {
  const { tab, keys } = await open('/settings/access-tokens');
  const opener = button(tab, 'Generate Token');
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'Generate Token', 'dialog-token-create');
  await closeWithEscape(dialog, opener);

  await keys.press('Enter');
  await waitForFocus(tab, dialog.getByLabel('Name'));
  await keys.type('By keyboard');
  await keys.toggle(dialog.getByLabel('error_tracker'));
  await keys.tabTo(dialog.getByLabel('Expiry'));
  await keys.press('ArrowDown');
  await keys.enter(button(dialog, 'Suggest a passphrase'));
  await dialog.getByText('Strong', { exact: true }).waitFor();
  await dialog.getByText(/Can submit and read errors until .*; passphrase required/).waitFor();
  await keys.enter(button(dialog, 'Generate Token'));
  const secretDialog = await waitForDialog(tab, 'Your new access token', 'dialog-token-secret');
  // Escape does not close a dialog with a secret that is shown only once.
  await keys.press('Escape');
  await keys.enter(button(secretDialog, 'Copy secret'));
  await button(secretDialog, 'Copied').waitFor();
  await keys.enter(button(secretDialog, 'I have stored it'));
  await secretDialog.waitFor({ state: 'detached' });
  await waitForFocus(tab, opener);
  await rowOf(tab, 'By keyboard').waitFor();
});

test('Escape closes the calendar first, and a filled form is discarded only after a confirmation', async () => {
  const { tab, keys } = await open('/settings/access-tokens');
  const opener = button(tab, 'Generate Token');
  await keys.enter(opener);
  const form = tab.getByRole('dialog', { name: 'Generate Token' });
  await waitForFocus(tab, form.getByLabel('Name'));
  await keys.type('Half done');
  await form.getByLabel('Expiry').selectOption('date');
  await keys.enter(button(form, 'Open calendar'));
  const calendar = form.getByRole('group', { name: 'Calendar' });
  await calendar.waitFor();
  await keys.tabTo(button(calendar, 'Next month'));
  await keys.press('Escape');
  await calendar.waitFor({ state: 'detached' });
  await waitForFocus(tab, form.getByLabel('Last day'));

  await keys.press('Escape');
  const discardDialog = await waitForDialog(tab, 'Discard your input?', 'dialog-token-discard');
  await closeWithEscape(discardDialog, form.getByLabel('Last day'));
  assert.equal(await form.getByLabel('Name').inputValue(), 'Half done');
  await keys.press('Escape');
  await keys.enter(button(discardDialog, 'Discard'));
  await form.waitFor({ state: 'detached' });
  await waitForFocus(tab, opener);
});

test('a token is deleted from the menu of its row; a token in use requires its name to be typed', async () => {
  await createToken(fixture.owner, ['run_scripts'], { name: 'Unused one' });
  const usedToken = await createToken(fixture.owner, ['run_scripts'], { name: 'Used one' });
  await fixture.server.call('/v1/whoami', { headers: bearer(usedToken.secret) });
  const { tab, keys } = await open('/settings/access-tokens?q=used+one');
  await keys.choose(menuOf(tab, 'Unused one'), 'Delete');
  const dialog = await waitForDialog(tab, 'Delete access token', 'dialog-token-delete');
  await closeWithEscape(dialog, menuOf(tab, 'Unused one'));
  await keys.choose(menuOf(tab, 'Unused one'), 'Delete');
  await keys.enter(button(dialog, 'Delete'));
  await rowOf(tab, 'Unused one').waitFor({ state: 'detached' });

  await tab.reload();
  await keys.choose(menuOf(tab, 'Used one'), 'Delete');
  await waitForDialog(tab, 'Delete access token', 'dialog-token-delete-used');
  await keys.tabTo(dialog.getByRole('textbox'));
  await keys.type('Used one');
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'No results' }).waitFor();
});

test('several tokens are selected with Space and deleted together', async () => {
  for (const name of ['Bulk one', 'Bulk two']) await createToken(fixture.owner, ['run_scripts'], { name });
  const { tab, keys } = await open('/settings/access-tokens?q=bulk');
  await keys.toggle(tab.getByLabel('Select Bulk one'));
  await keys.toggle(tab.getByLabel('Select all on this page'));
  await tab.getByText('2 selected').waitFor();
  await checkAppearance(tab, 'tokens-selected');
  await keys.enter(button(tab, 'Delete selected'));
  const dialog = await waitForDialog(tab, 'Delete 2 access tokens', 'dialog-token-delete-many');
  await keys.enter(button(dialog, 'Delete 2'));
  await dialog.getByText('2 deleted. They no longer work.').waitFor();
  await checkAppearance(tab, 'dialog-token-deleted-many');
  await keys.enter(button(dialog, 'Close'));
  await dialog.waitFor({ state: 'detached' });
});
