import type { AuditDraft } from '../contract/audit.ts';
import type { AuditAction } from '../contract/event-names.ts';
import { Problem } from '../contract/problem.ts';
import { ROLE_RANK, type Role } from '../contract/vocabulary.ts';
import { findCurrentRights } from '../store/current-rights.ts';
import { findRole } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';

/** Actions of people on their own account or membership, and those that depend on access alone. */
const OWN =
  /^(?:person|session|passkey|device|notifications)\.|^member\.(?:created|left)$|^workspace\.(?:created|owner_changed)$/;
const OF_MEMBERS = /^(?:deployment|run)\.|^backup\.(?:created|verification_started)$/;

/** Events about what was refused, or how earlier work ended: nobody gains anything by them. */
const OUTCOMES = /^credential\.(?!reviewed$)|^deployment\.(?:completed|failed)$/;

/** Returns the role that a person needs for a recorded action, or null if none. Pure. */
export function neededRole(action: AuditAction): Role | null {
  if (OWN.test(action)) return null;
  if (action === 'workspace.deleted' || action === 'policy.updated') return 'owner';
  return OF_MEMBERS.test(action) ? 'member' : 'admin';
}

/**
 * Refuses a change by a person who has lost the required role, or by a credential that was deleted, made inactive or has
 * expired, since the request was authorized. Since every change is recorded, none can avoid this. Call it after locking
 * the head of the log; a change of a role or credential is recorded in the same log, so none can commit between this and
 * the end of the transaction. Throws `forbidden`, `invalid_token`.
 */
export async function refuseFormerRights(trx: Trx, draft: AuditDraft): Promise<void> {
  const { action, actor, workspaceId } = draft;
  if (OUTCOMES.test(action)) return;
  if (actor.kind === 'access_token' || actor.kind === 'api_key') return refuseFormerCredential(trx, draft);
  const needed = actor.kind === 'person' ? neededRole(action) : null;
  if (needed === null) return;
  const role = await findRole(trx, workspaceId, actor.id ?? '');
  if (role !== undefined && ROLE_RANK[role] >= ROLE_RANK[needed]) return;
  throw new Problem('forbidden', 'Your role in this workspace has changed and no longer allows this.');
}

async function refuseFormerCredential(trx: Trx, { actor, target, workspaceId, at }: AuditDraft): Promise<void> {
  // A credential that deletes itself no longer exists when this is recorded.
  if (target?.id === actor.id || (await findCurrentRights(trx, workspaceId, actor.id ?? '', at)) !== null) return;
  throw new Problem('invalid_token', 'The credential is not valid.');
}
