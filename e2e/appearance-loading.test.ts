import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from 'playwright-core';
import { checkAppearance, openTab, saveScreenshotIfEnabled } from './browser.ts';
import { waitUntilLoaded } from './browser-fixture.ts';
import { inWorkspace, LOG_PATH, setUpSettingsFixture, TOKENS_PATH } from './settings-fixture.ts';

const settings = setUpSettingsFixture();
const { fixture } = settings;

/** Pages, and the API request that loads the content of each. */
const PAGES: readonly { readonly name: string; readonly path: () => string; readonly request: RegExp }[] = [
  { name: 'tokens', path: () => TOKENS_PATH, request: /\/v1\/access-tokens(?:\?|$)/ },
  { name: 'keys', path: () => '/settings/api-keys', request: /\/v1\/api-keys(?:\?|$)/ },
  { name: 'token', path: () => `${TOKENS_PATH}/${settings.tokenId}`, request: /\/v1\/access-tokens\/\w+$/ },
  { name: 'members', path: () => '/settings/members', request: /\/v1\/members(?:\?|$)/ },
  { name: 'log', path: () => LOG_PATH, request: /\/v1\/audit-events(?:\?|$)/ },
  { name: 'account', path: () => '/account', request: /\/v1\/sessions(?:\?|$)/ },
];
const PROBLEM = { code: 'internal', title: 'Internal error', detail: 'Something went wrong here.', requestId: 'req-7' };

for (const { name, path, request } of PAGES) {
  test(`${name}: shows a placeholder while loading, and an error with the request ID and a retry button on failure`, async () => {
    const tab = await fixture.open('/settings/workspace');
    let respond: (route: Route) => Promise<void> = (route) =>
      route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify(PROBLEM) });
    const pendingRoutes: Route[] = [];
    let isHoldingRequests = true;
    await tab.route(request, (route) => {
      if (isHoldingRequests) pendingRoutes.push(route);
      else return respond(route);
    });
    await tab.goto(inWorkspace(path()));
    await tab.locator('[aria-busy=true]').first().waitFor();
    await checkAppearance(tab, `${name}-loading`);
    isHoldingRequests = false;
    for (const route of pendingRoutes) await respond(route);
    await tab.getByText('req-7').first().waitFor();
    await checkAppearance(tab, `${name}-failed`);
    respond = (route) => route.continue();
    await tab.getByRole('button', { name: 'Try again' }).first().click();
    await tab.getByText('req-7').first().waitFor({ state: 'detached' });
  });
}

/** Records the layout shifts of the page (Layout Instability API). Runs in the browser. */
function recordLayoutShifts(): void {
  const shifts: number[] = [];
  Object.assign(globalThis, { shifts });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) shifts.push((entry as PerformanceEntry & { value: number }).value);
  }).observe({ type: 'layout-shift', buffered: true });
}

/**
 * A fifth of the cumulative layout shift that web.dev calls good. A block can be one line taller than its placeholder,
 * but a table cannot.
 */
const MAX_LAYOUT_SHIFT = 0.02;
/** The pages on which nothing at all moves. */
const STILL_PAGES = new Set(['start', 'tokens']);

test('the layout does not shift while a page loads', async () => {
  const tab = await fixture.open('/settings/workspace');
  await tab.addInitScript(recordLayoutShifts);
  for (const { name, path } of [{ name: 'start', path: () => '/' }, ...PAGES]) {
    await tab.goto(inWorkspace(path()));
    await waitUntilLoaded(tab);
    await tab.waitForLoadState('networkidle');
    const shifts = await tab.evaluate(() => (globalThis as unknown as { shifts: number[] }).shifts);
    const total = shifts.reduce((sum, shift) => sum + shift, 0);
    assert.ok(total <= (STILL_PAGES.has(name) ? 0 : MAX_LAYOUT_SHIFT), `${name}: ${total}`);
  }
});

/**
 * On a connection with a latency of 600 ms and 50 kB/s, 8 kB arrive after 760 ms, which leaves 240 ms for the first
 * paint within a second. A test of the time itself would depend on how busy the machine is.
 */
const MAX_HTML_BYTES = 8_000;

test('the layout is painted from the HTML alone, which is small', async () => {
  for (const { path, layout, person } of [
    { path: inWorkspace(TOKENS_PATH), layout: 'shell', person: fixture.owner },
    { path: '/sign-in', layout: 'centered', person: undefined },
  ]) {
    const tab = await openTab(fixture.browser, fixture.server, person === undefined ? {} : { person });
    // Only the request for the HTML gets a response.
    await tab.route('**/*', (route) => (route.request().isNavigationRequest() ? route.continue() : undefined));
    const response = await tab.goto(path, { waitUntil: 'commit' });
    const bytes = (await response?.body())?.length ?? 0;
    assert.ok(bytes > 0 && bytes <= MAX_HTML_BYTES, `${bytes} bytes`);
    await tab.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length === 1);
    await tab.locator(`#initial-layout.${layout}`).getByText('Devpilot').waitFor();
    await saveScreenshotIfEnabled(tab, `initial-${layout}`);
    await tab.context().close();
  }
});

test('a first visit loads at most 200 kB of compressed JavaScript, and nothing from another server', async () => {
  for (const { path, person } of [
    { path: '/', person: undefined },
    { path: inWorkspace(TOKENS_PATH), person: fixture.owner },
  ]) {
    const tab = await openTab(fixture.browser, fixture.server, person === undefined ? {} : { person });
    const sizes: Promise<number>[] = [];
    const foreignUrls: string[] = [];
    tab.on('response', (response) => {
      if (!response.url().startsWith(fixture.server.url)) foreignUrls.push(response.url());
      if (response.url().endsWith('.js'))
        sizes.push(
          response
            .request()
            .sizes()
            .then((size) => size.responseBodySize),
        );
    });
    await tab.goto(path);
    await waitUntilLoaded(tab);
    await tab.waitForLoadState('networkidle');
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assert.ok(sizes.length > 1 && total > 50_000, 'the sizes were measured');
    assert.ok(total <= 200_000, `${path}: ${total} bytes`);
    assert.deepEqual(foreignUrls, []);
    await tab.context().close();
  }
});

test('the web UI can be installed', async () => {
  const tab = await fixture.open('/settings/workspace');
  // Chromium itself reads the manifest, subject to the content security policy.
  const devtools = await tab.context().newCDPSession(tab);
  const { errors, data = '{}' } = await devtools.send('Page.getAppManifest');
  assert.deepEqual(errors, []);
  const manifest: { name: string; start_url: string; icons: { src: string; sizes: string; purpose: string }[] } =
    JSON.parse(data);
  assert.deepEqual([manifest.name, manifest.start_url], ['Devpilot', '/']);
  assert.deepEqual(
    manifest.icons.map(({ sizes, purpose }) => `${sizes} ${purpose}`),
    ['192x192 any', '512x512 any', '512x512 maskable'],
  );
  const touchIcon = (await tab.locator('link[rel=apple-touch-icon]').getAttribute('href')) ?? '';
  for (const path of [touchIcon, ...manifest.icons.map(({ src }) => src)]) {
    const { status, headers } = await fixture.server.call(path);
    assert.deepEqual([status, headers.get('content-type')], [200, 'image/png'], path);
  }
});
