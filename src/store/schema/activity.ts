/** An event of the activity tracker (CloudEvents 1.0); its sender chooses `id` and `source`. */
export interface ActivityEventTable {
  workspace_id: string;
  source: string;
  id: string;
  /** Increases within the workspace, with gaps. */
  sequence: number;
  type: string;
  subject: string | null;
  at: number;
  /** JSON. */
  data: string | null;
  /**
   * JSON: the other attributes, by their CloudEvents names, and whether the data is base64. Null if there are none and
   * the data is not base64.
   */
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
  /** When the interval began. */
  at: number;
  /** The type, source or subject of the events. */
  key: string;
  count: number;
  /** Number of distinct subjects, estimated by the sketch. */
  subjects: number;
  sketch: string | null;
}
