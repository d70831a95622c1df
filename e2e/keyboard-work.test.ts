import { test } from 'node:test';
import type { App } from '../src/contract/resources.ts';
import type { Script } from '../src/contract/scripts.ts';
import { button, dialogOf, escapeFrom, focused, keysOf } from './keyboard.ts';
import { setStage } from './stage.ts';
import { lineOf, rowOf } from './steps.ts';
import { createApp, createProject, createScript, createServer, setVariables } from './work.ts';

/** The pages of what is worked on, by the keyboard alone. */
let app: App;
let script: Script;
const stage = setStage(
  async ({ owner }) => {
    const project = await createProject(owner, { name: 'Shop' });
    const server = await createServer(owner, { name: 'This machine', kind: 'local', host: null, user: null });
    app = await createApp(owner, { projectId: project.id, name: 'Storefront' });
    await setVariables(owner, app, { NODE_ENV: 'production' });
    script = await createScript(owner, { name: 'Greet', serverId: server.id, body: 'echo "Hello"' });
  },
  { environment: { DEVPILOT_LOCAL_SERVER: 'on' } },
);

test('a project is made and edited, and each dialog gives the focus back', async () => {
  const tab = await stage.open('/projects');
  const keys = keysOf(tab);
  const opener = button(tab, 'New project');
  await keys.enter(opener);
  const dialog = await dialogOf(tab, 'New project', 'dialog-project-create');
  await escapeFrom(dialog, opener);
  await keys.choose(button(tab, 'Actions for Shop'), 'Edit…');
  const edit = await dialogOf(tab, 'Edit Shop', 'dialog-project-edit');
  await keys.to(edit.getByLabel('Name'));
  await keys.press('End');
  await keys.type(' and more');
  await keys.press('Enter');
  await edit.waitFor({ state: 'detached' });
  await rowOf(tab, 'Shop and more').waitFor();
  await focused(tab, button(tab, 'Actions for Shop and more'));
});

test('a variable is revealed, changed, reviewed and saved', async () => {
  const tab = await stage.open(`/apps/${app.id}/environment`);
  const keys = keysOf(tab);
  await keys.enter(button(tab, 'Reveal NODE_ENV'));
  await lineOf(tab, 'NODE_ENV').getByText('production').waitFor();
  await keys.enter(button(tab, 'Change NODE_ENV'));
  const change = await dialogOf(tab, 'Change NODE_ENV', 'dialog-variable');
  await keys.to(change.getByLabel('Value'));
  await keys.press('ControlOrMeta+a');
  await keys.type('staging');
  await keys.enter(button(change, 'Change'));
  await change.waitFor({ state: 'detached' });
  await keys.enter(button(tab, 'Review and save'));
  const review = await dialogOf(tab, 'Review the changes', 'dialog-review');
  await keys.enter(button(review, 'Save one change'));
  await review.waitFor({ state: 'detached' });
  await tab.getByText('Set NODE_ENV').first().waitFor();
});

test('a script is run, and its log read', async () => {
  const tab = await stage.open(`/scripts/${script.id}`);
  const keys = keysOf(tab);
  await keys.enter(button(tab, 'Run…'));
  const dialog = await dialogOf(tab, 'Run Greet', 'dialog-run');
  await keys.enter(button(dialog, 'Run'));
  const log = tab.getByRole('log', { name: 'Log' });
  await log.getByText('Hello', { exact: true }).waitFor();
  await keys.to(log);
});
