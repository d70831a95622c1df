import type { Generated } from 'kysely';

export interface PersonTable {
  id: string;
  name: string;
  email: string;
  /** The email address normalized for comparison: NFC, lower case. */
  email_key: string;
  password_hash: string;
  /** The sealed TOTP key, including one that is not confirmed yet. */
  totp_sealed: string | null;
  totp_enabled: Generated<number>;
  /** The last accepted time step, so that each code works once. */
  totp_last_step: Generated<number>;
  last_workspace_id: string | null;
  /** 1 if the person administers the installation. */
  operator: Generated<number>;
  /** 1 if the person cannot sign in. */
  disabled: Generated<number>;
  /** When all access of the person was last ended; device codes created before then cannot be approved. */
  access_ended_at: Generated<number>;
  created_at: number;
  updated_at: number;
}

export interface SessionTable {
  id: string;
  person_id: string;
  digest: Uint8Array;
  kind: string;
  address: string | null;
  user_agent: string | null;
  created_at: number;
  last_used_at: number;
  /** When it ends regardless of use. */
  ends_at: number;
}

export interface PasskeyTable {
  id: string;
  person_id: string;
  name: string;
  /** The authenticator's credential ID, base64url. */
  credential_id: string;
  public_key: Uint8Array;
  /** The authenticator's signature counter; 0 for authenticators without one. */
  counter: number;
  /** JSON array. */
  transports: string;
  backed_up: number;
  /** The host name it was registered for (WebAuthn RP ID); it works on no other. */
  rp_id: string;
  created_at: number;
  last_used_at: number | null;
}

export interface PasskeyChallengeTable {
  digest: Uint8Array;
  /** The person adding a passkey; null for a sign-in. */
  person_id: string | null;
  address: string;
  expires_at: number;
}

export interface DeviceCodeTable {
  id: string;
  device_digest: Uint8Array;
  user_code: string;
  client: string;
  address: string | null;
  person_id: string | null;
  status: string;
  last_polled_at: number;
  created_at: number;
  expires_at: number;
  /** The session that approved it. */
  session_id: string | null;
}

/** An account at an OpenID Connect provider that signs a person in. */
export interface PersonIdentityTable {
  id: string;
  person_id: string;
  issuer: string;
  subject: string;
  /** The email address that the provider last sent; for display only. */
  email: string | null;
  created_at: number;
  last_used_at: number;
}

/** How a session was started, unless it was with a password or a passkey. */
export interface SessionSignInTable {
  session_id: string;
  /** Null for a sign-in link. */
  identity_id: string | null;
  /** The session's ID at the provider (`sid`). */
  provider_session: string | null;
  /** 1 if the provider reported that multiple factors were used. */
  multi_factor: number;
  /** Until when the sign-in confirms sensitive actions. */
  fresh_until: number;
  refresh_token_sealed: string | null;
  /** When the provider last confirmed the session. */
  checked_at: number;
}

export interface SingleUseTable {
  key: string;
  content: string | null;
  expires_at: number;
}
