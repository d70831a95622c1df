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

const TOKEN_COUNT = 10_000;
const PAGE_SIZE = 50;

/** Records the position of the table in every frame, to detect layout shifts and flashes. Runs in the browser. */
function recordTablePositions(): void {
  const tablePositions = new Set<string>();
  Object.assign(globalThis, { tablePositions });
  const recordPosition = () => {
    const table = document.querySelector('table');
    tablePositions.add(
      table === null ? 'no table' : `${Math.round(table.getBoundingClientRect().top + window.scrollY)}`,
    );
    requestAnimationFrame(recordPosition);
  };
  requestAnimationFrame(recordPosition);
}
const tablePositionsOf = (tab: Page) =>
  tab.evaluate(() => [...(globalThis as unknown as { tablePositions: Set<string> }).tablePositions]) as Promise<
    string[]
  >;

describe(`the table with ${TOKEN_COUNT.toLocaleString('en')} access tokens`, () => {
  let server: TestServer;
  let owner: TestPerson;
  let browser: Awaited<ReturnType<typeof startBrowser>>;
  let tab: Page;
  let requests: Request[] = [];

  before(async () => {
    const seeded = await seededDirectory(TOKEN_COUNT);
    [server, browser] = await Promise.all([startTestServer({ dataDirectory: seeded.directory }), startBrowser()]);
    owner = createTestPerson(server, {
      email: 'ada@example.com',
      cookie: seeded.cookie,
      workspaceId: seeded.workspaceId,
    });
    tab = await openTab(browser, server, { person: owner });
    tab.on('request', (request) => {
      if (new URL(request.url()).pathname === '/v1/access-tokens') requests.push(request);
    });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  /** Returns the names of the tokens that the API returns for a query. */
  async function readNames(query: string): Promise<string[]> {
    const { body } = await owner.call<PageOf<AccessToken>>(`/v1/access-tokens?limit=${PAGE_SIZE}&${query}`);
    return body.data.map(({ name }) => name);
  }
  const shownNames = () => tab.locator('tbody tr a[href*="/settings/access-tokens/"]').allTextContents();

  async function open(search = ''): Promise<void> {
    await tab.goto(`/settings/access-tokens${search}`);
    await waitUntilLoaded(tab);
    requests = [];
    await tab.evaluate(recordTablePositions);
  }

  /**
   * Performs an action on the list and asserts that it sends one request and shows the page that the API returns for
   * `query`.
   */
  async function performAndCheck(action: () => Promise<void>, query: string): Promise<void> {
    requests = [];
    await action();
    const expected = await readNames(query);
    await tab.waitForFunction(
      (names) =>
        document.querySelector('[aria-busy=true]') === null &&
        [...document.querySelectorAll('tbody tr a')].map((link) => link.textContent).join('\n') === names,
      expected.join('\n'),
    );
    assert.equal(requests.length, 1, requests.map((request) => request.url()).join('\n'));
    assert.ok((await shownNames()).length <= PAGE_SIZE);
  }

  test('one page is requested and rendered, not the whole list', async () => {
    await open();
    assert.deepEqual(await shownNames(), await readNames('sort=-createdAt'));
    assert.ok((await tab.locator('tbody *').count()) < 60 * PAGE_SIZE, 'no more elements than one page needs');
  });

  test('every sortable column sorts in both directions', async () => {
    await open();
    for (const [column, sortField] of [
      ['Name', 'name'],
      ['Created', 'createdAt'],
      ['Expires', 'expiresAt'],
      ['Last used', 'lastUsedAt'],
      ['Uses', 'useCount'],
    ] as const) {
      const heading = tab.getByRole('columnheader', { name: column }).getByRole('button');
      await performAndCheck(() => heading.click(), `sort=-${sortField}`);
      await performAndCheck(() => heading.click(), `sort=${sortField}`);
    }
    assert.equal((await tablePositionsOf(tab)).length, 1, 'the table did not move');
  });

  test('the search sends one request, after typing stops', async () => {
    await open();
    await performAndCheck(() => tab.getByRole('searchbox').pressSequentially('0001234'), 'q=0001234');
    assert.deepEqual(await shownNames(), ['Pipeline 0001234']);
    await performAndCheck(() => tab.getByRole('searchbox').fill('pipeline 00012'), 'q=pipeline%2000012');
    assert.equal((await shownNames()).length, PAGE_SIZE);
    assert.equal((await tablePositionsOf(tab)).length, 1, 'the table did not move');
  });

  test('filters and sorting work together and are in the URL', async () => {
    await open();
    await performAndCheck(
      async () => void (await tab.getByLabel('Usage', { exact: true }).selectOption('30')),
      'unusedForDays=30',
    );
    assert.equal(await rowOf(tab, 'Never').count(), PAGE_SIZE);
    const heading = tab.getByRole('columnheader', { name: 'Name' }).getByRole('button');
    await performAndCheck(() => heading.click(), 'unusedForDays=30&sort=-name');
    const { searchParams } = new URL(tab.url());
    assert.deepEqual([searchParams.get('unused'), searchParams.get('sort')], ['30', '-name']);
    assert.equal((await tablePositionsOf(tab)).length, 1, 'the table did not move');
    await tab.reload();
    await waitUntilLoaded(tab);
    assert.deepEqual(await shownNames(), await readNames('unusedForDays=30&sort=-name'));
  });

  test('the list is paged by cursor, forwards and backwards, and a link to a later page opens it', async () => {
    await open('?sort=name');
    const seenNames = [...(await shownNames())];
    const nextButton = tab.getByRole('button', { name: 'Next' });
    for (let page = 0; page < 6; page++) {
      const firstName = (await shownNames())[0] ?? '';
      requests = [];
      await nextButton.click();
      await rowOf(tab, firstName).waitFor({ state: 'detached' });
      await waitUntilLoaded(tab);
      assert.equal(requests.length, 1);
      seenNames.push(...(await shownNames()));
    }
    assert.equal(seenNames.length, 7 * PAGE_SIZE);
    assert.equal(new Set(seenNames).size, seenNames.length, 'no token is shown twice');
    assert.deepEqual(seenNames, [...seenNames].sort(), 'all are in order');
    assert.equal((await tablePositionsOf(tab)).length, 1, 'the table did not move');
    const lastPage = await shownNames();
    await tab.reload();
    await waitUntilLoaded(tab);
    assert.deepEqual(await shownNames(), lastPage);
    await tab.getByRole('button', { name: 'Previous' }).click();
    await rowOf(tab, seenNames[5 * PAGE_SIZE] ?? '').waitFor();
  });
});
