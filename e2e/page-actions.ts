import type { Locator, Page } from 'playwright-core';
import { PASSWORD } from '../src/testing/test-server.ts';

/** What people do on every page, in the tests' words. */

/** The row of a table that holds these words. */
export const rowOf = (tab: Page, words: string): Locator => tab.getByRole('row').filter({ hasText: words });

/** The line of a list that holds these words. */
export const listItemOf = (tab: Page | Locator, words: string): Locator =>
  tab.getByRole('listitem').filter({ hasText: words });

/** Opens the menu of a row and chooses from it. */
export async function chooseInMenu(tab: Page, name: string, item: string | RegExp): Promise<void> {
  await tab.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
  await tab.getByRole('menuitem', { name: item }).click();
}

/** Fills the sign-in form and sends it. */
export async function signIn(tab: Page, email: string, password = PASSWORD): Promise<void> {
  await tab.getByLabel('Email').fill(email);
  await tab.getByLabel('Password', { exact: true }).fill(password);
  await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
}
