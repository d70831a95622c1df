import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { CreatedAccessToken } from '../src/contract/access-tokens.ts';
import { bearer, createKey, createToken, signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { checkAppearance, openTab } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { listItemOf } from './page-actions.ts';

// The tests run in order: later ones use what earlier ones created, such as the key Edited key.
let linus: TestPerson;
let token: CreatedAccessToken;

const fixture = setUpBrowserFixture(async ({ server, owner }) => {
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Storefront' } });
  const shop = await owner.call<{ id: string }>('/v1/apps', { body: { name: 'Shop', projectId: project.body.id } });
  linus = await signUpMember(server, owner, 'member', 'linus@example.com');
  token = await createToken(owner, ['basic_deployment', 'modify_env'], {
    restrictions: { apps: [shop.body.id], rate: { requests: 100, seconds: 60 } },
  });
  for (let count = 0; count < 3; count++)
    await server.call('/v1/authorize?scope=modify_env', { headers: bearer(token.secret) });
  await server.call('/v1/authorize?scope=run_scripts', { headers: bearer(token.secret) });
});

test('events are shown as sentences, newest first, and new events appear automatically', async () => {
  const tab = await fixture.open('/settings/activity-log');
  await listItemOf(tab, 'Ada Lovelace created the access token CI/CD Pipeline').waitFor();
  await listItemOf(
    tab,
    'The access token CI/CD Pipeline was denied: it lacks the required scope or permission',
  ).waitFor();
  const sentences = await tab.getByRole('listitem').allTextContents();
  assert.match(sentences.at(-1) ?? '', /^Ada Lovelace created the workspace Acme/);
  await createKey(fixture.owner, ['read'], { name: 'Arrives live' });
  await listItemOf(tab, 'Ada Lovelace created the API key Arrives live').waitFor();
});

test('the details of an event show the change, the ID of the target and the hash', async () => {
  const key = await createKey(fixture.owner, ['read'], { name: 'Edited key' });
  await fixture.owner.call(`/v1/api-keys/${key.id}`, { method: 'PATCH', body: { permissions: ['read', 'deploy'] } });
  const tab = await fixture.open('/settings/activity-log');
  const row = listItemOf(tab, 'changed the permissions of the API key Edited key');
  await row.getByRole('button', { name: /Details of event/ }).click();
  await row.getByRole('row', { name: 'permissions read read, deploy' }).waitFor();
  await row.getByText(key.id).waitFor();
  await row.getByText('Previous hash').waitFor();
});

test('filters are in the URL and survive a reload', async () => {
  const tab = await fixture.open('/settings/activity-log');
  await tab.getByRole('combobox', { name: 'Action' }).click();
  await tab.getByRole('option', { name: 'Access token created' }).click();
  await tab.getByRole('combobox', { name: 'Person or credential' }).click();
  await tab.getByRole('option', { name: 'Ada Lovelace' }).click();
  await tab.waitForURL(/action=access_token.created.*actor=per_|actor=per_.*action=access_token.created/);
  await listItemOf(tab, 'signed up').first().waitFor({ state: 'detached' });
  await tab.reload();
  await listItemOf(tab, 'created the access token CI/CD Pipeline').waitFor();
  assert.equal(await tab.getByRole('listitem').count(), 1);
  await tab.getByRole('combobox', { name: 'Time' }).click();
  await tab.getByRole('option', { name: 'Custom range' }).click();
  await tab.getByLabel('To (exclusive)').fill('2020-01-01T00:00');
  await tab.getByRole('heading', { name: 'No results' }).waitFor();
  await tab.getByRole('button', { name: 'Clear filters' }).click();
  await listItemOf(tab, 'Ada Lovelace created the workspace Acme').waitFor();
  await tab.getByRole('combobox', { name: 'Target' }).click();
  await tab.getByRole('option', { name: 'Edited key' }).click();
  await tab.waitForURL(/target=key_/);
  await listItemOf(tab, 'signed up').first().waitFor({ state: 'detached' });
  assert.equal(await tab.getByRole('listitem').count(), 2);
});

test('the log is exported as NDJSON, and as CSV without formulas', async () => {
  await createToken(fixture.owner, ['all'], { name: '=HYPERLINK("http://evil.example")' });
  const tab = await fixture.open('/settings/activity-log?action=access_token.created');
  const exportAs = async (item: RegExp) => {
    await tab.getByRole('button', { name: 'Export' }).click();
    const [download] = await Promise.all([
      tab.waitForEvent('download'),
      tab.getByRole('menuitem', { name: item }).click(),
    ]);
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
  };
  const csv = await exportAs(/CSV/);
  assert.match(csv.name, /^acme-activity-\d{4}-\d{2}-\d{2}\.csv$/);
  assert.ok(csv.text.includes(`"'=HYPERLINK(""http://evil.example"")"`));
  assert.doesNotMatch(csv.text, /(?:^|,)"?[=@]/m);
  assert.equal(csv.text.trim().split('\r\n').length, 3);
  const lines = (await exportAs(/NDJSON/)).text.trim().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { action: string }).action),
    ['access_token.created', 'access_token.created'],
  );
});

