import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSWORD, signUpMember, type TestPerson } from '../src/testing/house.ts';
import { picture } from './browser.ts';
import { setStage } from './stage.ts';
import { chooseInMenu, rowOf, signIn } from './steps.ts';

const stage = setStage();
const join = (email: string): Promise<TestPerson> => signUpMember(stage.house, stage.owner, 'member', email);

test('an operator finds a person, hands out a reset link, and it sets a new password once', async () => {
  await join('grace@example.com');
  const tab = await stage.open('/people');
  await tab.getByLabel('Search by name or email').fill('grace@');
  await rowOf(tab, 'grace').waitFor();
  await chooseInMenu(tab, 'grace', 'Create password reset link');
  const dialog = tab.getByRole('dialog', { name: 'Password reset link' });
  const link = (await dialog.getByText('/reset-password#').textContent()) ?? '';
  await picture(tab, 'people-link');

  const guest = await stage.open(link, { person: null });
  assert.equal(new URL(guest.url()).hash, '');
  await guest.getByLabel('New password').fill('quite another sentence');
  await guest.getByRole('button', { name: 'Change password' }).click();
  await guest.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(guest, 'grace@example.com', 'quite another sentence');
  await guest.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  const again = await stage.open(link, { person: null });
  await again.getByLabel('New password').fill('yet another sentence');
  await again.getByRole('button', { name: 'Change password' }).click();
  await again.getByText('This link was used or has expired.', { exact: false }).waitFor();
});

test('an operator makes somebody an operator, ends sessions, disables and enables', async () => {
  const linus = await join('linus@example.com');
  const tab = await stage.open('/people?q=linus');
  await chooseInMenu(tab, 'linus', 'Make operator');
  await rowOf(tab, 'linus').getByText('Operator').waitFor();
  await chooseInMenu(tab, 'linus', 'End all sessions…');
  await tab.getByRole('button', { name: 'End sessions' }).click();
  await tab.getByText('All sessions of linus have ended.').waitFor();
  assert.equal((await linus.call('/v1/me')).status, 401);
  await chooseInMenu(tab, 'linus', 'Disable…');
  await tab.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await rowOf(tab, 'linus').getByText('Disabled').waitFor();
  await picture(tab, 'people');
  const guest = await stage.open('/sign-in', { person: null });
  await signIn(guest, linus.email);
  await guest.getByText('This account is disabled.', { exact: false }).waitFor();
  await chooseInMenu(tab, 'linus', 'Enable');
  await rowOf(tab, 'linus').getByText('Disabled').waitFor({ state: 'detached' });
});

test('somebody who forgot the password is told the same whether or not there is such a person', async () => {
  const tab = await stage.open('/sign-in', { person: null });
  await tab.getByRole('link', { name: 'Forgot your password?' }).click();
  await tab.getByLabel('Email').fill('nobody@example.com');
  await picture(tab, 'forgot-password');
  await tab.getByRole('button', { name: 'Send link' }).click();
  await tab.getByRole('heading', { name: 'Check your mail' }).waitFor();
});

test('a member leaves the workspace, and somebody else deletes their account', async () => {
  const barbara = await join('barbara@example.com');
  const leaving = await stage.open('/settings/workspace', { person: barbara });
  await leaving.getByRole('button', { name: 'Leave workspace…' }).click();
  await leaving.getByRole('dialog').getByRole('button', { name: 'Leave workspace' }).click();
  await leaving.getByRole('heading', { name: 'Sign in' }).waitFor();

  const edsger = await join('edsger@example.com');
  const tab = await stage.open('/account', { person: edsger });
  await tab.getByRole('button', { name: 'Delete account…' }).click();
  await tab.getByRole('dialog').getByLabel('Your password', { exact: true }).fill(PASSWORD);
  await picture(tab, 'delete-account');
  await tab.getByRole('dialog').getByRole('button', { name: 'Delete account' }).click();
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
  const gone = await stage.house.call('/v1/sessions', { body: { email: edsger.email, password: PASSWORD } });
  assert.equal(gone.status, 401);
});
