import type { Generated } from 'kysely';

export interface CredentialTable {
  id: string;
  workspace_id: string;
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
  digest: Uint8Array;
  hint: string;
  expires_at: number | null;
  created_at: number;
  updated_at: number;
  /** Null if the account was deleted. */
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
  /** JSON object with addresses, projects, apps and rate; null if none of them is restricted. */
  restrictions: string | null;
  /** Null if it may be used any number of times. */
  max_uses: number | null;
  /** Number of uses since `max_uses` was set. */
  spent_uses: Generated<number>;
  /** The token bucket of the rate: the number of tokens missing at `rate_at`, as in `RateLevel`. */
  rate_missing: Generated<number>;
  rate_at: Generated<number>;
  /** How an access token was created; `person` for an API key. */
  origin: Generated<string>;
  /** The workload identity or the access token that an access token was issued for; null if a person created it. */
  issued_by: string | null;
}

/** Reported uses that have not been added to the credentials yet. */
export interface UsageChunkTable {
  node_id: string;
  number: number;
  /** Number of credentials in it. */
  size: number;
  uses: string;
}

/** The last decision to keep a credential that was reviewed. */
export interface CredentialReviewTable {
  credential_id: string;
  workspace_id: string;
  reviewed_at: number;
  /** Until when the review omits the credential, unless reasons besides `reasons` apply. */
  kept_until: number;
  /** One bit per reason, by its position in `REVIEW_REASONS`. */
  reasons: number;
  /** The person who decided, as in the activity log. */
  reviewed_by: string | null;
  reviewed_by_name: string | null;
  note: string | null;
}

/** A deleted credential. */
export interface CredentialTombstoneTable {
  digest: Uint8Array;
  workspace_id: string;
  credential_id: string;
  kind: string;
  name: string;
  /** The ID of its creator, whose account may have been deleted. */
  created_by: string | null;
  deleted_at: number;
}
