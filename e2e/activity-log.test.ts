import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { CreatedAccessToken } from '../src/contract/schemas.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpMember,
  signUpOwner,
  startHouse,
  type TestHouse,
  type TestPerson,
} from '../src/testing/house.ts';
import { openTab, startBrowser, watchConsole } from './browser.ts';

let house: TestHouse;
let browser: Browser;
let ada: TestPerson;
let linus: TestPerson;
let token: CreatedAccessToken;

before(async () => {
  house = await startHouse();
  browser = await startBrowser();
  ada = await signUpOwner(house);
  linus = await signUpMember(house, ada, 'member', 'linus@example.com');
  token = await createToken(ada, ['basic_deployment']);
  for (let count = 0; count < 3; count++) await house.call('/v1/authorize', { headers: bearer(token.secret) });
  await house.call('/v1/authorize?scope=run_scripts', { headers: bearer(token.secret) });
});
after(async () => {
  await browser?.close();
  await house?.close();
});

async function open(path: string, person = ada): Promise<Page> {
  const tab = await openTab(browser, house, { person });
  await tab.goto(path);
  await tab.getByRole('heading', { level: 1 }).waitFor();
  return tab;
}

const event = (tab: Page, text: string) => tab.getByRole('listitem').filter({ hasText: text });

test('the log reads as sentences, newest first, and new ones arrive by themselves', async () => {
  const tab = await open('/settings/activity-log');
  const complaints = watchConsole(tab);
  await event(tab, 'Ada Lovelace created the access token CI/CD Pipeline').waitFor();
  await event(tab, 'The access token CI/CD Pipeline was refused: it may not do that').waitFor();
  const sentences = await tab.getByRole('listitem').allTextContents();
  assert.match(sentences.at(-1) ?? '', /^Ada Lovelace created the workspace Acme/);
  await createKey(ada, ['read'], { name: 'Arrives live' });
  await event(tab, 'Ada Lovelace created the API key Arrives live').waitFor();
  assert.deepEqual(complaints, []);
  await tab.context().close();
});

test('details show what changed, from where, and the hash', async () => {
  const key = await createKey(ada, ['read'], { name: 'Edited key' });
  await ada.call(`/v1/api-keys/${key.id}`, { method: 'PATCH', body: { permissions: ['read', 'deploy'] } });
  const tab = await open('/settings/activity-log');
  const row = event(tab, 'changed permissions of the API key Edited key');
  await row.getByRole('button', { name: /Details of event/ }).click();
  await row.getByRole('row', { name: 'permissions read read, deploy' }).waitFor();
  await row.getByText(key.id).waitFor();
  await row.getByText('Hash before').waitFor();
  await tab.context().close();
});

test('filters narrow it, live in the address and survive a reload', async () => {
  const tab = await open('/settings/activity-log');
  await tab.getByRole('combobox', { name: 'Action' }).click();
  await tab.getByRole('option', { name: 'Access token created' }).click();
  await tab.getByRole('combobox', { name: 'Person or credential' }).click();
  await tab.getByRole('option', { name: 'Ada Lovelace' }).click();
  await tab.waitForURL(/action=access_token.created.*actor=per_|actor=per_.*action=access_token.created/);
  await event(tab, 'signed up').first().waitFor({ state: 'detached' });
  await tab.reload();
  await event(tab, 'created the access token CI/CD Pipeline').waitFor();
  assert.equal(await tab.getByRole('listitem').count(), 1);
  await tab.getByRole('combobox', { name: 'Time' }).click();
  await tab.getByRole('option', { name: 'From … to …' }).click();
  await tab.getByLabel('Before').fill('2020-01-01T00:00');
  await tab.getByRole('heading', { name: 'Nothing matches' }).waitFor();
  await tab.getByRole('button', { name: 'Show everything' }).click();
  await event(tab, 'Ada Lovelace created the workspace Acme').waitFor();
  await tab.context().close();
});

