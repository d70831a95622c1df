import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page, Request } from 'playwright-core';
import { seededDirectory } from '../bench/lib/seed.ts';
import type { AccessToken } from '../src/contract/access-tokens.ts';
import type { Page as PageOf } from '../src/contract/paging.ts';
import { createTestPerson, startTestServer, type TestPerson, type TestServer } from '../src/testing/test-server.ts';
import { openTab, startBrowser } from './browser.ts';
import { waitUntilLoaded } from './browser-fixture.ts';
import { rowOf } from './page-actions.ts';

const MANY = 10_000;
const PAGE = 50;

/** Records the position of the table in every frame, to detect layout shifts and flashes. Runs in the browser. */
function followTable(): void {
  const places = new Set<string>();
  Object.assign(globalThis, { places });
  const look = () => {
    const table = document.querySelector('table');
    places.add(table === null ? 'no table' : `${Math.round(table.getBoundingClientRect().top + window.scrollY)}`);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
const placesOf = (tab: Page) =>
  tab.evaluate(() => [...(globalThis as unknown as { places: Set<string> }).places]) as Promise<string[]>;

describe(`The table with ${MANY.toLocaleString('en')} access tokens`, () => {
  let server: TestServer;
  let owner: TestPerson;
  let browser: Awaited<ReturnType<typeof startBrowser>>;
  let tab: Page;
  let requests: Request[] = [];

  before(async () => {
    const seeded = await seededDirectory(MANY);
    [server, browser] = await Promise.all([startTestServer({ dataDirectory: seeded.directory }), startBrowser()]);
    owner = createTestPerson(server, 'ada@example.com', seeded.cookie, seeded.workspaceId);
    tab = await openTab(browser, server, { person: owner });
    tab.on('request', (request) => {
      if (new URL(request.url()).pathname === '/v1/access-tokens') requests.push(request);
    });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  /** Returns the names that the API returns for a query. */
  async function listed(query: string): Promise<string[]> {
    const { body } = await owner.call<PageOf<AccessToken>>(`/v1/access-tokens?limit=${PAGE}&${query}`);
    return body.data.map(({ name }) => name);
  }
  const shown = () => tab.locator('tbody tr a[href*="/settings/access-tokens/"]').allTextContents();

  async function open(search = ''): Promise<void> {
    await tab.goto(`/settings/access-tokens${search}`);
    await waitUntilLoaded(tab);
    requests = [];
    await tab.evaluate(followTable);
  }

  /** Performs an action on the list and asserts that it sent one request, showed one page and shifted nothing. */
  async function step(act: () => Promise<void>, query: string): Promise<void> {
    requests = [];
    await act();
    const expected = await listed(query);
    await tab.waitForFunction(
      (names) =>
        document.querySelector('[aria-busy=true]') === null &&
        [...document.querySelectorAll('tbody tr a')].map((link) => link.textContent).join('\n') === names,
      expected.join('\n'),
    );
    assert.equal(requests.length, 1, requests.map((request) => request.url()).join('\n'));
    assert.ok((await shown()).length <= PAGE);
  }

  test('one page is requested and rendered, not the whole list', async () => {
    await open();
    assert.deepEqual(await shown(), await listed('sort=-createdAt'));
    assert.ok((await tab.locator('tbody *').count()) < 60 * PAGE, 'no more elements than a page takes');
  });

  test('every sortable column sorts in both directions', async () => {
    await open();
    for (const [column, word] of [
      ['Name', 'name'],
      ['Created', 'createdAt'],
      ['Expires', 'expiresAt'],
      ['Last used', 'lastUsedAt'],
      ['Uses', 'useCount'],
    ] as const) {
      const heading = tab.getByRole('columnheader', { name: column }).getByRole('button');
      await step(() => heading.click(), `sort=-${word}`);
      await step(() => heading.click(), `sort=${word}`);
    }
    assert.equal((await placesOf(tab)).length, 1, 'nothing jumped');
  });

  test('the search sends one request, after typing stops', async () => {
    await open();
    await step(() => tab.getByRole('searchbox').pressSequentially('0001234'), 'q=0001234');
    assert.deepEqual(await shown(), ['Pipeline 0001234']);
    await step(() => tab.getByRole('searchbox').fill('pipeline 00012'), 'q=pipeline%2000012');
    assert.equal((await shown()).length, PAGE);
    assert.equal((await placesOf(tab)).length, 1, 'nothing jumped');
  });

  test('filters and sorting work together and are in the URL', async () => {
    await open();
    await step(
      async () => void (await tab.getByLabel('Usage', { exact: true }).selectOption('30')),
      'unusedForDays=30',
    );
    assert.equal(await rowOf(tab, 'Never').count(), PAGE);
    const heading = tab.getByRole('columnheader', { name: 'Name' }).getByRole('button');
    await step(() => heading.click(), 'unusedForDays=30&sort=-name');
    const { searchParams } = new URL(tab.url());
    assert.deepEqual([searchParams.get('unused'), searchParams.get('sort')], ['30', '-name']);
    assert.equal((await placesOf(tab)).length, 1, 'nothing jumped');
    await tab.reload();
    await waitUntilLoaded(tab);
    assert.deepEqual(await shown(), await listed('unusedForDays=30&sort=-name'));
  });

  test('the list is paged by cursor, forwards and backwards, and a link to a later page opens it', async () => {
    await open('?sort=name');
    const seen = [...(await shown())];
    const next = tab.getByRole('button', { name: 'Next' });
    for (let page = 0; page < 6; page++) {
      const before = (await shown())[0] ?? '';
      requests = [];
      await next.click();
      await rowOf(tab, before).waitFor({ state: 'detached' });
      await waitUntilLoaded(tab);
      assert.equal(requests.length, 1);
      seen.push(...(await shown()));
    }
    assert.equal(seen.length, 7 * PAGE);
    assert.equal(new Set(seen).size, seen.length, 'none is shown twice');
    assert.deepEqual(seen, [...seen].sort(), 'none is left out of its order');
    assert.equal((await placesOf(tab)).length, 1, 'nothing jumped');
    const last = await shown();
    await tab.reload();
    await waitUntilLoaded(tab);
    assert.deepEqual(await shown(), last);
    await tab.getByRole('button', { name: 'Previous' }).click();
    await rowOf(tab, seen[5 * PAGE] ?? '').waitFor();
  });
});
