import type { HeartbeatResponse } from '../authorization/guard-lease.ts';
import type { RevocationPoint } from '../authorization/lease.ts';
import type { GuardConnection } from './connection.ts';
import { DevpilotError } from './errors.ts';

/** Pause after a rejected heartbeat, doubled up to the maximum; milliseconds. */
const REJECTION_PAUSE_MS = { first: 1000, max: 60_000 };

/**
 * A guard's standing with the server: `accepted` until it rejects a heartbeat, because the API key was deleted,
 * deactivated or lost `read`; then `rejected`, and no heartbeat is sent before `untilMs` of the monotonic clock. Any
 * answer restores `accepted`.
 */
type Standing =
  | { readonly name: 'accepted' }
  | { readonly name: 'rejected'; readonly untilMs: number; readonly pauseMs: number };

function rejectedAgain(standing: Standing, nowMs: number): Standing {
  const { first, max } = REJECTION_PAUSE_MS;
  const pauseMs = standing.name === 'rejected' ? Math.min(max, standing.pauseMs * 2) : first;
  return { name: 'rejected', untilMs: nowMs + pauseMs, pauseMs };
}

export const statusOf = (error: unknown): number => (error instanceof DevpilotError ? error.status : 0);

/** The heartbeats of one guard, and what it knows from their responses. */
export interface GuardSession {
  /** Throws `DevpilotError`, without a request while the guard is rejected. */
  sendHeartbeat(applied: RevocationPoint | null, advanced: boolean): Promise<HeartbeatResponse>;
  /** Returns the id of the workspace of the API key; null before the first lease. */
  workspaceId(): string | null;
  /** Converts a time of the monotonic clock to the server's clock, which expiry follows; milliseconds. */
  serverTime(monotonicMs: number): number;
  /** Passes on the first error after each grant. */
  reportError(error: unknown): void;
}

export function createGuardSession(options: {
  readonly connection: () => GuardConnection;
  readonly monotonic: () => number;
  /** Called when the server rejects a heartbeat: nothing may be authorized from now on. */
  readonly onRejected: () => void;
  readonly onError: (error: unknown) => void;
}): GuardSession {
  const { connection, monotonic } = options;
  let standing: Standing = { name: 'accepted' };
  let workspaceId: string | null = null;
  /** The server's clock, and the monotonic clock when it was requested. */
  let serverClock = { nowMs: 0, sentAtMs: 0 };
  let isErrorReported = false;
  return {
    async sendHeartbeat(applied, advanced) {
      const sentAtMs = monotonic();
      if (standing.name === 'rejected' && sentAtMs < standing.untilMs)
        throw new DevpilotError('unavailable', 'The guard was rejected.', { status: 0 });
      try {
        const { response, now } = await connection().sendHeartbeat(applied, advanced);
        standing = { name: 'accepted' };
        if (!response.granted) return response;
        serverClock = { nowMs: now, sentAtMs };
        workspaceId = response.workspaceId;
        isErrorReported = false;
        return response;
      } catch (error) {
        if (statusOf(error) >= 400 && statusOf(error) < 500) {
          options.onRejected();
          standing = rejectedAgain(standing, monotonic());
        }
        throw error;
      }
    },
    workspaceId: () => workspaceId,
    serverTime: (monotonicMs) => serverClock.nowMs + monotonicMs - serverClock.sentAtMs,
    reportError(error) {
      if (isErrorReported) return;
      isErrorReported = true;
      options.onError(error);
    },
  };
}
