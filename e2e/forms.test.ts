import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import type { App } from '../src/contract/apps.ts';
import type { Project } from '../src/contract/projects.ts';
import type { Script } from '../src/contract/scripts.ts';
import type { Server } from '../src/contract/servers.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { button, waitForFocus } from './keyboard.ts';
import { chooseInMenu } from './page-actions.ts';
import { createApp, createProject, createScript, createServer } from './resource-fixtures.ts';

let project: Project;
let app: App;
let server: Server;
let script: Script;
const fixture = setUpBrowserFixture(
  async ({ owner }) => {
    project = await createProject(owner, { name: 'Shop' });
    server = await createServer(owner, { name: 'Web 1' });
    const target = { serverId: server.id, directory: '/srv/storefront' };
    const repository = 'https://git.example.com/shop.git';
    app = await createApp(owner, { projectId: project.id, name: 'Storefront', repository, ...target });
    const parameters = ['FROM', 'TO'].map((name) => ({ name, pattern: '[a-z]+', default: null }));
    script = await createScript(owner, { name: 'Greet', serverId: server.id, body: 'echo "Hello"', parameters });
  },
  { environment: { DEVPILOT_LOCAL_SERVER: 'on' } },
);

/** A form that is submitted with invalid values. Its first invalid field must get the focus. */
interface InvalidForm {
  readonly name: string;
  readonly path: () => string;
  /** Opens the form, fills it in and returns the element that contains it. */
  readonly fill: (tab: Page) => Promise<Locator>;
  readonly submit: string;
  readonly firstInvalidField: (form: Locator) => Locator;
  /** Part of the field's error message. */
  readonly message: string;
}

const dialog = (tab: Page): Locator => tab.getByRole('dialog');
const byLabel =
  (label: string, index = 0) =>
  (form: Locator): Locator =>
    form.getByLabel(label, { exact: true }).nth(index);

/** Opens a dialog with a button of the page. */
async function openDialog(tab: Page, name: string): Promise<Locator> {
  await button(tab, name).first().click();
  await dialog(tab).waitFor();
  return dialog(tab);
}

