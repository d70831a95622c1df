import type { Generated } from 'kysely';

export interface WorkspaceTable {
  id: string;
  name: string;
  slug: string;
  created_at: number;
  updated_at: number;
}

export interface MemberTable {
  id: string;
  workspace_id: string;
  person_id: string;
  role: string;
  created_at: number;
  /** 1 if a group of the OpenID Connect provider grants the membership, which ends when the person leaves the group. */
  by_group: Generated<number>;
  /** JSON: how the member is notified of kinds of notices; null if nothing was chosen. */
  notifications: string | null;
}

/** The role that each group of the OpenID Connect provider grants. */
export interface WorkspaceSsoTable {
  workspace_id: string;
  claim: string;
  /** JSON object: the role by the value of the claim. */
  roles: string;
}

export interface InvitationTable {
  id: string;
  workspace_id: string;
  email: string;
  email_key: string;
  role: string;
  digest: Uint8Array;
  created_by: string;
  created_at: number;
  expires_at: number;
}

export interface WorkspacePolicyTable {
  workspace_id: string;
  max_lifetime_days: number | null;
  binds_existing_from: number | null;
  /** JSON array of scopes. */
  passphrase_scopes: string;
  allow_all: number;
  require_addresses: number;
  require_two_factor: number;
  created_by: string;
  unused_after_days: number;
  on_leak: string;
  /** JSON array. */
  foreign_prefixes: string;
}
