import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { AssignableRole } from '../src/contract/vocabulary.ts';
import type { Whoami } from '../src/contract/whoami.ts';
import { bearer, createKey, createToken, PASSWORD, signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { readAndClearClipboard } from './browser.ts';
import { secureContextOnly, setUpBrowserFixture } from './browser-fixture.ts';
import { chooseInMenu, listItemOf, rowOf, signIn } from './page-actions.ts';
import { findSecretInTab } from './secret-leftovers.ts';

const fixture = setUpBrowserFixture(undefined, { environment: { DEVPILOT_WORKSPACES: 'anyone' } });

const openMembers = (person?: TestPerson): Promise<Page> =>
  fixture.open('/settings/members', person === undefined ? {} : { person });
const addMember = (email: string, role: AssignableRole = 'member'): Promise<TestPerson> =>
  signUpMember(fixture.server, fixture.owner, role, email);

/**
 * Returns where the code of an invitation is found in a tab. Ignores the memory, where the browser keeps the URL with
 * which the tab was opened and the last value of a field: unlike the secret of a credential, the code works only once
 * and for one email address.
 */
const findCodeOutsideMemory = async (tab: Page, code: string): Promise<string[]> =>
  (await findSecretInTab(tab, code)).filter((location) => location !== 'memory');

async function invite(tab: Page, email: string): Promise<string> {
  await tab.getByRole('button', { name: 'Invite member', exact: true }).click();
  await tab.getByLabel('Email').fill(email);
  await tab.getByRole('button', { name: 'Create invitation' }).click();
  await tab.getByText(`No email was sent. Send this link to ${email} yourself.`).waitFor();
  const url = await tab.getByLabel('Invitation link').inputValue();
  await tab.getByRole('button', { name: 'Copy link' }).click();
  assert.equal(await readAndClearClipboard(tab, fixture.server), url);
  await tab.getByRole('button', { name: 'Done' }).click();
  await listItemOf(tab, email).waitFor();
  await tab.getByRole('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(await findCodeOutsideMemory(tab, new URL(url).hash.slice(1)), []);
  return url;
}

test('a new person signs up with an invitation link and becomes a member', async () => {
  const tab = await openMembers();
  const url = await invite(tab, 'grace@example.com');
  const guestTab = await fixture.open(url, { person: null });
  await guestTab.getByRole('heading', { name: 'You are invited' }).waitFor();
  const code = new URL(url).hash.slice(1);
  assert.equal(new URL(guestTab.url()).hash, '');
  await guestTab.getByLabel('Your name').fill('Grace Hopper');
  await guestTab.getByLabel('Email').fill('grace@example.com');
  await guestTab.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await guestTab.getByRole('button', { name: 'Create account' }).click();
  await guestTab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  assert.deepEqual(await findCodeOutsideMemory(guestTab, code), []);
  await tab.reload();
  await rowOf(tab, 'Grace Hopper').waitFor();
});

test(
  'a person with an account signs in and accepts an invitation; a person with another email address sees an error',
  secureContextOnly,
  async () => {
    const linus = await addMember('linus@example.com');
    const workspace = await linus.call<{ slug: string }>('/v1/workspaces', { body: { name: 'Kernel' } });
    assert.equal(workspace.status, 201);
    const invited = await linus.call<{ url: string }>('/v1/invitations', {
      body: { email: 'ada@example.com', role: 'admin' },
      headers: { 'devpilot-workspace': workspace.body.slug },
    });
    const wrongPersonTab = await fixture.open(invited.body.url, { person: linus });
    await wrongPersonTab.getByRole('button', { name: 'Accept invitation' }).click();
    await wrongPersonTab.getByText('This invitation is for a different email address.', { exact: false }).waitFor();

    const guestTab = await fixture.open(invited.body.url, { person: null });
    await guestTab.getByText('I have an account').click();
    await guestTab.getByRole('button', { name: 'Sign in to accept' }).click();
    await signIn(guestTab, fixture.owner.email);
    await guestTab.getByRole('button', { name: 'Accept invitation' }).click();
    await guestTab.getByRole('button', { name: /Workspace: Kernel/ }).waitFor();

    await guestTab.goto(invited.body.url);
    await guestTab.getByRole('button', { name: 'Accept invitation' }).click();
    await guestTab.getByText('The invitation is no longer valid.', { exact: false }).waitFor();
    await guestTab.reload();
    await guestTab.getByRole('heading', { name: 'Open the link again' }).waitFor();
  },
);

test('an invitation is revoked', secureContextOnly, async () => {
  const tab = await openMembers();
  await invite(tab, 'nobody@example.com');
  await tab.getByRole('button', { name: 'Revoke the invitation for nobody@example.com' }).click();
  await tab.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await listItemOf(tab, 'nobody@example.com').waitFor({ state: 'detached' });
});

test('a member becomes an admin', secureContextOnly, async () => {
  const barbara = await addMember('barbara@example.com');
  const tab = await openMembers();
  await chooseInMenu(tab, 'barbara', 'Make admin');
  await tab.getByText('barbara is now an admin').waitFor();
  await rowOf(tab, 'barbara').getByText('Admin').waitFor();
  const { body } = await barbara.call<Whoami>('/v1/whoami');
  assert.equal(body.rights.role, 'admin');
});

test(
  'removing a member shows the credentials they created, and deletes only the selected ones; another one is marked as kept',
  secureContextOnly,
  async () => {
    const edsger = await addMember('edsger@example.com', 'admin');
    const token = await createToken(edsger, ['all'], { name: 'Nightly report' });
    const key = await createKey(edsger, ['read'], { name: 'Dashboard' });
    await fixture.server.call('/v1/authorize', { headers: bearer(token.secret) });
    const tab = await openMembers();
    await chooseInMenu(tab, 'edsger', 'Remove…');
    const dialog = tab.getByRole('dialog', { name: 'Remove edsger' });
    await listItemOf(dialog, 'Nightly report').getByText('last used').waitFor();
    await listItemOf(dialog, 'Dashboard').getByText('never used').waitFor();
    await dialog.getByLabel('Nightly report').check();
    await dialog.getByRole('button', { name: 'Remove and delete 1 credential' }).click();
    await dialog.getByText('edsger was removed', { exact: false }).waitFor();
    await listItemOf(dialog, 'Nightly report').getByText('Deleted').waitFor();
    const replaceLink = dialog.getByRole('link', { name: 'Replace…' });
    assert.match((await replaceLink.getAttribute('href')) ?? '', new RegExp(`/settings/api-keys/${key.id}`));
    await dialog.getByRole('link', { name: 'Review credentials created by edsger' }).click();
    await rowOf(tab, 'Dashboard').getByText('Creator left').waitFor();
    assert.equal(await rowOf(tab, 'Dashboard').count(), 1);
    await tab.getByLabel('Select all on this page').check();
    await tab.getByRole('button', { name: 'Keep selected…' }).click();
    await tab.getByRole('dialog').getByLabel('Note (optional)').fill('Its secret is only on the wallboard');
    await tab.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
    await rowOf(tab, 'Dashboard').waitFor({ state: 'detached' });
    await tab.getByLabel('Show kept credentials').check();
    await rowOf(tab, 'Dashboard').getByText('Its secret is only on the wallboard', { exact: false }).waitFor();
    await tab.getByRole('link', { name: 'Members', exact: true }).click();
    await rowOf(tab, 'ada@example.com').waitFor();
    await rowOf(tab, 'edsger').waitFor({ state: 'detached' });
    assert.equal((await fixture.server.call('/v1/whoami', { headers: bearer(token.secret) })).status, 401);
    assert.equal((await fixture.server.call('/v1/whoami', { headers: bearer(key.secret) })).status, 200);
    assert.equal((await edsger.call('/v1/members')).status, 401);
  },
);

test('a member sees the list without buttons', secureContextOnly, async () => {
  const alan = await addMember('alan@example.com');
  const tab = await openMembers(alan);
  await rowOf(tab, 'alan@example.com').waitFor();
  assert.equal(await tab.getByRole('button', { name: /Invite|Actions for|Revoke/ }).count(), 0);
  assert.equal(await tab.getByRole('link', { name: 'Activity log' }).count(), 0);
});

test(
  'ownership is transferred after the new owner is confirmed by typing, and the page is updated',
  secureContextOnly,
  async () => {
    await addMember('heir@example.com', 'admin');
    const tab = await openMembers();
    await chooseInMenu(tab, 'heir', 'Transfer ownership…');
    const dialog = tab.getByRole('dialog', { name: 'Transfer ownership' });
    assert.equal(await dialog.getByRole('button', { name: 'Transfer ownership' }).isDisabled(), true);
    await dialog.getByRole('textbox').fill('heir@example.com');
    await dialog.getByRole('button', { name: 'Transfer ownership' }).click();
    await rowOf(tab, 'heir@example.com').getByText('Owner').waitFor();
    await tab.getByRole('button', { name: 'Actions for heir' }).waitFor({ state: 'detached' });
  },
);
