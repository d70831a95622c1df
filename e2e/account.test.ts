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
const addMember = (email: string): Promise<TestPerson> => signUpMember(fixture.server, fixture.owner, 'member', email);

async function signInElsewhere(email: string): Promise<Page> {
  const otherTab = await fixture.open('/sign-in', { person: null });
  await signIn(otherTab, email);
  await otherTab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  return otherTab;
}

const section = (tab: Page, name: string) => tab.getByRole('region', { name });

test('a changed name is shown immediately', async () => {
  const tab = await openAccount(fixture.owner);
  const profile = section(tab, 'Profile');
  await profile.getByLabel('Name').fill('Ada King');
  await profile.getByRole('button', { name: 'Save name' }).click();
  await tab.getByRole('button', { name: /Ada King/ }).waitFor();
});

test('a new password ends all sessions except the current one', async () => {
  const grace = await addMember('grace@example.com');
  const otherTab = await signInElsewhere('grace@example.com');

  const tab = await openAccount(grace);
  const sessions = section(tab, 'Sessions');
  await sessions.getByText('Chrome on Linux').waitFor();
  await sessions.getByText('This session').waitFor();
  await section(tab, 'Password').getByRole('button', { name: 'Change password' }).click();
  const dialog = tab.getByRole('dialog', { name: 'Change password' });
  await dialog.getByLabel('Current password', { exact: true }).fill('not the password');
  await dialog.getByLabel('New password', { exact: true }).fill('an entirely new passphrase');
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await dialog.getByText('Incorrect password').waitFor();
  await dialog.getByLabel('Current password', { exact: true }).fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await tab.getByText('All other sessions have ended.').waitFor();
  await sessions.getByText('Chrome on Linux').waitFor({ state: 'detached' });

  await otherTab.goto('/account');
  await otherTab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(otherTab, 'grace@example.com', 'an entirely new passphrase');
  await otherTab.getByRole('heading', { name: 'Your account' }).waitFor();
});

test('a session is ended from the list', async () => {
  const linus = await addMember('linus@example.com');
  const otherTab = await signInElsewhere('linus@example.com');
  const tab = await openAccount(linus);
  await tab.getByRole('button', { name: 'End session: Chrome on Linux' }).click();
  await tab.getByRole('dialog').getByRole('button', { name: 'End session' }).click();
  await tab.getByText('Session ended').waitFor();
  await otherTab.reload();
  await otherTab.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('two-factor authentication is turned on with a QR code, shows the recovery codes once, and accepts a recovery code at sign-in; turning it off with another one ends the other session', async () => {
  const barbara = await addMember('barbara@example.com');
  const tab = await openAccount(barbara);
  const problems = watchConsole(tab);
  const twoFactor = section(tab, 'Two-factor authentication');
  await twoFactor.getByRole('button', { name: 'Turn on' }).click();
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
  const [download] = await Promise.all([
    tab.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Download' }).click(),
  ]);
  assert.ok((await readFile(await download.path(), 'utf8')).includes(codes.join('\n')));
  await dialog.getByLabel('I have stored the recovery codes').check();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await dialog.waitFor({ state: 'detached' });
  await twoFactor.getByText('10 recovery codes left').waitFor();
  const [firstCode = ''] = codes;
  assert.deepEqual(await findSecretInTab(tab, firstCode), []);

  const otherTab = await fixture.open('/sign-in', { person: null });
  await signIn(otherTab, 'barbara@example.com');
  await otherTab.getByLabel('Code').fill(firstCode);
  await otherTab.getByRole('button', { name: 'Continue' }).click();
  await otherTab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  await otherTab.goto('/account');
  await otherTab.getByText('9 recovery codes left').waitFor();
  const otherSession = section(otherTab, 'Sessions').getByRole('button', { name: /^End session: / });
  await otherSession.waitFor();
  await section(otherTab, 'Two-factor authentication').getByRole('button', { name: 'Turn off' }).click();
  await otherTab.getByLabel('Your password', { exact: true }).fill(PASSWORD);
  await otherTab.getByLabel('Two-factor code').fill(codes[1] ?? '');
  await otherTab.getByRole('dialog').getByRole('button', { name: 'Turn off' }).click();
  await otherTab.getByText('Two-factor authentication turned off').waitFor();
  await otherSession.waitFor({ state: 'detached' });
  assert.deepEqual(problems, []);
});

test('a passkey is added, signs in without a password, is renamed and, after a rejected assertion, deleted', async () => {
  await addMember('radia@example.com');
  // Passkeys require a host name, so the server is opened as localhost.
  const serverAtLocalhost = { ...fixture.server, origin: fixture.server.url.replace('127.0.0.1', 'localhost') };
  const tab = await openTab(fixture.browser, serverAtLocalhost);
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
  const passkeyUrl = '**/v1/me/passkeys/*';
  await tab.route(passkeyUrl, (route) => {
    if (route.request().method() !== 'DELETE') return route.continue();
    const { passkey } = route.request().postDataJSON();
    const postData = { passkey: { ...passkey, response: { ...passkey.response, signature: 'AAAA' } } };
    return route.continue({ postData });
  });
  await tab.getByRole('dialog').getByRole('button', { name: 'Use a passkey instead' }).click();
  await tab.getByRole('alert').getByText('Incorrect password, code or passkey.').waitFor();
  assert.equal(await tab.getByRole('dialog').getByText('Incorrect password', { exact: true }).count(), 0);
  await tab.unroute(passkeyUrl);
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
