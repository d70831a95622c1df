import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { setUpBrowserFixture, waitUntilLoaded } from './browser-fixture.ts';
import { checkPages } from './page-checks.ts';
import { sendActivityEvents } from './resource-fixtures.ts';

let linus: TestPerson;
const fixture = setUpBrowserFixture(async ({ server, owner }) => {
  linus = await signUpMember(server, owner, 'member', 'linus@example.com');
});

const countsTable = (tab: Page, groupBy: string) => tab.getByRole('table', { name: `Events by ${groupBy}` });
const waitForChart = (tab: Page) => tab.locator('.recharts-surface').first().waitFor();
const eventsTable = (tab: Page) => tab.getByRole('table', { name: 'Latest events' });

test('without events the page says how to send one', async () => {
  const tab = await fixture.open('/activity');
  await tab.getByRole('heading', { name: 'No events in this time range' }).waitFor();
  await tab.getByText(`curl ${fixture.server.url}/v1/activity/events`, { exact: false }).waitFor();
  await tab.getByRole('link', { name: 'Create an access token' }).click();
  const form = tab.getByRole('dialog');
  assert.equal(await form.getByLabel('Name', { exact: true }).inputValue(), 'Activity events');
});

test('a day of events is charted by type and source and filtered from the legend, with the interval in the URL', async () => {
  await sendActivityEvents(fixture.server, fixture.owner);
  const tab = await fixture.open('/activity', { person: linus });
  await tab.getByRole('heading', { name: '600 events' }).waitFor();
  await waitForChart(tab);
  await countsTable(tab, 'type')
    .getByRole('row', { name: /order\.placed 86 14%/ })
    .waitFor();
  await tab.getByLabel('Group by', { exact: true }).selectOption('source');
  await countsTable(tab, 'source')
    .getByRole('row', { name: /\/shop\/front 400 67%/ })
    .waitFor();
  await countsTable(tab, 'source').getByRole('button', { name: '/shop/checkout' }).click();
  await tab.waitForURL(/source=%2Fshop%2Fcheckout/);
  await waitUntilLoaded(tab);
  await tab.waitForFunction(
    () => !document.querySelector('table[aria-label="Latest events"]')?.textContent?.includes('/shop/front'),
  );
  assert.equal(await eventsTable(tab).getByRole('row').count(), 26);
  await tab.getByRole('button', { name: 'Next' }).click();
  await tab.waitForURL(/cursor=/);
  await tab.getByRole('button', { name: 'Previous' }).waitFor();
  await tab.getByText('Show as table').click();
  await tab.getByRole('table', { name: 'Counts per hour' }).waitFor();
  await tab.getByText('Subjects', { exact: true }).click();
  await tab.getByText('Unique subjects per hour, by source.').waitFor();
  await tab.locator('.recharts-line').first().waitFor({ state: 'attached' });
  await tab.getByLabel('Time', { exact: true }).selectOption('7d');
  await tab.getByLabel('Interval', { exact: true }).selectOption('day');
  await tab.waitForURL(/since=7d.*interval=day|interval=day.*since=7d/);
});

test('the matching events and the chart are downloaded as CSV', async () => {
  // The events were sent by the previous test.
  const tab = await fixture.open('/activity?type=order.placed');
  const exportAs = async (item: string) => {
    await tab.getByRole('button', { name: 'Export' }).click();
    const [download] = await Promise.all([
      tab.waitForEvent('download'),
      tab.getByRole('menuitem', { name: item }).click(),
    ]);
    return {
      name: download.suggestedFilename(),
      lines: (await readFile(await download.path(), 'utf8')).trim().split('\r\n'),
    };
  };
  const list = await exportAs('Events, up to 100,000');
  assert.equal(list.name, 'acme-events.csv');
  assert.equal(list.lines[0], 'time,source,type,subject,id,data,receivedAt');
  assert.equal(list.lines.length, 1 + 86);
  assert.ok(list.lines.slice(1).every((line) => line.includes(',order.placed,')));
  const chart = await exportAs('Chart data');
  assert.equal(chart.name, 'acme-events-by-type.csv');
  assert.equal(chart.lines[0], 'at,key,count,subjects');
  const sum = chart.lines.slice(1).reduce((total, line) => total + Number(line.split(',')[2]), 0);
  assert.equal(sum, 600);
});

checkPages(fixture, [
  { name: 'activity', path: '/activity', prepare: waitForChart },
  {
    name: 'activity-table',
    path: '/activity?groupBy=source',
    async prepare(tab) {
      await waitForChart(tab);
      await tab.getByText('Show as table').click();
      await tab.locator('summary', { hasText: 'currency' }).first().click();
    },
  },
]);
