import type { HeartbeatResponse } from '../authorization/guard-lease.ts';
import type { RevocationPoint } from '../authorization/lease.ts';
import type { GuardConnection } from './connection.ts';
import { DevpilotError } from './errors.ts';

/** Pause after a rejected heartbeat in milliseconds, doubled with each further rejection up to the maximum. */
const REJECTION_PAUSE_MS = { first: 1000, max: 60_000 };

/**
 * Whether the server accepts the guard. `accepted` until the server responds to a heartbeat with a 4xx status, for
 * example because the API key was deleted; then `rejected`, and no heartbeat is sent before `untilMs` of the monotonic
 * clock. Any successful response restores `accepted`.
 */
type Standing =
  | { readonly name: 'accepted' }
  | { readonly name: 'rejected'; readonly untilMs: number; readonly pauseMs: number };

function toRejected(standing: Standing, nowMs: number): Standing {
  const { first, max } = REJECTION_PAUSE_MS;
  const pauseMs = standing.name === 'rejected' ? Math.min(max, standing.pauseMs * 2) : first;
  return { name: 'rejected', untilMs: nowMs + pauseMs, pauseMs };
}

/** Returns the HTTP status of an error response; 0 for any other error. */
export const httpStatusOf = (error: unknown): number => (error instanceof DevpilotError ? error.status : 0);

/** Sends the heartbeats of one guard, and provides the values from their responses. */
export interface GuardSession {
  /** Throws `DevpilotError`. While the guard is rejected, it throws without sending a request. */
  sendHeartbeat(applied: RevocationPoint | null, advanced: boolean): Promise<HeartbeatResponse>;
  /** Returns the ID of the workspace of the API key; null before the first lease. */
  workspaceId(): string | null;
  /** Converts milliseconds of the monotonic clock to epoch milliseconds of the server's clock, for expiry dates. */
  serverTime(monotonicMs: number): number;
  /** Calls `onError` for the first error since the last granted lease, and ignores later ones. */
  reportError(error: unknown): void;
}

export function createGuardSession(options: {
  readonly connection: () => GuardConnection;
  readonly monotonic: () => number;
  /** Called when the server rejects a heartbeat: after that, nothing may be authorized from the cache. */
  readonly onRejected: () => void;
  readonly onError: (error: unknown) => void;
}): GuardSession {
  const { connection, monotonic } = options;
  let standing: Standing = { name: 'accepted' };
  let workspaceId: string | null = null;
  /** The server's clock in the last granted lease, and the monotonic clock when that lease was requested. */
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
        const httpStatus = httpStatusOf(error);
        if (httpStatus >= 400 && httpStatus < 500) {
          options.onRejected();
          standing = toRejected(standing, monotonic());
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
