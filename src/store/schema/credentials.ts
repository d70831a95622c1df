import type { Generated } from 'kysely';

export interface CredentialTable {
  id: string;
  workspace_id: string;
  /** A `CredentialKind`. */
  kind: string;
  name: string;
  /** The name in lower case, for searching and sorting. */
  name_key: string;
  description: string | null;
  /** JSON array of scopes or permissions. */
  rights: string;
  passphrase_hash: string | null;
  active: number;
  /** 1 for an API key that may run guards. */
  guard: Generated<number>;
  /** SHA-256 of the secret. */
  digest: Uint8Array;
  /** The last characters of the secret. */
  hint: string;
  expires_at: number | null;
  created_at: number;
  updated_at: number;
  /** The ID of a person. Null if the account was deleted. */
  created_by: string | null;
  last_used_at: number | null;
  use_count: Generated<number>;
  /** The credential that this one replaces; null if there is none or it was deleted. */
  replaces_id: string | null;
  /**
   * The chosen expiry (`NEVER_EXPIRES` for never) while the policy ends the credential earlier; null while `expires_at`
   * is the chosen expiry.
   */
  unbound_expires_at: number | null;
  /** One bit per violated rule of the policy, by its position in `CREDENTIAL_RULES`. */
  policy_violations: Generated<number>;
  /** JSON: a `Restrictions` without `maxUses`; null if nothing in it is restricted. */
  restrictions: string | null;
  /** Null if it may be used any number of times. */
  max_uses: number | null;
  /** Number of uses since `max_uses` was set. */
  spent_uses: Generated<number>;
  /** The token bucket of the rate: how much is missing from a full bucket at `rate_at`, in the unit of `RateLevel`. */
  rate_missing: Generated<number>;
  rate_at: Generated<number>;
  /** How an access token was created, an `AccessTokenOrigin`; `person` for an API key. */
  origin: Generated<string>;
  /** The workload identity or the access token that an access token was issued for; null if a person created it. */
  issued_by: string | null;
}

/** Reported uses that have not been added to the credentials yet. */
export interface UsageChunkTable {
  node_id: string;
  /** Increases with each chunk of the node. */
  number: number;
  /** Number of credentials in the chunk. */
  size: number;
  /** JSON array of one array per credential, as written by `insertUsageChunk`. */
  uses: string;
}

/** The last decision to keep a credential that was reviewed. */
export interface CredentialReviewTable {
  credential_id: string;
  workspace_id: string;
  reviewed_at: number;
  /** The review omits the credential until then, but not if a reason applies that is not among `reasons`. */
  kept_until: number;
  /** The reasons at the time of the decision: one bit per reason, by its position in `REVIEW_REASONS`. */
  reasons: number;
  /** The person who decided, as in the activity log. */
  reviewed_by: string | null;
  reviewed_by_name: string | null;
  note: string | null;
}

/** A deleted credential, kept for a time to record requests with its secret. */
export interface CredentialTombstoneTable {
  digest: Uint8Array;
  workspace_id: string;
  credential_id: string;
  /** A `CredentialKind`. */
  kind: string;
  name: string;
  /** The ID of its creator, whose account may have been deleted. */
  created_by: string | null;
  deleted_at: number;
}
