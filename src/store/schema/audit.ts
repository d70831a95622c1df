export interface AuditEventTable {
  id: string;
  workspace_id: string;
  sequence: number;
  at: number;
  action: string;
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
  target_kind: string | null;
  target_id: string | null;
  target_name: string | null;
  credential_id: string | null;
  credential_kind: string | null;
  credential_name: string | null;
  address: string | null;
  user_agent: string | null;
  request_id: string | null;
  detail: string;
  previous_hash: string;
  hash: string;
}
