import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Deployment } from '../src/contract/deployments.ts';
import type { Page as PageOf } from '../src/contract/schemas.ts';
import { createTestApp, createTestServer, type TestApp } from '../src/testing/deploying.ts';
import { signUpMember, type TestPerson } from '../src/testing/house.ts';
import { until } from '../src/testing/until.ts';
import { button, dialogOf, escapeFrom, keysOf } from './keyboard.ts';
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
const servers = (tab: Page, name: string) =>
  tab.getByRole('list', { name: 'Servers' }).getByRole('listitem').filter({ hasText: name });
/** Presses a decision and confirms it. */
async function decide(tab: Page, decision: 'Promote' | 'Abort' | 'Cancel'): Promise<void> {
  await button(tab, decision).click();
  const ask = dialog(tab, `${decision} this deployment`);
  await button(ask, decision).click();
  await ask.waitFor({ state: 'detached' });
}
/** The form, filled for a strategy on both servers. */
const onBoth = (strategy: 'Rolling' | 'Canary') => async (form: ReturnType<typeof dialog>) => {
  await button(form, 'More options').click();
  await form.getByLabel('Server 2').check();
  await form.getByLabel(strategy).check();
};
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
  const keys = keysOf(tab);
  await keys.enter(button(tab, 'Approve'));
  const ask = await dialogOf(tab, 'Approve this deployment', 'dialog-approve');
  await escapeFrom(ask, button(tab, 'Approve'));
  await keys.press('Enter');
  await keys.enter(button(ask, 'Approve'));
  await ask.waitFor({ state: 'detached' });
  await tab.getByText('Given by Ada Lovelace').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();

  await deploy(tab, async (form) => {
    await form.getByRole('button', { name: 'More options' }).click();
    const inAnHour = new Date(Date.now() + 3_600_000);
    const local = new Date(inAnHour.getTime() - inAnHour.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    await form.getByLabel('Not before (optional)').fill(local);
  });
  await tab.getByText('Waits for its time').waitFor();
  await decide(tab, 'Cancel');
  await tab.getByText('Cancelled', { exact: true }).first().waitFor();
});

test('a canary waits on its first server, and is given up: what was live before is live again', async () => {
  app.repository.git('rm', '--quiet', 'broken');
  commit('four');
  const before = served();
  const tab = await stage.open('/deployments');
  await deploy(tab, onBoth('Canary'));
  await tab.getByText('Waits for promotion').waitFor();
  assert.equal(served(), 'four');
  await servers(tab, 'Server 1').getByText('Completed').waitFor();
  await servers(tab, 'Server 2').getByText('Waiting').waitFor();
  assert.equal(await button(tab, 'Promote').count(), 1);
  await decide(tab, 'Abort');
  await button(tab, 'Abort').waitFor({ state: 'detached' });
  await tab.getByText('Cancelled', { exact: true }).first().waitFor();
  await until(async () => served() === before);
});

test('a canary is promoted: the other server follows, and it is live', async () => {
  commit('five');
  const tab = await stage.open('/deployments');
  await deploy(tab, onBoth('Canary'));
  await tab.getByText('Waits for promotion').waitFor();
  await button(tab, 'Promote').click();
  const ask = dialog(tab, 'Promote this deployment');
  await ask.getByText('goes on to the server that is left', { exact: false }).waitFor();
  await button(ask, 'Back').click();
  assert.equal((await all())[0]?.waitingFor, 'promotion', 'nothing was decided on the way');
  await decide(tab, 'Promote');
  await tab.getByText('It is promoted, and goes on.').waitFor();
  await servers(tab, 'Server 2').getByText('Completed').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(served(), 'five');
});

test('a decision that somebody else took first is told, and the page follows', async () => {
  commit('six');
  const tab = await stage.open('/deployments');
  await deploy(tab, onBoth('Canary'));
  await tab.getByText('Waits for promotion').waitFor();
  await button(tab, 'Abort').click();
  const [made] = await all();
  const promoted = await linus.call(`/v1/deployments/${made?.id}/promote`, { method: 'POST', body: {} });
  assert.equal(promoted.status, 202, promoted.text);
  const ask = dialog(tab, 'Abort this deployment');
  await button(ask, 'Abort').click();
  await ask.getByText('This deployment does not wait between its first server and the rest.').waitFor();
  await button(ask, 'Back').click();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(await button(tab, 'Abort').count(), 0);
});

test('a rolling deployment shows how far it is, server by server', async () => {
  commit('seven');
  const hold = join(app.directory, 'hold');
  writeFileSync(hold, '');
  const wait = { name: 'Hold', stage: 'post_source_control', run: `while test -e ${hold}; do sleep 0.1; done` };
  await app.edit({ hooks: [wait] });
  const tab = await stage.open('/deployments');
  await deploy(tab, onBoth('Rolling'));
  await step(tab, 'Hold').getByText('Running').waitFor();
  await servers(tab, 'Server 1').getByText('Running').waitFor();
  await servers(tab, 'Server 2').getByText('Waiting').waitFor();
  const bar = tab.getByRole('progressbar', { name: 'Progress' });
  await bar.waitFor();
  assert.ok(Number(await bar.getAttribute('aria-valuenow')) < 50);
  rmSync(hold);
  await servers(tab, 'Server 2').getByText('Completed').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  await bar.waitFor({ state: 'detached' });
  assert.equal(served(), 'seven');
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
