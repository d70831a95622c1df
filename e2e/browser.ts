import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { TestPerson, TestServer } from '../src/testing/test-server.ts';
import { scaledTimeout } from '../src/testing/timeouts.ts';

/** A host name other than localhost: over plain HTTP, its pages are not a secure context. */
export const INSECURE_HOST = 'devpilot.test';
/**
 * Debian's builds of Chromium, in order of preference. The headless shell has the same engine without windows: it opens
 * pages with about half the CPU time, and renders pages in the background at full speed.
 */
const CHROMIUM_PATHS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const FLAGS = [
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
];

/** Returns the path of the Chromium to test with. Throws if it is not installed. */
export function chromiumPath(): string {
  const configuredPath = process.env['CHROMIUM_PATH'];
  const path = (configuredPath === undefined ? CHROMIUM_PATHS : [configuredPath]).find((candidate) =>
    existsSync(candidate),
  );
  if (path !== undefined) return path;
  throw new Error(
    `Chromium not found${configuredPath === undefined ? '' : ` at ${configuredPath}`}. Install it (apt-get install chromium-headless-shell) or set CHROMIUM_PATH.`,
  );
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
  /** The browser's time zone; by default the machine's. */
  readonly timeZone?: string;
}

/** Opens a tab in a new browser context, signed in if `person` is set. */
export async function openTab(browser: Browser, server: TestServer, options: TabOptions = {}): Promise<Page> {
  const context = await openContext(browser, server, options);
  return context.newPage();
}

export async function openContext(
  browser: Browser,
  server: TestServer,
  { width = 1280, scheme = 'light', person, timeZone }: TabOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: server.origin,
    viewport: { width, height: 800 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
    acceptDownloads: true,
    ...(timeZone !== undefined && { timezoneId: timeZone }),
  });
  context.setDefaultTimeout(scaledTimeout(30_000));
  if (person !== undefined) {
    const [name = '', value = ''] = person.cookie.split('=');
    await context.addCookies([{ name, value, url: server.origin, httpOnly: true, sameSite: 'Lax' }]);
  }
  return context;
}

let axeSource: Promise<string> | null = null;

/** Returns the violations that axe-core finds in its default rules (WCAG A and AA, best practices), one per element. */
export async function findAccessibilityViolations(page: Page): Promise<string[]> {
  axeSource ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const isLoaded = await page.evaluate(() => 'axe' in globalThis);
  if (!isLoaded) await page.evaluate(await axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(
          options: object,
        ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary.replace(/\s+/g, ' ')}`),
    );
  });
}

/**
 * Returns the text on the clipboard and clears it. Another page of a secure context reads it, because the tab itself
 * might not be allowed to.
 */
export async function readAndClearClipboard(tab: Page, server: TestServer): Promise<string> {
  const readerTab = await tab.context().newPage();
  await readerTab.goto(`${server.url}/healthz`);
  const text = await readerTab.evaluate(() => navigator.clipboard.readText());
  await readerTab.evaluate(() => navigator.clipboard.writeText(''));
  await readerTab.close();
  return text;
}

/** Writes a screenshot to `e2e/screenshots/`, which Git ignores, if DEVPILOT_TEST_SCREENSHOTS is set. */
export async function saveScreenshotIfEnabled(page: Page, name: string): Promise<void> {
  if (process.env['DEVPILOT_TEST_SCREENSHOTS'] !== undefined) await saveScreenshot(page, name);
}

/** Writes a screenshot to `e2e/screenshots/`, which Git ignores. */
export async function saveScreenshot(page: Page, name: string): Promise<void> {
  const folder = new URL('./screenshots/', import.meta.url).pathname;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}.png`, fullPage: true });
}

/**
 * The appearances in which every page and dialog is checked: both color schemes, on a desktop and on a narrow phone.
 */
const APPEARANCES = (['light', 'dark'] as const).flatMap((scheme) => [1280, 360].map((width) => ({ scheme, width })));
/**
 * Additional widths at which nothing may overflow: 320 is 1280 at a zoom of 400% (WCAG 1.4.10), the others are phones
 * and tablets.
 */
const EXTRA_WIDTHS = [320, 400, 768, 900];

