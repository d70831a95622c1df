import type { AuditDraft } from '../contract/audit.ts';
import type { AuditAction } from '../contract/event-names.ts';
import { Problem } from '../contract/problem.ts';
import { ROLE_RANK, type Role } from '../contract/vocabulary.ts';
import { findCurrentRights } from '../store/current-rights.ts';
import { findRole } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';

/**
 * Actions that require no role: those of people on their own account or membership, and the creation of a workspace. A
 * transfer of ownership is one of them, because the former owner no longer has that role when the transfer is recorded;
 * `transferOwnership` checks the role.
 */
const ACTIONS_WITHOUT_ROLE =
  /^(?:person|session|passkey|device|notifications)\.|^member\.(?:created|left)$|^workspace\.(?:created|owner_changed)$/;
const MEMBER_ACTIONS = /^(?:deployment|run)\.|^backup\.(?:created|verification_started)$/;

/**
 * Events that report something instead of changing it: refusals, findings about credentials, and the end of
 * deployments. They are recorded even if the actor has lost its rights.
 */
const OUTCOME_ACTIONS = /^credential\.(?!reviewed$)|^deployment\.(?:completed|failed)$/;

/** Returns the role that a person needs for a recorded action, or null if none. Pure. */
export function requiredRole(action: AuditAction): Role | null {
  if (ACTIONS_WITHOUT_ROLE.test(action)) return null;
  if (action === 'workspace.deleted' || action === 'policy.updated') return 'owner';
  return MEMBER_ACTIONS.test(action) ? 'member' : 'admin';
}

/**
 * Refuses a change if, since the request was authorized, the person has lost the required role, or the credential was
 * deleted or made inactive or has expired. Every change is recorded, so no change can bypass this check. Call it after
 * locking the head of the log: a change of a role or credential is recorded in the same log, so it cannot commit
 * between this check and the end of the transaction. Throws `forbidden` and `invalid_token`.
 */
export async function refuseIfRightsLost(trx: Trx, draft: AuditDraft): Promise<void> {
  const { action, actor, workspaceId } = draft;
  if (OUTCOME_ACTIONS.test(action)) return;
  if (actor.kind === 'access_token' || actor.kind === 'api_key') return refuseIfCredentialInvalid(trx, draft);
  const required = actor.kind === 'person' ? requiredRole(action) : null;
  if (required === null) return;
  const role = await findRole(trx, workspaceId, actor.id ?? '');
  if (role !== undefined && ROLE_RANK[role] >= ROLE_RANK[required]) return;
  throw new Problem('forbidden', 'Your role in this workspace has changed and no longer allows this.');
}

async function refuseIfCredentialInvalid(trx: Trx, { actor, target, workspaceId, at }: AuditDraft): Promise<void> {
  // A credential that deletes itself no longer exists when this is recorded.
  if (target?.id === actor.id || (await findCurrentRights(trx, workspaceId, actor.id ?? '', at)) !== null) return;
  throw new Problem('invalid_token', 'The credential is not valid.');
}
