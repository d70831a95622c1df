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

const on = setUpDeploymentFixture();
const { fixture, commit, readLivePage: served, deploy } = on;

test('a canary waits on its first server, and is given up: what was live before is live again', async () => {
  const tab = await fixture.open('/deployments');
  await deploy(tab);
  await tab.getByText('Live', { exact: true }).waitFor();
  const before = served();
  commit('four');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  assert.equal(served(), 'four');
  await servers(tab, 'Server 1').getByText('Completed').waitFor();
  await servers(tab, 'Server 2').getByText('Pending').waitFor();
  assert.equal(await button(tab, 'Promote').count(), 1);
  await confirmDecision(tab, 'Abort');
  await button(tab, 'Abort').waitFor({ state: 'detached' });
  await tab.getByText('Cancelled', { exact: true }).first().waitFor();
  await until(async () => served() === before);
});

test('a canary is promoted: the other server follows, and it is live', async () => {
  commit('five');
  const tab = await fixture.open('/deployments');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  await button(tab, 'Promote').click();
  const confirmDialog = dialog(tab, 'Promote deployment');
  await confirmDialog.getByText('is deployed to the remaining server', { exact: false }).waitFor();
  await button(confirmDialog, 'Back').click();
  assert.equal((await on.deployments())[0]?.waitingFor, 'promotion', 'nothing was decided on the way');
  await confirmDecision(tab, 'Promote');
  await tab.getByText('Deployment promoted').waitFor();
  await servers(tab, 'Server 2').getByText('Completed').waitFor();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(served(), 'five');
});

test('a decision that somebody else took first is told, and the page follows', async () => {
  commit('six');
  const tab = await fixture.open('/deployments');
  await deploy(tab, selectBothServers('Canary'));
  await tab.getByText('Waiting for promotion').waitFor();
  await button(tab, 'Abort').click();
  const [made] = await on.deployments();
  const promoted = await on.member.call(`/v1/deployments/${made?.id}/promote`, { method: 'POST', body: {} });
  assert.equal(promoted.status, 202, promoted.text);
  const confirmDialog = dialog(tab, 'Abort deployment');
  await button(confirmDialog, 'Abort').click();
  await confirmDialog.getByText('This deployment is not waiting for promotion.').waitFor();
  await button(confirmDialog, 'Back').click();
  await tab.getByText('Live', { exact: true }).waitFor();
  assert.equal(await button(tab, 'Abort').count(), 0);
});

test('a rolling deployment shows how far it is, server by server', async () => {
  commit('seven');
  const hold = join(on.app.directory, 'hold');
  writeFileSync(hold, '');
  const wait = { name: 'Hold', stage: 'post_source_control', run: `while test -e ${hold}; do sleep 0.1; done` };
  await on.app.edit({ hooks: [wait] });
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
  assert.equal(served(), 'seven');
});
