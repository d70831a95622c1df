import type { Locator, Page } from 'playwright-core';
import { PASSWORD } from '../src/testing/test-server.ts';

export const dialog = (tab: Page, name: string): Locator => tab.getByRole('dialog', { name });
export const log = (tab: Page): Locator => tab.getByRole('log', { name: 'Log' });

/** Returns the table row that contains this text. */
export const rowOf = (tab: Page, text: string): Locator => tab.getByRole('row').filter({ hasText: text });

/** Returns the list item that contains this text. */
export const listItemOf = (tab: Page | Locator, text: string): Locator =>
  tab.getByRole('listitem').filter({ hasText: text });

/** Opens the actions menu of a row and chooses an item. */
export async function chooseInMenu(tab: Page, name: string, item: string | RegExp): Promise<void> {
  await tab.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
  await tab.getByRole('menuitem', { name: item }).click();
}

/** Fills in the sign-in form and submits it. */
export async function signIn(tab: Page, email: string, password = PASSWORD): Promise<void> {
  await tab.getByLabel('Email').fill(email);
  await tab.getByLabel('Password', { exact: true }).fill(password);
  await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
}
