/** An event of a workspace's activity log. */
export interface AuditEventTable {
  id: string;
  workspace_id: string;
  /** Increases by 1 with each event of the workspace, starting at 1. */
  sequence: number;
  at: number;
  /** An `AuditAction`. */
  action: string;
  /** An `AuditPartyKind`. */
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
  /** An `AuditPartyKind`. */
  target_kind: string | null;
  target_id: string | null;
  target_name: string | null;
  /** The credential or session with which the request was authenticated. */
  credential_id: string | null;
  /** An `AuditPartyKind`. */
  credential_kind: string | null;
  credential_name: string | null;
  address: string | null;
  user_agent: string | null;
  request_id: string | null;
  /** JSON object; its fields depend on the action. */
  detail: string;
  /** The `hash` of the previous event of the workspace. */
  previous_hash: string;
  /** SHA-256 in hex, see `hashOfAuditEvent`. */
  hash: string;
}
