import type { AuditDraft, AuditParty, CredentialReference, RequestOrigin } from '../contract/audit.ts';
import type { AuditAction } from '../contract/event-names.ts';
import { MINUTE } from '../contract/limits.ts';
import { toStoredUserAgent } from './user-agent.ts';

/** A refused request, sign-in or exchange, which is recorded in the activity log. */
export interface Denial {
  readonly workspaceId: string;
  readonly action: AuditAction;
  readonly actor: AuditParty;
  readonly credential: CredentialReference | null;
  /** A word, usually an error code, followed by details if they help. */
  readonly reason: string;
  readonly origin: RequestOrigin;
  /** Epoch milliseconds. */
  readonly at: number;
}

interface DenialGroup {
  readonly minute: number;
  last: Denial;
  /** Number of refusals since the last drain. */
  count: number;
  /** Whether an event of the group has been drained. */
  wasDrained: boolean;
}

/**
 * Maximum number of groups in memory, in total and per workspace, so that a flood in one workspace leaves room for
 * other workspaces.
 */
const MAX_GROUPS = 10_000;
const MAX_GROUPS_PER_WORKSPACE = 1_000;

export interface DrainOptions {
  /** Also drain events that are not due yet. */
  readonly everything?: boolean;
}

export interface DenialBuffer {
  /** Adds a refusal, or drops it if it needs a new group and there are too many groups. No I/O. */
  add(denial: Denial): void;
  /** Returns and removes the events due at `now`. */
  drain(now: number, options?: DrainOptions): AuditDraft[];
}

/**
 * Groups refusals by workspace, actor, action, reason and minute, so that an attacker cannot fill the disk. A group is
 * due at the first `drain` after it was created. Refusals added to it later are due when the minute is over, as one
 * event with their number.
 */
export function createDenialBuffer(): DenialBuffer {
  const groups = new Map<string, DenialGroup>();
  const groupsPerWorkspace = new Map<string, number>();

  function drainGroup(group: DenialGroup, now: number): AuditDraft {
    const { last, count } = group;
    group.count = 0;
    group.wasDrained = true;
    return {
      workspaceId: last.workspaceId,
      action: last.action,
      // The time of the drain, not of the refusal, so that the log stays in chronological order.
      at: Math.max(now, last.at),
      actor: last.actor,
      target: null,
      credential: last.credential,
      origin: last.origin,
      detail: { reason: last.reason, count, ...(count > 1 && { lastAt: new Date(last.at).toISOString() }) },
    };
  }

  return {
    add(received) {
      const userAgent = toStoredUserAgent(received.origin.userAgent);
      const denial = { ...received, origin: { ...received.origin, userAgent } };
      const minute = Math.floor(denial.at / MINUTE);
      const key = `${denial.workspaceId} ${denial.actor.id} ${denial.action} ${denial.reason} ${minute}`;
      const group = groups.get(key);
      if (group !== undefined) {
        group.count++;
        group.last = denial;
      } else {
        const workspaceGroupCount = groupsPerWorkspace.get(denial.workspaceId) ?? 0;
        if (groups.size >= MAX_GROUPS || workspaceGroupCount >= MAX_GROUPS_PER_WORKSPACE) return;
        groupsPerWorkspace.set(denial.workspaceId, workspaceGroupCount + 1);
        groups.set(key, { minute, last: denial, count: 1, wasDrained: false });
      }
    },
    drain(now, { everything = false } = {}) {
      const due: AuditDraft[] = [];
      const currentMinute = Math.floor(now / MINUTE);
      for (const [key, group] of groups) {
        const isOver = group.minute < currentMinute;
        if (group.count > 0 && (everything || isOver || !group.wasDrained)) due.push(drainGroup(group, now));
        if (!isOver) continue;
        groups.delete(key);
        const { workspaceId } = group.last;
        const remaining = (groupsPerWorkspace.get(workspaceId) ?? 1) - 1;
        if (remaining === 0) groupsPerWorkspace.delete(workspaceId);
        else groupsPerWorkspace.set(workspaceId, remaining);
      }
      return due;
    },
  };
}
