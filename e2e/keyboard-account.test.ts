import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generate } from 'otplib';
import type { Page } from 'playwright-core';
import { PASSWORD, sendRequest, signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { addAuthenticator } from './authenticator.ts';
import { checkAppearance, openTab, watchConsole } from './browser.ts';
import { setUpBrowserFixture, waitUntilLoaded } from './browser-fixture.ts';
import { button, closeWithEscape, createKeyboardUser, waitForDialog, waitForFocus } from './keyboard.ts';
import { listItemOf } from './page-actions.ts';

// These tests use the account pages by keyboard only and check the appearance of each dialog.
const fixture = setUpBrowserFixture();
const addMember = (email: string): Promise<TestPerson> => signUpMember(fixture.server, fixture.owner, 'member', email);
const section = (tab: Page, name: string) => tab.getByRole('region', { name });

test('a person signs in, changes the password and signs out', async () => {
  await addMember('grace@example.com');
  const tab = await fixture.open('/sign-in?from=/account', { person: null });
  const keys = createKeyboardUser(tab);
  await waitForFocus(tab, tab.getByLabel('Email'));
  await keys.type('grace@example.com');
  await keys.tabTo(tab.getByLabel('Password', { exact: true }));
  await keys.type(PASSWORD);
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'Your account' }).waitFor();
  await waitUntilLoaded(tab);

  const opener = button(tab, 'Change password');
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'Change password', 'dialog-password');
  await closeWithEscape(dialog, opener);
  await keys.press('Enter');
  await waitForFocus(tab, dialog.getByLabel('Current password', { exact: true }));
  await keys.type('not the password');
  await keys.tabTo(dialog.getByLabel('New password', { exact: true }));
  await keys.type('an entirely new passphrase');
  await keys.press('Enter');
  await dialog.getByText('Incorrect password').waitFor();
  await checkAppearance(tab, 'dialog-password-refused');
  await waitForFocus(tab, dialog.getByLabel('Current password', { exact: true }));
  await keys.press('Control+A');
  await keys.type(PASSWORD);
  await keys.press('Enter');
  await tab.getByText('All other sessions have ended.').waitFor();
  await waitForFocus(tab, opener);

  await keys.choose(button(tab, /^Account:/), 'Sign out');
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('another session is ended', async () => {
  const linus = await addMember('linus@example.com');
  await sendRequest(fixture.server.url, '/v1/sessions', { body: { email: linus.email, password: PASSWORD } });
  const tab = await fixture.open('/account', { person: linus });
  const keys = createKeyboardUser(tab);
  const opener = button(tab, /^End session:/);
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'End session', 'dialog-session');
  await closeWithEscape(dialog, opener);
  await keys.press('Enter');
  await keys.enter(button(dialog, 'End session'));
  await opener.waitFor({ state: 'detached' });
});

test('two-factor authentication is turned on, the dialog for new codes is opened and closed, and two-factor authentication is turned off', async () => {
  const barbara = await addMember('barbara@example.com');
  const tab = await fixture.open('/account', { person: barbara });
  const keys = createKeyboardUser(tab);
  const twoFactor = section(tab, 'Two-factor authentication');
  const opener = button(twoFactor, 'Turn on');
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'Turn on two-factor authentication', 'dialog-two-factor-prove');
  await closeWithEscape(dialog, opener);
  await keys.press('Enter');
  await waitForFocus(tab, dialog.getByLabel('Your password', { exact: true }));
  await keys.type(PASSWORD);
  await keys.press('Enter');
  await dialog.getByRole('img', { name: /QR code/ }).waitFor();
  await checkAppearance(tab, 'dialog-two-factor-scan');
  const secret = ((await tab.getByTestId('totp-key').textContent()) ?? '').replace(/\s/g, '');
  await keys.tabTo(dialog.getByLabel('Code', { exact: true }));
  await keys.type(await generate({ secret }));
  await keys.press('Enter');
  const codesDialog = await waitForDialog(tab, 'Recovery codes', 'dialog-two-factor-codes');
  // Escape does not close a dialog with codes that are shown only once.
  await keys.press('Escape');
  const [recoveryCode = ''] = await codesDialog.getByRole('listitem').allTextContents();
  await keys.toggle(codesDialog.getByLabel('I have stored the recovery codes'));
  await keys.enter(button(codesDialog, 'Done'));
  await codesDialog.waitFor({ state: 'detached' });
  await checkAppearance(tab, 'account-two-factor');

  await keys.enter(button(twoFactor, 'Generate recovery codes'));
  const renewDialog = await waitForDialog(tab, 'Generate new recovery codes', 'dialog-two-factor-renew');
  await closeWithEscape(renewDialog, button(twoFactor, 'Generate recovery codes'));
  await keys.enter(button(twoFactor, 'Turn off'));
  const turnOffDialog = await waitForDialog(tab, 'Turn off two-factor authentication', 'dialog-two-factor-off');
  await keys.tabTo(turnOffDialog.getByLabel('Your password', { exact: true }));
  await keys.type(PASSWORD);
  await keys.tabTo(turnOffDialog.getByLabel('Two-factor code'));
  await keys.type(recoveryCode);
  await keys.press('Enter');
  await tab.getByText('Two-factor authentication turned off').waitFor();
});

