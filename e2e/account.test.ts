import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { generate } from 'otplib';
import type { Page } from 'playwright-core';
import { PASSWORD, signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { addAuthenticator } from './authenticator.ts';
import { openTab, watchConsole } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { signIn } from './page-actions.ts';
import { findSecretInTab } from './secret-leftovers.ts';

const fixture = setUpBrowserFixture();

const openAccount = (person: TestPerson): Promise<Page> => fixture.open('/account', { person });
const join = (email: string): Promise<TestPerson> => signUpMember(fixture.server, fixture.owner, 'member', email);

async function signedInElsewhere(email: string): Promise<Page> {
  const other = await fixture.open('/sign-in', { person: null });
  await signIn(other, email);
  await other.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  return other;
}

const section = (tab: Page, name: string) => tab.getByRole('region', { name });

test('a changed name is shown immediately', async () => {
  const tab = await openAccount(fixture.owner);
  const you = section(tab, 'Profile');
  await you.getByLabel('Name').fill('Ada King');
  await you.getByRole('button', { name: 'Save name' }).click();
  await tab.getByRole('button', { name: /Ada King/ }).waitFor();
});

test('a new password ends all sessions except the current one', async () => {
  const grace = await join('grace@example.com');
  const other = await signedInElsewhere('grace@example.com');

  const tab = await openAccount(grace);
  const sessions = section(tab, 'Sessions');
  await sessions.getByText('Chrome on Linux').waitFor();
  await sessions.getByText('This session').waitFor();
  await section(tab, 'Password').getByRole('button', { name: 'Change password' }).click();
  const dialog = tab.getByRole('dialog', { name: 'Change password' });
  await dialog.getByLabel('Current password', { exact: true }).fill('not mine at all');
  await dialog.getByLabel('New password', { exact: true }).fill('an entirely new sentence');
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await dialog.getByText('Incorrect password').waitFor();
  await dialog.getByLabel('Current password', { exact: true }).fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await tab.getByText('All other sessions have ended.').waitFor();
  await sessions.getByText('Chrome on Linux').waitFor({ state: 'detached' });

  await other.goto('/account');
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(other, 'grace@example.com', 'an entirely new sentence');
  await other.getByRole('heading', { name: 'Your account' }).waitFor();
});

test('a session is ended from the list', async () => {
  const linus = await join('linus@example.com');
  const other = await signedInElsewhere('linus@example.com');
  const tab = await openAccount(linus);
  await tab.getByRole('button', { name: 'End session: Chrome on Linux' }).click();
  await tab.getByRole('dialog').getByRole('button', { name: 'End session' }).click();
  await tab.getByText('Session ended').waitFor();
  await other.reload();
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('two-factor sign-in is set up with a QR code, recovery codes are shown once, and both sign in', async () => {
  const barbara = await join('barbara@example.com');
  const tab = await openAccount(barbara);
  const problems = watchConsole(tab);
  const two = section(tab, 'Two-factor authentication');
  await two.getByRole('button', { name: 'Turn on' }).click();
  await tab.getByLabel('Your password', { exact: true }).fill(PASSWORD);
  await tab.getByRole('button', { name: 'Continue' }).click();
  await tab.getByRole('img', { name: /QR code/ }).waitFor();
  const secret = ((await tab.getByTestId('totp-key').textContent()) ?? '').replace(/\s/g, '');
  await tab.getByLabel('Code', { exact: true }).fill('000000');
  await tab.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click();
  await tab.getByText('Incorrect code', { exact: false }).waitFor();
  await tab.getByLabel('Code', { exact: true }).fill(await generate({ secret }));
  await tab.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click();

  const dialog = tab.getByRole('dialog', { name: 'Recovery codes' });
  await dialog.waitFor();
  const codes = await dialog.getByRole('listitem').allTextContents();
  assert.equal(codes.length, 10);
  await tab.keyboard.press('Escape');
  assert.equal(await dialog.getByRole('button', { name: 'Done' }).isDisabled(), true);
  const [file] = await Promise.all([
    tab.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Download' }).click(),
  ]);
  assert.ok((await readFile(await file.path(), 'utf8')).includes(codes.join('\n')));
  await dialog.getByLabel('I have stored the recovery codes').check();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await dialog.waitFor({ state: 'detached' });
  await two.getByText('10 recovery codes left').waitFor();
  const [first = ''] = codes;
  assert.deepEqual(await findSecretInTab(tab, first), []);

  const other = await fixture.open('/sign-in', { person: null });
  await signIn(other, 'barbara@example.com');
  await other.getByLabel('Code').fill(first);
  await other.getByRole('button', { name: 'Continue' }).click();
  await other.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  await other.goto('/account');
  await other.getByText('9 recovery codes left').waitFor();
  await section(other, 'Two-factor authentication').getByRole('button', { name: 'Turn off' }).click();
  await other.getByLabel('Your password', { exact: true }).fill(PASSWORD);
  await other.getByLabel('Two-factor code').fill(codes[1] ?? '');
  await other.getByRole('dialog').getByRole('button', { name: 'Turn off' }).click();
  await other.getByText('Two-factor authentication turned off').waitFor();
  assert.deepEqual(problems, []);
});

test('a passkey is added, signs in without a password, is renamed and deleted', async () => {
  await join('radia@example.com');
  // Passkeys require a host name, so the server is opened as localhost.
  const byName = { ...fixture.server, origin: fixture.server.url.replace('127.0.0.1', 'localhost') };
  const tab = await openTab(fixture.browser, byName);
  const problems = watchConsole(tab);
  await addAuthenticator(tab);
  await tab.goto('/sign-in?from=/account');
  await tab.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
  await signIn(tab, 'radia@example.com', PASSWORD);
  const passkeys = section(tab, 'Passkeys');
  await passkeys.getByRole('button', { name: 'Add passkey' }).click();
  const dialog = tab.getByRole('dialog', { name: 'Add passkey' });
  await dialog.getByLabel('Name').fill('Test authenticator');
  await dialog.getByLabel('Your password', { exact: true }).fill('not the password');
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await dialog.getByText('Incorrect password').waitFor();
  await dialog.getByLabel('Your password', { exact: true }).fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await passkeys.getByText('Test authenticator').waitFor();

  await tab.getByRole('button', { name: /radia@example.com/ }).click();
  await tab.getByRole('menuitem', { name: 'Sign out' }).click();
  await tab.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();

  await tab.goto('/account');
  await passkeys.getByText('last used just now').waitFor();
  await passkeys.getByRole('button', { name: 'Actions for Test authenticator' }).click();
  await tab.getByRole('menuitem', { name: 'Rename…' }).click();
  await tab.getByRole('dialog').getByLabel('Name').fill('Old laptop');
  await tab.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await passkeys.getByRole('button', { name: 'Actions for Old laptop' }).click();
  await tab.getByRole('menuitem', { name: 'Delete…' }).click();
  await tab.getByRole('dialog').getByRole('button', { name: 'Use a passkey instead' }).click();
  await passkeys.getByText('Old laptop').waitFor({ state: 'detached' });

  await tab.getByRole('button', { name: /radia@example.com/ }).click();
  await tab.getByRole('menuitem', { name: 'Sign out' }).click();
  await tab.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await tab.getByText('The passkey is unknown', { exact: false }).waitFor();
  assert.deepEqual(problems, []);
});

test('opened by IP address, the page says why passkeys are unavailable', async () => {
  const tab = await openAccount(fixture.owner);
  await section(tab, 'Passkeys').getByText('Passkeys require a host name', { exact: false }).waitFor();
  assert.equal(await tab.getByRole('button', { name: 'Add passkey' }).count(), 0);
});
