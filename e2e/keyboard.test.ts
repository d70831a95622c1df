import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { bearer, createKey, createToken, signUpMember, type TestPerson } from '../src/testing/house.ts';
import { inspect } from './browser.ts';
import { button, dialogOf, escapeFrom, focused, keysOf } from './keyboard.ts';
import { setStage } from './stage.ts';
import { lineOf, rowOf } from './steps.ts';

/** Every dialog of the workspace's pages, by the keyboard alone: opened, looked at, gone through, closed. */
const stage = setStage(async ({ owner }) => {
  await createToken(owner, ['run_scripts'], { name: 'Standing by' });
});

const menuOf = (tab: Page, name: string) => button(tab, `Actions for ${name}`);

async function open(path: string, person?: TestPerson) {
  const tab = await stage.open(path, person === undefined ? {} : { person });
  return { tab, keys: keysOf(tab) };
}

test('the first stop leads past the navigation', async () => {
  const { tab, keys } = await open('/settings/access-tokens');
  await keys.enter(button(tab, 'Skip to the content'));
  assert.equal(await tab.evaluate(() => document.activeElement?.id), 'main');
  await keys.press('Tab');
  assert.equal(await tab.evaluate(() => document.activeElement?.closest('main') !== null), true);
});

test('Generate Token, its secret, and back to where it began', async () => {
  const { tab, keys } = await open('/settings/access-tokens');
  const opener = button(tab, 'Generate Token');
  await keys.enter(opener);
  const dialog = await dialogOf(tab, 'Generate Token', 'dialog-token-create');
  await escapeFrom(dialog, opener);

  await keys.press('Enter');
  await focused(tab, dialog.getByLabel('Name'));
  await keys.type('By keyboard');
  await keys.toggle(dialog.getByLabel('error_tracker'));
  await keys.enter(button(dialog, 'Generate'));
  await dialog.getByText('Strong', { exact: true }).waitFor();
  await keys.to(dialog.getByLabel('Expiry'));
  await keys.press('ArrowDown');
  await dialog.getByText(/May submit and read errors until .*; asks for a passphrase/).waitFor();
  await keys.enter(button(dialog, 'Generate Token'));
  const shown = await dialogOf(tab, 'Your new access token', 'dialog-token-secret');
  await keys.press('Escape');
  await keys.enter(button(shown, 'Copy secret'));
  await button(shown, 'Copied').waitFor();
  await keys.enter(button(shown, 'I have stored it'));
  await shown.waitFor({ state: 'detached' });
  await focused(tab, opener);
  await rowOf(tab, 'By keyboard').waitFor();
});

test('a token is deleted from the menu of its row; one in use wants its name', async () => {
  await createToken(stage.owner, ['run_scripts'], { name: 'Unused one' });
  const used = await createToken(stage.owner, ['run_scripts'], { name: 'Used one' });
  await stage.house.call('/v1/whoami', { headers: bearer(used.secret) });
  const { tab, keys } = await open('/settings/access-tokens?q=used+one');
  await keys.choose(menuOf(tab, 'Unused one'), 'Delete');
  const dialog = await dialogOf(tab, 'Delete access token', 'dialog-token-delete');
  await escapeFrom(dialog, menuOf(tab, 'Unused one'));
  await keys.choose(menuOf(tab, 'Unused one'), 'Delete');
  await keys.enter(button(dialog, 'Delete'));
  await rowOf(tab, 'Unused one').waitFor({ state: 'detached' });

  await tab.reload();
  await keys.choose(menuOf(tab, 'Used one'), 'Delete');
  await dialogOf(tab, 'Delete access token', 'dialog-token-delete-used');
  await keys.to(dialog.getByRole('textbox'));
  await keys.type('Used one');
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'Nothing matches' }).waitFor();
});

test('several tokens are chosen with the space bar and deleted together', async () => {
  for (const name of ['Heap one', 'Heap two']) await createToken(stage.owner, ['run_scripts'], { name });
  const { tab, keys } = await open('/settings/access-tokens?q=heap');
  await keys.toggle(tab.getByLabel('Select Heap one'));
  await keys.toggle(tab.getByLabel('Select all on this page'));
  await tab.getByText('2 selected').waitFor();
  await inspect(tab, 'tokens-selected');
  await keys.enter(button(tab, 'Delete selected'));
  const dialog = await dialogOf(tab, 'Delete 2 access tokens', 'dialog-token-delete-many');
  await keys.enter(button(dialog, 'Delete 2'));
  await dialog.getByText('2 deleted. Nothing accepts them any more.').waitFor();
  await inspect(tab, 'dialog-token-deleted-many');
  await keys.enter(button(dialog, 'Close'));
  await dialog.waitFor({ state: 'detached' });
});

