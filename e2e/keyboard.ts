import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { checkAppearance } from './browser.ts';

/** More stops than any page or dialog has. */
const MAX_TAB_STOPS = 120;

const NOWHERE = 'nothing has the focus';

/** What is wrong with how the focus shows, null where a person sees where it is (WCAG 2.4.7, 2.4.11). */
function focusProblem(nowhere: string): string | null {
  const { activeElement: active } = document;
  if (active === null || active === document.body) return nowhere;
  // A field's frame and the track of a switch show the focus for the input within or before them.
  const shown = [active, active.closest('.mantine-Input-input'), active.nextElementSibling].some((one) => {
    if (one === null) return false;
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
  });
  if (!shown) return `the focus does not show on ${active.outerHTML.slice(0, 160)}`;
  const { top, bottom, left, right } = active.getBoundingClientRect();
  const isSeen = bottom >= 0 && top <= window.innerHeight && right >= 0 && left <= window.innerWidth;
  return isSeen ? null : `the focus is out of sight on ${active.outerHTML.slice(0, 160)}`;
}

/** A person without a mouse. */
export interface KeyboardUser {
  press(...keys: string[]): Promise<void>;
  type(text: string): Promise<void>;
  /** Presses Tab until this has the focus; at each stop it must show where the focus is. */
  tabTo(target: Locator): Promise<void>;
  /** Goes to a button or link and presses Enter. */
  enter(target: Locator): Promise<void>;
  /** Goes to a checkbox, radio or switch and presses the space bar. */
  toggle(target: Locator): Promise<void>;
  /** Goes to the button of a menu, opens it, and walks with the arrows to an item and chooses it. */
  choose(button: Locator, item: string | RegExp): Promise<void>;
}

const isFocused = (target: Locator): Promise<boolean> =>
  target.evaluate((element) => element === document.activeElement);

/** Waits until this has the focus. */
export async function waitForFocus(tab: Page, target: Locator): Promise<void> {
  const element = await target.elementHandle();
  await tab.waitForFunction((one) => one === document.activeElement, element);
}

export function createKeyboardUser(tab: Page): KeyboardUser {
  async function walk(key: string, target: Locator): Promise<void> {
    await target.waitFor();
    let rounds = 0;
    for (let stop = 0; stop < MAX_TAB_STOPS; stop++) {
      if (await isFocused(target)) return;
      await tab.keyboard.press(key);
      const problem = await tab.evaluate(focusProblem, NOWHERE);
      // Once it may leave the page, for the bars of the browser, and begin from the start.
      if (problem !== NOWHERE || rounds++ > 0) assert.equal(problem, null);
    }
    assert.fail(`${key} never leads to ${target}`);
  }
  const keys: KeyboardUser = {
    async press(...pressed) {
      for (const key of pressed) await tab.keyboard.press(key);
    },
    type: (text) => tab.keyboard.type(text),
    tabTo: (target) => walk('Tab', target),
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
      await walk('ArrowDown', tab.getByRole('menuitem', { name: item }));
      await keys.press('Enter');
    },
  };
  return keys;
}

export const button = (where: Page | Locator, name: string | RegExp): Locator =>
  where.getByRole('button', { name, exact: typeof name === 'string' });

/** Waits for a dialog that holds the focus, and looks at it. */
export async function waitForDialog(tab: Page, name: string | RegExp, picture: string): Promise<Locator> {
  const dialog = tab.getByRole('dialog', { name, exact: typeof name === 'string' });
  await dialog.waitFor();
  await tab.waitForFunction(() => document.activeElement?.closest('[role=dialog]') !== null);
  await checkAppearance(tab, picture);
  return dialog;
}

/** Closes a dialog by Escape, and sees the focus back where it was. */
export async function closeWithEscape(dialog: Locator, opener: Locator): Promise<void> {
  const tab = dialog.page();
  await tab.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await waitForFocus(tab, opener);
}
