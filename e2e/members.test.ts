import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import {
  bearer,
  createKey,
  createToken,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startHouse,
  type TestHouse,
  type TestPerson,
} from '../src/testing/house.ts';
import { openTab, startBrowser } from './browser.ts';
import { leftovers } from './leftovers.ts';

let house: TestHouse;
let browser: Browser;
let ada: TestPerson;

before(async () => {
  house = await startHouse();
  browser = await startBrowser();
  ada = await signUpOwner(house);
});
after(async () => {
  await browser?.close();
  await house?.close();
});

async function openMembers(person: TestPerson): Promise<Page> {
  const tab = await openTab(browser, house, { person });
  await tab.goto('/settings/members');
  await tab.getByRole('table', { name: 'Members' }).waitFor();
  return tab;
}

async function invite(tab: Page, email: string): Promise<string> {
  await tab.getByRole('button', { name: 'Invite', exact: true }).click();
  await tab.getByLabel('Email').fill(email);
  await tab.getByRole('button', { name: 'Create invitation' }).click();
  await tab.getByText(`No mail was sent. Pass this link on to ${email} yourself.`).waitFor();
  const url = await tab.getByLabel('Invitation link').inputValue();
  await tab.getByRole('button', { name: 'Copy link' }).click();
  assert.equal(await tab.evaluate(() => navigator.clipboard.readText()), url);
  await tab.getByRole('button', { name: 'Done' }).click();
  await tab.getByRole('listitem').filter({ hasText: email }).waitFor();
  return url;
}

async function chooseInMenu(tab: Page, name: string, item: string): Promise<void> {
  await tab.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
  await tab.getByRole('menuitem', { name: item }).click();
}

test('someone new is invited by link, signs up with it and becomes a member', async () => {
  const tab = await openMembers(ada);
  const url = await invite(tab, 'grace@example.com');
  const guest = await openTab(browser, house);
  await guest.goto(url);
  await guest.getByRole('heading', { name: 'You are invited' }).waitFor();
  const code = new URL(url).hash.slice(1);
  assert.equal(new URL(guest.url()).hash, '');
  await guest.getByLabel('Your name').fill('Grace Hopper');
  await guest.getByLabel('Email').fill('grace@example.com');
  await guest.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await guest.getByRole('button', { name: 'Create account' }).click();
  await guest.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  assert.deepEqual(await leftovers(guest, code), []);
  await tab.reload();
  await tab.getByRole('row').filter({ hasText: 'Grace Hopper' }).waitFor();
  await guest.context().close();
  await tab.context().close();
});

test('someone with an account signs in, comes back and accepts; another address is told so', async () => {
  const tab = await openMembers(ada);
  const linus = await signUpMember(house, ada, 'member', 'linus@example.com');
  const mine = await linus.call<{ slug: string }>('/v1/workspaces', { body: { name: 'Kernel' } });
  assert.equal(mine.status, 201);
  const kernel = { ...linus, call: linus.call };
  const invited = await kernel.call<{ url: string }>('/v1/invitations', {
    body: { email: 'ada@example.com', role: 'admin' },
    headers: { 'devpilot-workspace': mine.body.slug },
  });
  const wrong = await openTab(browser, house, { person: linus });
  await wrong.goto(invited.body.url);
  await wrong.getByRole('button', { name: 'Accept the invitation' }).click();
  await wrong
    .getByText('This invitation is for another email address than linus@example.com.', { exact: false })
    .waitFor();
  await wrong.context().close();

  const guest = await openTab(browser, house);
  await guest.goto(invited.body.url);
  await guest.getByText('I have an account').click();
  await guest.getByRole('button', { name: 'Sign in and come back' }).click();
  await guest.getByLabel('Email').fill('ada@example.com');
  await guest.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await guest.getByRole('button', { name: 'Sign in', exact: true }).click();
  await guest.getByRole('button', { name: 'Accept the invitation' }).click();
  await guest.getByRole('button', { name: /Workspace: Kernel/ }).waitFor();

  await guest.goto(invited.body.url);
  await guest.getByRole('button', { name: 'Accept the invitation' }).click();
  await guest.getByText('The invitation is not valid any more.', { exact: false }).waitFor();
  await guest.reload();
  await guest.getByRole('heading', { name: 'Open the link again' }).waitFor();
  await guest.context().close();
  await tab.context().close();
});