test('Replace… is gone through from the first step to the last', async () => {
  const old = await createToken(stage.owner, ['basic_deployment'], { name: 'Deployer' });
  const { tab, keys } = await open('/settings/access-tokens?q=deployer');
  await keys.choose(menuOf(tab, 'Deployer'), 'Replace');
  const dialog = await dialogOf(tab, 'Replace Deployer', 'dialog-replace-create');
  await keys.enter(button(dialog, 'Create the replacement'));
  const secret = (await dialog.getByTestId('secret').textContent()) ?? '';
  await inspect(tab, 'dialog-replace-secret');
  await keys.enter(button(dialog, 'I have stored it'));
  await dialog.getByText('Waiting for the first use of the new one').waitFor();
  await inspect(tab, 'dialog-replace-waiting');
  await stage.house.call('/v1/whoami', { headers: bearer(secret) });
  await dialog.getByText('The new one is in use').waitFor();
  await inspect(tab, 'dialog-replace-seen');
  await keys.enter(button(dialog, /^Delete the old one/));
  const confirm = tab.getByRole('dialog', { name: 'Delete access token' });
  await escapeFrom(confirm, button(dialog, /^Delete the old one/));
  await keys.press('Enter');
  await keys.enter(button(confirm, 'Delete'));
  await dialog.getByText('is replaced and deleted').waitFor();
  await inspect(tab, 'dialog-replace-done');
  await keys.enter(button(dialog, 'Done'));
  await dialog.waitFor({ state: 'detached' });
  assert.equal((await stage.house.call('/v1/whoami', { headers: bearer(old.secret) })).status, 401);
});

test('an API key is generated, edited, put to sleep and deleted', async () => {
  await createKey(stage.owner, ['read'], { name: 'Sleeper', description: 'Reads at night.' });
  const { tab, keys } = await open('/settings/api-keys');
  const opener = button(tab, 'Generate API Key');
  await keys.enter(opener);
  const form = await dialogOf(tab, 'Generate API Key', 'dialog-key-create');
  await escapeFrom(form, opener);

  await keys.choose(menuOf(tab, 'Sleeper'), 'Edit');
  const edit = await dialogOf(tab, 'Edit Sleeper', 'dialog-key-edit');
  await keys.to(edit.getByLabel('Description (optional)'));
  await keys.type(' And at noon.');
  await keys.toggle(edit.getByLabel('view_logs'));
  await keys.enter(button(edit, 'Save'));
  await edit.waitFor({ state: 'detached' });
  await focused(tab, menuOf(tab, 'Sleeper'));
  await rowOf(tab, 'And at noon').getByText('view_logs').waitFor();

  await keys.toggle(tab.getByLabel('Sleeper is active'));
  await tab.getByText('Sleeper is refused from now on.').waitFor();
  await keys.choose(menuOf(tab, 'Sleeper'), 'Delete');
  await dialogOf(tab, 'Delete API key', 'dialog-key-delete');
  await keys.enter(button(tab.getByRole('dialog'), 'Delete'));
  await tab.getByRole('heading', { name: 'No API keys yet' }).waitFor();
});

test('someone is invited, the invitation withdrawn', async () => {
  const { tab, keys } = await open('/settings/members');
  const opener = button(tab, 'Invite');
  await keys.enter(opener);
  const dialog = await dialogOf(tab, 'Invite to Acme', 'dialog-invite');
  await escapeFrom(dialog, opener);
  await keys.press('Enter');
  await focused(tab, dialog.getByLabel('Email'));
  await keys.type('grace@example.com');
  await keys.to(dialog.getByLabel('Member', { exact: true }));
  await keys.press('ArrowDown');
  assert.equal(await dialog.getByLabel('Admin', { exact: true }).isChecked(), true);
  await keys.enter(button(dialog, 'Create invitation'));
  await dialog.getByLabel('Invitation link').waitFor();
  await inspect(tab, 'dialog-invite-link');
  await keys.enter(button(dialog, 'Copy link'));
  await button(dialog, 'Copied').waitFor();
  await keys.enter(button(dialog, 'Done'));
  await dialog.waitFor({ state: 'detached' });
  await focused(tab, opener);

  const withdraw = button(tab, 'Withdraw the invitation of grace@example.com');
  await keys.enter(withdraw);
  const confirm = await dialogOf(tab, 'Withdraw invitation', 'dialog-withdraw');
  await escapeFrom(confirm, withdraw);
  await keys.press('Enter');
  await keys.enter(button(confirm, 'Withdraw'));
  await lineOf(tab, 'grace@example.com').waitFor({ state: 'detached' });
});

