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
  /** A `Role`. */
  role: string;
  created_at: number;
  /** 1 if a group of the OpenID Connect provider grants the membership, which ends when the person leaves the group. */
  by_group: Generated<number>;
  /**
   * JSON object: the `NotificationMode` by `NoticeKind`, for the kinds for which the member chose one; null for none.
   */
  notifications: string | null;
}

/** The role that each group of the OpenID Connect provider grants. */
export interface WorkspaceSsoTable {
  workspace_id: string;
  /** The name of the claim that contains the groups of a person. */
  claim: string;
  /** JSON object: the `AssignableRole` by group. */
  roles: string;
}

export interface InvitationTable {
  id: string;
  workspace_id: string;
  email: string;
  /** As in `PersonTable`. */
  email_key: string;
  /** An `AssignableRole`. */
  role: string;
  /** SHA-256 of the token in the invitation link. */
  digest: Uint8Array;
  /** The ID of a person. */
  created_by: string;
  created_at: number;
  expires_at: number;
}

/** The rules for credentials of a workspace, a `Policy`. */
export interface WorkspacePolicyTable {
  workspace_id: string;
  /** Null for no maximum. */
  max_lifetime_days: number | null;
  /** When the maximum lifetime starts to apply to existing credentials; null for never. */
  binds_existing_from: number | null;
  /** JSON: a `Scope[]`, the scopes whose access tokens must have a passphrase. */
  passphrase_scopes: string;
  /** 1 if access tokens can have the scope `all`. */
  allow_all: number;
  require_addresses: number;
  require_two_factor: number;
  /** Who can create credentials: `admins` or `owner`. */
  created_by: string;
  unused_after_days: number;
  /** What happens to a leaked credential: `delete` or `notify`. */
  on_leak: string;
  /** JSON array: the prefixes of secrets of credentials that were imported from other systems. */
  foreign_prefixes: string;
}
