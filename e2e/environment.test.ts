import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { App } from '../src/contract/apps.ts';
import type { AuditEvent } from '../src/contract/audit-events.ts';
import type { Environment } from '../src/contract/environment.ts';
import type { Page as PageOf } from '../src/contract/paging.ts';
import { signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { secureContextOnly, setUpBrowserFixture } from './browser-fixture.ts';
import { dialog } from './page-actions.ts';
import { checkPages } from './page-checks.ts';
import { createApp, createProject, setVariables } from './resource-fixtures.ts';
import { findSecretInTab } from './secret-leftovers.ts';

const SECRET = 'postgres://shop:hunter2hunter2@db/shop';
// The tests run in order: later ones use the versions of the environment that earlier ones saved.
let app: App;
let linus: TestPerson;
const fixture = setUpBrowserFixture(async ({ server, owner }) => {
  linus = await signUpMember(server, owner, 'member', 'linus@example.com');
  const project = await createProject(owner, { name: 'Shop' });
  app = await createApp(owner, { projectId: project.id, name: 'Storefront' });
  await setVariables(owner, app, { DATABASE_URL: SECRET, NODE_ENV: 'production', OLD_NAME: 'x' });
});

const openEnvironment = (person = fixture.owner) => fixture.open(`/apps/${app.id}/environment`, { person });
const variableItem = (tab: Page, name: string) =>
  tab.getByRole('list', { name: 'Variables' }).getByRole('listitem').filter({ hasText: name });
const readValues = async () =>
  Object.fromEntries(
    (await fixture.owner.call<Environment>(`/v1/apps/${app.id}/env`)).body.data.map((variable) => [
      variable.name,
      variable.value,
    ]),
  );
const listReveals = async () =>
  (await fixture.owner.call<PageOf<AuditEvent>>('/v1/audit-events?action=env.revealed')).body.data.map((event) => [
    event.actor.name,
    event.detail['names'],
  ]);

async function editVariable(tab: Page, name: string, value: string): Promise<void> {
  await tab.getByRole('button', { name: `Edit ${name}`, exact: true }).click();
  await dialog(tab, `Edit ${name}`).getByLabel('Value').fill(value);
  await dialog(tab, `Edit ${name}`).getByRole('button', { name: 'Apply' }).click();
  await dialog(tab, `Edit ${name}`).waitFor({ state: 'hidden' });
}

test('the buttons of an empty environment are centered on a phone', async () => {
  const emptyApp = await createApp(fixture.owner, { projectId: app.projectId, name: 'Without variables' });
  const tab = await fixture.open(`/apps/${emptyApp.id}/environment`, { width: 360 });
  const add = tab.getByRole('button', { name: 'Add variable' });
  await add.waitFor();
  for (const control of [add, tab.getByRole('button', { name: 'Import' })]) {
    const { x = 0, width = 0 } = (await control.boundingBox()) ?? {};
    assert.ok(Math.abs(x + width / 2 - 180) <= 1, `the middle is at ${x + width / 2} of 360 pixels`);
  }
});

test('values are masked until each is revealed; a reveal is recorded, and Hide masks the value again', async () => {
  const tab = await openEnvironment();
  await variableItem(tab, 'DATABASE_URL').getByText('••••••••').waitFor();
  assert.deepEqual(await findSecretInTab(tab, SECRET), []);
  assert.deepEqual(await listReveals(), []);
  await tab.getByRole('button', { name: 'Reveal DATABASE_URL' }).click();
  await variableItem(tab, 'DATABASE_URL').getByText(SECRET).waitFor();
  await variableItem(tab, 'NODE_ENV').getByText('••••••••').waitFor();
  assert.deepEqual(await listReveals(), [['Ada Lovelace', ['DATABASE_URL']]]);
  await tab.getByRole('button', { name: 'Hide DATABASE_URL' }).click();
  await variableItem(tab, 'DATABASE_URL').getByText('••••••••').waitFor();
});

test('a member sees the names and can neither reveal nor change the values', secureContextOnly, async () => {
  const tab = await openEnvironment(linus);
  await variableItem(tab, 'DATABASE_URL').getByText('••••••••').waitFor();
  await tab.getByText('Only owners and admins can reveal the values.').waitFor();
  assert.equal(
    await tab.getByRole('button', { name: /^(Reveal|Export|Copy|Add|Import|Change|Remove|Restore)/ }).count(),
    0,
  );
});

test('several changes are drafted, reviewed as a diff, and saved together', async () => {
  const tab = await openEnvironment();
  await tab.getByRole('button', { name: 'Reveal NODE_ENV' }).click();
  await variableItem(tab, 'NODE_ENV').getByText('production').waitFor();
  await editVariable(tab, 'NODE_ENV', 'staging');
  await tab.getByRole('button', { name: 'Remove OLD_NAME' }).click();
  await tab.getByRole('button', { name: 'Add variable', exact: true }).click();
  const add = dialog(tab, 'Add variable');
  await add.getByLabel('Name').fill('1BAD');
  await add.getByRole('button', { name: 'Add' }).click();
  await add.getByText('not start with a digit', { exact: false }).waitFor();
  await add.getByLabel('Name').fill('GREETING');
  await add.getByLabel('Value').fill('Hello,\n"world" $HOME #1');
  await add.getByRole('button', { name: 'Add' }).click();
  await tab.getByText('3 unsaved changes').waitFor();
  assert.equal((await readValues())['NODE_ENV'], 'production');

  await tab.getByRole('button', { name: 'Review and save' }).click();
  const review = dialog(tab, 'Review changes');
  const changeList = review.getByRole('list', { name: 'Changes' });
  assert.equal(await changeList.getByText('staging').count(), 0);
  await review.getByLabel('Show values').check({ force: true });
  await changeList.getByText('staging').waitFor();
  await changeList.getByText('production').waitFor();
  await review.getByRole('button', { name: 'Save 3 changes' }).click();
  await tab.getByText('Environment of Storefront saved.', { exact: false }).waitFor();
  assert.deepEqual(await readValues(), {
    DATABASE_URL: SECRET,
    NODE_ENV: 'staging',
    GREETING: 'Hello,\n"world" $HOME #1',
  });
  await tab
    .getByText('Set NODE_ENV, GREETING; removed OLD_NAME')
    .or(tab.getByText('Set GREETING, NODE_ENV; removed OLD_NAME'))
    .waitFor();
});

test('a concurrent change by someone else is shown before it is overwritten', async () => {
  const tab = await openEnvironment();
  await editVariable(tab, 'NODE_ENV', 'mine');
  await setVariables(fixture.owner, app, { NODE_ENV: 'theirs', EXTRA: 'new' });
  await tab.getByRole('button', { name: 'Review and save' }).click();
  const review = dialog(tab, 'Review changes');
  await review.getByRole('button', { name: 'Save 1 change' }).click();
  await review
    .getByText('Someone else changed the environment while you were editing: EXTRA, NODE_ENV.', { exact: false })
    .waitFor();
  await review.getByText('Saving again overwrites their changes to NODE_ENV.', { exact: false }).waitFor();
  assert.equal((await readValues())['NODE_ENV'], 'theirs');
  await review.getByRole('button', { name: 'Save again' }).click();
  await review.waitFor({ state: 'hidden' });
  assert.equal((await readValues())['NODE_ENV'], 'mine');
  assert.equal((await readValues())['EXTRA'], 'new');
});

test('a dotenv file replaces all variables and is exported unchanged; an earlier version is restored', async () => {
  const tab = await openEnvironment();
  await tab.getByRole('button', { name: 'Import' }).click();
  const importDialog = dialog(tab, 'Import .env file');
  await importDialog.getByLabel('Content').fill('A=1\nnot a line');
  await importDialog.getByText('Line 2:', { exact: false }).waitFor();
  await importDialog.getByLabel('Content').fill(`NODE_ENV=production\nQUOTED='a "b" #c'\n`);
  await importDialog.getByLabel('Remove variables that are not in the file').check();
  await importDialog.getByText('2 variables in the file: 1 new, 1 existing; 3 will be removed.').waitFor();
  await importDialog.getByRole('button', { name: 'Import' }).click();
  await tab.getByRole('button', { name: 'Review and save' }).click();
  await dialog(tab, 'Review changes').getByRole('button', { name: 'Save 5 changes' }).click();
  await tab.getByText('Environment of Storefront saved', { exact: false }).waitFor();
  assert.deepEqual(await readValues(), { NODE_ENV: 'production', QUOTED: 'a "b" #c' });

  await tab.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([
    tab.waitForEvent('download'),
    tab.getByRole('menuitem', { name: 'Download as .env' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'storefront.env');
  assert.equal(await readFile(await download.path(), 'utf8'), `NODE_ENV=production\nQUOTED='a "b" #c'\n`);
  assert.deepEqual((await listReveals())[0], ['Ada Lovelace', ['NODE_ENV', 'QUOTED']]);

  await tab.getByRole('button', { name: 'Restore version 1', exact: true }).click();
  await dialog(tab, 'Restore version 1').getByRole('button', { name: 'Restore' }).click();
  await tab.getByText('Version 1 restored').waitFor();
  assert.deepEqual(await readValues(), { DATABASE_URL: SECRET, NODE_ENV: 'production', OLD_NAME: 'x' });
  await variableItem(tab, 'OLD_NAME').waitFor();
});

test("a project's variables are set on its page, inherited by its apps, overridden there and restored", async () => {
  const projectTab = await fixture.open(`/projects/${app.projectId}`);
  await projectTab.getByRole('button', { name: 'Add variable', exact: true }).click();
  const add = dialog(projectTab, 'Add variable');
  await add.getByLabel('Name').fill('LOG_LEVEL');
  await add.getByLabel('Value').fill('info');
  await add.getByRole('button', { name: 'Add' }).click();
  await projectTab.getByRole('button', { name: 'Review and save' }).click();
  await dialog(projectTab, 'Review changes').getByRole('button', { name: 'Save 1 change' }).click();
  await projectTab.getByText('Environment of Shop saved.', { exact: false }).waitFor();

  const required = { requiredVariables: ['LOG_LEVEL', 'LICENSE'] };
  await fixture.owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: required });
  const tab = await openEnvironment();
  await tab.getByText('The app cannot be deployed until these variables have a value: LICENSE.').waitFor();
  const item = variableItem(tab, 'LOG_LEVEL');
  await item.getByText('From project Shop').waitFor();
  assert.equal(await tab.getByRole('button', { name: 'Remove LOG_LEVEL' }).count(), 0);
  await tab.getByRole('button', { name: 'Reveal LOG_LEVEL' }).click();
  await item.getByText('info', { exact: true }).waitFor();
  await tab.getByRole('button', { name: 'Override LOG_LEVEL' }).click();
  await dialog(tab, 'Edit LOG_LEVEL').getByLabel('Value').fill('debug');
  await dialog(tab, 'Edit LOG_LEVEL').getByRole('button', { name: 'Apply' }).click();
  await item.getByText('Override', { exact: true }).waitFor();
  await tab.getByRole('button', { name: 'Review and save' }).click();
  await dialog(tab, 'Review changes').getByRole('button', { name: 'Save 1 change' }).click();
  await tab.getByRole('button', { name: 'Remove LOG_LEVEL' }).waitFor();
  assert.equal((await readValues())['LOG_LEVEL'], 'debug');
  await tab.getByRole('button', { name: 'Remove LOG_LEVEL' }).click();
  await tab.getByRole('button', { name: 'Review and save' }).click();
  await dialog(tab, 'Review changes').getByRole('button', { name: 'Save 1 change' }).click();
  await item.getByText('From project Shop').waitFor();
  assert.equal((await readValues())['LOG_LEVEL'], 'info');
});

test('leaving a draft requires a confirmation', secureContextOnly, async () => {
  const tab = await openEnvironment();
  await tab.getByRole('button', { name: 'Remove OLD_NAME' }).click();
  await tab.getByRole('link', { name: 'Projects' }).click();
  const confirmDialog = dialog(tab, 'Leave without saving?');
  await confirmDialog.getByRole('button', { name: 'Cancel' }).click();
  await tab.getByText('1 unsaved change').waitFor();
  await tab.getByRole('link', { name: 'Projects' }).click();
  await confirmDialog.getByRole('button', { name: 'Leave' }).click();
  await tab.getByRole('heading', { name: 'Projects', level: 1 }).waitFor();
});

checkPages(fixture, [
  {
    name: 'environment',
    path: () => `/apps/${app.id}/environment`,
    async prepare(tab) {
      await tab.getByRole('button', { name: 'Reveal DATABASE_URL' }).click();
      await tab.getByRole('button', { name: 'Hide DATABASE_URL' }).waitFor();
      await tab.getByRole('button', { name: 'Remove NODE_ENV' }).click();
    },
  },
  {
    name: 'environment-review',
    path: () => `/apps/${app.id}/environment`,
    async prepare(tab) {
      await editVariable(tab, 'NODE_ENV', 'staging');
      await tab.getByRole('button', { name: 'Review and save' }).click();
      await tab.getByLabel('Show values').check({ force: true });
    },
  },
  {
    name: 'environment-import',
    path: () => `/apps/${app.id}/environment`,
    async prepare(tab) {
      await tab.getByRole('button', { name: 'Import' }).click();
      await tab.getByLabel('Content').fill('A=1');
      await tab.getByText('1 variable in the file', { exact: false }).waitFor();
    },
  },
]);
