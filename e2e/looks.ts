import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { TestPerson } from '../src/testing/house.ts';
import { inspect } from './browser.ts';
import type { Stage } from './stage.ts';

/** Something to look at, and what is done to its page before it is looked at. */
export interface Sight {
  readonly name: string;
  readonly path: string | (() => string);
  /** Who looks: the owner where it is left out, nobody where it gives null. */
  readonly person?: () => TestPerson | null;
  readonly reach?: (tab: Page) => Promise<unknown>;
}

/** Declares for each sight that it bears to be looked at in both schemes, wide and narrow. */
export function looksRight(stage: Stage, sights: readonly Sight[]): void {
  for (const { name, path, person, reach } of sights) {
    test(`${name} has no barriers and fits, in both schemes, wide and narrow`, async () => {
      const tab = await stage.open(typeof path === 'string' ? path : path(), {
        ...(person !== undefined && { person: person() }),
      });
      await reach?.(tab);
      await inspect(tab, name);
    });
  }
}