const INVALID_FORMS: readonly InvalidForm[] = [
  {
    name: 'an edited project',
    path: () => '/projects',
    async fill(tab) {
      await chooseInMenu(tab, 'Shop', 'Edit…');
      await dialog(tab).getByLabel('Name').fill('ab');
      await dialog(tab).getByLabel('Description (optional)').fill('With a description.');
      return dialog(tab);
    },
    submit: 'Save',
    firstInvalidField: byLabel('Name'),
    message: 'A name must be 3 to 255 characters',
  },
  {
    name: 'a new app without a project and with an invalid slug',
    path: () => '/apps',
    async fill(tab) {
      const form = await openDialog(tab, 'New app');
      await form.getByLabel('Name').fill('Another app');
      await form.getByLabel('Slug (optional)').fill('No slug');
      return form;
    },
    submit: 'Create app',
    firstInvalidField: byLabel('Project'),
    message: 'Choose a project',
  },
  {
    name: 'a new server without a host and with an invalid slug',
    path: () => '/servers',
    async fill(tab) {
      const form = await openDialog(tab, 'New server');
      await form.getByLabel('Name').fill('Another server');
      await form.getByLabel('Slug (optional)').fill('No slug');
      return form;
    },
    submit: 'Create server',
    firstInvalidField: byLabel('Host'),
    message: 'Enter a host name or IP address',
  },
  {
    name: 'the settings of an app, at a field far down',
    path: () => `/apps/${app.id}/settings`,
    async fill(tab) {
      await tab.getByLabel('Backups to keep (optional)').fill('0');
      await tab.getByLabel('Type', { exact: true }).selectOption('url');
      return tab.getByRole('main');
    },
    submit: 'Save changes',
    firstInvalidField: byLabel('URL'),
    message: 'Must be an http:// or https:// URL',
  },
  {
    name: 'the settings of an app, at a field that the server rejects',
    path: () => `/apps/${app.id}/settings`,
    async fill(tab) {
      await tab.getByLabel('Backup schedule (optional)').fill('now and then');
      return tab.getByRole('main');
    },
    submit: 'Save changes',
    firstInvalidField: byLabel('Backup schedule (optional)'),
    message: 'cron',
  },
  {
    name: 'a hook',
    path: () => `/apps/${app.id}/settings`,
    async fill(tab) {
      const form = await openDialog(tab, 'Add hook');
      await form.getByLabel('Name').fill('Build');
      return form;
    },
    submit: 'Add',
    firstInvalidField: byLabel('Command'),
    message: 'Enter a command',
  },
  {
    name: 'a variable',
    path: () => `/apps/${app.id}/environment`,
    async fill(tab) {
      const form = await openDialog(tab, 'Add variable');
      await form.getByLabel('Name').fill('1ST');
      await form.getByLabel('Value').fill('one');
      return form;
    },
    submit: 'Add',
    firstInvalidField: byLabel('Name'),
    message: 'Must contain only letters, digits and underscores',
  },
  {
    name: 'a deployment, at a field in a collapsed section',
    path: () => `/apps/${app.id}/deployments`,
    async fill(tab) {
      const form = await openDialog(tab, 'Deploy…');
      await button(form, 'More options').click();
      await form.getByLabel('Web 1 (app default)').uncheck();
      await form.getByLabel('Rolling').check();
      await form.getByLabel('Pause between batches (seconds)').fill('');
      await button(form, 'More options').click();
      await form.getByLabel('Rolling').waitFor({ state: 'hidden' });
      return form;
    },
    submit: 'Deploy',
    firstInvalidField: byLabel('Web 1 (app default)'),
    message: 'Choose at least one server',
  },
  {
    name: 'a new script without a server',
    path: () => '/scripts/new',
    async fill(tab) {
      await tab.getByLabel('Name').fill('Another script');
      await tab.getByLabel('Interpreter').fill('sh');
      return tab.getByRole('main');
    },
    submit: 'Create script',
    firstInvalidField: byLabel('Server'),
    message: 'Choose a server',
  },
  {
    name: 'an edited script, at its second parameter',
    path: () => `/scripts/${script.id}/edit`,
    async fill(tab) {
      await tab.getByRole('group', { name: 'Parameter TO' }).getByLabel('Name').fill('2ND');
      return tab.getByRole('main');
    },
    submit: 'Save',
    firstInvalidField: (form) => form.getByRole('group', { name: 'Parameter 2ND' }).getByLabel('Name'),
    message: 'Must contain only letters, digits and underscores',
  },
  {
    name: 'an edited script, at a pattern that the server rejects',
    path: () => `/scripts/${script.id}/edit`,
    async fill(tab) {
      await tab.getByRole('group', { name: 'Parameter TO' }).getByLabel('Pattern (optional)').fill('[');
      return tab.getByRole('main');
    },
    submit: 'Save',
    firstInvalidField: (form) => form.getByRole('group', { name: 'Parameter TO' }).getByLabel('Pattern (optional)'),
    message: 'pattern',
  },
  {
    name: 'a run, at a parameter that the server rejects',
    path: () => `/scripts/${script.id}`,
    async fill(tab) {
      const form = await openDialog(tab, 'Run…');
      await form.getByRole('textbox', { name: 'FROM' }).fill('here');
      await form.getByRole('textbox', { name: 'TO' }).fill('4');
      return form;
    },
    submit: 'Run',
    firstInvalidField: (form) => form.getByRole('textbox', { name: 'TO' }),
    message: 'match',
  },
  {
    name: 'a key without permissions',
    path: () => '/settings/api-keys',
    async fill(tab) {
      const form = await openDialog(tab, 'Generate API Key');
      await form.getByLabel('Name').fill('Reader');
      return form;
    },
    submit: 'Generate API Key',
    firstInvalidField: (form) => form.getByRole('checkbox').first(),
    message: 'Choose at least one permission',
  },
  {
    name: 'a token without an expiry date',
    path: () => '/settings/access-tokens',
    async fill(tab) {
      const form = await openDialog(tab, 'Generate Token');
      await form.getByLabel('Name').fill('Runner');
      await form.getByLabel('run_scripts').check();
      await form.getByLabel('Expiry').selectOption('date');
      return form;
    },
    submit: 'Generate Token',
    firstInvalidField: byLabel('Last day'),
    message: 'Choose a date',
  },
  {
    name: 'an invitation',
    path: () => '/settings/members',
    async fill(tab) {
      const form = await openDialog(tab, 'Invite member');
      await form.getByLabel('Email').fill('nobody');
      return form;
    },
    submit: 'Create invitation',
    firstInvalidField: byLabel('Email'),
    message: 'address',
  },
];

/** Returns whether an element is inside the window and not covered. */
function isVisible(element: Element): boolean {
  const { left, top, bottom } = element.getBoundingClientRect();
  const topElement = document.elementFromPoint(left + 4, (top + bottom) / 2);
  return topElement !== null && (element.contains(topElement) || topElement.contains(element));
}

for (const { name, path, fill, submit, firstInvalidField, message } of INVALID_FORMS) {
  test(`the first invalid field gets the focus: ${name}`, async () => {
    const tab = await fixture.open(path());
    const form = await fill(tab);
    await button(form, submit).click();
    const field = firstInvalidField(form);
    await waitForFocus(tab, field);
    await form.getByText(message, { exact: false }).filter({ visible: true }).first().waitFor();
    assert.equal(await field.evaluate(isVisible), true, 'the field is visible');
  });
}
