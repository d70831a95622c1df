import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAppearance } from './browser.ts';
import { confirmDeploymentAction, setUpDeploymentFixture, stepItem } from './deployment-fixture.ts';
import { button, closeWithEscape, createKeyboardUser, waitForDialog } from './keyboard.ts';
import { dialog, log } from './page-actions.ts';
import { checkPages } from './page-checks.ts';

/** The output of a failing build: every color as text and as background, a palette color, a true color, and markup. */
const COLORFUL_OUTPUT = [
  ...['3', '4', '9', '10'].map((tens) =>
    Array.from({ length: 8 }, (_, color) => `\u001b[${tens}${color}m ${tens}${color} \u001b[0m`).join(''),
  ),
  '\u001b[38;5;226mpalette\u001b[0m \u001b[38;2;10;10;200;1mtrue color\u001b[0m \u001b[2mdim\u001b[0m \u001b[7mreverse',
  '\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007 \u001b[31m<img src=x onerror=alert(1)>\u001b[0m',
].join('\n');

const setup = setUpDeploymentFixture();
const { fixture, commit, readLivePage, deploy } = setup;

test('a member deploys and follows steps and log until the deployment is live', async () => {
  const tab = await fixture.open(`/apps/${setup.app.id}/deployments`, { person: setup.member });
  await tab.getByRole('heading', { name: 'No deployments yet' }).waitFor();
  await button(tab, 'Start the first deployment…').click();
  await dialog(tab, 'Deploy Storefront').waitFor();
  await deploy(tab);
  await tab.getByText('Completed', { exact: true }).first().waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  await stepItem(tab, 'Build').getByText('Completed').waitFor();
  await log(tab).getByText('building', { exact: true }).waitFor();
  await log(tab).getByText('restarted', { exact: true }).waitFor();
  assert.equal(readLivePage(), 'one');
  const [deployment] = await setup.listDeployments();
  assert.deepEqual(
    [deployment?.createdBy.name, deployment?.commit, deployment?.strategy],
    ['linus', setup.firstCommit, 'all'],
  );
});

test('the page of a failed deployment names the failed step, and the live release is unchanged; a rollback activates an earlier release', async () => {
  commit('two');
  const values = { GREETING: 'hello' };
  await fixture.owner.call(`/v1/apps/${setup.app.id}/env`, { method: 'PATCH', body: { values } });
  const tab = await fixture.open('/deployments');
  await deploy(tab);
  await tab.getByText('Live', { exact: true }).waitFor();
  await tab.getByRole('region', { name: 'Changed variables' }).getByText('GREETING').waitFor();
  assert.equal(readLivePage(), 'two');

  setup.app.repository.commit({ broken: COLORFUL_OUTPUT, 'page.txt': 'three' });
  await deploy(tab);
  await tab.getByText('Failed', { exact: true }).first().waitFor();
  await stepItem(tab, 'Build').getByText('exit code 1').waitFor();
  assert.equal(readLivePage(), 'two');
  await tab.getByRole('heading', { name: 'Deployment failed: Build' }).waitFor();
  const lastLines = tab.getByRole('region', { name: 'Last lines of Build' });
  await lastLines.getByText('<img src=x onerror=alert(1)>', { exact: true }).waitFor();
  await log(tab).getByText('link <img src=x onerror=alert(1)>', { exact: true }).waitFor();
  assert.doesNotMatch((await tab.locator('main').textContent()) ?? '', /[\u001b\u0007]|javascript:/);
  const [red, plain] = await Promise.all(
    ['31', 'building'].map((text) =>
      log(tab)
        .getByText(text, { exact: true })
        .evaluate((element) => getComputedStyle(element).color),
    ),
  );
  assert.notEqual(red, plain);
  await checkAppearance(tab, 'deployment-failed');
  await confirmDeploymentAction(tab, 'Retry');
  await tab.getByText('Attempt 2, requested by Ada Lovelace.').waitFor();
  await tab.getByText('Failed', { exact: true }).first().waitFor();
  await tab.getByRole('heading', { name: 'Deployment failed: Build' }).waitFor();

  await tab.getByRole('link', { name: 'Deployments', exact: true }).first().click();
  const rows = tab.getByRole('table', { name: 'Deployments' }).getByRole('row');
  await rows.filter({ hasText: 'the hook Build ended with exit code 1: link <img' }).waitFor();
  await rows.filter({ hasText: 'Live' }).waitFor();
  await button(rows.filter({ hasText: 'Completed' }).last(), 'Roll back to main').click();
  await button(dialog(tab, 'Roll back to this deployment'), 'Cancel').click();
  await rows.filter({ hasText: 'Completed' }).last().getByRole('link').click();
  await tab.getByRole('button', { name: 'Roll back to this deployment…' }).click();
  await dialog(tab, 'Roll back to this deployment').getByRole('button', { name: 'Roll back' }).click();
  await tab.getByRole('heading', { name: 'Rollback of Storefront', level: 1 }).waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(readLivePage(), 'one');
});

