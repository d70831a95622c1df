import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { bearer, createToken } from '../src/testing/test-server.ts';
import { secureContextOnly, setUpBrowserFixture } from './browser-fixture.ts';
import { chooseInMenu, rowOf } from './page-actions.ts';
import { findSecretInTab } from './secret-leftovers.ts';

const fixture = setUpBrowserFixture();

const openTokens = (search: string): Promise<Page> => fixture.open(`/settings/access-tokens${search}`);

/** Asserts that the token is rejected. */
async function assertRejected(secret: string): Promise<void> {
  const response = await fixture.server.call('/v1/whoami', { headers: bearer(secret) });
  assert.equal(response.status, 401);
}

describe('Delete', () => {
  test(
    'names the token and says when it was last used; a recently used token requires its name to be typed',
    secureContextOnly,
    async () => {
      const token = await createToken(fixture.owner, ['run_scripts'], { name: 'Nightly job' });
      await fixture.server.call('/v1/whoami', { headers: bearer(token.secret) });
      const tab = await openTokens('?q=Nightly');
      await rowOf(tab, 'Nightly job').waitFor();
      await chooseInMenu(tab, 'Nightly job', 'Delete');
      const dialog = tab.getByRole('dialog', { name: 'Delete access token' });
      await dialog.getByText('It was used once, most recently just now').waitFor();
      const deleteButton = dialog.getByRole('button', { name: 'Delete' });
      assert.equal(await deleteButton.isDisabled(), true);
      await dialog.getByLabel('Type Nightly job to confirm').fill('Nightly job');
      await deleteButton.click();
      await tab.getByText('Nightly job deleted. It no longer works.').waitFor();
      await assertRejected(token.secret);
    },
  );

  test(
    'several tokens are deleted together, with a result for each; failed deletions can be retried',
    secureContextOnly,
    async () => {
      const tokens = await Promise.all(
        ['Bulk a1', 'Bulk a2', 'Bulk a3'].map((name) => createToken(fixture.owner, ['run_scripts'], { name })),
      );
      const tab = await openTokens('?q=bulk');
      await rowOf(tab, 'Bulk a1').waitFor();
      await tab.getByLabel('Select all on this page').check();
      await tab.getByText('3 selected').waitFor();
      await tab.getByRole('button', { name: 'Delete selected' }).click();
      const dialog = tab.getByRole('dialog', { name: 'Delete 3 access tokens' });
      await tab.route(`**/v1/access-tokens/${tokens[1]?.id}`, (route) => route.abort());
      await dialog.getByRole('button', { name: 'Delete 3' }).click();
      await dialog.getByText('2 deleted, 1 failed.').waitFor();
      assert.equal(await dialog.getByText('Deleted', { exact: true }).count(), 2);
      await tab.unroute(`**/v1/access-tokens/${tokens[1]?.id}`);
      await dialog.getByRole('button', { name: 'Retry failed deletions' }).click();
      await dialog.getByText('3 deleted. They no longer work.').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await tab.getByText('3 selected').waitFor({ state: 'detached' });
      for (const { secret } of tokens) await assertRejected(secret);
    },
  );
});

test('Replace… creates a new token, continues after a reload, waits for the first use of the new token, and deletes the old token', async () => {
  const oldToken = await createToken(fixture.owner, ['basic_deployment', 'run_scripts'], { name: 'Deployer' });
  const tab = await openTokens('?q=Deployer');
  await rowOf(tab, 'Deployer').waitFor();
  await chooseInMenu(tab, 'Deployer', 'Replace');
  const dialog = tab.getByRole('dialog', { name: 'Replace Deployer' });
  assert.equal(await dialog.getByLabel('run_scripts').isChecked(), true);
  await dialog.getByRole('button', { name: 'Create replacement' }).click();
  const newSecret = (await dialog.getByTestId('secret').textContent()) ?? '';
  await tab.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'I have stored it' }).click();
  await dialog.getByText('Waiting for the new access token to be used').waitFor();
  assert.equal((await fixture.server.call('/v1/whoami', { headers: bearer(oldToken.secret) })).status, 200);
  await dialog.getByRole('button', { name: 'Keep both for now' }).click();

  // The replacement continues from the row of the new token, even after the page has been reloaded.
  await tab.reload();
  await tab.getByText(/^Being replaced: the old one was used .*, the new one is unused\.$/).waitFor();
  const [, oldRow, newRow] = await tab.getByRole('row').all();
  assert.match((await oldRow?.textContent()) ?? '', /Being replaced/);
  assert.match((await newRow?.textContent()) ?? '', /Replaces the one above/);
  await newRow?.getByRole('button', { name: 'Actions for Deployer' }).click();
  await tab.getByRole('menuitem', { name: 'Continue replacing…' }).click();
  await dialog.getByText('Waiting for the new access token to be used').waitFor();
  assert.equal((await fixture.server.call('/v1/whoami', { headers: bearer(newSecret) })).status, 200);
  await dialog.getByText('The new access token is in use').waitFor();
  assert.deepEqual(await findSecretInTab(tab, newSecret), []);
  await dialog.getByRole('button', { name: 'Delete old…' }).click();
  const deleteDialog = tab.getByRole('dialog', { name: 'Delete access token' });
  await deleteDialog.getByLabel('Type Deployer to confirm').fill('Deployer');
  await deleteDialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByText('was replaced and deleted').waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await assertRejected(oldToken.secret);
  assert.equal((await fixture.server.call('/v1/whoami', { headers: bearer(newSecret) })).status, 200);
});

test('on a screen 400 pixels wide, a token is generated, found, opened and deleted', secureContextOnly, async () => {
  const tab = await fixture.open('/settings/access-tokens', { width: 400 });
  await tab.getByRole('button', { name: 'Generate Token' }).click();
  const form = tab.getByRole('dialog', { name: 'Generate Token' });
  await form.getByLabel('Name').fill('From a phone');
  await form.getByLabel('error_tracker').check();
  await form.getByRole('button', { name: 'Generate Token' }).click();
  await tab.getByRole('button', { name: 'I have stored it' }).click();
  await tab.getByRole('searchbox').fill('phone');
  await tab.getByRole('link', { name: 'From a phone' }).click();
  await tab.getByRole('heading', { name: 'From a phone', level: 1 }).waitFor();
  await tab.getByRole('button', { name: 'Open navigation' }).click();
  await tab.getByRole('link', { name: 'Settings', exact: true }).click();
  await rowOf(tab, 'From a phone').waitFor();
  await chooseInMenu(tab, 'From a phone', 'Delete');
  await tab.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await tab.getByText('From a phone deleted. It no longer works.').waitFor();
});
