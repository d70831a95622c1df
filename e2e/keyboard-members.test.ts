import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { createKey, createToken, signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { checkAppearance } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { button, closeWithEscape, createKeyboardUser, waitForDialog, waitForFocus } from './keyboard.ts';
import { listItemOf, rowOf } from './page-actions.ts';

// These tests use members and invitations by keyboard only and check the appearance of each dialog.
const fixture = setUpBrowserFixture();

const menuOf = (tab: Page, name: string) => button(tab, `Actions for ${name}`);

async function open(path: string, person?: TestPerson) {
  const tab = await fixture.open(path, person === undefined ? {} : { person });
  return { tab, keys: createKeyboardUser(tab) };
}

test('a person is invited and the invitation is revoked', async () => {
  const { tab, keys } = await open('/settings/members');
  const opener = button(tab, 'Invite member');
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'Invite to Acme', 'dialog-invite');
  await closeWithEscape(dialog, opener);
  await keys.press('Enter');
  await waitForFocus(tab, dialog.getByLabel('Email'));
  await keys.type('grace@example.com');
  await keys.tabTo(dialog.getByLabel('Member', { exact: true }));
  await keys.press('ArrowDown');
  assert.equal(await dialog.getByLabel('Admin', { exact: true }).isChecked(), true);
  await keys.enter(button(dialog, 'Create invitation'));
  await dialog.getByLabel('Invitation link').waitFor();
  await checkAppearance(tab, 'dialog-invite-link');
  await keys.enter(button(dialog, 'Copy link'));
  await button(dialog, 'Copied').waitFor();
  await keys.enter(button(dialog, 'Done'));
  await dialog.waitFor({ state: 'detached' });
  await waitForFocus(tab, opener);

  const revokeButton = button(tab, 'Revoke the invitation for grace@example.com');
  await keys.enter(revokeButton);
  const confirmDialog = await waitForDialog(tab, 'Revoke invitation', 'dialog-revoke');
  await closeWithEscape(confirmDialog, revokeButton);
  await keys.press('Enter');
  await keys.enter(button(confirmDialog, 'Revoke'));
  await listItemOf(tab, 'grace@example.com').waitFor({ state: 'detached' });
});

test('the focus also returns when dialogs are animated', async () => {
  const { tab, keys } = await open('/settings/members');
  await tab.emulateMedia({ reducedMotion: 'no-preference' });
  const opener = button(tab, 'Invite member');
  await keys.enter(opener);
  const dialog = tab.getByRole('dialog', { name: 'Invite to Acme' });
  await waitForFocus(tab, dialog.getByLabel('Email'));
  await closeWithEscape(dialog, opener);
});

test('a member becomes an admin and is removed together with a token they created', async () => {
  const edsger = await signUpMember(fixture.server, fixture.owner, 'member', 'edsger@example.com');
  const { tab, keys } = await open('/settings/members');
  await keys.choose(menuOf(tab, 'edsger'), 'Make admin');
  await tab.getByText('edsger is now an admin').waitFor();
  await createToken(edsger, ['all'], { name: 'Nightly report' });
  await createKey(edsger, ['read'], { name: 'Dashboard' });

  await keys.choose(menuOf(tab, 'edsger'), /^Transfer ownership/);
  const transferDialog = await waitForDialog(tab, 'Transfer ownership', 'dialog-transfer');
  await closeWithEscape(transferDialog, menuOf(tab, 'edsger'));

  await keys.choose(menuOf(tab, 'edsger'), /^Remove/);
  const dialog = await waitForDialog(tab, 'Remove edsger', 'dialog-remove');
  await keys.toggle(dialog.getByLabel('Nightly report'));
  await keys.enter(button(dialog, 'Remove and delete 1 credential'));
  await dialog.getByText('edsger was removed', { exact: false }).waitFor();
  await checkAppearance(tab, 'dialog-removed');
  await keys.enter(button(dialog, 'Done'));
  await rowOf(tab, 'edsger').waitFor({ state: 'detached' });
});