test('an app is deployed from the list of deployments, and a finished deployment is repeated with its options', async () => {
  setup.app.repository.git('rm', '-q', '--ignore-unmatch', 'broken');
  commit('four');
  const tab = await fixture.open('/deployments', { person: setup.member });
  const keys = createKeyboardUser(tab);
  await keys.enter(button(tab, 'Deploy…'));
  const chooser = await waitForDialog(tab, 'Deploy', 'dialog-choose-app');
  await keys.press('ArrowDown', 'ArrowDown', 'Enter');
  await keys.enter(button(chooser, 'Continue'));
  const form = dialog(tab, 'Deploy Storefront');
  await button(form, 'More options').click();
  await form.getByLabel('Build').check();
  await button(form, 'Deploy').click();
  await tab.getByRole('heading', { name: 'Deployment of Storefront', level: 1 }).waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  await stepItem(tab, 'Build').getByText('Skipped').waitFor();
  assert.equal(readLivePage(), 'four');
  const firstUrl = tab.url();

  await button(tab, 'Deploy again…').click();
  const againDialog = dialog(tab, 'Deploy Storefront again');
  assert.equal(await againDialog.getByLabel('Build').isChecked(), true);
  await button(againDialog, 'Deploy').click();
  await tab.waitForURL((url) => url.href !== firstUrl && url.pathname.startsWith('/deployments/'));
  await tab.getByText('Live', { exact: true }).waitFor();
  await stepItem(tab, 'Build').getByText('Skipped').waitFor();
});

test('someone else approves a deployment by keyboard; a scheduled deployment is cancelled', async () => {
  const memberTab = await fixture.open('/deployments', { person: setup.member });
  await deploy(memberTab, async (form) => {
    await form.getByText('Commit', { exact: true }).click();
    await form.getByLabel('Commit', { exact: true }).last().fill(setup.firstCommit);
    await form.getByRole('button', { name: 'More options' }).click();
    await form.getByLabel('Require approval').check({ force: true });
  });
  await memberTab.getByText('Waiting for approval').waitFor();
  await memberTab.getByRole('button', { name: 'Approve' }).click();
  const selfApproval = dialog(memberTab, 'Approve deployment');
  await selfApproval.getByRole('button', { name: 'Approve' }).click();
  await selfApproval.getByText('Someone else must approve it').waitFor();
  const tab = await fixture.open(new URL(memberTab.url()).pathname);
  await tab.getByText('Waiting for approval').waitFor();
  const keys = createKeyboardUser(tab);
  await keys.enter(button(tab, 'Approve'));
  const confirmDialog = await waitForDialog(tab, 'Approve deployment', 'dialog-approve');
  await closeWithEscape(confirmDialog, button(tab, 'Approve'));
  await keys.press('Enter');
  await keys.enter(button(confirmDialog, 'Approve'));
  await confirmDialog.waitFor({ state: 'detached' });
  await tab.getByText('Approved by Ada Lovelace').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();

  await deploy(tab, async (form) => {
    await form.getByRole('button', { name: 'More options' }).click();
    const inAnHour = new Date(Date.now() + 3_600_000);
    const local = new Date(inAnHour.getTime() - inAnHour.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    await form.getByLabel('Start at (optional)').fill(local);
  });
  await tab.getByText('Scheduled', { exact: true }).waitFor();
  await confirmDeploymentAction(tab, 'Cancel');
  await tab.getByText('Cancelled', { exact: true }).first().waitFor();
});

test("an app's log shows the output of its log command and can be reloaded; without a command the page says so", async () => {
  const tab = await fixture.open(`/apps/${setup.app.id}/log`, { person: setup.member });
  await tab.getByRole('heading', { name: 'No log yet' }).waitFor();
  await setup.app.edit({ logCommand: 'cat app.log || echo "nothing written"' });
  await tab.reload();
  await log(tab).getByText('nothing written').waitFor();
  await tab.getByRole('button', { name: 'Reload' }).click();
  await log(tab).getByText('nothing written').waitFor();
});

test('an app without a server in its settings has a log once it is deployed', async () => {
  const { app, deploy } = setup;
  const tab = await fixture.open(`/apps/${app.id}/log`);
  await deploy(tab);
  await tab.getByText('Live', { exact: true }).waitFor();
  await app.edit({ logCommand: 'echo listening', serverId: null });
  try {
    await tab.goto(`/apps/${app.id}/log`);
    await log(tab).getByText('listening').waitFor();
  } finally {
    await app.edit({ serverId: app.serverId });
  }
});

checkPages(fixture, [
  { name: 'app-log', path: () => `/apps/${setup.app.id}/log`, prepare: (tab) => log(tab).waitFor() },
  { name: 'deployments', path: '/deployments' },
  { name: 'app-deployments', path: () => `/apps/${setup.app.id}/deployments` },
  {
    name: 'deploy',
    path: () => `/apps/${setup.app.id}/deployments`,
    async prepare(tab) {
      await tab.getByRole('button', { name: 'Deploy…' }).click();
      await tab.getByRole('button', { name: 'More options' }).click();
      await tab.getByLabel('Rolling').check();
    },
  },
  {
    name: 'deployment',
    path: '/deployments',
    async prepare(tab) {
      await tab.getByRole('table', { name: 'Deployments' }).getByRole('link').first().click();
      await log(tab).waitFor();
    },
  },
]);