/** Waits until pending changes have been rendered. */
async function waitForRender(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

async function assertFits(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 800 });
  await waitForRender(page);
  const excess = await page.evaluate(() =>
    Math.max(
      document.documentElement.scrollWidth - window.innerWidth,
      ...[...document.querySelectorAll('[role=dialog]')].map((dialog) => dialog.scrollWidth - dialog.clientWidth),
    ),
  );
  assert.ok(excess <= 0, `${excess} pixels too wide at ${width}`);
}

/**
 * Returns elements of the main content whose text is cut off without an ellipsis, and selects whose selected option
 * does not fit.
 */
function findClippedText(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d');
    const clippedSelects = [...document.querySelectorAll('select')].flatMap((select) => {
      const { font, paddingLeft, paddingRight } = getComputedStyle(select);
      const text = select.selectedOptions[0]?.textContent ?? '';
      if (canvas === null || select.clientWidth === 0) return [];
      canvas.font = font;
      const availableWidth = select.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
      return canvas.measureText(text).width > availableWidth + 1 ? [`select: ${text}`] : [];
    });
    const clippedElements = [...document.querySelectorAll('main *')].flatMap((element) => {
      const { overflowX, textOverflow, clipPath, position } = getComputedStyle(element);
      const isIntended = textOverflow === 'ellipsis' || clipPath !== 'none' || position === 'fixed';
      const isClipped =
        element.textContent?.trim() !== '' &&
        overflowX === 'hidden' &&
        element.clientWidth > 0 &&
        element.scrollWidth > element.clientWidth + 1;
      return isClipped && !isIntended ? [element.outerHTML.slice(0, 160)] : [];
    });
    return [...clippedSelects, ...clippedElements];
  });
}

/** Returns elements whose text is broken into a column of a few characters per line. */
function findSqueezedText(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const isHidden = (element: Element | null): boolean =>
      element !== null && (getComputedStyle(element).clipPath !== 'none' || isHidden(element.parentElement));
    return [...document.querySelectorAll('main *')].flatMap((element) => {
      const hasText = [...element.childNodes].some(
        ({ nodeType, textContent }) => nodeType === 3 && textContent?.trim(),
      );
      const { width, height } = element.getBoundingClientRect();
      const fontSize = Number.parseFloat(getComputedStyle(element).fontSize);
      const isSqueezed = hasText && width < 4 * fontSize && height > 5 * fontSize && !isHidden(element);
      return isSqueezed ? [element.outerHTML.slice(0, 160)] : [];
    });
  });
}

/** Returns elements that are animated although the browser requests reduced motion, except loading indicators. */
function findAnimations(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    document.getAnimations().flatMap(({ effect }) => {
      const { target } = effect as KeyframeEffect;
      return target === null || target.matches('.mantine-Loader-root') ? [] : [target.outerHTML.slice(0, 120)];
    }),
  );
}

/**
 * Checks a page, with its dialog if one is open, in each of the `APPEARANCES`: no accessibility violations, no
 * horizontal overflow, no text cut off or squeezed, no animations. Also checks that the title matches the heading, and
 * that nothing overflows at the `EXTRA_WIDTHS`.
 */
export async function checkAppearance(page: Page, name: string): Promise<void> {
  const { width: initialWidth } = page.viewportSize() ?? { width: 1280 };
  const heading = await page.getByRole('heading', { level: 1, includeHidden: true }).first().textContent();
  const [title = '', product] = (await page.title()).split(' · ');
  assert.ok(product === 'Devpilot' && heading?.includes(title), `title ${title}, heading ${heading}`);
  for (const { scheme, width } of APPEARANCES) {
    await page.emulateMedia({ colorScheme: scheme });
    await assertFits(page, width);
    assert.deepEqual(await findAnimations(page), [], 'no animations with reduced motion');
    assert.deepEqual(await findClippedText(page), [], 'no text is cut off');
    assert.deepEqual(await findSqueezedText(page), [], 'no text is squeezed');
    await saveScreenshotIfEnabled(page, `${name}-${scheme}-${width}`);
    assert.deepEqual(await findAccessibilityViolations(page), [], `${name}, ${scheme}, ${width} pixels`);
  }
  for (const width of EXTRA_WIDTHS) await assertFits(page, width);
  await page.emulateMedia({ colorScheme: 'light' });
  await assertFits(page, initialWidth);
}

/** Collects uncaught errors and console errors, including violations of the content security policy. */
export function watchConsole(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // The browser logs responses such as 401 and 404, which some tests expect.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      problems.push(message.text());
    }
  });
  return problems;
}
