import { DAY } from './limits.ts';

/**
 * How much a workspace, a person or a principal can add. Requests beyond a quota are rejected with `quota_exceeded`.
 * Deletions and revocations are never rejected. A test compares this table with the table in `docs/operations.md`.
 */

export interface Quota {
  readonly max: number;
  /** The window in milliseconds; null for a limit on the number of existing resources. */
  readonly windowMs: number | null;
  /**
   * `principal`: per person, credential or error key in a workspace, so that a busy credential does not use up a shared
   * quota.
   */
  readonly per: 'workspace' | 'person' | 'principal' | 'leaked credential';
  /** The counted unit, in the plural. */
  readonly unit: string;
}

export const QUOTAS = {
  workspaces: { max: 50, windowMs: null, per: 'person', unit: 'owned workspaces' },
  sessions: { max: 100, windowMs: null, per: 'person', unit: 'sessions' },
  invitations: { max: 50, windowMs: DAY, per: 'workspace', unit: 'new invitations' },
  invitationsByPerson: { max: 100, windowMs: DAY, per: 'person', unit: 'new invitations' },
  credentials: { max: 20_000, windowMs: DAY, per: 'workspace', unit: 'new access tokens and API keys' },
  exchanges: { max: 20_000, windowMs: DAY, per: 'principal', unit: 'access tokens issued in exchanges' },
  resources: { max: 5_000, windowMs: DAY, per: 'principal', unit: 'new projects, apps, servers and scripts' },
  work: {
    max: 10_000,
    windowMs: DAY,
    per: 'principal',
    unit: 'started deployments, runs, backups, restores and verifications',
  },
  waitingJobs: {
    max: 1_000,
    windowMs: null,
    per: 'workspace',
    unit: 'waiting jobs, such as deployments, runs and backups',
  },
  reveals: { max: 2_000, windowMs: DAY, per: 'principal', unit: 'recorded reads of variable values' },
  leakReports: {
    max: 100,
    windowMs: DAY,
    per: 'leaked credential',
    unit: "recorded reports of a credential's leaked secret",
  },
  changes: { max: 20_000, windowMs: DAY, per: 'principal', unit: 'other changes recorded in the activity log' },
  logs: { max: 10_000_000_000, windowMs: DAY, per: 'workspace', unit: 'characters of logs' },
  idempotencyKeys: { max: 100_000, windowMs: DAY, per: 'principal', unit: 'requests with an Idempotency-Key' },
  activityEvents: { max: 50_000_000, windowMs: DAY, per: 'principal', unit: 'activity events' },
  activityData: {
    max: 20_000_000_000,
    windowMs: DAY,
    per: 'principal',
    unit: 'characters of activity event data',
  },
  errorEvents: { max: 5_000_000, windowMs: DAY, per: 'principal', unit: 'reported errors' },
  keptErrors: { max: 1_000_000_000, windowMs: DAY, per: 'principal', unit: 'characters of stored error reports' },
  newIssues: { max: 1_000, windowMs: DAY, per: 'principal', unit: 'new issues' },
} as const satisfies Record<string, Quota>;
export type QuotaName = keyof typeof QUOTAS;
