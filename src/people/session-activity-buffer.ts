import { HOUR } from '../contract/limits.ts';
import { setLastWorkspace, touchSessions } from '../store/people.ts';
import type { Store } from '../store/store.ts';

/** A use is written only if the stored time of the last use is older than this. */
const MIN_TOUCH_INTERVAL_MS = HOUR;

/** Buffers when sessions were last used, and in which workspace, so that a request never waits for the write. */
export interface SessionActivityBuffer {
  /** Returns the workspace that a person used last if it is not yet written, null otherwise. */
  lastWorkspace(personId: string): string | null;
  /** Records that a session was used at `now` (epoch milliseconds), in a workspace or, if null, in none. */
  touch(
    session: {
      readonly session_id: string;
      readonly person_id: string;
      readonly last_used_at: number;
      /** The value in the store, which may be older than the value in the buffer. */
      readonly last_workspace_id: string | null;
    },
    workspaceId: string | null,
    now: number,
  ): void;
  /** Writes the buffered times and workspaces. */
  flush(): Promise<void>;
}

export function createSessionActivityBuffer(store: Store): SessionActivityBuffer {
  let touchedSessions = new Map<string, number>();
  let workspaces = new Map<string, string>();

  return {
    lastWorkspace: (personId) => workspaces.get(personId) ?? null,
    touch(session, workspaceId, now) {
      if (now - session.last_used_at > MIN_TOUCH_INTERVAL_MS) touchedSessions.set(session.session_id, now);
      if (workspaceId === null) return;
      if ((workspaces.get(session.person_id) ?? session.last_workspace_id) === workspaceId) return;
      workspaces.set(session.person_id, workspaceId);
    },
    async flush() {
      if (touchedSessions.size === 0 && workspaces.size === 0) return;
      const sessions = touchedSessions;
      const writtenWorkspaces = new Map(workspaces);
      touchedSessions = new Map();
      await store.transaction(async (trx) => {
        await touchSessions(trx, sessions);
        for (const [personId, workspaceId] of writtenWorkspaces) await setLastWorkspace(trx, personId, workspaceId);
      });
      // Entries that have changed during the flush are kept for the next one.
      workspaces = new Map([...workspaces].filter(([personId, id]) => writtenWorkspaces.get(personId) !== id));
    },
  };
}
