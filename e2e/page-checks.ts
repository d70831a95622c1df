import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { TestPerson } from '../src/testing/test-server.ts';
import { checkAppearance } from './browser.ts';
import type { BrowserFixture } from './browser-fixture.ts';

/** A page whose appearance is checked, and how to bring it into the state to check. */
export interface PageCheck {
  readonly name: string;
  readonly path: string | (() => string);
  /** Returns the person who is signed in, or null for a signed-out tab. Default: the owner. */
  readonly person?: () => TestPerson | null;
  readonly prepare?: (tab: Page) => Promise<unknown>;
}

/** Declares one test per page that runs `checkAppearance` on it. */
export function checkPages(fixture: BrowserFixture, checks: readonly PageCheck[]): void {
  for (const { name, path, person, prepare } of checks) {
    test(`${name} is accessible and fits the window in both color schemes, wide and narrow`, async () => {
      const tab = await fixture.open(typeof path === 'string' ? path : path(), {
        ...(person !== undefined && { person: person() }),
      });
      await prepare?.(tab);
      await checkAppearance(tab, name);
    });
  }
}
