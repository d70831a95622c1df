/**
 * An event of the activity tracker (CloudEvents 1.0), not of the activity log, which is `audit_event`. The event's
 * sender chooses `id` and `source`.
 */
export interface ActivityEventTable {
  workspace_id: string;
  source: string;
  id: string;
  /** Increases within the workspace, with gaps. */
  sequence: number;
  type: string;
  subject: string | null;
  at: number;
  /** JSON with secrets redacted. Binary data is a string in base64, marked in `attributes`. */
  data: string | null;
  /** JSON: a `StoredAttributes`, the attributes that have no column of their own; null if there are none. */
  attributes: string | null;
  received_at: number;
}

/** Number of events in one interval with the same type, source or subject. */
export interface ActivityRollupTable {
  workspace_id: string;
  /** The interval: `minute`, `hour` or `day`. */
  grain: string;
  /** `type`, `source` or `subject`. */
  dimension: string;
  /** When the interval begins. */
  at: number;
  /** The type, source or subject of the events. */
  key: string;
  count: number;
  /**
   * Number of distinct subjects, estimated by the sketch. Without a sketch: 1 if the dimension is `subject` and the key
   * is not empty, otherwise 0.
   */
  subjects: number;
  /**
   * An encoded sketch, see `distinct-count-sketch.ts`; null if the dimension is `subject` or no event had a subject.
   */
  sketch: string | null;
}
