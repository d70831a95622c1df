import { DAY } from '../../contract/limits.ts';
import type { CredentialRow } from '../../store/credentials.ts';
import type { Store } from '../../store/store.ts';

export const NOW = 20_000 * DAY;
export const bytes = (text: string): Buffer => Buffer.from(text.padEnd(32, '.'));

/** What the tests of a store share; only for use within tests and hooks, after the store was opened. */
export interface StoreFixture {
  readonly store: Store;
  /** A workspace, and the person who owns it. */
  readonly owner: { readonly workspaceId: string; readonly personId: string };
  /** The API key of this id; in the workspace of `owner` unless another is given. */
  find(id: string, workspaceId?: string): Promise<CredentialRow | undefined>;
}
