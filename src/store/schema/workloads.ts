export interface WorkloadIdentityTable {
  id: string;
  workspace_id: string;
  name: string;
  issuer: string;
  /** Null if the keys are found by OpenID Connect discovery. */
  jwks_url: string | null;
  audience: string;
  /** JSON: the pattern of each claim. */
  conditions: string;
  /** JSON: scopes of the issued access tokens. */
  scopes: string;
  lifetime_seconds: number;
  /** As in `CredentialTable`. */
  restrictions: string | null;
  max_uses: number | null;
  created_at: number;
  updated_at: number;
  last_exchanged_at: number | null;
}

export interface WorkloadExchangeTable {
  id: string;
  workspace_id: string;
  identity_id: string;
  at: number;
  accepted: number;
  reason: string | null;
  detail: string | null;
  /** JSON: claims of a token with a valid signature; null for other tokens. */
  claims: string | null;
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
