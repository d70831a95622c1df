import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { TestPerson } from '../src/testing/test-server.ts';
import { checkAppearance } from './browser.ts';
import type { BrowserFixture } from './browser-fixture.ts';

/** Something to look at, and what is done to its page before it is looked at. */
export interface PageCheck {
  readonly name: string;
  readonly path: string | (() => string);
  /** Who looks: the owner where it is left out, nobody where it gives null. */
  readonly person?: () => TestPerson | null;
  readonly prepare?: (tab: Page) => Promise<unknown>;
}

/** Declares for each sight that it bears to be looked at in both schemes, wide and narrow. */
export function checkPages(fixture: BrowserFixture, checks: readonly PageCheck[]): void {
  for (const { name, path, person, prepare } of checks) {
    test(`${name} has no barriers and fits, in both schemes, wide and narrow`, async () => {
      const tab = await fixture.open(typeof path === 'string' ? path : path(), {
        ...(person !== undefined && { person: person() }),
      });
      await prepare?.(tab);
      await checkAppearance(tab, name);
    });
  }
}