test('the log is paged', async () => {
  for (let count = 0; count < 50; count++) {
    await fixture.owner.call('/v1/me', {
      method: 'PATCH',
      body: { name: count % 2 === 0 ? 'Ada King' : 'Ada Lovelace' },
    });
  }
  const tab = await fixture.open('/settings/activity-log');
  await tab.getByRole('button', { name: 'Older' }).click();
  await listItemOf(tab, 'Ada Lovelace created the workspace Acme').waitFor();
  await tab.getByRole('button', { name: 'Newer' }).click();
  await listItemOf(tab, 'changed their name from Ada King to Ada Lovelace').first().waitFor();
});

test("a credential's page shows its properties, uses, addresses and events, and links to the activity log", async () => {
  const tab = await fixture.open(`/settings/activity-log?credential=${token.id}`);
  await listItemOf(tab, 'created the access token').getByRole('link', { name: 'CI/CD Pipeline' }).click();
  await tab.getByRole('heading', { name: 'CI/CD Pipeline', level: 1 }).waitFor();
  await tab.getByRole('link', { name: 'Shop' }).waitFor();
  await tab.getByText('100 requests per minute').waitFor();
  await tab.getByText('3 uses in the last 30 days', { exact: false }).waitFor();
  await tab.getByText('Show as table').click();
  await tab.getByRole('table', { name: 'Uses per day' }).getByRole('cell', { name: '3', exact: true }).waitFor();
  await tab.getByRole('table', { name: 'Source addresses' }).getByText('127.0.0.1').waitFor();
  const usedScopes = tab.getByRole('region', { name: 'Scopes used' });
  await usedScopes.getByText('This access token has scopes that it did not use', { exact: false }).waitFor();
  await checkAppearance(tab, 'token-broader-than-used');
  await usedScopes.getByRole('button', { name: 'Drop unused scopes…' }).click();
  const replacement = tab.getByRole('dialog');
  await replacement.getByRole('checkbox', { name: 'modify_env' }).waitFor();
  const scopes = replacement.getByRole('group', { name: 'Scopes' });
  assert.equal(await scopes.getByRole('checkbox', { checked: true }).count(), 1);
  await replacement.getByRole('button', { name: 'Cancel' }).click();
  await tab.getByRole('button', { name: 'Check access…' }).click();
  const checkDialog = tab.getByRole('dialog', { name: 'Check access of CI/CD Pipeline' });
  await checkDialog.getByRole('checkbox', { name: 'run_scripts' }).click();
  await checkDialog.getByRole('button', { name: 'Check access' }).click();
  await checkDialog.getByText('The request would be refused (403 insufficient_scope)', { exact: false }).waitFor();
  await checkDialog.getByRole('checkbox', { name: 'run_scripts' }).click();
  await checkDialog.getByRole('checkbox', { name: 'modify_env' }).click();
  await checkDialog.getByRole('button', { name: 'Check access' }).click();
  await checkDialog.getByText('The request would be allowed.').waitFor();
  await checkDialog.getByLabel('App or project (optional)').fill('shop');
  await checkDialog.getByRole('button', { name: 'Check access' }).click();
  await checkDialog.getByText('must be app: or project:, followed by an ID or a slug').waitFor();
  await checkAppearance(tab, 'check-access');
  await checkDialog.getByRole('button', { name: 'Close' }).first().click();
  await fixture.server.call('/v1/authorize', { headers: bearer(token.secret) });
  await tab.getByText('4', { exact: true }).first().waitFor();
  await listItemOf(tab, 'was denied: it lacks the required scope or permission').waitFor();
  await tab.getByRole('link', { name: 'View in activity log' }).click();
  await tab.waitForURL(new RegExp(`/settings/activity-log\\?.*credential=${token.id}`));
});

test('the page of a deleted credential still shows its events', async () => {
  const deletedToken = await createToken(fixture.owner, ['all'], { name: 'Deleted token' });
  await fixture.owner.call(`/v1/access-tokens/${deletedToken.id}`, { method: 'DELETE' });
  const tab = await fixture.open(`/settings/access-tokens/${deletedToken.id}`);
  await tab.getByRole('heading', { name: 'This access token does not exist' }).waitFor();
  await listItemOf(tab, 'deleted the access token Deleted token').waitFor();
});

test('a member sees a credential, but neither its events nor its buttons, and has no access to the log', async () => {
  const tab = await fixture.open(`/settings/access-tokens/${token.id}`, { person: linus });
  await tab.getByRole('heading', { name: 'CI/CD Pipeline', level: 1 }).waitFor();
  await tab.getByRole('region', { name: 'Source addresses' }).waitFor();
  assert.equal(await tab.getByRole('button', { name: /Delete|Replace/ }).count(), 0);
  assert.equal(await tab.getByRole('region', { name: 'Activity' }).count(), 0);
  await tab.goto('/settings/activity-log');
  await tab.getByRole('heading', { name: "You don't have access to this page" }).waitFor();
});

test("times are shown to the second in the browser's time zone, whose offset is shown on hover", async () => {
  const createdToken = await createToken(fixture.owner, ['run_scripts'], { name: 'Time zone test' });
  for (const [timeZone, offset] of [
    ['Asia/Kolkata', 'GMT+5:30'],
    ['Pacific/Marquesas', 'GMT-9:30'],
  ] as const) {
    const tab = await openTab(fixture.browser, fixture.server, { person: fixture.owner, timeZone });
    await tab.goto('/settings/activity-log');
    const time = listItemOf(tab, 'created the access token Time zone test').locator('time');
    const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone });
    assert.equal(await time.textContent(), clock.format(new Date(createdToken.createdAt)));
    await time.hover();
    await tab.getByRole('tooltip').getByText(offset, { exact: false }).waitFor();
  }
});
