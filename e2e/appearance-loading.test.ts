import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from 'playwright-core';
import { checkAppearance, openTab } from './browser.ts';
import { waitUntilLoaded } from './browser-fixture.ts';
import { inWorkspace, LOG, setUpSettingsFixture, TOKENS } from './settings-fixture.ts';

const look = setUpSettingsFixture();
const { fixture } = look;

/** What each page reads first, and an address that shows it. */
const READ: readonly { readonly name: string; readonly path: () => string; readonly reads: RegExp }[] = [
  { name: 'tokens', path: () => TOKENS, reads: /\/v1\/access-tokens(?:\?|$)/ },
  { name: 'keys', path: () => '/settings/api-keys', reads: /\/v1\/api-keys(?:\?|$)/ },
  { name: 'token', path: () => `${TOKENS}/${look.token}`, reads: /\/v1\/access-tokens\/\w+$/ },
  { name: 'members', path: () => '/settings/members', reads: /\/v1\/members(?:\?|$)/ },
  { name: 'log', path: () => LOG, reads: /\/v1\/audit-events(?:\?|$)/ },
  { name: 'account', path: () => '/account', reads: /\/v1\/sessions(?:\?|$)/ },
];
const PROBLEM = { code: 'internal', title: 'Internal error', detail: 'Something went wrong here.', requestId: 'req-7' };

for (const { name, path, reads } of READ) {
  test(`while ${name} is read its place is kept; when that fails it says so, with the request, and tries again`, async () => {
    const tab = await fixture.open('/settings/workspace');
    let answer: (route: Route) => Promise<void> = (route) =>
      route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify(PROBLEM) });
    const held: Route[] = [];
    let hold = true;
    await tab.route(reads, (route) => {
      if (hold) held.push(route);
      else return answer(route);
    });
    await tab.goto(inWorkspace(path()));
    await tab.locator('[aria-busy=true]').first().waitFor();
    await checkAppearance(tab, `${name}-reading`);
    hold = false;
    for (const route of held) await answer(route);
    await tab.getByText('req-7').first().waitFor();
    await checkAppearance(tab, `${name}-failed`);
    answer = (route) => route.continue();
    await tab.getByRole('button', { name: 'Try again' }).first().click();
    await tab.getByText('req-7').first().waitFor({ state: 'detached' });
  });
}

/** Collects how far things move on the page without anybody touching it (the Layout Instability API). */
function collectJumps(): void {
  const jumps: number[] = [];
  Object.assign(globalThis, { jumps });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) jumps.push((entry as PerformanceEntry & { value: number }).value);
  }).observe({ type: 'layout-shift', buffered: true });
}

/** A fifth of what counts as good: a block may turn out a line longer than its place, a table may not. */
const STILL = 0.02;

test('nothing jumps while a page is read', async () => {
  const tab = await fixture.open('/settings/workspace');
  await tab.addInitScript(collectJumps);
  for (const { name, path } of READ) {
    await tab.goto(inWorkspace(path()));
    await waitUntilLoaded(tab);
    await tab.waitForLoadState('networkidle');
    const jumps = await tab.evaluate(() => (globalThis as unknown as { jumps: number[] }).jumps);
    const total = jumps.reduce((sum, jump) => sum + jump, 0);
    assert.ok(total <= STILL, `${name}: ${total}`);
  }
});

test('the first load of the settings page is at most 250 kB of compressed JavaScript, all from here', async () => {
  const tab = await openTab(fixture.browser, fixture.server, { person: fixture.owner });
  const sizes: Promise<number>[] = [];
  const foreign: string[] = [];
  tab.on('response', (response) => {
    if (!response.url().startsWith(fixture.server.url)) foreign.push(response.url());
    if (response.url().endsWith('.js'))
      sizes.push(
        response
          .request()
          .sizes()
          .then((one) => one.responseBodySize),
      );
  });
  await tab.goto(inWorkspace(TOKENS));
  await tab.getByRole('table').waitFor();
  await tab.waitForLoadState('networkidle');
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  assert.ok(sizes.length > 1 && total > 50_000, 'the sizes were read');
  assert.ok(total <= 250_000, `${total} bytes`);
  assert.deepEqual(foreign, []);
});
