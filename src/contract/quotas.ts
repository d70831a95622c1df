/**
 * How much a workspace, a person or a principal can add. Requests beyond a quota are rejected with `quota_exceeded`.
 * Deletions and revocations are never rejected. A test compares this table with the table in `docs/operations.md`.
 */

const DAY_MS = 86_400_000;

export interface Quota {
  readonly max: number;
  /** The window in milliseconds; null for a limit on the number of existing resources. */
  readonly spanMs: number | null;
  /** `principal`: per person or credential in a workspace, so that a busy credential does not use up a shared quota. */
  readonly per: 'workspace' | 'person' | 'principal';
  /** The counted unit, in the plural. */
  readonly unit: string;
}

export const QUOTAS = {
  workspaces: { max: 50, spanMs: null, per: 'person', unit: 'owned workspaces' },
  sessions: { max: 100, spanMs: null, per: 'person', unit: 'sessions' },
  invitations: { max: 50, spanMs: DAY_MS, per: 'workspace', unit: 'new invitations' },
  invitationsByPerson: { max: 100, spanMs: DAY_MS, per: 'person', unit: 'new invitations' },
  credentials: { max: 20_000, spanMs: DAY_MS, per: 'workspace', unit: 'new access tokens and API keys' },
  exchanges: { max: 20_000, spanMs: DAY_MS, per: 'principal', unit: 'access tokens issued in exchanges' },
  resources: { max: 5_000, spanMs: DAY_MS, per: 'principal', unit: 'new projects, apps, servers and scripts' },
  work: { max: 10_000, spanMs: DAY_MS, per: 'principal', unit: 'started deployments, runs, backups and restores' },
  waitingJobs: { max: 1_000, spanMs: null, per: 'workspace', unit: 'waiting deployments, runs and backups' },
  reveals: { max: 2_000, spanMs: DAY_MS, per: 'principal', unit: 'recorded reads of variable values' },
  leakReports: { max: 100, spanMs: DAY_MS, per: 'principal', unit: "recorded reports of a credential's leaked secret" },
  changes: { max: 20_000, spanMs: DAY_MS, per: 'principal', unit: 'other changes recorded in the activity log' },
  logs: { max: 10_000_000_000, spanMs: DAY_MS, per: 'workspace', unit: 'characters of logs' },
  idempotencyKeys: { max: 100_000, spanMs: DAY_MS, per: 'principal', unit: 'requests with an Idempotency-Key' },
  activityEvents: { max: 50_000_000, spanMs: DAY_MS, per: 'principal', unit: 'activity events' },
  activityData: {
    max: 20_000_000_000,
    spanMs: DAY_MS,
    per: 'principal',
    unit: 'characters of activity event data',
  },
  errorEvents: { max: 5_000_000, spanMs: DAY_MS, per: 'principal', unit: 'reported errors' },
  keptErrors: { max: 1_000_000_000, spanMs: DAY_MS, per: 'principal', unit: 'characters of stored error reports' },
  newIssues: { max: 1_000, spanMs: DAY_MS, per: 'principal', unit: 'new issues' },
} as const satisfies Record<string, Quota>;
export type QuotaName = keyof typeof QUOTAS;
