import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../src/testing/until.ts';
import {
  confirmDeploymentAction,
  selectBothServers,
  serverItem,
  setUpDeploymentFixture,
  stepItem,
} from './deployment-fixture.ts';
import { button } from './keyboard.ts';
import { dialog } from './page-actions.ts';

const setup = setUpDeploymentFixture();
const { fixture, commit, readLivePage, deploy } = setup;

test('a canary deployment waits after its first server; aborting it restores the previous release', async () => {
  const tab = await fixture.open('/deployments');
  await deploy(tab);
  await tab.getByText('Live', { exact: true }).waitFor();
  const previousPage = readLivePage();
  commit('four');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  assert.equal(readLivePage(), 'four');
  await serverItem(tab, 'Server 1').getByText('Completed').waitFor();
  await serverItem(tab, 'Server 2').getByText('Pending').waitFor();
  assert.equal(await button(tab, 'Promote').count(), 1);
  await confirmDeploymentAction(tab, 'Abort');
  await button(tab, 'Abort').waitFor({ state: 'detached' });
  await tab.getByText('Cancelled', { exact: true }).first().waitFor();
  await until(async () => readLivePage() === previousPage);
});

test('promoting a canary deployment deploys it to the other server and makes it live', async () => {
  commit('five');
  const tab = await fixture.open('/deployments');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  await button(tab, 'Promote').click();
  const confirmDialog = dialog(tab, 'Promote deployment');
  await confirmDialog.getByText('is deployed to the remaining server', { exact: false }).waitFor();
  await button(confirmDialog, 'Back').click();
  assert.equal((await setup.listDeployments())[0]?.waitingFor, 'promotion', 'closing the dialog changes nothing');
  await confirmDeploymentAction(tab, 'Promote');
  await tab.getByText('Deployment promoted').waitFor();
  await serverItem(tab, 'Server 2').getByText('Completed').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(readLivePage(), 'five');
});

test('an abort is refused after someone else has promoted the deployment, and the page is updated', async () => {
  commit('six');
  const tab = await fixture.open('/deployments');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  await button(tab, 'Abort').click();
  const [deployment] = await setup.listDeployments();
  const promoted = await setup.member.call(`/v1/deployments/${deployment?.id}/promote`, { method: 'POST', body: {} });
  assert.equal(promoted.status, 202, promoted.text);
  const confirmDialog = dialog(tab, 'Abort deployment');
  await button(confirmDialog, 'Abort').click();
  await confirmDialog.getByText('This deployment is not waiting for promotion.').waitFor();
  await button(confirmDialog, 'Back').click();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(await button(tab, 'Abort').count(), 0);
});

test('a rolling deployment shows its progress per server', async () => {
  commit('seven');
  const holdFile = join(setup.app.directory, 'hold');
  writeFileSync(holdFile, '');
  const holdHook = { name: 'Hold', stage: 'post_source_control', run: `while test -e ${holdFile}; do sleep 0.1; done` };
  await setup.app.edit({ hooks: [holdHook] });
  const tab = await fixture.open('/deployments');
  await deploy(tab, selectBothServers('Rolling'));
  await stepItem(tab, 'Hold').getByText('Running').waitFor();
  await serverItem(tab, 'Server 1').getByText('Running').waitFor();
  await serverItem(tab, 'Server 2').getByText('Pending').waitFor();
  const progressBar = tab.getByRole('progressbar', { name: 'Progress' });
  await progressBar.waitFor();
  assert.ok(Number(await progressBar.getAttribute('aria-valuenow')) < 50);
  rmSync(holdFile);
  await serverItem(tab, 'Server 2').getByText('Completed').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  await progressBar.waitFor({ state: 'detached' });
  assert.equal(readLivePage(), 'seven');
});
