import type { Generated } from 'kysely';

export interface PersonTable {
  id: string;
  name: string;
  email: string;
  /** The email address normalized for comparison: NFC, lower case. */
  email_key: string;
  password_hash: string;
  /** The sealed TOTP key, even if it is not confirmed yet. */
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
  /** SHA-256 of the session's secret. */
  digest: Uint8Array;
  /** `browser` or `device`. */
  kind: string;
  address: string | null;
  user_agent: string | null;
  created_at: number;
  last_used_at: number;
  /** When the session ends even if it is used. */
  ends_at: number;
}

export interface PasskeyTable {
  id: string;
  person_id: string;
  name: string;
  /** The authenticator's credential ID, base64url. */
  credential_id: string;
  /** In COSE format. */
  public_key: Uint8Array;
  /** The authenticator's signature counter; 0 for authenticators without one. */
  counter: number;
  /** JSON array: how the authenticator can be reached, such as `usb` (WebAuthn `getTransports`). */
  transports: string;
  /** 1 if the passkey is synchronized between devices. */
  backed_up: number;
  /** The host name that the passkey was registered for and works on (WebAuthn RP ID). */
  rp_id: string;
  created_at: number;
  last_used_at: number | null;
}

export interface PasskeyChallengeTable {
  /** A digest of the purpose and the challenge. */
  digest: Uint8Array;
  /** The person adding a passkey; null for a sign-in. */
  person_id: string | null;
  /** The client's network (`clientNetwork`). */
  address: string;
  expires_at: number;
}

/** A sign-in of a device such as the CLI, which a person approves in the web UI (RFC 8628). */
export interface DeviceCodeTable {
  id: string;
  /** SHA-256 of the device code. */
  device_digest: Uint8Array;
  user_code: string;
  /** The name that the device gave itself. */
  client: string;
  address: string | null;
  /** The person who approved or denied the sign-in. */
  person_id: string | null;
  /** `pending`, `approved` or `denied`. */
  status: string;
  last_polled_at: number;
  created_at: number;
  expires_at: number;
  /** The session in which the person decided. */
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

/** How a session was started. Sessions that were started with a password or a passkey have no row. */
export interface SessionSignInTable {
  session_id: string;
  /** Null for a sign-in link. */
  identity_id: string | null;
  /** The session's ID at the provider (`sid`). */
  provider_session: string | null;
  /** 1 if the provider reported that multiple factors were used. */
  multi_factor: number;
  /** Until when sensitive actions need no other confirmation than this sign-in. */
  fresh_until: number;
  /** The provider's refresh token; null if it sent none. */
  refresh_token_sealed: string | null;
  /** When the provider last confirmed the session; for a sign-in link, when the session started. */
  checked_at: number;
}

/** A code or token that can be used once, or the secret with which a session was recently ended. */
export interface SingleUseTable {
  /** The purpose followed by a digest of the code or token. */
  key: string;
  /** Data stored with the code or token; its format depends on the purpose. Null for some purposes. */
  content: string | null;
  expires_at: number;
}