test('a passkey is added, the dialog for its name is opened and closed, and the passkey is deleted', async () => {
  // Passkeys require a host name, so the server is opened as localhost.
  const serverAtLocalhost = { ...fixture.server, origin: fixture.server.url.replace('127.0.0.1', 'localhost') };
  const tab = await openTab(fixture.browser, serverAtLocalhost, { person: await addMember('radia@example.com') });
  const problems = watchConsole(tab);
  await addAuthenticator(tab);
  await tab.goto('/account');
  await waitUntilLoaded(tab);
  const keys = createKeyboardUser(tab);
  const passkeys = section(tab, 'Passkeys');
  const opener = button(passkeys, 'Add passkey');
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'Add passkey', 'dialog-passkey');
  await closeWithEscape(dialog, opener);
  await keys.press('Enter');
  await keys.tabTo(dialog.getByLabel('Your password', { exact: true }));
  await keys.type(PASSWORD);
  await keys.press('Enter');
  await tab.getByText('Passkey added.', { exact: false }).waitFor();
  await waitForFocus(tab, opener);
  await checkAppearance(tab, 'account-passkey');

  const menu = button(passkeys, /^Actions for/);
  await keys.choose(menu, 'Rename…');
  const renameDialog = await waitForDialog(tab, 'Rename passkey', 'dialog-passkey-rename');
  await closeWithEscape(renameDialog, menu);
  await keys.choose(menu, 'Delete…');
  const deleteDialog = await waitForDialog(tab, 'Delete passkey', 'dialog-passkey-delete');
  await keys.tabTo(deleteDialog.getByLabel('Your password', { exact: true }));
  await keys.type(PASSWORD);
  await keys.press('Enter');
  await menu.waitFor({ state: 'detached' });
  assert.deepEqual(problems, []);
});

test('a device is approved', async () => {
  const { body } = await fixture.server.call<{ user_code: string }>('/v1/device/code', {
    body: { client_id: 'devpilot-cli' },
  });
  const tab = await fixture.open('/device');
  const keys = createKeyboardUser(tab);
  await waitForFocus(tab, tab.getByLabel('Code'));
  await keys.type(body.user_code);
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'Approve this device?' }).waitFor();
  await checkAppearance(tab, 'device-request');
  await keys.enter(button(tab, 'Approve'));
  await tab.getByRole('heading', { name: 'Device signed in' }).waitFor();
  await checkAppearance(tab, 'device-approved');
});

test('an invitation is accepted with a new account', async () => {
  const { body } = await fixture.owner.call<{ url: string }>('/v1/invitations', {
    body: { email: 'alan@example.com', role: 'member' },
  });
  const tab = await fixture.open(body.url, { person: null });
  const keys = createKeyboardUser(tab);
  await keys.tabTo(tab.getByLabel('Your name'));
  await keys.type('Alan Turing');
  await keys.tabTo(tab.getByLabel('Email'));
  await keys.type('alan@example.com');
  await keys.tabTo(tab.getByLabel('Password', { exact: true }));
  await keys.type(PASSWORD);
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  await tab.goto('/account');
  await listItemOf(tab, 'This session').waitFor();
});
