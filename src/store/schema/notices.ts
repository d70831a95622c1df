export interface NoticeTable {
  id: string;
  workspace_id: string;
  /** A `NoticeKind`. */
  kind: string;
  /** An `AuditPartyKind`: what the notice is about. */
  subject_kind: string;
  subject_id: string;
  subject_name: string;
  /**
   * Identifies the occurrence among those of the same kind and subject, for example by the days until an expiry. The
   * notice of one occurrence replaces that of another.
   */
  occurrence: string;
  /** JSON object; its fields depend on the kind. */
  detail: string;
  created_at: number;
  /** When it was last dismissed or snoozed, and by whom; null if it was not. */
  dismissed_at: number | null;
  dismissed_by_id: string | null;
  dismissed_by_name: string | null;
  /** Until when it was snoozed; null if it was dismissed permanently. */
  snoozed_until: number | null;
  /** When the immediate mails for it were created. */
  mailed_at: number | null;
  /** When it was added to the daily digests. */
  digested_at: number | null;
}

/** A mail that the mail server has not accepted yet. */
export interface NoticeMailTable {
  id: string;
  workspace_id: string;
  member_id: string;
  /** JSON array: the IDs of the notices in the mail. */
  notices: string;
  created_at: number;
  attempts: number;
  first_attempt_at: number | null;
  next_attempt_at: number;
  /** When the lease of the node that is sending the mail expires, by the database's clock; null if no node is. */
  lease_until: number | null;
}
