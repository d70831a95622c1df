import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSWORD, signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { saveScreenshotIfEnabled } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { chooseInMenu, rowOf, signIn } from './page-actions.ts';

const fixture = setUpBrowserFixture();
const addMember = (email: string): Promise<TestPerson> => signUpMember(fixture.server, fixture.owner, 'member', email);

test('an operator finds a person and creates a reset link, which sets a new password once', async () => {
  await addMember('grace@example.com');
  const tab = await fixture.open('/people');
  await tab.getByLabel('Search by name or email').fill('grace@');
  await rowOf(tab, 'grace').waitFor();
  await chooseInMenu(tab, 'grace', 'Create password reset link');
  const dialog = tab.getByRole('dialog', { name: 'Password reset link' });
  const link = (await dialog.getByText('/reset-password#').textContent()) ?? '';
  await saveScreenshotIfEnabled(tab, 'people-link');

  const guest = await fixture.open(link, { person: null });
  assert.equal(new URL(guest.url()).hash, '');
  await guest.getByLabel('New password').fill('quite another passphrase');
  await guest.getByRole('button', { name: 'Change password' }).click();
  await guest.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(guest, 'grace@example.com', 'quite another passphrase');
  await guest.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  const secondVisit = await fixture.open(link, { person: null });
  await secondVisit.getByLabel('New password').fill('yet another passphrase');
  await secondVisit.getByRole('button', { name: 'Change password' }).click();
  await secondVisit.getByText('This link was already used or has expired.', { exact: false }).waitFor();
});

test('an operator makes someone an operator, ends their sessions, disables and enables the account', async () => {
  const linus = await addMember('linus@example.com');
  const tab = await fixture.open('/people?q=linus');
  await chooseInMenu(tab, 'linus', 'Make operator');
  await rowOf(tab, 'linus').getByText('Operator').waitFor();
  await chooseInMenu(tab, 'linus', 'End all sessions…');
  await tab.getByRole('button', { name: 'End sessions' }).click();
  await tab.getByText('All sessions of linus ended').waitFor();
  assert.equal((await linus.call('/v1/me')).status, 401);
  await chooseInMenu(tab, 'linus', 'Disable…');
  await tab.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await rowOf(tab, 'linus').getByText('Disabled').waitFor();
  await saveScreenshotIfEnabled(tab, 'people');
  const guest = await fixture.open('/sign-in', { person: null });
  await signIn(guest, linus.email);
  await guest.getByText('This account is disabled.', { exact: false }).waitFor();
  await chooseInMenu(tab, 'linus', 'Enable');
  await rowOf(tab, 'linus').getByText('Disabled').waitFor({ state: 'detached' });
});

test('requesting a reset link does not reveal that an email address is unknown', async () => {
  const tab = await fixture.open('/sign-in', { person: null });
  await tab.getByRole('link', { name: 'Forgot your password?' }).click();
  // The previous page has a field with the same label.
  await tab.getByRole('button', { name: 'Send link' }).waitFor();
  await tab.getByLabel('Email').fill('nobody@example.com');
  await saveScreenshotIfEnabled(tab, 'forgot-password');
  await tab.getByRole('button', { name: 'Send link' }).click();
  await tab.getByRole('heading', { name: 'Check your email' }).waitFor();
});

test('a member leaves the workspace, and another member deletes their own account', async () => {
  const barbara = await addMember('barbara@example.com');
  const leavingTab = await fixture.open('/settings/workspace', { person: barbara });
  await leavingTab.getByRole('button', { name: 'Leave workspace…' }).click();
  await leavingTab.getByRole('dialog').getByRole('button', { name: 'Leave workspace' }).click();
  await leavingTab.getByRole('heading', { name: 'Sign in' }).waitFor();

  const edsger = await addMember('edsger@example.com');
  const tab = await fixture.open('/account', { person: edsger });
  await tab.getByRole('button', { name: 'Delete account…' }).click();
  await tab.getByRole('dialog').getByLabel('Your password', { exact: true }).fill(PASSWORD);
  await saveScreenshotIfEnabled(tab, 'delete-account');
  await tab.getByRole('dialog').getByRole('button', { name: 'Delete account' }).click();
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  const signInAfterDeletion = await fixture.server.call('/v1/sessions', {
    body: { email: edsger.email, password: PASSWORD },
  });
  assert.equal(signInAfterDeletion.status, 401);
});
