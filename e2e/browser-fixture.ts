import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { freePort } from '../src/testing/postgres.ts';
import { signUpOwner, startTestServer, type TestPerson, type TestServer } from '../src/testing/test-server.ts';
import { INSECURE_HOST, openContext, type Scheme, startBrowser, takeScreenshot, watchConsole } from './browser.ts';

export interface OpenOptions {
  /** Who is signed in: the owner unless somebody else is named, nobody where it is null. */
  readonly person?: TestPerson | null;
  readonly width?: number;
  readonly scheme?: Scheme;
  /** A browser of its own, for tests that lose the session or the network, or sign out. Nobody's always is. */
  readonly ownContext?: boolean;
}

export interface BrowserFixture {
  readonly server: TestServer;
  readonly browser: Browser;
  /** Ada Lovelace, ada@example.com, owner of the workspace Acme. */
  readonly owner: TestPerson;
  /** Opens a tab at an address and waits until the page is there and nothing in it is still being read. */
  open(path: string, options?: OpenOptions): Promise<Page>;
}

export interface BrowserFixtureOptions {
  /** Settings of the server beside those of every test. */
  readonly environment?: Readonly<Record<string, string>>;
  /** False where a test is to see a server on which nobody has signed up. */
  readonly owner?: false;
}

/** Settings of a server that is reached by another name over plain HTTP, where DEVPILOT_TEST_INSECURE asks for one. */
async function insecureAddress(): Promise<Record<string, string>> {
  if (process.env['DEVPILOT_TEST_INSECURE'] === undefined) return {};
  const port = String(await freePort());
  return { PORT: port, DEVPILOT_PUBLIC_URL: `http://${INSECURE_HOST}:${port}` };
}

/** Waits until the page has its heading and every part of it has been read. */
export async function waitUntilLoaded(tab: Page): Promise<void> {
  await tab.getByRole('heading', { level: 1 }).first().waitFor();
  await tab.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
}

/**
 * Sets what a file of tests in the browser stands on, once for all its tests: a server, a browser and an owner,
 * then whatever `prepare` puts there. Call it at the top of the file, outside of any `describe`.
 *
 *     const stage = setUpBrowserFixture(async ({ owner }) => void (await createToken(owner, ['all'])));
 *     test('…', async () => {
 *       const tab = await stage.open('/settings/members');
 *
 * Tabs close with the test that opened them. A test in whose tabs the console complained, a content policy refused
 * something, or anybody but the server was asked, fails; of one that failed there are pictures in `e2e/screenshots/failed-…`.
 */
export function setUpBrowserFixture(
  prepare: (fixture: BrowserFixture) => Promise<void> = async () => {},
  options: BrowserFixtureOptions = {},
): BrowserFixture {
  let server: TestServer | undefined;
  let browser: Browser | undefined;
  let owner: TestPerson | undefined;
  const shared = new Map<string, Promise<BrowserContext>>();
  let tabs: { tab: Page; complaints: string[]; whole: BrowserContext | Page }[] = [];

  const required = <Thing>(thing: Thing | undefined): Thing => {
    assert.ok(thing, 'the stage is set before the first test, and has an owner unless it is told not to');
    return thing;
  };

  function sharedContext(person: TestPerson, width: number, scheme: Scheme): Promise<BrowserContext> {
    const key = `${person.cookie} ${width} ${scheme}`;
    const known = shared.get(key) ?? openContext(fixture.browser, fixture.server, { person, width, scheme });
    shared.set(key, known);
    return known;
  }

  /** Collects what the console complains about, and what is asked of anybody but the server. */
  function collectComplaints(tab: Page): string[] {
    const complaints = watchConsole(tab);
    tab.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      const isOwn = origin === fixture.server.origin || protocol === 'blob:' || protocol === 'data:';
      if (!isOwn) complaints.push(`asks ${request.url()}`);
    });
    return complaints;
  }

  const fixture: BrowserFixture = {
    get server() {
      return required(server);
    },
    get browser() {
      return required(browser);
    },
    get owner() {
      return required(owner);
    },
    async open(path, { person = fixture.owner, width = 1280, scheme = 'light', ownContext = false } = {}) {
      const isAlone = person === null || ownContext;
      const context = isAlone
        ? await openContext(fixture.browser, fixture.server, { width, scheme, ...(person !== null && { person }) })
        : await sharedContext(person, width, scheme);
      const tab = await context.newPage();
      tabs.push({ tab, complaints: collectComplaints(tab), whole: isAlone ? context : tab });
      await tab.goto(path);
      await waitUntilLoaded(tab);
      return tab;
    },
  };

  before(async () => {
    const environment = { ...options.environment, ...(await insecureAddress()) };
    [server, browser] = await Promise.all([startTestServer({ environment }), startBrowser()]);
    if (options.owner !== false) owner = await signUpOwner(server);
    await prepare(fixture);
  });

  afterEach(async (context) => {
    const opened = tabs;
    tabs = [];
    const failed = 'passed' in context && context.passed === false;
    for (const [index, { tab, whole }] of opened.entries()) {
      if (failed && !tab.isClosed()) {
        await takeScreenshot(tab, `failed-${context.name.replace(/\W+/g, '-').slice(0, 80)}-${index}`).catch(
          () => undefined,
        );
      }
      await whole.close();
    }
    assert.deepEqual(
      opened.flatMap(({ complaints }) => complaints),
      [],
      'the console has nothing to complain about, and nobody else is asked',
    );
  });

  after(async () => {
    await browser?.close();
    await server?.close();
  });

  return fixture;
}
