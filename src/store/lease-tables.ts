import type { PoolUsage } from './postgres-pool.ts';

/** A stored revocation; `number` has no gaps and follows the order of commits. */
export interface RevocationRow {
  readonly number: number;
  readonly id: string;
  readonly workspace_id: string;
  /** Null if all credentials of the workspace are revoked. */
  readonly digest: Uint8Array | null;
}

/** The newest revocation; `head_id` is empty if there is none. */
export interface HeadRow {
  /** Identifies the running database; changes with a promotion, a restore or a restart. */
  readonly history: string;
  readonly counter: number;
  readonly head_id: string;
}

/** A page of the revocations after a number. */
export interface RevocationPageRows<Row> extends HeadRow {
  /** The ID of the revocation with that number; empty if there is none or it was pruned. */
  readonly base_id: string;
  readonly rows: readonly Row[];
}

/**
 * The revocations of one workspace; `stored_count` counts the stored revocations of all workspaces after the requested
 * number.
 */
export interface WorkspaceRevocationRows extends RevocationPageRows<Omit<RevocationRow, 'workspace_id'>> {
  readonly stored_count: number;
}

export interface LeaseGrant {
  readonly id: string;
  /** The workspace of a guard; null for a Devpilot server. */
  readonly workspaceId: string | null;
  /** The number of the last revocation that the node has confirmed. */
  readonly confirmed: number;
  readonly leaseMs: number;
  /** Whether `confirmed` has increased since the last lease, so that waiting deletions are notified. */
  readonly advanced: boolean;
}

export interface LiveNodeRow {
  readonly id: string;
  readonly workspace_id: string | null;
  readonly confirmed: number;
  readonly remaining_ms: number;
}

/** The leases at one instant, and the IDs of awaited revocations that no longer exist (`lost`). */
export interface LeaseSnapshotRow {
  readonly history: string;
  readonly live: readonly LiveNodeRow[];
  readonly lost: readonly string[];
}

export interface AwaitedRevocation {
  readonly number: number;
  readonly id: string;
}

/** Reads and writes within the transaction that locks the revocation counter. */
export interface LeaseRenewalTransaction {
  /** Locks the counter's row for share and reads the newest revocation. */
  lockCounter(): Promise<HeadRow>;
  readWorkspace(workspaceId: string, after: number, limit: number): Promise<WorkspaceRevocationRows>;
  /** Stores the lease; returns false if the workspace has too many guards. */
  grantLease(row: LeaseGrant): Promise<boolean>;
}

/** The lease operations that guards need, on either engine. */
export interface GuardLeases {
  readWorkspace: LeaseRenewalTransaction['readWorkspace'];
  runGuardRenewal(work: (renewal: LeaseRenewalTransaction) => Promise<void>): Promise<void>;
  readHead(): Promise<HeadRow>;
  /** Returns the leases of Devpilot servers and of the guards of these workspaces (null: of all guards). */
  readLeases(workspaceIds: readonly string[] | null, awaited: readonly AwaitedRevocation[]): Promise<LeaseSnapshotRow>;
  releaseLease(id: string): Promise<void>;
}

/** The current time of PostgreSQL in epoch milliseconds. Unlike `now()`, not the start of the transaction. */
export const DATABASE_CLOCK = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** Maximum number of guards with a lease per workspace. */
export const MAX_GUARDS_PER_WORKSPACE = 1000;

/** Leases and revocations over dedicated connections, so that no other work delays a lease. */
export interface NodeLeases extends GuardLeases {
  readAfter(number: number, limit: number): Promise<RevocationPageRows<RevocationRow>>;
  /** Runs `work` in one transaction. */
  runRenewal(
    work: (renewal: LeaseRenewalTransaction & Pick<NodeLeases, 'readHead' | 'readAfter'>) => Promise<void>,
  ): Promise<void>;
  notifyRevoked(): Promise<void>;
  poolUsage(): PoolUsage;
  close(): Promise<void>;
}
