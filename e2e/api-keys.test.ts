import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { ApiKey } from '../src/contract/api-keys.ts';
import { DAY } from '../src/contract/limits.ts';
import type { UpdatePolicy } from '../src/contract/policy.ts';
import { bearer, createKey, createToken, signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { checkAppearance } from './browser.ts';
import { secureContextOnly, setUpBrowserFixture } from './browser-fixture.ts';
import { chooseInMenu, rowOf } from './page-actions.ts';
import { findSecretInTab } from './secret-leftovers.ts';

// The tests run in order: later ones use keys that earlier ones created, such as the key Importer two.
const fixture = setUpBrowserFixture();

const openKeys = (person?: TestPerson): Promise<Page> =>
  fixture.open('/settings/api-keys', person === undefined ? {} : { person });
const errorCodeOf = async (secret: string) =>
  (await fixture.server.call<{ code: string }>('/v1/whoami', { headers: bearer(secret) })).body.code;

test('Generate API Key creates an inactive key with a description and permissions, and shows its secret once', async () => {
  const tab = await openKeys();
  await tab.getByRole('button', { name: 'Generate API Key' }).click();
  const form = tab.getByRole('dialog', { name: 'Generate API Key' });
  await form.getByLabel('Name').fill('Billing service');
  await form.getByLabel('Description (optional)').fill('Reads what billing needs');
  await form.getByText('24 of 1000 characters').waitFor();
  await form.getByLabel('read', { exact: true }).check();
  await form.getByLabel('view_logs').check();
  await form.getByLabel('Active').uncheck({ force: true });
  await form.getByLabel('Allow guards').check({ force: true });
  await form.getByText(/^Can read resources and view logs until .*; inactive until you enable it\.$/).waitFor();
  await form.getByRole('button', { name: 'Generate API Key' }).click();
  const secret = (await tab.getByTestId('secret').textContent()) ?? '';
  assert.match(secret, /^dp_[0-9A-Za-z]{46}$/);
  await tab.getByRole('button', { name: 'I have stored it' }).click();
  await rowOf(tab, 'Billing service').getByText('Inactive').waitFor();
  await rowOf(tab, 'Billing service').getByText('Reads what billing needs').waitFor();
  assert.deepEqual(await findSecretInTab(tab, secret), []);
  assert.equal(await errorCodeOf(secret), 'token_inactive');

  await tab.getByLabel('Billing service is active').check({ force: true });
  await tab.getByText('API key Billing service enabled').waitFor();
  assert.equal(await errorCodeOf(secret), undefined);
});

test('Edit sends only the changed fields and keeps the secret', secureContextOnly, async () => {
  const created = await createKey(fixture.owner, ['read'], { name: 'Importer', description: 'Old description' });
  const tab = await openKeys();
  await chooseInMenu(tab, 'Importer', 'Edit');
  const form = tab.getByRole('dialog', { name: 'Edit Importer' });
  const patchRequest = tab.waitForRequest((request) => request.method() === 'PATCH');
  await form.getByLabel('Name').fill('Importer two');
  await form.getByLabel('write', { exact: true }).check();
  await form.getByLabel('Expiry').selectOption('7');
  await form.getByRole('button', { name: 'Save' }).click();
  const { name, permissions, expiresAt, ...otherFields } = (await patchRequest).postDataJSON() as Partial<ApiKey>;
  assert.deepEqual([name, permissions, otherFields], ['Importer two', ['read', 'write'], {}]);
  assert.ok(expiresAt);
  await rowOf(tab, 'Importer two').getByText('Expires in 7 days').waitFor();
  assert.equal(await errorCodeOf(created.secret), undefined);
});

test("an expiry date means the end of that day in the browser's time zone", secureContextOnly, async () => {
  const tab = await openKeys();
  await tab.getByRole('button', { name: 'Generate API Key' }).click();
  const form = tab.getByRole('dialog');
  await form.getByLabel('Name').fill('Until a date');
  await form.getByLabel('deploy', { exact: true }).check();
  await form.getByLabel('Expiry').selectOption('date');
  await form.getByRole('button', { name: 'Generate API Key' }).click();
  await form.getByText('Choose a date').waitFor();
  await form.getByLabel('Last day').fill('30 Feb 2037');
  await form.getByText('Can deploy; no valid expiry date entered yet.').waitFor();
  await form.getByLabel('Name').focus();
  await form.getByText('There is no 30 February 2037.').waitFor();
  assert.equal(await form.getByLabel('Last day').inputValue(), '30 Feb 2037');
  await form.getByLabel('Last day').fill('2/24/2037');
  await form.getByText(/^Tuesday,? 24 February 2037\. It expires at the end of this day/).waitFor();
  await form.getByText('Can deploy until the end of 24 Feb 2037.').waitFor();
  await form.getByRole('button', { name: 'Generate API Key' }).click();
  await tab.getByRole('button', { name: 'I have stored it' }).click();
  const { body } = await fixture.owner.call<{ data: ApiKey[] }>('/v1/api-keys?q=until');
  assert.equal(body.data[0]?.expiresAt, new Date(2037, 1, 24, 23, 59, 59, 999).toISOString());
});

test('forms of tokens and keys obey the policy; credentials that violate it are marked and can be filtered', async () => {
  const violatingToken = await createToken(fixture.owner, ['all'], { name: 'Too broad' });
  const key = await createKey(fixture.owner, ['read'], { name: 'Everlasting' });
  const updatePolicy = (body: UpdatePolicy) => fixture.owner.call('/v1/policy', { method: 'PATCH', body });
  await updatePolicy({
    maxLifetimeDays: 45,
    bindsExistingFrom: new Date(Date.now() + 10 * DAY).toISOString(),
    allowAll: false,
    passphraseScopes: ['modify_env'],
    requireAddresses: true,
    createdBy: 'owner',
  });
  const tab = await fixture.open('/settings/access-tokens?new&name=CI/CD&scopes=all&expires=never');
  const form = tab.getByRole('dialog', { name: 'Generate Token' });
  const allCheckbox = form.getByLabel('all', { exact: true });
  await form.getByText('The policy of the workspace allows at most 45 days after creation.').waitFor();
  assert.equal(await form.getByRole('option', { name: 'No expiry' }).isDisabled(), true);
  assert.match((await form.getByLabel('Expiry').locator('option:checked').textContent()) ?? '', /^Longest allowed/);
  assert.deepEqual([await allCheckbox.isDisabled(), await allCheckbox.isChecked()], [true, false]);
  await form.getByLabel('modify_env').check();
  await form.getByRole('button', { name: 'Generate Token' }).click();
  await form.getByText('Enter a passphrase. The policy', { exact: false }).waitFor();
  assert.equal(await form.getByLabel('Only from certain addresses').isDisabled(), true);
  await checkAppearance(tab, 'token-form-under-policy');
  await form.getByRole('button', { name: 'Suggest a passphrase' }).click();
  await form.getByLabel('Addresses', { exact: true }).fill('203.0.113.0/24\n203.0.113');
  await form.getByRole('button', { name: 'Generate Token' }).click();
  await form.getByText('203.0.113 is not an IP address or a CIDR range').waitFor();
  await form.getByLabel('Addresses', { exact: true }).fill('203.0.113.0/24\n2001:db8::1\n');
  await form.getByRole('button', { name: 'Generate Token' }).click();
  await tab.getByRole('button', { name: 'I have stored it' }).click();
  await rowOf(tab, 'CI/CD').waitFor();

  await tab.getByLabel('Policy', { exact: true }).selectOption({ label: 'Violates policy' });
  await rowOf(tab, 'CI/CD').waitFor({ state: 'detached' });
  await tab.getByText(/^ ?in 45 days, by a policy that applies from \d+ /).waitFor();
  await checkAppearance(tab, 'tokens-that-violate-policy');
  await tab.getByRole('link', { name: violatingToken.name }).click();
  await tab.getByText('Violates policy').waitFor();
  for (const rule of ['Lifetime too long', 'No passphrase', 'Scope “all”', 'No IP addresses']) {
    await tab.getByText(rule, { exact: true }).waitFor();
  }
  await checkAppearance(tab, 'token-that-violates-policy');

  await tab.goto(`/settings/api-keys/${key.id}`);
  await tab.getByText('Lifetime too long', { exact: true }).waitFor();
  await tab.getByRole('button', { name: 'Edit' }).click();
  const editForm = tab.getByRole('dialog', { name: 'Edit Everlasting' });
  assert.equal(await editForm.getByRole('option', { name: /^90 days/ }).isDisabled(), true);
  await editForm.getByLabel('Expiry').selectOption('latest');
  await editForm.getByLabel('Only from certain addresses').check();
  await editForm.getByLabel('Addresses', { exact: true }).fill('127.0.0.1');
  await editForm.getByRole('button', { name: 'Save' }).click();
  await editForm.waitFor({ state: 'detached' });
  await tab.getByText('Violates policy').waitFor({ state: 'detached' });
  await tab.getByText('127.0.0.1', { exact: true }).first().waitFor();

  const admin = await signUpMember(fixture.server, fixture.owner, 'admin', 'karen@example.com');
  const adminTab = await openKeys(admin);
  await adminTab.getByText('The policy of this workspace allows only its owner to do this.').waitFor();
  assert.equal(await adminTab.getByRole('button', { name: 'Generate API Key' }).isDisabled(), true);
  await checkAppearance(adminTab, 'keys-only-owner-creates');
  await chooseInMenu(adminTab, 'Everlasting', 'Replace…');
  await adminTab.getByText('The policy of this workspace allows only its owner to create API keys.').waitFor();
  await checkAppearance(adminTab, 'replace-only-owner-creates');
  await updatePolicy({
    maxLifetimeDays: null,
    bindsExistingFrom: null,
    allowAll: true,
    passphraseScopes: [],
    requireAddresses: false,
    createdBy: 'admins',
  });
});

test(
  'a replacement continues from the page of either key, and can start over if the new secret was lost',
  secureContextOnly,
  async () => {
    const oldKey = await createKey(fixture.owner, ['read'], { name: 'Rotated' });
    const lostKey = await createKey(fixture.owner, ['read'], { name: 'Rotated', replaces: oldKey.id });
    const tab = await fixture.open(`/settings/api-keys/${lostKey.id}`);
    await tab.getByText('Replaces another: the old one is unused, the new one is unused.').waitFor();
    await tab.getByRole('button', { name: 'Continue… replacing Rotated' }).click();
    const dialog = tab.getByRole('dialog', { name: 'Replace Rotated' });
    await dialog.getByText('Waiting for the new API key to be used').waitFor();
    await dialog.getByRole('button', { name: 'Keep both for now' }).click();
    await tab.getByRole('link', { name: 'Open the old one' }).click();
    await tab.getByText('Being replaced: the old one is unused, the new one is unused.').waitFor();
    assert.equal(await tab.getByRole('button', { name: 'Replace…' }).count(), 0);

    await tab.getByRole('button', { name: 'Continue… replacing Rotated' }).click();
    await dialog.getByRole('button', { name: 'Delete the new one to start over…' }).click();
    await tab.getByRole('dialog', { name: 'Delete API key' }).getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Create replacement' }).click();
    const secret = (await dialog.getByTestId('secret').textContent()) ?? '';
    await dialog.getByRole('button', { name: 'I have stored it' }).click();
    assert.equal(await errorCodeOf(secret), undefined);
    await dialog.getByText('The new API key is in use').waitFor();
    await dialog.getByRole('button', { name: 'Delete old…' }).click();
    await tab.getByRole('dialog', { name: 'Delete API key' }).getByRole('button', { name: 'Delete' }).click();
    await dialog.getByText('was replaced and deleted').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await tab.waitForURL((url) => /\/key_\w+$/.test(url.pathname) && !url.pathname.endsWith(oldKey.id));
    await tab
      .getByText(/Being replaced|Replaces another/)
      .first()
      .waitFor({ state: 'detached' });
    assert.equal(await errorCodeOf(oldKey.secret), 'invalid_token');
  },
);

test(
  'an edit that removes access says when the access was last used, can be undone, and appears in other tabs',
  secureContextOnly,
  async () => {
    const { id, secret } = await createKey(fixture.owner, ['read', 'deploy'], { name: 'Careful' });
    const readKey = async () => (await fixture.owner.call<ApiKey>(`/v1/api-keys/${id}`)).body;
    const changeElsewhere = (body: object) => fixture.owner.call(`/v1/api-keys/${id}`, { method: 'PATCH', body });
    await fixture.server.call('/v1/authorize?permission=read', { headers: bearer(secret) });
    const tab = await fixture.open('/settings/api-keys?q=Careful');
    const otherTab = await fixture.open('/settings/api-keys?q=Careful');

    await tab.getByLabel('Careful is active').uncheck({ force: true });
    await tab
      .getByText(/^API key Careful disabled\. All requests with this key will be refused\. The key was last used .*\.$/)
      .waitFor();
    await rowOf(otherTab, 'Careful').getByText('Inactive').waitFor();
    assert.equal(await errorCodeOf(secret), 'token_inactive');
    await tab.keyboard.press('Control+z');
    await tab.getByText('The change to Careful was undone.').waitFor();
    await rowOf(otherTab, 'Careful').getByText('Active', { exact: true }).waitFor();
    assert.equal(await errorCodeOf(secret), undefined);

    // The page shows an outdated version of the key.
    await changeElsewhere({ description: 'Changed elsewhere' });
    await tab.getByLabel('Careful is active').dispatchEvent('click');
    await tab.getByText('Careful was changed by someone else, so nothing was saved.').waitFor();
    await rowOf(tab, 'Changed elsewhere').getByText('Active', { exact: true }).waitFor();
    assert.equal(await errorCodeOf(secret), undefined);

    await chooseInMenu(tab, 'Careful', 'Edit');
    const form = tab.getByRole('dialog', { name: 'Edit Careful' });
    await form.getByLabel('read', { exact: true }).uncheck();
    const consequence = /Requests that need the permission read will be refused\. The permission was last used .*\./;
    await form.getByText(consequence).waitFor();
    await changeElsewhere({ description: 'Changed again' });
    const patchRequest = tab.waitForRequest((request) => request.method() === 'PATCH');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Description: Changed elsewhere → Changed again').waitFor();
    assert.deepEqual((await readKey()).permissions, ['read', 'deploy']);
    await form.getByRole('button', { name: 'Save again' }).click();
    await tab.getByRole('alert').getByText(consequence).waitFor();
    assert.ok((await patchRequest).headers()['if-match']);
    const saved = await readKey();
    assert.deepEqual([saved.permissions, saved.description], [['deploy'], 'Changed again']);
    await tab.getByRole('button', { name: 'Undo' }).click();
    await tab.getByText('The change to Careful was undone.').waitFor();
    assert.deepEqual((await readKey()).permissions, ['read', 'deploy']);

    // A later change by someone else is not undone.
    await tab.getByLabel('Careful is active').uncheck({ force: true });
    await tab.getByText('API key Careful disabled.', { exact: false }).waitFor();
    await changeElsewhere({ description: 'Keep it off' });
    await tab.getByRole('button', { name: 'Undo' }).click();
    await tab.getByText('Careful was changed by someone else, so nothing was saved.').last().waitFor();
    assert.equal(await errorCodeOf(secret), 'token_inactive');
  },
);

test('an admin can manage keys, a member sees only the list', secureContextOnly, async () => {
  const admin = await signUpMember(fixture.server, fixture.owner, 'admin', 'adm@example.com');
  const member = await signUpMember(fixture.server, fixture.owner, 'member', 'mem@example.com');
  const adminTab = await openKeys(admin);
  await chooseInMenu(adminTab, 'Importer two', 'Delete');
  const dialog = adminTab.getByRole('dialog', { name: 'Delete API key' });
  await dialog.getByLabel('Type Importer two to confirm').fill('Importer two');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await rowOf(adminTab, 'Importer two').waitFor({ state: 'detached' });

  const memberTab = await openKeys(member);
  await rowOf(memberTab, 'Billing service').waitFor();
  assert.equal(await memberTab.getByRole('switch').count(), 0);
  assert.equal(await memberTab.getByRole('button', { name: /Generate|Actions/ }).count(), 0);
});
