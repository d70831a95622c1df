import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { App } from '../src/contract/apps.ts';
import type { Backup } from '../src/contract/backups.ts';
import type { Page as PageOf } from '../src/contract/paging.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { checkPages } from './page-checks.ts';
import { createApp, createProject, createServer } from './resource-fixtures.ts';

const directory = temporaryDirectory();
const ordersFile = join(directory, 'shared/orders.txt');

// The tests run in order: later ones use the backup that the first one creates.
let linus: TestPerson;
let app: App;
const fixture = setUpBrowserFixture(
  async ({ server: testServer, owner }) => {
    linus = await signUpMember(testServer, owner, 'member', 'linus@example.com');
    const server = await createServer(owner, { name: 'This machine', kind: 'local', host: null, user: null });
    const project = await createProject(owner, { name: 'Shop' });
    app = await createApp(owner, { projectId: project.id, name: 'Storefront', serverId: server.id, directory });
    mkdirSync(join(directory, 'shared'));
    writeFileSync(ordersFile, 'order 1\n');
  },
  { environment: { DEVPILOT_LOCAL_SERVER: 'on' } },
);

const openBackups = (person = fixture.owner) => fixture.open(`/apps/${app.id}/backups`, { person });
const backupsTable = (tab: Page) => tab.getByRole('table', { name: 'Backups' });
const listBackups = async () => (await fixture.owner.call<PageOf<Backup>>(`/v1/apps/${app.id}/backups`)).body.data;

test('a member creates a backup and sees it completed, but cannot restore it', async () => {
  const tab = await openBackups(linus);
  await tab.getByRole('heading', { name: 'No backups yet' }).waitFor();
  await tab.getByRole('button', { name: 'Back up now' }).click();
  await backupsTable(tab).getByText('Completed').waitFor();
  await backupsTable(tab).getByText('Shared directory, by linus').waitFor();
  assert.equal(await tab.getByRole('button', { name: /^Actions/ }).count(), 0);
  const [backup] = await listBackups();
  assert.equal((await linus.call(`/v1/backups/${backup?.id}/restore`, { method: 'POST' })).status, 403);
});

test("restoring requires the app's name and restores the files", async () => {
  writeFileSync(ordersFile, 'order 2\n');
  const tab = await openBackups();
  await tab.getByRole('button', { name: /^Actions for the backup from/ }).click();
  await tab.getByRole('menuitem', { name: 'Restore…' }).click();
  const confirmDialog = tab.getByRole('dialog', { name: 'Restore backup' });
  assert.equal(await confirmDialog.getByRole('button', { name: 'Restore' }).isDisabled(), true);
  await confirmDialog.getByRole('textbox').fill('Storefront');
  await confirmDialog.getByRole('button', { name: 'Restore' }).click();
  await backupsTable(tab).getByText('Restore requested by Ada Lovelace: completed', { exact: false }).waitFor();
  assert.equal(readFileSync(ordersFile, 'utf8'), 'order 1\n');
});

test('a backup is verified, and restored into another app after the name of that app was typed', async () => {
  const stagingDirectory = temporaryDirectory();
  const stagingApp = { projectId: app.projectId, name: 'Staging', serverId: app.serverId, directory: stagingDirectory };
  await createApp(fixture.owner, stagingApp);
  const tab = await openBackups();
  const openMenu = () => tab.getByRole('button', { name: /^Actions for the backup from/ }).click();
  await openMenu();
  await tab.getByRole('menuitem', { name: 'Verify' }).click();
  await backupsTable(tab).getByText('unpacked, every file compared', { exact: false }).waitFor();
  await openMenu();
  await tab.getByRole('menuitem', { name: 'Restore…' }).click();
  const dialog = tab.getByRole('dialog', { name: 'Restore backup' });
  await dialog.getByLabel('App to restore into').selectOption('Staging');
  await dialog.getByRole('textbox').fill('Storefront');
  assert.equal(await dialog.getByRole('button', { name: 'Restore' }).isDisabled(), true);
  await dialog.getByRole('textbox').fill('Staging');
  await dialog.getByRole('button', { name: 'Restore' }).click();
  await tab.getByText('Restore of Staging requested').waitFor();
  await backupsTable(tab)
    .getByText(/Restore into .*Staging.* requested by .*: completed/)
    .waitFor();
  assert.equal(readFileSync(join(stagingDirectory, 'shared/orders.txt'), 'utf8'), 'order 1\n');
});

const openRestore = async (tab: Page) => {
  await tab.getByRole('button', { name: /^Actions for the backup from/ }).click();
  await tab.getByRole('menuitem', { name: 'Restore…' }).click();
  await tab.getByRole('dialog').waitFor();
};
checkPages(fixture, [
  { name: 'backups', path: () => `/apps/${app.id}/backups` },
  { name: 'backups-restore', path: () => `/apps/${app.id}/backups`, prepare: openRestore },
]);

test('a backup can be deleted; the page of an app that cannot be backed up says what is missing', async () => {
  const tab = await openBackups();
  await tab.getByRole('button', { name: /^Actions for the backup from/ }).click();
  await tab.getByRole('menuitem', { name: 'Delete…' }).click();
  await tab.getByRole('dialog', { name: 'Delete backup' }).getByRole('button', { name: 'Delete' }).click();
  await tab.getByText('Backup deleted').waitFor();
  await tab.getByRole('heading', { name: 'No backups yet' }).waitFor();
  assert.deepEqual(await listBackups(), []);
  const unconfiguredApp = await createApp(fixture.owner, { projectId: app.projectId, name: 'Without a server' });
  await tab.goto(`/apps/${unconfiguredApp.id}/backups`);
  await tab.getByText('An app needs a server and a directory before it can be backed up.', { exact: false }).waitFor();
  assert.equal(await tab.getByRole('button', { name: 'Back up now' }).count(), 0);
});
