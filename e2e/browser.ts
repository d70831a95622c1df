import assert from 'node:assert/strict';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { TestPerson, TestServer } from '../src/testing/test-server.ts';
import { scaledTimeout } from '../src/testing/timeouts.ts';

/** A name that is not this machine's: over plain HTTP its pages lack what browsers keep for secure contexts. */
export const INSECURE_HOST = 'devpilot.test';
const DEBIAN = '/usr/bin/chromium';
const FLAGS = [
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
];

/** The Chromium to test in. Throws with what to do where there is none. */
export function chromiumPath(): string {
  const path = process.env['CHROMIUM_PATH'] ?? DEBIAN;
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    throw new Error(`There is no Chromium at ${path}. Install it (apt-get install chromium) or set CHROMIUM_PATH.`);
  }
}

export function startBrowser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath: chromiumPath(), args: isRoot ? ['--no-sandbox', ...FLAGS] : FLAGS });
}

export type Scheme = 'light' | 'dark';

export interface TabOptions {
  readonly width?: number;
  readonly scheme?: Scheme;
  readonly person?: TestPerson;
  /** The reader's zone; the machine's where it is left out. */
  readonly zone?: string;
}

/** A tab of a browser of its own, signed in as a person where one is given. */
export async function openTab(browser: Browser, server: TestServer, options: TabOptions = {}): Promise<Page> {
  const context = await openContext(browser, server, options);
  return context.newPage();
}

export async function openContext(
  browser: Browser,
  server: TestServer,
  { width = 1280, scheme = 'light', person, zone }: TabOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: server.origin,
    viewport: { width, height: 800 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
    acceptDownloads: true,
    ...(zone !== undefined && { timezoneId: zone }),
  });
  context.setDefaultTimeout(scaledTimeout(30_000));
  if (person !== undefined) {
    const [name = '', value = ''] = person.cookie.split('=');
    await context.addCookies([{ name, value, url: server.origin, httpOnly: true, sameSite: 'Lax' }]);
  }
  return context;
}

let axe: Promise<string> | null = null;

/** What axe-core finds against WCAG 2.2 A and AA and its own best practices, a line a finding. */
export async function findAccessibilityViolations(page: Page): Promise<string[]> {
  axe ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(await axe);
  return page.evaluate(async () => {
    const { axe: run } = globalThis as unknown as {
      axe: {
        run(
          options: object,
        ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
    };
    const { violations } = await run.run({ resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary.replace(/\s+/g, ' ')}`),
    );
  });
}

/**
 * What is on the clipboard, read by a page of a secure context: the tab itself may have no right to.
 * The clipboard is empty afterwards.
 */
export async function readAndClearClipboard(tab: Page, server: TestServer): Promise<string> {
  const reader = await tab.context().newPage();
  await reader.goto(`${server.url}/healthz`);
  const text = await reader.evaluate(() => navigator.clipboard.readText());
  await reader.evaluate(() => navigator.clipboard.writeText(''));
  await reader.close();
  return text;
}

/** Takes a picture for the eye; the folder stays out of git. */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
  const folder = new URL('./screenshots/', import.meta.url).pathname;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}.png`, fullPage: true });
}

/** The looks that every page and dialog must bear: both schemes, wide and on the narrowest telephone. */
const APPEARANCES = (['light', 'dark'] as const).flatMap((scheme) => [1280, 360].map((width) => ({ scheme, width })));
/** More widths at which nothing may stick out: a page enlarged four times (WCAG 1.4.10), telephones, tablets. */
const OTHER_WIDTHS = [320, 400, 768, 900];

/** Resolves when what was changed is on the screen. */
async function nextFrame(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

async function assertFits(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 800 });
  await nextFrame(page);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(excess <= 0, `${excess} pixels too wide at ${width}`);
}

/** Texts that are cut off without a sign that there is more. */
function findCutTexts(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('main *')].flatMap((element) => {
      const { overflowX, textOverflow, clipPath, position } = getComputedStyle(element);
      const isMeant = textOverflow === 'ellipsis' || clipPath !== 'none' || position === 'fixed';
      const isCut =
        element.textContent?.trim() !== '' &&
        overflowX === 'hidden' &&
        element.clientWidth > 0 &&
        element.scrollWidth > element.clientWidth + 1;
      return isCut && !isMeant ? [element.outerHTML.slice(0, 160)] : [];
    }),
  );
}

/** What moves although the browser asks for stillness, the wheel of what is under way left aside. */
function findAnimations(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    document.getAnimations().flatMap(({ effect }) => {
      const { target } = effect as KeyframeEffect;
      return target === null || target.matches('.mantine-Loader-root') ? [] : [target.outerHTML.slice(0, 120)];
    }),
  );
}

/**
 * Looks at a page, or a page with a dialog open, as it stands: free of barriers in both schemes, wide and narrow,
 * never wider than its window, and still. Leaves a picture of each look under this name for the eye.
 */
export async function checkAppearance(page: Page, name: string): Promise<void> {
  const { width: before } = page.viewportSize() ?? { width: 1280 };
  for (const { scheme, width } of APPEARANCES) {
    await page.emulateMedia({ colorScheme: scheme });
    await assertFits(page, width);
    assert.deepEqual(await findAnimations(page), [], 'nothing moves where stillness is asked for');
    assert.deepEqual(await findCutTexts(page), [], 'no text is cut off');
    await takeScreenshot(page, `${name}-${scheme}-${width}`);
    assert.deepEqual(await findAccessibilityViolations(page), [], `${name}, ${scheme}, ${width} pixels`);
  }
  for (const width of OTHER_WIDTHS) await assertFits(page, width);
  await page.emulateMedia({ colorScheme: 'light' });
  await assertFits(page, before);
}

/** Collects what the console complains about, refused styles and scripts among it. */
export function watchConsole(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // An answer of 401 or 404 is told by the browser itself and is part of some stories.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  return complaints;
}
