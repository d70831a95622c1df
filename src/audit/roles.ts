import type { AuditDraft } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import { type AuditAction, ROLE_RANK, type Role } from '../contract/vocabulary.ts';
import { findRole } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';

/** Actions of people on their own account or membership, and those that depend on access alone. */
const OWN = /^(?:person|session|passkey|device)\.|^member\.(?:created|left)$|^workspace\.(?:created|owner_changed)$/;
const OF_MEMBERS = /^(?:deployment|run)\.|^backup\.created$/;

/** Returns the role that a person needs for a recorded action, or null if none. Pure. */
export function neededRole(action: AuditAction): Role | null {
  if (OWN.test(action)) return null;
  if (action === 'workspace.deleted') return 'owner';
  return OF_MEMBERS.test(action) ? 'member' : 'admin';
}

/**
 * Refuses a person who has lost the role required for the change since the request was authorized. Since every change
 * is recorded, none can avoid this. Call it after locking the head of the log; a change of a role is recorded in the
 * same log, so none can commit between this and the end of the transaction. Throws `forbidden`.
 */
export async function refuseFormerRole(trx: Trx, { action, actor, workspaceId }: AuditDraft): Promise<void> {
  const needed = actor.kind === 'person' ? neededRole(action) : null;
  if (needed === null) return;
  const role = await findRole(trx, workspaceId, actor.id ?? '');
  if (role !== undefined && ROLE_RANK[role] >= ROLE_RANK[needed]) return;
  throw new Problem('forbidden', 'Your role in this workspace has changed and no longer allows this.');
}
