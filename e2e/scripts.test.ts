import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Run, Script } from '../src/contract/scripts.ts';
import type { Server } from '../src/contract/servers.ts';
import { signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { checkAppearance } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { chooseInMenu, dialog, log } from './page-actions.ts';
import { checkPages } from './page-checks.ts';
import { createScript, createServer } from './resource-fixtures.ts';

// The tests run in order: later ones use the script Greet someone that the first one creates.
let linus: TestPerson;
let server: Server;
const fixture = setUpBrowserFixture(
  async ({ server: testServer, owner }) => {
    linus = await signUpMember(testServer, owner, 'member', 'linus@example.com');
    server = await createServer(owner, { name: 'This machine', kind: 'local', host: null, user: null });
  },
  { environment: { DEVPILOT_LOCAL_SERVER: 'on' } },
);

const getResource = async <Resource>(path: string): Promise<Resource> =>
  (await fixture.owner.call<Resource>(path)).body;
const runIdOf = (tab: Page) => new URL(tab.url()).pathname.split('/').at(-1) ?? '';

test('a script is created, with errors shown at their fields, and saved as a second version', async () => {
  const tab = await fixture.open('/scripts');
  await tab.getByRole('heading', { name: 'No scripts yet' }).waitFor();
  await tab.getByRole('button', { name: 'New script' }).click();
  await tab.getByLabel('Name', { exact: true }).fill('Greet someone');
  await tab.getByLabel('Interpreter').fill('sh');
  await tab.getByLabel('Schedule (optional)').fill('every day');
  await tab.getByRole('button', { name: 'Create script' }).click();
  await tab.getByText('Must be an absolute path', { exact: false }).waitFor();
  await tab.getByText('Choose a server').filter({ visible: true }).waitFor();
  await tab.getByLabel('Interpreter').fill('/bin/sh');
  await tab.getByLabel('Server').selectOption('This machine');
  await tab.getByRole('textbox', { name: 'Body' }).fill('echo "Hello, $WHO"\n');
  await tab.getByRole('button', { name: 'Create script' }).click();
  await tab.getByText('such as 30 3 * * 1-5', { exact: false }).waitFor();
  await tab.getByLabel('Schedule (optional)').fill('@daily');
  await tab.getByRole('button', { name: 'Add parameter' }).click();
  const parameter = tab.getByRole('group', { name: 'Parameter' });
  await parameter.getByLabel('Name').fill('WHO');
  await parameter.getByLabel('Pattern (optional)').fill('[A-Za-z ]+');
  await tab.getByRole('button', { name: 'Create script' }).click();
  // Nobody enters the parameters of a scheduled run.
  await tab.getByText('Must not be set unless every parameter has a default', { exact: false }).waitFor();
  await tab.getByLabel('Schedule (optional)').fill('');
  await tab.getByRole('button', { name: 'Create script' }).click();
  await tab.getByRole('heading', { name: 'Greet someone', level: 1 }).waitFor();

  await tab.getByRole('button', { name: 'Edit' }).click();
  await tab.getByRole('textbox', { name: 'Body' }).fill('echo "Good day, $WHO"\n');
  await tab.getByRole('button', { name: 'Save' }).click();
  await tab.getByText('Script Greet someone saved, version 2').waitFor();
  const script = await getResource<Script>('/v1/scripts/greet-someone');
  assert.equal(script.body, 'echo "Good day, $WHO"\n');
  assert.deepEqual(script.parameters, [{ name: 'WHO', pattern: '[A-Za-z ]+', default: null }]);
});

test('a script with a schedule shows its next five runs; the number of runs to keep is set', async () => {
  const { serverId } = await getResource<Script>('/v1/scripts/greet-someone');
  const script = await createScript(fixture.owner, {
    name: 'Night job',
    serverId,
    body: 'true',
    schedule: '0 3 * * *',
  });
  const tab = await fixture.open(`/scripts/${script.id}`);
  const nextRuns = tab.getByRole('list', { name: 'Next runs' }).getByRole('listitem');
  await nextRuns.nth(4).waitFor();
  assert.equal(await nextRuns.count(), 5);
  await tab.getByRole('button', { name: 'Edit' }).click();
  await tab.getByLabel('Runs to keep').fill('50');
  await tab.getByRole('button', { name: 'Save' }).click();
  await tab.getByText('Script Night job saved').waitFor();
  assert.equal((await getResource<Script>(`/v1/scripts/${script.id}`)).keepRuns, 50);
  await fixture.owner.call(`/v1/scripts/${script.id}`, { method: 'DELETE' });
});

test('a member runs a script: parameters are checked, the log is live and can be downloaded', async () => {
  const tab = await fixture.open('/scripts', { person: linus });
  assert.equal(await tab.getByRole('button', { name: /New script|Actions/ }).count(), 0);
  await tab.getByRole('button', { name: 'Run… Greet someone' }).click();
  const form = dialog(tab, 'Run Greet someone');
  await form.getByLabel('WHO').fill('$(touch x)');
  await form.getByRole('button', { name: 'Run' }).click();
  // The description has the same text as the error.
  await form.getByText('Must match [A-Za-z').nth(1).waitFor();
  await form.getByLabel('WHO').fill('Grace Hopper');
  await form.getByRole('button', { name: 'Run' }).click();
  await tab.getByRole('heading', { name: 'Run of Greet someone', level: 1 }).waitFor();
  await log(tab).getByText('Good day, Grace Hopper').waitFor();
  await tab.getByText('Completed', { exact: true }).waitFor();
  await tab.getByRole('button', { name: 'Download' }).click();
  const [download] = await Promise.all([
    tab.waitForEvent('download'),
    tab.getByRole('menuitem', { name: 'As text' }).click(),
  ]);
  assert.match(await readFile(await download.path(), 'utf8'), /stdout.*: Good day, Grace Hopper\n/);
  await tab.getByRole('button', { name: 'Run again…' }).click();
  assert.equal(await form.getByLabel('WHO').inputValue(), 'Grace Hopper');
});

test('the log of a running script is followed and searched, and the run is cancelled', async () => {
  const script = await createScript(fixture.owner, {
    name: 'Slow script',
    serverId: server.id,
    body: 'echo started; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "row $i"; done\nprintf "Progress 42%%"; while :; do sleep 0.1; done\n',
  });
  const tab = await fixture.open(`/scripts/${script.id}`, { person: linus });
  await tab.getByRole('button', { name: 'Run…' }).click();
  await dialog(tab, 'Run Slow script').getByRole('button', { name: 'Run' }).click();
  await log(tab).getByText('Progress 42%').waitFor();
  await tab.getByText(', live; showing 1,003 to 3,002').waitFor();
  const search = tab.getByRole('searchbox', { name: 'Search the log' });
  await search.fill('ROW 1234');
  await tab.getByText('1 match', { exact: true }).waitFor();
  await search.fill('row 12');
  await tab.getByText('111 matches', { exact: true }).waitFor();
  assert.equal(await log(tab).getByText('row 12', { exact: true }).count(), 0);
  await search.press('Enter');
  await log(tab).getByText('row 12', { exact: true }).waitFor();
  await tab.getByText('1 of 111', { exact: true }).waitFor();
  await search.press('Shift+Enter');
  await tab.getByText('111 of 111', { exact: true }).waitFor();
  await log(tab).getByText('row 1299', { exact: true }).waitFor();
  await checkAppearance(tab, 'log-search');
  await search.press('Escape');
  await tab.getByText('111 of 111', { exact: true }).waitFor({ state: 'detached' });
  await tab.getByRole('button', { name: 'Cancel' }).click();
  await tab.getByText('Cancelled by linus.').first().waitFor();
  await until(async () => (await getResource<Run>(`/v1/runs/${runIdOf(tab)}`)).status === 'cancelled');
  await tab.getByRole('link', { name: 'Slow script' }).first().click();
  await tab.getByRole('table', { name: 'Runs' }).getByText('Cancelled').waitFor();
});

test('an earlier version is viewed and restored; a script is deleted', async () => {
  const script = await getResource<Script>('/v1/scripts/greet-someone');
  const tab = await fixture.open(`/scripts/${script.id}`);
  await tab.getByText('Version 1', { exact: true }).click();
  await tab.getByRole('figure', { name: 'Body of version 1' }).getByText('echo "Hello, $WHO"').waitFor();
  await tab.getByRole('button', { name: 'Restore this version' }).click();
  await dialog(tab, 'Restore version 1').getByRole('button', { name: 'Restore' }).click();
  await tab.getByText('Version 1 of Greet someone restored').waitFor();
  assert.equal((await getResource<Script>(`/v1/scripts/${script.id}`)).body, 'echo "Hello, $WHO"\n');

  await createScript(fixture.owner, { name: 'To be deleted', serverId: server.id, body: 'true' });
  await tab.goto('/scripts');
  await chooseInMenu(tab, 'To be deleted', 'Delete…');
  await dialog(tab, 'Delete script').getByRole('button', { name: 'Delete' }).click();
  await tab.getByText('Script To be deleted deleted').waitFor();
  assert.equal((await fixture.owner.call('/v1/scripts/to-be-deleted')).status, 404);
});

test('a member has no access to the editor, and cannot change a script through the API', async () => {
  const script = await getResource<Script>('/v1/scripts/greet-someone');
  const tab = await fixture.open(`/scripts/${script.id}/edit`, { person: linus });
  await tab.getByRole('heading', { name: "You don't have access to this page" }).waitFor();
  const refused = await linus.call(`/v1/scripts/${script.id}`, { method: 'PATCH', body: { body: 'true' } });
  assert.equal(refused.status, 403);
});

const openRunDialog = async (tab: Page) => {
  await tab.getByRole('button', { name: 'Run…' }).first().click();
  await tab.getByRole('dialog').getByRole('button', { name: 'Run' }).waitFor();
};
checkPages(fixture, [
  { name: 'scripts', path: '/scripts' },
  {
    name: 'script-new',
    path: '/scripts/new',
    prepare: (tab) => tab.getByRole('button', { name: 'Add parameter' }).click(),
  },
  {
    name: 'script',
    path: '/scripts',
    async prepare(tab) {
      await tab.getByRole('link', { name: 'Greet someone' }).click();
      await tab.getByRole('table', { name: 'Runs' }).waitFor();
      await tab.getByText('Version 1', { exact: true }).click();
    },
  },
  { name: 'script-run', path: '/scripts', prepare: openRunDialog },
  {
    name: 'run',
    path: '/scripts',
    async prepare(tab) {
      await tab.getByRole('link', { name: 'Greet someone' }).click();
      await tab.getByRole('table', { name: 'Runs' }).getByRole('link').first().click();
      await log(tab).waitFor();
    },
  },
]);