test('an invitation is withdrawn', async () => {
  const tab = await openMembers(ada);
  await invite(tab, 'nobody@example.com');
  await tab.getByRole('button', { name: 'Withdraw the invitation of nobody@example.com' }).click();
  await tab.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await tab.getByRole('listitem').filter({ hasText: 'nobody@example.com' }).waitFor({ state: 'detached' });
  await tab.context().close();
});

test('a role is changed, and the server agrees', async () => {
  await signUpMember(house, ada, 'member', 'barbara@example.com');
  const tab = await openMembers(ada);
  await chooseInMenu(tab, 'barbara', 'Make admin');
  await tab.getByText('barbara is an admin now.').waitFor();
  await tab.getByRole('row').filter({ hasText: 'barbara' }).getByText('Admin').waitFor();
  await tab.context().close();
});

test('removing someone shows what they created, deletes what is chosen and keeps the rest', async () => {
  const edsger = await signUpMember(house, ada, 'admin', 'edsger@example.com');
  const token = await createToken(edsger, ['all'], { name: 'Nightly report' });
  const key = await createKey(edsger, ['read'], { name: 'Dashboard' });
  await house.call('/v1/authorize', { headers: bearer(token.secret) });
  const tab = await openMembers(ada);
  await chooseInMenu(tab, 'edsger', 'Remove…');
  const dialog = tab.getByRole('dialog', { name: 'Remove edsger' });
  await dialog.getByRole('listitem').filter({ hasText: 'Nightly report' }).getByText('last used').waitFor();
  await dialog.getByRole('listitem').filter({ hasText: 'Dashboard' }).getByText('never used').waitFor();
  await dialog.getByLabel('Nightly report').check();
  await dialog.getByRole('button', { name: 'Remove and delete 1 credential' }).click();
  await dialog.getByText('edsger is removed', { exact: false }).waitFor();
  await dialog.getByRole('listitem').filter({ hasText: 'Nightly report' }).getByText('Deleted').waitFor();
  const replace = dialog.getByRole('link', { name: 'Replace…' });
  assert.match((await replace.getAttribute('href')) ?? '', new RegExp(`/settings/api-keys/${key.id}`));
  await dialog.getByRole('button', { name: 'Done' }).click();
  await tab.getByRole('row').filter({ hasText: 'edsger' }).waitFor({ state: 'detached' });
  assert.equal((await house.call('/v1/whoami', { headers: bearer(token.secret) })).status, 401);
  assert.equal((await house.call('/v1/whoami', { headers: bearer(key.secret) })).status, 200);
  assert.equal((await edsger.call('/v1/members')).status, 401);
  await tab.context().close();
});

test('a member sees the list without buttons', async () => {
  const alan = await signUpMember(house, ada, 'member', 'alan@example.com');
  const tab = await openMembers(alan);
  await tab.getByRole('row').filter({ hasText: 'alan@example.com' }).waitFor();
  assert.equal(await tab.getByRole('button', { name: /Invite|Actions for|Withdraw/ }).count(), 0);
  assert.equal(await tab.getByRole('link', { name: 'Activity log' }).count(), 0);
  await tab.context().close();
});

test('ownership is handed over once the heir is typed, and the page knows at once', async () => {
  await signUpMember(house, ada, 'admin', 'heir@example.com');
  const tab = await openMembers(ada);
  await chooseInMenu(tab, 'heir', 'Hand over ownership…');
  const dialog = tab.getByRole('dialog', { name: 'Hand over ownership' });
  assert.equal(await dialog.getByRole('button', { name: 'Hand over' }).isDisabled(), true);
  await dialog.getByRole('textbox').fill('heir@example.com');
  await dialog.getByRole('button', { name: 'Hand over' }).click();
  await tab.getByRole('row').filter({ hasText: 'heir@example.com' }).getByText('Owner').waitFor();
  await tab.getByRole('button', { name: 'Actions for heir' }).waitFor({ state: 'detached' });
  await tab.context().close();
});
