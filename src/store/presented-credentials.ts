import type { CredentialKind } from '../contract/vocabulary.ts';
import type { Store } from './store.ts';

/** The columns of a credential that an authorization decision needs. */
export interface AuthorizationRow {
  readonly kind: CredentialKind;
  readonly id: string;
  readonly workspace_id: string;
  readonly name: string;
  readonly rights: string;
  readonly active: number;
  readonly guard: number;
  readonly expires_at: number | null;
  readonly created_at: number;
  readonly passphrase_hash: string | null;
  readonly restrictions: string | null;
  readonly max_uses: number | null;
  readonly spent_uses: number;
  readonly rate_missing: number;
  readonly rate_at: number;
}

/** A credential; it was deleted at `deleted_at` or, if that is null, still exists. */
export type PresentedRow = AuthorizationRow & { readonly deleted_at: number | null };
const AUTHORIZATION_COLUMNS =
  'kind, id, workspace_id, name, rights, active, guard, expires_at, created_at, passphrase_hash, restrictions, max_uses, spent_uses, rate_missing, rate_at';

/**
 * Both parts are read by their index on the digest. At most one of them has a row with a given digest. The literals of
 * the second part stand for the columns from `rights` to `rate_at`, which no longer matter.
 */
const BY_DIGEST = {
  name: 'credential',
  table: `(
    select ${AUTHORIZATION_COLUMNS}, digest, cast(null as bigint) as deleted_at from credential
    union all
    select kind, credential_id, workspace_id, name, '[]', 0, 0, null, 0, null, null, null, 0, 0, 0, digest, deleted_at
    from credential_tombstone
  ) as presented`,
  columns: `${AUTHORIZATION_COLUMNS}, deleted_at`,
  key: 'digest',
};

/**
 * Returns the credential with a digest, even if it was deleted recently, or undefined. One indexed read on the hot
 * path. Not filtered by workspace, because the digest determines the workspace.
 */
export function findByDigest(store: Store, digest: Uint8Array): Promise<PresentedRow | undefined> {
  return store.lookUp<PresentedRow>(BY_DIGEST, digest);
}
