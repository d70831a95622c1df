import { test } from 'node:test';
import type { App } from '../src/contract/apps.ts';
import type { Script } from '../src/contract/scripts.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { button, closeWithEscape, createKeyboardUser, waitForDialog, waitForFocus } from './keyboard.ts';
import { listItemOf, rowOf } from './page-actions.ts';
import { createApp, createProject, createScript, createServer, setVariables } from './resource-fixtures.ts';

let app: App;
let script: Script;
// These tests use projects, variables and scripts by keyboard only.
const fixture = setUpBrowserFixture(
  async ({ owner }) => {
    const project = await createProject(owner, { name: 'Shop' });
    const server = await createServer(owner, { name: 'This machine', kind: 'local', host: null, user: null });
    app = await createApp(owner, { projectId: project.id, name: 'Storefront' });
    await setVariables(owner, app, { NODE_ENV: 'production' });
    script = await createScript(owner, { name: 'Greet', serverId: server.id, body: 'echo "Hello"' });
  },
  { environment: { DEVPILOT_LOCAL_SERVER: 'on' } },
);

test('the dialog for a new project closes, a project is edited, and the focus returns', async () => {
  const tab = await fixture.open('/projects');
  const keys = createKeyboardUser(tab);
  const opener = button(tab, 'New project');
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'New project', 'dialog-project-create');
  await closeWithEscape(dialog, opener);
  await keys.choose(button(tab, 'Actions for Shop'), 'Edit…');
  const editDialog = await waitForDialog(tab, 'Edit Shop', 'dialog-project-edit');
  await keys.tabTo(editDialog.getByLabel('Name'));
  await keys.press('End');
  await keys.type(' and more');
  await keys.press('Enter');
  await editDialog.waitFor({ state: 'detached' });
  await rowOf(tab, 'Shop and more').waitFor();
  await waitForFocus(tab, button(tab, 'Actions for Shop and more'));
});

test('a variable is revealed, changed, reviewed and saved', async () => {
  const tab = await fixture.open(`/apps/${app.id}/environment`);
  const keys = createKeyboardUser(tab);
  await keys.enter(button(tab, 'Reveal NODE_ENV'));
  await listItemOf(tab, 'NODE_ENV').getByText('production').waitFor();
  await keys.enter(button(tab, 'Edit NODE_ENV'));
  const editDialog = await waitForDialog(tab, 'Edit NODE_ENV', 'dialog-variable');
  await keys.tabTo(editDialog.getByLabel('Value'));
  await keys.press('ControlOrMeta+a');
  await keys.type('staging');
  await keys.enter(button(editDialog, 'Apply'));
  await editDialog.waitFor({ state: 'detached' });
  await keys.enter(button(tab, 'Review and save'));
  const reviewDialog = await waitForDialog(tab, 'Review changes', 'dialog-review');
  await keys.enter(button(reviewDialog, 'Save 1 change'));
  await reviewDialog.waitFor({ state: 'detached' });
  await tab.getByText('Set NODE_ENV').first().waitFor();
});

test('a script is run, and its log can be focused', async () => {
  const tab = await fixture.open(`/scripts/${script.id}`);
  const keys = createKeyboardUser(tab);
  await keys.enter(button(tab, 'Run…'));
  const dialog = await waitForDialog(tab, 'Run Greet', 'dialog-run');
  await keys.enter(button(dialog, 'Run'));
  const log = tab.getByRole('log', { name: 'Log' });
  await log.getByText('Hello', { exact: true }).waitFor();
  await keys.tabTo(log);
});
