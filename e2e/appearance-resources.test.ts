import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { checkPages } from './page-checks.ts';
import { createApp, createProject, createServer } from './resource-fixtures.ts';

const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE8pWSOI9SyOvEcWmDXEzG/hLWfTYgDdLJ8cQ0pXxcDU';

let ids = { project: '', app: '', server: '', unconfirmedServer: '' };
const fixture = setUpBrowserFixture(async ({ owner }) => {
  const project = await createProject(owner, { name: 'Online shop', description: 'With a description.' });
  const server = await createServer(owner, { name: 'Web 2', port: 2222, hostKey: HOST_KEY });
  const hooks = [{ name: 'Build', stage: 'post_source_control', run: 'npm ci\nnpm run build' }];
  const repository = {
    repository: 'https://git.example.com/shop.git',
    repositoryUser: 'deploy',
    repositoryPassword: 'a token',
  };
  const app = await createApp(owner, {
    projectId: project.id,
    serverId: server.id,
    name: 'Storefront',
    hooks,
    ...repository,
  });
  // A server whose host has changed must be confirmed again.
  const movedServer = await createServer(owner, { name: 'Web 3', hostKey: HOST_KEY });
  await owner.call(`/v1/servers/${movedServer.id}`, { method: 'PATCH', body: { host: 'web-3.example.com' } });
  ids = { project: project.id, app: app.id, server: server.id, unconfirmedServer: movedServer.id };
});

const openDialog = (name: string) => async (tab: Page) => {
  await tab.getByRole('button', { name }).click();
  await tab.getByRole('dialog').getByLabel('Name').waitFor();
};

test('on the narrowest phone, the link to the selected section of an app is visible and highlighted', async () => {
  const tab = await fixture.open(`/apps/${ids.app}`, { width: 320, scheme: 'dark' });
  const sectionLinks = tab.getByRole('navigation', { name: 'Storefront' }).getByRole('link');
  const names = await sectionLinks.allTextContents();
  assert.deepEqual(names, ['Overview', 'Deployments', 'Environment', 'Log', 'Backups', 'Settings']);
  for (const name of names) {
    await sectionLinks.getByText(name, { exact: true }).click();
    const currentLink = tab.locator('nav [aria-current=page]', { hasText: name });
    await currentLink.waitFor();
    const { x, width } = (await currentLink.boundingBox()) ?? { x: -1, width: 0 };
    assert.ok(x >= 0 && x + width <= 320, `${name} should be visible`);
    const backgrounds = await sectionLinks.evaluateAll((links) =>
      links.map((link) => getComputedStyle(link).backgroundColor),
    );
    const currentBackground = backgrounds.splice(names.indexOf(name), 1);
    assert.ok(
      currentBackground[0] !== undefined && !backgrounds.includes(currentBackground[0]),
      `${name} should be highlighted`,
    );
  }
});

test('the page of an unconfirmed server says that nothing runs on it, and confirms it', async () => {
  const server = await createServer(fixture.owner, { name: 'Web 4', hostKey: HOST_KEY });
  await fixture.owner.call(`/v1/servers/${server.id}`, { method: 'PATCH', body: { host: 'web-4.example.com' } });
  const tab = await fixture.open(`/servers/${server.id}`);
  await tab.getByText('Nothing runs on it until an owner or admin confirms it').waitFor();
  await tab.getByRole('button', { name: 'Confirm server' }).click();
  await tab.getByText('Server confirmed. Apps and scripts can run on it.').waitFor();
  assert.equal(await tab.getByRole('button', { name: 'Confirm server' }).count(), 0);
  const { body } = await fixture.owner.call<{ confirmed: boolean }>(`/v1/servers/${server.id}`);
  assert.equal(body.confirmed, true);
});

checkPages(fixture, [
  { name: 'projects', path: '/projects' },
  { name: 'project', path: () => `/projects/${ids.project}` },
  { name: 'project-new', path: '/projects', prepare: openDialog('New project') },
  { name: 'apps', path: '/apps' },
  { name: 'app-new', path: '/apps', prepare: openDialog('New app') },
  { name: 'app', path: () => `/apps/${ids.app}` },
  { name: 'app-settings', path: () => `/apps/${ids.app}/settings` },
  { name: 'app-hook', path: () => `/apps/${ids.app}/settings`, prepare: openDialog('Add hook') },
  { name: 'servers', path: '/servers' },
  { name: 'server', path: () => `/servers/${ids.server}` },
  {
    name: 'server-unconfirmed',
    path: () => `/servers/${ids.unconfirmedServer}`,
    prepare: (tab) => tab.getByRole('button', { name: 'Confirm server' }).waitFor(),
  },
  { name: 'server-new', path: '/servers', prepare: openDialog('New server') },
]);
