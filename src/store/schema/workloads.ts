/** Tokens of an OpenID Connect issuer that can be exchanged for an access token. */
export interface WorkloadIdentityTable {
  id: string;
  workspace_id: string;
  name: string;
  issuer: string;
  /** Null if the keys are found by OpenID Connect discovery. */
  jwks_url: string | null;
  audience: string;
  /** JSON: a `ClaimConditions`, the pattern of each claim. */
  conditions: string;
  /** JSON: a `Scope[]`, the scopes of the issued access tokens. */
  scopes: string;
  lifetime_seconds: number;
  /** The restrictions of the issued access tokens, as in `CredentialTable`. */
  restrictions: string | null;
  /** The maximum number of uses of each issued access token, as in `CredentialTable`. */
  max_uses: number | null;
  created_at: number;
  updated_at: number;
  last_exchanged_at: number | null;
}

/** An attempt to exchange a token; the last ones of each workload identity are stored. */
export interface WorkloadExchangeTable {
  id: string;
  workspace_id: string;
  identity_id: string;
  at: number;
  accepted: number;
  /** The `reason` of a `WorkloadExchange`; null if it was accepted. */
  reason: string | null;
  /** What was expected; null if the exchange was accepted. */
  detail: string | null;
  /** JSON object: some claims of a token with a valid signature, as text; null for other tokens. */
  claims: string | null;
  /** The ID of the issued access token. */
  credential_id: string | null;
  address: string | null;
}

/** A token that was accepted and must not be accepted again. */
export interface WorkloadReplayTable {
  workspace_id: string;
  /** SHA-256 of its issuer and `jti`. */
  digest: Uint8Array;
  /** When it can no longer be presented, epoch milliseconds. */
  expires_at: number;
}
