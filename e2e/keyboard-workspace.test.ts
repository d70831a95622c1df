import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { checkAppearance } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { button, closeWithEscape, createKeyboardUser, waitForDialog, waitForFocus } from './keyboard.ts';
import { listItemOf } from './page-actions.ts';

/** The activity log, the menus and the workspace by keyboard only. */
const fixture = setUpBrowserFixture();

async function open(path: string, person?: TestPerson) {
  const tab = await fixture.open(path, person === undefined ? {} : { person });
  return { tab, keys: createKeyboardUser(tab) };
}

test('the activity log is filtered, opened and exported', async () => {
  const { tab, keys } = await open('/settings/activity-log');
  await keys.tabTo(tab.getByRole('combobox', { name: 'Action' }));
  await keys.type('workspace created');
  await keys.press('ArrowDown', 'Enter');
  await tab.waitForURL(/action=workspace.created/);
  await tab.waitForFunction(() => document.querySelectorAll('main li').length === 1);
  const details = listItemOf(tab, 'created the workspace').getByRole('button');
  await keys.enter(details);
  await tab.getByText('Previous hash').waitFor();
  await checkAppearance(tab, 'activity-log-details');
  const [file] = await Promise.all([tab.waitForEvent('download'), keys.choose(button(tab, 'Export'), /^CSV/)]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  await waitForFocus(tab, button(tab, 'Export'));
  await keys.tabTo(tab.getByRole('combobox', { name: 'Time' }));
  await keys.press('ArrowDown');
  await tab.getByRole('listbox').waitFor();
  await checkAppearance(tab, 'activity-log-time');
  await keys.press('Escape');
});

test('the tabs of the settings are one tab stop with arrow keys, and a member has no activity log among them', async () => {
  const { tab, keys } = await open('/settings');
  const tabs = tab.getByRole('navigation', { name: 'Settings' });
  const link = (name: string) => tabs.getByRole('link', { name });
  await keys.enter(tab.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }));
  await tab.waitForURL(/\/settings\/access-tokens/);
  await keys.tabTo(link('Access Tokens'));
  await keys.press('ArrowRight', 'ArrowRight', 'ArrowLeft');
  await waitForFocus(tab, link('API Keys'));
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'API Keys', level: 1 }).waitFor();
  assert.equal(await tabs.locator('[aria-current=page]').textContent(), 'API Keys');
  await keys.press('End');
  await waitForFocus(tab, link('Workspace'));
  await keys.press('ArrowRight');
  await waitForFocus(tab, link('Access Tokens'));
  await keys.press('Tab');
  assert.equal(await tabs.locator(':focus').count(), 0);

  const linus = await signUpMember(fixture.server, fixture.owner, 'member', 'linus@example.com');
  const theirs = await fixture.open('/settings/activity-log', { person: linus });
  const names = await theirs.getByRole('navigation', { name: 'Settings' }).getByRole('link').allTextContents();
  assert.deepEqual(names, ['Access Tokens', 'API Keys', 'Members', 'Workspace']);
  await createKeyboardUser(theirs).tabTo(theirs.getByRole('link', { name: 'Access Tokens' }));
});

test('the menus switch the workspace and the theme', async () => {
  await fixture.owner.call('/v1/workspaces', { body: { name: 'Second place' } });
  const { tab, keys } = await open('/settings/members?workspace=acme');
  await keys.enter(button(tab, /^Workspace:/));
  await tab.getByRole('menu').waitFor();
  await checkAppearance(tab, 'menu-workspaces');
  await keys.press('Escape');
  await waitForFocus(tab, button(tab, /^Workspace:/));
  await keys.choose(button(tab, /^Workspace:/), 'Second place');
  await tab.waitForURL(/workspace=second-place/);
  await keys.enter(button(tab, /^Account:/));
  await tab.getByRole('menu').waitFor();
  await checkAppearance(tab, 'menu-account');
  await keys.press('Escape');
  await keys.choose(button(tab, /^Account:/), 'Dark');
  await tab.waitForFunction(() => document.documentElement.dataset['mantineColorScheme'] === 'dark');
  await keys.choose(button(tab, /^Account:/), 'System');
  await tab.waitForFunction(() => document.documentElement.dataset['mantineColorScheme'] === 'light');
});

test('a workspace is deleted after its name has been typed', async () => {
  await fixture.owner.call('/v1/workspaces', { body: { name: 'To be deleted' } });
  const { tab, keys } = await open('/settings/workspace?workspace=to-be-deleted');
  const opener = button(tab, 'Delete workspace…');
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'Delete workspace', 'dialog-workspace-delete');
  await closeWithEscape(dialog, opener);
  await keys.press('Enter');
  await waitForFocus(tab, dialog.getByRole('textbox'));
  await keys.type('To be deleted');
  await keys.press('Enter');
  await tab.getByText('Workspace To be deleted deleted').waitFor();
});
