/** Columns of projects, servers, apps and scripts. */
export interface ResourceColumns {
  id: string;
  workspace_id: string;
  name: string;
  /** The name in lower case, for searching and sorting. */
  name_key: string;
  slug: string;
  created_at: number;
  updated_at: number;
}

/** The actor who created the row, under the name at that time. */
export interface ActorColumns {
  /** An `AuditPartyKind`. */
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
}
