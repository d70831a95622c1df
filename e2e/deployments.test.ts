import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Deployment } from '../src/contract/deployments.ts';
import type { Page as PageOf } from '../src/contract/schemas.ts';
import { createTestApp, createTestServer, type TestApp } from '../src/testing/deploying.ts';
import { signUpMember, type TestPerson } from '../src/testing/house.ts';
import { until } from '../src/testing/until.ts';
import { looksRight } from './looks.ts';
import { setStage } from './stage.ts';

let linus: TestPerson;
let app: TestApp;
let first = '';
const stage = setStage(
  async ({ house, owner }) => {
    linus = await signUpMember(house, owner, 'member', 'linus@example.com');
    const server = await createTestServer(owner);
    await createTestServer(owner);
    app = await createTestApp(owner, server.id, {
      name: 'Storefront',
      hooks: [
        { name: 'Build', stage: 'post_source_control', run: 'echo building; test ! -e broken' },
        { name: 'Restart', stage: 'post_release', run: 'echo restarted' },
      ],
    });
    first = app.repository.git('rev-parse', 'HEAD');
  },
  { environment: { DEVPILOT_LOCAL_SERVER: 'on' } },
);
after(() => app?.remove());

const commit = (text: string) => app.repository.commit({ 'page.txt': text });
const served = () => readFileSync(join(app.directory, 'current/page.txt'), 'utf8');
const dialog = (tab: Page, name: string) => tab.getByRole('dialog', { name });
const log = (tab: Page) => tab.getByRole('log', { name: 'Log' });
const step = (tab: Page, name: string) =>
  tab.getByRole('list', { name: 'Steps' }).getByRole('listitem').filter({ hasText: name });
const all = async () => (await stage.owner.call<PageOf<Deployment>>('/v1/deployments')).body.data;

async function deploy(tab: Page, fill?: (form: ReturnType<typeof dialog>) => Promise<unknown>): Promise<void> {
  await tab.goto(`/apps/${app.id}/deployments`);
  await tab.getByRole('button', { name: 'Deploy…' }).click();
  const form = dialog(tab, 'Deploy Storefront');
  await fill?.(form);
  await form.getByRole('button', { name: 'Deploy' }).click();
  await tab.getByRole('heading', { name: 'Deployment of Storefront', level: 1 }).waitFor();
}

test('a member deploys: stages and log are followed until it is live', async () => {
  const tab = await stage.open(`/apps/${app.id}/deployments`, { person: linus });
  await tab.getByRole('heading', { name: 'No deployments yet' }).waitFor();
  await deploy(tab);
  await tab.getByText('Completed', { exact: true }).first().waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  await step(tab, 'Build').getByText('Completed').waitFor();
  await log(tab).getByText('building', { exact: true }).waitFor();
  await log(tab).getByText('restarted', { exact: true }).waitFor();
  assert.equal(served(), 'one');
  const [made] = await all();
  assert.deepEqual([made?.createdBy.name, made?.commit, made?.strategy], ['linus', first, 'all']);
});

test('a failure names the step and leaves what is live; then the earlier one is deployed again', async () => {
  commit('two');
  const tab = await stage.open('/deployments');
  await deploy(tab);
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(served(), 'two');

  app.repository.commit({ broken: 'yes', 'page.txt': 'three' });
  await deploy(tab);
  await tab.getByText('Failed', { exact: true }).first().waitFor();
  await step(tab, 'Build').getByText('exit code 1').waitFor();
  assert.equal(served(), 'two');

  await tab.getByRole('link', { name: 'Deployments', exact: true }).first().click();
  const rows = tab.getByRole('table', { name: 'Deployments' }).getByRole('row');
  await rows.filter({ hasText: 'Live' }).waitFor();
  await rows.filter({ hasText: 'Completed' }).last().getByRole('link').click();
  await tab.getByRole('button', { name: 'Roll back to this…' }).click();
  await dialog(tab, 'Roll back').getByRole('button', { name: 'Roll back' }).click();
  await tab.getByRole('heading', { name: 'Rollback of Storefront', level: 1 }).waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(served(), 'one');
});

test('one that waits for approval is approved by keyboard; one that waits for its time is cancelled', async () => {
  const tab = await stage.open('/deployments');
  await deploy(tab, async (form) => {
    await form.getByText('Commit', { exact: true }).click();
    await form.getByLabel('Commit', { exact: true }).last().fill(first);
    await form.getByRole('button', { name: 'More options' }).click();
    await form.getByLabel('Wait for approval').check({ force: true });
  });
  await tab.getByText('Waits for approval').waitFor();
  await tab.getByRole('button', { name: 'Approve' }).focus();
  await tab.keyboard.press('Enter');
  await tab.getByText('Given by Ada Lovelace').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();

  await deploy(tab, async (form) => {
    await form.getByRole('button', { name: 'More options' }).click();
    const inAnHour = new Date(Date.now() + 3_600_000);
    const local = new Date(inAnHour.getTime() - inAnHour.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    await form.getByLabel('Not before (optional)').fill(local);
  });
  await tab.getByText('Waits for its time').waitFor();
  await tab.getByRole('button', { name: 'Cancel' }).click();
  await tab.getByText('Cancelled', { exact: true }).first().waitFor();
});

test('a canary waits on its first server, and is given up: what was live before is live again', async () => {
  app.repository.git('rm', '--quiet', 'broken');
  commit('four');
  const before = served();
  const tab = await stage.open('/deployments');
  await deploy(tab, async (form) => {
    await form.getByRole('button', { name: 'More options' }).click();
    await form.getByLabel('Server 2').check();
    await form.getByLabel('Canary').check();
  });
  await tab.getByText('Waits for promotion').waitFor();
  assert.equal(served(), 'four');
  const servers = tab.getByRole('list', { name: 'Servers' }).getByRole('listitem');
  await servers.filter({ hasText: 'Server 1' }).getByText('Completed').waitFor();
  await servers.filter({ hasText: 'Server 2' }).getByText('Waiting').waitFor();
  assert.equal(await tab.getByRole('button', { name: 'Promote' }).count(), 1);
  await tab.getByRole('button', { name: 'Abort' }).click();
  await tab.getByRole('button', { name: 'Abort' }).waitFor({ state: 'detached' });
  await until(async () => served() === before);
});

test('the app’s own log is what its command prints, read again on demand; without a command the page says so', async () => {
  const tab = await stage.open(`/apps/${app.id}/log`, { person: linus });
  await tab.getByRole('heading', { name: 'No log yet' }).waitFor();
  await app.edit({ logCommand: 'cat app.log || echo "nothing written"' });
  await tab.reload();
  await log(tab).waitFor();
  const before = await log(tab).textContent();
  await tab.getByRole('button', { name: 'Read again' }).click();
  await log(tab).waitFor();
  assert.match(before ?? '', /nothing written/);
});

looksRight(stage, [
  { name: 'app-log', path: () => `/apps/${app.id}/log`, reach: (tab) => log(tab).waitFor() },
  { name: 'deployments', path: '/deployments' },
  { name: 'app-deployments', path: () => `/apps/${app.id}/deployments` },
  {
    name: 'deploy',
    path: () => `/apps/${app.id}/deployments`,
    async reach(tab) {
      await tab.getByRole('button', { name: 'Deploy…' }).click();
      await tab.getByRole('button', { name: 'More options' }).click();
      await tab.getByLabel('Rolling').check();
    },
  },
  {
    name: 'deployment',
    path: '/deployments',
    async reach(tab) {
      await tab.getByRole('table', { name: 'Deployments' }).getByRole('link').first().click();
      await log(tab).waitFor();
    },
  },
]);
