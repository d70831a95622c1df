import { DAY } from '../../contract/limits.ts';
import type { CredentialRow } from '../../store/credentials.ts';
import type { Store } from '../../store/store.ts';

/** Start of day 20,000 since 1970-01-01 (UTC), in epoch milliseconds. */
export const NOW = 20_000 * DAY;
/** Returns bytes with the length of a digest that begin with `text`. */
export const testDigest = (text: string): Buffer => Buffer.from(text.padEnd(32, '.'));

/** Values that the tests of a store share. Available only in tests and hooks, after the store was opened. */
export interface StoreFixture {
  readonly store: Store;
  /** A workspace and its owner. */
  readonly owner: { readonly workspaceId: string; readonly personId: string };
  /** Finds an API key by its ID, by default in the workspace of `owner`. */
  find(id: string, workspaceId?: string): Promise<CredentialRow | undefined>;
}
