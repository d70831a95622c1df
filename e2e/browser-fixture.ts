import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { freePort } from '../src/testing/postgres.ts';
import { signUpOwner, startTestServer, type TestPerson, type TestServer } from '../src/testing/test-server.ts';
import { INSECURE_HOST, openContext, type Scheme, saveScreenshot, startBrowser, watchConsole } from './browser.ts';

export interface OpenOptions {
  /** The person who is signed in: the owner by default, null for a signed-out tab. */
  readonly person?: TestPerson | null;
  readonly width?: number;
  readonly scheme?: Scheme;
  /**
   * A separate browser context, for tests that sign out or lose the session or the network. Implied if `person` is
   * null.
   */
  readonly ownContext?: boolean;
}

export interface BrowserFixture {
  readonly server: TestServer;
  readonly browser: Browser;
  /** Ada Lovelace, ada@example.com, owner of the workspace Acme. */
  readonly owner: TestPerson;
  /** Opens a tab at a path and waits until the page has finished loading. */
  open(path: string, options?: OpenOptions): Promise<Page>;
}

export interface BrowserFixtureOptions {
  /** Environment variables of the server, added to the defaults of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Other servers that tabs may visit, such as an identity provider. */
  readonly allowedOrigins?: readonly string[];
  /** False for a server on which nobody has signed up. */
  readonly owner?: false;
}

const isInsecure = process.env['DEVPILOT_TEST_INSECURE'] !== undefined;

/**
 * Options of a test that runs in a secure context only. Some files also run in an insecure context (`scripts/test.ts`).
 * That run skips tests that use none of the browser features that require a secure context, because it would only
 * repeat them.
 */
export const secureContextOnly = { skip: isInsecure };

/**
 * Returns the settings of a server that browsers reach over plain HTTP by a host name other than localhost. Returns no
 * settings unless DEVPILOT_TEST_INSECURE is set.
 */
async function insecureOriginSettings(): Promise<Record<string, string>> {
  if (!isInsecure) return {};
  const port = String(await freePort());
  return { PORT: port, DEVPILOT_PUBLIC_URL: `http://${INSECURE_HOST}:${port}` };
}

/** Waits until the page shows its heading and no part of it is still loading. */
export async function waitUntilLoaded(tab: Page): Promise<void> {
  await tab.getByRole('heading', { level: 1 }).first().waitFor();
  await tab.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
}

/**
 * Sets up what all browser tests of a file share: a server, a browser, an owner, and the records that `prepare`
 * creates. Call it at the top of the file, outside any `describe`.
 *
 *     const fixture = setUpBrowserFixture(async ({ owner }) => void (await createToken(owner, ['all'])));
 *     test('…', async () => {
 *       const tab = await fixture.open('/settings/members');
 *
 * Tabs are closed after the test that opened them. A test fails if the console of one of its tabs logged an error, the
 * content security policy blocked something, or a tab sent a request to another server. A test that fails leaves
 * screenshots of its tabs in `e2e/screenshots/failed-…`.
 */
export function setUpBrowserFixture(
  prepare: (fixture: BrowserFixture) => Promise<void> = async () => {},
  options: BrowserFixtureOptions = {},
): BrowserFixture {
  let server: TestServer | undefined;
  let browser: Browser | undefined;
  let owner: TestPerson | undefined;
  const sharedContexts = new Map<string, Promise<BrowserContext>>();
  let tabs: { tab: Page; problems: string[]; closeable: BrowserContext | Page }[] = [];

  const requireStarted = <Value>(value: Value | undefined): Value => {
    assert.ok(value, 'available only after the tests have started; there is no owner if the option `owner` is false');
    return value;
  };

  function sharedContext(person: TestPerson, width: number, scheme: Scheme): Promise<BrowserContext> {
    const key = `${person.cookie} ${width} ${scheme}`;
    const context = sharedContexts.get(key) ?? openContext(fixture.browser, fixture.server, { person, width, scheme });
    sharedContexts.set(key, context);
    return context;
  }

  /** Collects console errors and requests to other servers. */
  function collectProblems(tab: Page): string[] {
    const problems = watchConsole(tab);
    tab.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      const isSameOrigin = origin === fixture.server.origin || protocol === 'blob:' || protocol === 'data:';
      const isAllowed = options.allowedOrigins?.includes(origin) === true;
      if (!isSameOrigin && !isAllowed) problems.push(`request to another server: ${request.url()}`);
    });
    return problems;
  }

  const fixture: BrowserFixture = {
    get server() {
      return requireStarted(server);
    },
    get browser() {
      return requireStarted(browser);
    },
    get owner() {
      return requireStarted(owner);
    },
    async open(path, { person = fixture.owner, width = 1280, scheme = 'light', ownContext = false } = {}) {
      const hasOwnContext = person === null || ownContext;
      const context = hasOwnContext
        ? await openContext(fixture.browser, fixture.server, { width, scheme, ...(person !== null && { person }) })
        : await sharedContext(person, width, scheme);
      const tab = await context.newPage();
      tabs.push({ tab, problems: collectProblems(tab), closeable: hasOwnContext ? context : tab });
      await tab.goto(path);
      await waitUntilLoaded(tab);
      return tab;
    },
  };

  before(async () => {
    const environment = { ...options.environment, ...(await insecureOriginSettings()) };
    [server, browser] = await Promise.all([startTestServer({ environment }), startBrowser()]);
    if (options.owner !== false) owner = await signUpOwner(server);
    await prepare(fixture);
  });

  afterEach(async (context) => {
    const openedTabs = tabs;
    tabs = [];
    const failed = 'passed' in context && context.passed === false;
    for (const [index, { tab, closeable }] of openedTabs.entries()) {
      if (failed && !tab.isClosed()) {
        await saveScreenshot(tab, `failed-${context.name.replace(/\W+/g, '-').slice(0, 80)}-${index}`).catch(
          () => undefined,
        );
      }
      await closeable.close();
    }
    assert.deepEqual(
      openedTabs.flatMap(({ problems }) => problems),
      [],
      'no console errors and no requests to other servers',
    );
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  return fixture;
}