test('it is exported as CSV that no spreadsheet runs, and as NDJSON', async () => {
  await createToken(ada, ['all'], { name: '=HYPERLINK("http://evil.example")' });
  const tab = await open('/settings/activity-log?action=access_token.created');
  const save = async (item: RegExp) => {
    await tab.getByRole('button', { name: 'Export' }).click();
    const [file] = await Promise.all([tab.waitForEvent('download'), tab.getByRole('menuitem', { name: item }).click()]);
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
  };
  const csv = await save(/CSV/);
  assert.match(csv.name, /^acme-activity-\d{4}-\d{2}-\d{2}\.csv$/);
  assert.ok(csv.text.includes(`"'=HYPERLINK(""http://evil.example"")"`));
  assert.doesNotMatch(csv.text, /(?:^|,)"?[=@]/m);
  assert.equal(csv.text.trim().split('\r\n').length, 3);
  const lines = (await save(/NDJSON/)).text.trim().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { action: string }).action),
    ['access_token.created', 'access_token.created'],
  );
  await tab.context().close();
});

test('it is paged', async () => {
  for (let count = 0; count < 50; count++) {
    await ada.call('/v1/me', { method: 'PATCH', body: { name: count % 2 === 0 ? 'Ada King' : 'Ada Lovelace' } });
  }
  const tab = await open('/settings/activity-log');
  await tab.getByRole('button', { name: 'Older' }).click();
  await event(tab, 'Ada Lovelace created the workspace Acme').waitFor();
  await tab.getByRole('button', { name: 'Newer' }).click();
  await event(tab, 'changed their name from Ada King to Ada Lovelace').first().waitFor();
  await tab.context().close();
});

test("a credential's own page: facts, uses, addresses, events, and back", async () => {
  const tab = await open(`/settings/activity-log?credential=${token.id}`);
  await event(tab, 'created the access token').getByRole('link', { name: 'CI/CD Pipeline' }).click();
  await tab.getByRole('heading', { name: 'CI/CD Pipeline', level: 1 }).waitFor();
  await tab.getByText('3 uses in the last 30 days', { exact: false }).waitFor();
  await tab.getByText('As a table').click();
  await tab.getByRole('table', { name: 'Uses a day' }).getByRole('cell', { name: '3', exact: true }).waitFor();
  await tab.getByRole('table', { name: 'Addresses it was used from' }).getByText('127.0.0.1').waitFor();
  await house.call('/v1/authorize', { headers: bearer(token.secret) });
  await tab.getByText('4 times').waitFor();
  await event(tab, 'was refused: it may not do that').waitFor();
  await tab.getByRole('link', { name: 'In the activity log' }).click();
  await tab.waitForURL(new RegExp(`/settings/activity-log\\?.*credential=${token.id}`));
  await tab.context().close();
});

test('a deleted credential keeps its events', async () => {
  const gone = await createToken(ada, ['all'], { name: 'Gone tomorrow' });
  await ada.call(`/v1/access-tokens/${gone.id}`, { method: 'DELETE' });
  const tab = await open(`/settings/access-tokens/${gone.id}`);
  await tab.getByRole('heading', { name: 'There is no such access token' }).waitFor();
  await event(tab, 'deleted the access token Gone tomorrow').waitFor();
  await tab.context().close();
});

test('a member sees a credential without its events and buttons, and not the log', async () => {
  const tab = await open(`/settings/access-tokens/${token.id}`, linus);
  await tab.getByRole('heading', { name: 'CI/CD Pipeline', level: 1 }).waitFor();
  await tab.getByRole('region', { name: 'Addresses' }).waitFor();
  assert.equal(await tab.getByRole('button', { name: /Delete|Replace/ }).count(), 0);
  assert.equal(await tab.getByRole('region', { name: 'Activity' }).count(), 0);
  await tab.goto('/settings/activity-log');
  await tab.getByRole('heading', { name: 'You can not see this page' }).waitFor();
  await tab.context().close();
});