test('the focus comes back too where dialogs fade in and out', async () => {
  const { tab, keys } = await open('/settings/members');
  await tab.emulateMedia({ reducedMotion: 'no-preference' });
  const opener = button(tab, 'Invite');
  await keys.enter(opener);
  const dialog = tab.getByRole('dialog', { name: 'Invite to Acme' });
  await focused(tab, dialog.getByLabel('Email'));
  await escapeFrom(dialog, opener);
});

test('a member changes role, is asked to take over, and is removed with what they made', async () => {
  const edsger = await signUpMember(stage.house, stage.owner, 'member', 'edsger@example.com');
  const { tab, keys } = await open('/settings/members');
  await keys.choose(menuOf(tab, 'edsger'), 'Make admin');
  await tab.getByText('edsger is an admin now.').waitFor();
  await createToken(edsger, ['all'], { name: 'Nightly report' });
  await createKey(edsger, ['read'], { name: 'Dashboard' });

  await keys.choose(menuOf(tab, 'edsger'), /^Hand over/);
  const handOver = await dialogOf(tab, 'Hand over ownership', 'dialog-hand-over');
  await escapeFrom(handOver, menuOf(tab, 'edsger'));

  await keys.choose(menuOf(tab, 'edsger'), /^Remove/);
  const dialog = await dialogOf(tab, 'Remove edsger', 'dialog-remove');
  await keys.toggle(dialog.getByLabel('Nightly report'));
  await keys.enter(button(dialog, 'Remove and delete 1 credential'));
  await dialog.getByText('edsger is removed', { exact: false }).waitFor();
  await inspect(tab, 'dialog-removed');
  await keys.enter(button(dialog, 'Done'));
  await rowOf(tab, 'edsger').waitFor({ state: 'detached' });
});

test('the activity log is filtered, opened and exported', async () => {
  const { tab, keys } = await open('/settings/activity-log');
  await keys.to(tab.getByRole('combobox', { name: 'Action' }));
  await keys.type('workspace created');
  await keys.press('ArrowDown', 'Enter');
  await tab.waitForURL(/action=workspace.created/);
  await tab.waitForFunction(() => document.querySelectorAll('main li').length === 1);
  const details = lineOf(tab, 'created the workspace').getByRole('button');
  await keys.enter(details);
  await tab.getByText('Hash before').waitFor();
  await inspect(tab, 'activity-log-details');
  const [file] = await Promise.all([tab.waitForEvent('download'), keys.choose(button(tab, 'Export'), /^CSV/)]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  await focused(tab, button(tab, 'Export'));
  await keys.to(tab.getByRole('combobox', { name: 'Time' }));
  await keys.press('ArrowDown');
  await tab.getByRole('listbox').waitFor();
  await inspect(tab, 'activity-log-time');
  await keys.press('Escape');
});

test('the way to another workspace and to the colours', async () => {
  await stage.owner.call('/v1/workspaces', { body: { name: 'Second place' } });
  const { tab, keys } = await open('/settings/members?workspace=acme');
  await keys.enter(button(tab, /^Workspace:/));
  await tab.getByRole('menu').waitFor();
  await inspect(tab, 'menu-workspaces');
  await keys.press('Escape');
  await focused(tab, button(tab, /^Workspace:/));
  await keys.choose(button(tab, /^Workspace:/), 'Second place');
  await tab.waitForURL(/workspace=second-place/);
  await keys.enter(button(tab, /^Account:/));
  await tab.getByRole('menu').waitFor();
  await inspect(tab, 'menu-account');
  await keys.press('Escape');
  await keys.choose(button(tab, /^Account:/), 'Dark');
  await tab.waitForFunction(() => document.documentElement.dataset['mantineColorScheme'] === 'dark');
  await keys.choose(button(tab, /^Account:/), 'As the system');
  await tab.waitForFunction(() => document.documentElement.dataset['mantineColorScheme'] === 'light');
});

test('a workspace is deleted only when its name is typed', async () => {
  await stage.owner.call('/v1/workspaces', { body: { name: 'To be deleted' } });
  const { tab, keys } = await open('/settings/workspace?workspace=to-be-deleted');
  const opener = button(tab, 'Delete workspace…');
  await keys.enter(opener);
  const dialog = await dialogOf(tab, 'Delete workspace', 'dialog-workspace-delete');
  await escapeFrom(dialog, opener);
  await keys.press('Enter');
  await focused(tab, dialog.getByRole('textbox'));
  await keys.type('To be deleted');
  await keys.press('Enter');
  await tab.getByText('The workspace To be deleted is deleted.').waitFor();
});
