/**
 * How much a workspace or a person may add (contract section 6, `quota_exceeded`). What is over a quota is refused;
 * deleting and ending access never is. `docs/operations.md` has the same table, compared by a test.
 */

const DAY = 86_400_000;

export interface Quota {
  readonly max: number;
  /** The window that it counts in, milliseconds; null where it counts what there is. */
  readonly spanMs: number | null;
  /** Per principal: within a workspace, so that one noisy credential takes nothing from the others. */
  readonly per: 'workspace' | 'person' | 'principal';
  /** What is counted, in the plural. */
  readonly what: string;
}

export const QUOTAS = {
  workspaces: { max: 50, spanMs: null, per: 'person', what: 'owned workspaces' },
  sessions: { max: 100, spanMs: null, per: 'person', what: 'sessions' },
  invitations: { max: 50, spanMs: DAY, per: 'workspace', what: 'new invitations' },
  invitationsByPerson: { max: 100, spanMs: DAY, per: 'person', what: 'new invitations' },
  credentials: { max: 20_000, spanMs: DAY, per: 'workspace', what: 'new access tokens and API keys' },
  resources: { max: 5_000, spanMs: DAY, per: 'principal', what: 'new projects, apps, servers and scripts' },
  work: { max: 10_000, spanMs: DAY, per: 'principal', what: 'started deployments, runs, backups and restores' },
  waitingJobs: { max: 1_000, spanMs: null, per: 'workspace', what: 'waiting deployments, runs and backups' },
  reveals: { max: 2_000, spanMs: DAY, per: 'principal', what: 'recorded views of the values of variables' },
  changes: { max: 20_000, spanMs: DAY, per: 'principal', what: 'other changes that the activity log records' },
  logs: { max: 10_000_000_000, spanMs: DAY, per: 'workspace', what: 'characters of logs' },
  idempotencyKeys: { max: 100_000, spanMs: DAY, per: 'principal', what: 'requests with an Idempotency-Key' },
  activityEvents: { max: 50_000_000, spanMs: DAY, per: 'principal', what: 'activity events' },
  activityData: {
    max: 20_000_000_000,
    spanMs: DAY,
    per: 'principal',
    what: 'characters of the data of activity events',
  },
  errorEvents: { max: 5_000_000, spanMs: DAY, per: 'principal', what: 'reported errors' },
  keptErrors: { max: 1_000_000_000, spanMs: DAY, per: 'principal', what: 'characters of kept error reports' },
  newIssues: { max: 1_000, spanMs: DAY, per: 'principal', what: 'new issues' },
} as const satisfies Record<string, Quota>;
export type QuotaName = keyof typeof QUOTAS;
