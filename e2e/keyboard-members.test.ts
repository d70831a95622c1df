import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { createKey, createToken, signUpMember, type TestPerson } from '../src/testing/house.ts';
import { inspect } from './browser.ts';
import { button, dialogOf, escapeFrom, focused, keysOf } from './keyboard.ts';
import { setStage } from './stage.ts';
import { lineOf, rowOf } from './steps.ts';

/** Dialogs of members and invitations, by the keyboard alone: opened, looked at, gone through, closed. */
const stage = setStage();

const menuOf = (tab: Page, name: string) => button(tab, `Actions for ${name}`);

async function open(path: string, person?: TestPerson) {
  const tab = await stage.open(path, person === undefined ? {} : { person });
  return { tab, keys: keysOf(tab) };
}

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
