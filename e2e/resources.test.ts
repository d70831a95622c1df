import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { App } from '../src/contract/apps.ts';
import type { DeployKey } from '../src/contract/deploy-keys.ts';
import type { Project } from '../src/contract/projects.ts';
import type { Server } from '../src/contract/servers.ts';
import { generateKeyPair } from '../src/runner/key-pair.ts';
import { startSshd, type TestSshd } from '../src/testing/sshd.ts';
import { signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { readAndClearClipboard } from './browser.ts';
import { secureContextOnly, setUpBrowserFixture, waitUntilLoaded } from './browser-fixture.ts';
import { chooseInMenu, dialog, listItemOf } from './page-actions.ts';
import { createApp, createProject, createServer } from './resource-fixtures.ts';

// The tests run in order: later ones use the app Storefront and the server Loopback that earlier ones created.
let sshd: TestSshd;
let linus: TestPerson;
const fixture = setUpBrowserFixture(async ({ server: testServer, owner }) => {
  linus = await signUpMember(testServer, owner, 'member', 'linus@example.com');
});
before(async () => {
  sshd = await startSshd();
});
after(() => sshd?.close());

const getResource = async <Resource>(path: string): Promise<Resource> =>
  (await fixture.owner.call<Resource>(path)).body;

test('empty pages lead to the first project and app', secureContextOnly, async () => {
  const tab = await fixture.open('/apps');
  await tab.getByRole('link', { name: 'Create a project first' }).click();
  await tab.getByRole('heading', { name: 'No projects yet' }).waitFor();
  await tab.getByRole('button', { name: 'New project' }).click();
  const form = dialog(tab, 'New project');
  await form.getByLabel('Name').fill('ab');
  await form.getByRole('button', { name: 'Create project' }).click();
  await form.getByText('A name must be 3 to 255 characters').waitFor();
  await form.getByLabel('Name').fill('Étoile & Co');
  assert.equal(await form.getByLabel('Slug (optional)').getAttribute('placeholder'), 'etoile-co');
  await form.getByLabel('Description (optional)').fill('The shop and its workers');
  await form.getByRole('button', { name: 'Create project' }).click();
  await tab.getByRole('heading', { name: 'Étoile & Co', level: 1 }).waitFor();
  assert.equal((await getResource<Project>('/v1/projects/etoile-co')).description, 'The shop and its workers');

  await tab.getByRole('button', { name: 'New app' }).click();
  const appForm = dialog(tab, 'New app');
  await appForm.getByLabel('Name').fill('Storefront');
  await appForm.getByLabel('Git repository (optional)').fill('not a repository');
  await appForm.getByRole('button', { name: 'Create app' }).click();
  await appForm.getByText('Git repository, such as', { exact: false }).waitFor();
  await appForm.getByLabel('Git repository (optional)').fill('https://git.example.com/shop.git');
  await appForm.getByRole('button', { name: 'Create app' }).click();
  await tab.getByRole('heading', { name: 'Storefront', level: 1 }).waitFor();
  await tab.getByRole('link', { name: 'Étoile & Co' }).waitFor();
  await tab.goto('/settings/activity-log');
  await listItemOf(tab, 'created the app').getByRole('link', { name: 'Storefront' }).click();
  await tab.getByRole('heading', { name: 'Storefront', level: 1 }).waitFor();
});

test(
  'a taken slug is reported at its field; a project with apps is not deleted and the dialog names the apps',
  secureContextOnly,
  async () => {
    const project = await createProject(fixture.owner, { name: 'Billing' });
    const app = await createApp(fixture.owner, { projectId: project.id, name: 'Invoices' });
    const tab = await fixture.open('/projects');
    await tab.getByRole('button', { name: 'New project' }).click();
    await dialog(tab, 'New project').getByLabel('Name').fill('Billing again');
    await dialog(tab, 'New project').getByLabel('Slug (optional)').fill('billing');
    await dialog(tab, 'New project').getByRole('button', { name: 'Create project' }).click();
    await dialog(tab, 'New project').getByText('This slug is taken', { exact: false }).waitFor();
    await tab.keyboard.press('Escape');
    await chooseInMenu(tab, 'Billing', 'Delete…');
    const confirmDialog = dialog(tab, 'Delete project');
    await confirmDialog.getByRole('button', { name: 'Delete' }).click();
    await confirmDialog.getByText('This project contains the apps: Invoices.', { exact: false }).waitFor();
    await fixture.owner.call(`/v1/apps/${app.id}`, { method: 'DELETE' });
    await confirmDialog.getByRole('button', { name: 'Delete' }).click();
    await tab.getByText('Project Billing deleted').waitFor();
    assert.equal((await fixture.owner.call(`/v1/projects/${project.id}`)).status, 404);
  },
);

test('a concurrent change by someone else is shown and not overwritten', secureContextOnly, async () => {
  const project = await createProject(fixture.owner, { name: 'Warehouse', description: 'Old' });
  const tab = await fixture.open('/projects');
  await chooseInMenu(tab, 'Warehouse', 'Edit…');
  const form = dialog(tab, 'Edit Warehouse');
  await form.getByLabel('Name').fill('Warehouses');
  await fixture.owner.call(`/v1/projects/${project.id}`, { method: 'PATCH', body: { description: 'New' } });
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('Someone else changed this while you were editing.', { exact: false }).waitFor();
  await form.getByText('Description: Old → New').waitFor();
  await form.getByRole('button', { name: 'Save again' }).click();
  await tab.getByText('Project Warehouses saved').waitFor();
  const saved = await getResource<Project>(`/v1/projects/${project.id}`);
  assert.deepEqual([saved.name, saved.description], ['Warehouses', 'New']);
});

test('a new server shows the public key to install, and the connection succeeds after its host key is pinned', async () => {
  const tab = await fixture.open('/servers');
  await tab.getByRole('button', { name: 'New server' }).click();
  const form = dialog(tab, 'New server');
  assert.equal(await form.getByRole('radio', { name: 'Local' }).count(), 0);
  await form.getByLabel('Name').fill('Loopback');
  await form.getByLabel('Host', { exact: true }).fill('127.0.0.1');
  await form.getByLabel('Port').fill(String(sshd.port));
  await form.getByLabel('User').fill(sshd.user);
  await form.getByRole('button', { name: 'Create server' }).click();
  await tab.getByRole('heading', { name: 'Loopback', level: 1 }).waitFor();
  await tab.getByRole('button', { name: 'Copy key' }).click();
  const key = await readAndClearClipboard(tab, fixture.server);
  assert.match(key, /^ssh-ed25519 \S+ devpilot-loopback$/);
  sshd.authorize([key]);
  await tab.getByRole('button', { name: 'Check connection', exact: true }).click();
  await tab.getByText('No host key is pinned yet.', { exact: false }).waitFor();
  await tab.getByText(/The host presents ssh-ed25519 (?:SHA256:|AAAA)/).waitFor();
  await tab.getByRole('button', { name: 'Pin this key' }).click();
  await tab.getByText('Connected.').waitFor();
  await tab
    .getByText(/ B of | GB of | TB of /)
    .first()
    .waitFor();
  const server = await getResource<Server>('/v1/servers/loopback');
  assert.equal(server.hostKey, sshd.hostKey);
});

test('a changed host key is shown beside the pinned one, and trusted after a confirmation', async () => {
  const oldHostKey = generateKeyPair('before').publicKey.split(' ').slice(0, 2).join(' ');
  const body = { hostKey: oldHostKey };
  assert.equal((await fixture.owner.call('/v1/servers/loopback', { method: 'PATCH', body })).status, 200);
  const { id } = await getResource<Server>('/v1/servers/loopback');
  const tab = await fixture.open(`/servers/${id}`);
  await tab.getByRole('button', { name: 'Check connection', exact: true }).click();
  await tab.getByText('received a host key that differs from the pinned one', { exact: false }).waitFor();
  await tab.getByRole('button', { name: 'Trust the received key' }).click();
  const confirmation = dialog(tab, 'Trust the received key');
  assert.equal(await confirmation.getByText(/^ssh-ed25519 (?:SHA256:|AAAA)/).count(), 2);
  await confirmation.getByRole('button', { name: 'Trust', exact: true }).click();
  await tab.getByText('Host key pinned.', { exact: false }).waitFor();
  const { hostKey, offeredHostKey } = await getResource<Server>('/v1/servers/loopback');
  assert.deepEqual([hostKey, offeredHostKey], [sshd.hostKey, null]);
});

test(
  'an app gets a deploy key, the host key of its Git host is confirmed, and commit statuses are set up',
  secureContextOnly,
  async () => {
    const repository = `ssh://git@127.0.0.1:${sshd.port}/srv/shop.git`;
    const project = await createProject(fixture.owner, { name: 'Keyed' });
    const app = await createApp(fixture.owner, { projectId: project.id, name: 'With a key', repository });
    const tab = await fixture.open(`/apps/${app.id}/settings`);
    await tab.getByRole('button', { name: 'Create deploy key' }).click();
    await tab.getByText('Deploy key created.', { exact: false }).waitFor();
    await tab.getByRole('button', { name: 'Copy public key' }).click();
    assert.match(await readAndClearClipboard(tab, fixture.server), /^ssh-ed25519 \S+ devpilot-with-a-key$/);
    await tab.getByText(`The host key of 127.0.0.1:${sshd.port} is not confirmed.`, { exact: false }).waitFor();
    await tab.getByRole('button', { name: 'Get host keys' }).click();
    await tab.getByRole('button', { name: 'Confirm the ssh-ed25519 key' }).click();
    await tab.getByText(/Confirmed host key of .*: ssh-ed25519 SHA256:/).waitFor();
    const confirmed = await getResource<DeployKey>(`/v1/apps/${app.id}/deploy-key`);
    assert.equal(confirmed.hostKey, sshd.hostKey);
    await tab.getByRole('button', { name: 'Set up…' }).click();
    const form = dialog(tab, 'Commit statuses');
    await form.getByLabel('Git host').selectOption('GitLab');
    await form.getByLabel('API URL').fill('https://git.example.com/api/v4');
    await form.getByRole('textbox', { name: 'Token' }).fill('a-token');
    await form.getByRole('button', { name: 'Save' }).click();
    await tab.getByText('Reported to GitLab at https://git.example.com/api/v4').waitFor();
  },
);

test(
  'an app opened by its slug highlights the selected section and keeps the slug in the URL',
  secureContextOnly,
  async () => {
    const project = await createProject(fixture.owner, { name: 'Slugs' });
    await createApp(fixture.owner, { projectId: project.id, name: 'By its slug' });
    const tab = await fixture.open('/apps/by-its-slug');
    const navigation = tab.getByRole('navigation', { name: 'By its slug' });
    const currentLink = navigation.locator('[aria-current="page"]');
    for (const section of ['Environment', 'Log', 'Settings']) {
      await navigation.getByRole('link', { name: section }).click();
      await currentLink.getByText(section, { exact: true }).waitFor();
      assert.equal(await currentLink.count(), 1);
      assert.equal(new URL(tab.url()).pathname, `/apps/by-its-slug/${section.toLowerCase()}`);
    }
  },
);

test(
  'hooks are added and ordered by keyboard and saved with the other settings of an app; leaving without saving requires a confirmation',
  secureContextOnly,
  async () => {
    const project = await createProject(fixture.owner, { name: 'Hooked' });
    const app = await createApp(fixture.owner, { projectId: project.id, name: 'With hooks' });
    const tab = await fixture.open(`/apps/${app.id}/settings`);
    for (const [name, stage, run] of [
      ['Restart', 'post_release', 'systemctl restart shop'],
      ['Build', 'post_source_control', 'npm ci'],
    ] as const) {
      await tab.getByRole('button', { name: 'Add hook' }).click();
      const hook = dialog(tab, 'Add hook');
      await hook.getByLabel('Name').fill(name);
      await hook.getByLabel('Stage').selectOption(stage);
      await hook.getByLabel('Command').fill(run);
      await hook.getByRole('button', { name: 'Add' }).click();
      await hook.waitFor({ state: 'hidden' });
    }
    await tab.getByRole('button', { name: 'Add hook' }).click();
    await dialog(tab, 'Add hook').getByRole('button', { name: 'Add' }).click();
    await dialog(tab, 'Add hook').getByText('Enter a command').waitFor();
    await tab.keyboard.press('Escape');
    await tab.getByRole('button', { name: 'Move Build up' }).focus();
    await tab.keyboard.press('Enter');
    await tab.getByLabel('Type', { exact: true }).selectOption('url');
    await tab.getByLabel('URL', { exact: true }).fill('http://127.0.0.1:8080/healthz');
    await tab.getByRole('link', { name: 'Overview' }).click();
    await dialog(tab, 'Leave without saving?').getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual((await getResource<App>(`/v1/apps/${app.id}`)).hooks, [], 'the dialogs save nothing');
    await tab.getByRole('button', { name: 'Save changes' }).click();
    await tab.getByText('App With hooks saved').waitFor();
    const saved = await getResource<App>(`/v1/apps/${app.id}`);
    assert.deepEqual(
      saved.hooks.map((hook) => [hook.name, hook.timeoutSeconds]),
      [
        ['Build', 600],
        ['Restart', 600],
      ],
    );
    assert.deepEqual(saved.healthCheck, { url: 'http://127.0.0.1:8080/healthz', timeoutSeconds: 60 });
    await tab.getByLabel('Branch', { exact: true }).fill('next');
    await tab.getByRole('link', { name: 'Overview' }).click();
    await dialog(tab, 'Leave without saving?').getByRole('button', { name: 'Leave' }).click();
    await tab.getByRole('region', { name: 'Details' }).waitFor();
    assert.equal((await getResource<App>(`/v1/apps/${app.id}`)).branch, 'main');
    await tab.getByRole('navigation', { name: 'With hooks' }).getByRole('link', { name: 'Settings' }).click();
    await tab.getByRole('button', { name: 'Delete app…' }).click();
    const confirmDialog = dialog(tab, 'Delete app');
    assert.equal(await confirmDialog.getByRole('button', { name: 'Delete' }).isDisabled(), true);
    await confirmDialog.getByRole('textbox').fill('With hooks');
    await confirmDialog.getByRole('button', { name: 'Delete' }).click();
    await tab.getByRole('heading', { name: 'Apps', level: 1 }).waitFor();
    assert.equal((await fixture.owner.call(`/v1/apps/${app.id}`)).status, 404);
  },
);

test(
  'a member sees projects, apps and servers without actions, and cannot create a project through the API',
  secureContextOnly,
  async () => {
    const server = await createServer(fixture.owner, { name: 'Web 1' });
    const tab = await fixture.open('/projects', { person: linus });
    for (const path of ['/projects', '/apps', '/servers', `/servers/${server.id}`]) {
      await tab.goto(path);
      await waitUntilLoaded(tab);
      assert.equal(await tab.getByRole('button', { name: /^(New|Edit|Delete|Check|Actions)/ }).count(), 0, path);
    }
    const app = await getResource<App>('/v1/apps/storefront');
    await tab.goto(`/apps/${app.id}/settings`);
    await tab.getByRole('heading', { name: "You don't have access to this page" }).waitFor();
    const navigation = tab.getByRole('navigation', { name: 'Storefront' });
    assert.equal(await navigation.getByRole('link', { name: 'Settings' }).count(), 0);
    assert.equal((await linus.call('/v1/projects', { body: { name: 'Mine' } })).status, 403);
    await tab.goto('/projects/prj_unknown');
    await tab.getByRole('heading', { name: 'Project not found' }).waitFor();
  },
);

test('a list that fails to load shows the request ID and can be loaded again', secureContextOnly, async () => {
  const tab = await fixture.open('/account');
  await tab.route('**/v1/projects*', (route) =>
    route.fulfill({
      status: 500,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'internal', detail: 'Something broke.', requestId: 'request-17' }),
    }),
  );
  await tab.getByRole('link', { name: 'Projects' }).click();
  await tab.getByText('request-17').waitFor();
  await tab.unroute('**/v1/projects*');
  await tab.getByRole('button', { name: 'Try again' }).click();
  await tab.getByRole('table', { name: 'Projects' }).waitFor();
});
