import type { AuditDraft } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import { type AuditAction, ROLE_RANK, type Role } from '../contract/vocabulary.ts';
import { findRole } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';

/** What people do with their own account or membership, and what their access alone decides. */
const OWN = /^(?:person|session|passkey|device)\.|^member\.(?:created|left)$|^workspace\.(?:created|owner_changed)$/;
const OF_MEMBERS = /^(?:deployment|run)\.|^backup\.created$/;

/** The role that a person needs for what an entry of the log records, or null where none is needed. Pure. */
export function neededRole(action: AuditAction): Role | null {
  if (OWN.test(action)) return null;
  if (action === 'workspace.deleted') return 'owner';
  return OF_MEMBERS.test(action) ? 'member' : 'admin';
}

/**
 * Refuses a person who has lost the role that the change needs since the request was authorized: every change is
 * recorded, so that none goes around this. To be called after the log's head is locked; since a change of a role is
 * recorded in the same log, none can come between this and the end of the transaction. Throws `forbidden`.
 */
export async function refuseFormerRole(trx: Trx, { action, actor, workspaceId }: AuditDraft): Promise<void> {
  const needed = actor.kind === 'person' ? neededRole(action) : null;
  if (needed === null) return;
  const role = await findRole(trx, workspaceId, actor.id ?? '');
  if (role !== undefined && ROLE_RANK[role] >= ROLE_RANK[needed]) return;
  throw new Problem('forbidden', 'Your role in this workspace has changed and no longer allows this.');
}
