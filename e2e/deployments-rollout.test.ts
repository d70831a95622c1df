import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../src/testing/until.ts';
import {
  confirmDecision,
  dialog,
  selectBothServers,
  servers,
  setUpDeploymentFixture,
  step,
} from './deployment-fixture.ts';
import { button } from './keyboard.ts';

const setup = setUpDeploymentFixture();
const { fixture, commit, readLivePage, deploy } = setup;

test('a canary waits after its first server; aborting it restores the previous release', async () => {
  const tab = await fixture.open('/deployments');
  await deploy(tab);
  await tab.getByText('Live', { exact: true }).waitFor();
  const before = readLivePage();
  commit('four');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  assert.equal(readLivePage(), 'four');
  await servers(tab, 'Server 1').getByText('Completed').waitFor();
  await servers(tab, 'Server 2').getByText('Pending').waitFor();
  assert.equal(await button(tab, 'Promote').count(), 1);
  await confirmDecision(tab, 'Abort');
  await button(tab, 'Abort').waitFor({ state: 'detached' });
  await tab.getByText('Cancelled', { exact: true }).first().waitFor();
  await until(async () => readLivePage() === before);
});

test('promoting a canary deploys it to the other server and makes it live', async () => {
  commit('five');
  const tab = await fixture.open('/deployments');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  await button(tab, 'Promote').click();
  const confirmDialog = dialog(tab, 'Promote deployment');
  await confirmDialog.getByText('is deployed to the remaining server', { exact: false }).waitFor();
  await button(confirmDialog, 'Back').click();
  assert.equal((await setup.deployments())[0]?.waitingFor, 'promotion', 'closing the dialog decides nothing');
  await confirmDecision(tab, 'Promote');
  await tab.getByText('Deployment promoted').waitFor();
  await servers(tab, 'Server 2').getByText('Completed').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(readLivePage(), 'five');
});

test('a decision that someone else made first is reported, and the page is updated', async () => {
  commit('six');
  const tab = await fixture.open('/deployments');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  await button(tab, 'Abort').click();
  const [made] = await setup.deployments();
  const promoted = await setup.member.call(`/v1/deployments/${made?.id}/promote`, { method: 'POST', body: {} });
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
  const hold = join(setup.app.directory, 'hold');
  writeFileSync(hold, '');
  const wait = { name: 'Hold', stage: 'post_source_control', run: `while test -e ${hold}; do sleep 0.1; done` };
  await setup.app.edit({ hooks: [wait] });
  const tab = await fixture.open('/deployments');
  await deploy(tab, selectBothServers('Rolling'));
  await step(tab, 'Hold').getByText('Running').waitFor();
  await servers(tab, 'Server 1').getByText('Running').waitFor();
  await servers(tab, 'Server 2').getByText('Pending').waitFor();
  const bar = tab.getByRole('progressbar', { name: 'Progress' });
  await bar.waitFor();
  assert.ok(Number(await bar.getAttribute('aria-valuenow')) < 50);
  rmSync(hold);
  await servers(tab, 'Server 2').getByText('Completed').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  await bar.waitFor({ state: 'detached' });
  assert.equal(readLivePage(), 'seven');
});
