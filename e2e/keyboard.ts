import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { checkAppearance } from './browser.ts';

/** More tab stops than any page or dialog has. */
const MAX_TAB_STOPS = 120;

const NOT_FOCUSED = 'no element is focused';

/** Describes why the focus is not visible, or returns null if it is (WCAG 2.4.7, 2.4.11). Runs in the browser. */
function findFocusProblem(notFocused: string): string | null {
  const { activeElement: active } = document;
  if (active === null || active === document.body) return notFocused;
  // The focus of an input can be shown by the frame around its field or by the track of its switch.
  const hasOutline = [active, active.closest('.mantine-Input-input'), active.nextElementSibling].some((element) => {
    if (element === null) return false;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
  });
  if (!hasOutline) return `the focus is invisible on ${active.outerHTML.slice(0, 160)}`;
  const { top, bottom, left, right } = active.getBoundingClientRect();
  const isInWindow = bottom >= 0 && top <= window.innerHeight && right >= 0 && left <= window.innerWidth;
  return isInWindow ? null : `the focused element is outside the window: ${active.outerHTML.slice(0, 160)}`;
}

/** Uses a page by keyboard only. */
export interface KeyboardUser {
  press(...keys: string[]): Promise<void>;
  type(text: string): Promise<void>;
  /** Presses Tab until the element is focused. Fails if the focus is invisible at any stop. */
  tabTo(target: Locator): Promise<void>;
  /** Tabs to a button or link and presses Enter. */
  enter(target: Locator): Promise<void>;
  /** Tabs to a checkbox, radio button or switch and presses Space. */
  toggle(target: Locator): Promise<void>;
  /** Opens the menu of a button and chooses an item with the arrow keys. */
  choose(button: Locator, item: string | RegExp): Promise<void>;
}

const isFocused = (target: Locator): Promise<boolean> =>
  target.evaluate((element) => element === document.activeElement);

/** Waits until the element is focused. */
export async function waitForFocus(tab: Page, target: Locator): Promise<void> {
  const element = await target.elementHandle();
  await tab.waitForFunction((focused) => focused === document.activeElement, element);
}

export function createKeyboardUser(tab: Page): KeyboardUser {
  /** Presses a key until the element is focused. Fails if the focus is invisible meanwhile. */
  async function pressUntilFocused(key: string, target: Locator): Promise<void> {
    await target.waitFor();
    let wrapCount = 0;
    for (let stop = 0; stop < MAX_TAB_STOPS; stop++) {
      if (await isFocused(target)) return;
      await tab.keyboard.press(key);
      const problem = await tab.evaluate(findFocusProblem, NOT_FOCUSED);
      // The focus can leave the page once, for the browser's toolbar, and start again at the top.
      if (problem !== NOT_FOCUSED || wrapCount++ > 0) assert.equal(problem, null);
    }
    assert.fail(`${key} never leads to ${target}`);
  }
  const keys: KeyboardUser = {
    async press(...pressed) {
      for (const key of pressed) await tab.keyboard.press(key);
    },
    type: (text) => tab.keyboard.type(text),
    tabTo: (target) => pressUntilFocused('Tab', target),
    async enter(target) {
      await keys.tabTo(target);
      await keys.press('Enter');
    },
    async toggle(target) {
      await keys.tabTo(target);
      await keys.press('Space');
    },
    async choose(button, item) {
      await keys.enter(button);
      await tab.getByRole('menu').waitFor();
      await pressUntilFocused('ArrowDown', tab.getByRole('menuitem', { name: item }));
      await keys.press('Enter');
    },
  };
  return keys;
}

export const button = (container: Page | Locator, name: string | RegExp): Locator =>
  container.getByRole('button', { name, exact: typeof name === 'string' });

/** Waits until a dialog contains the focus, and checks its appearance. */
export async function waitForDialog(tab: Page, name: string | RegExp, screenshotName: string): Promise<Locator> {
  const dialog = tab.getByRole('dialog', { name, exact: typeof name === 'string' });
  await dialog.waitFor();
  await tab.waitForFunction(() => document.activeElement?.closest('[role=dialog]') !== null);
  await checkAppearance(tab, screenshotName);
  return dialog;
}

/** Closes a dialog with Escape and waits until its opener is focused again. */
export async function closeWithEscape(dialog: Locator, opener: Locator): Promise<void> {
  const tab = dialog.page();
  await tab.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await waitForFocus(tab, opener);
}
