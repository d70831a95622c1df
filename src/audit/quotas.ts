import type { AuditDraft } from '../contract/audit.ts';
import type { AuditAction } from '../contract/event-names.ts';
import { QUOTAS, type QuotaName } from '../contract/quotas.ts';
import { checkWaitingJobs, consumeQuota } from '../store/quotas.ts';
import type { Trx } from '../store/store.ts';

const QUOTA_OF_ACTION: Partial<Record<AuditAction, QuotaName>> = {
  'invitation.created': 'invitations',
  'access_token.created': 'credentials',
  'api_key.created': 'credentials',
  'project.created': 'resources',
  'app.created': 'resources',
  'server.created': 'resources',
  'script.created': 'resources',
  'deployment.created': 'work',
  'run.created': 'work',
  'backup.created': 'work',
  'backup.restore_started': 'work',
  'backup.verification_started': 'work',
  'env.revealed': 'reveals',
  'project_env.revealed': 'reveals',
};

/**
 * Actions that are never refused because of a quota: those on sessions, memberships and accounts (except
 * `person.updated`), those that end or can reduce access (such as `api_key.updated`, which can make a key inactive) or
 * end work, and automatic ones.
 */
const NEVER_LIMITED =
  /^(?:session|member)\.|^person\.(?!updated$)|^api_key\.updated$|\.(?:deleted|cancelled|aborted|denied|failed|finished|completed|passphrase_failed|used_after_deletion)$/;

/** Returns the quota that an event counts toward, or null. Pure. */
export function quotaOf({ action, actor }: Pick<AuditDraft, 'action' | 'actor'>): QuotaName | null {
  if (actor.kind === 'system' || NEVER_LIMITED.test(action)) return null;
  if (action === 'access_token.created' && actor.kind !== 'person') return 'exchanges';
  return QUOTA_OF_ACTION[action] ?? 'changes';
}

/**
 * Charges a recorded change to its quota. Every change is recorded, so no change can bypass its quota. Call it after
 * locking the head of the log, so that locks are taken in the same order everywhere. Throws `quota_exceeded`.
 */
export async function consumeChangeQuota(trx: Trx, draft: AuditDraft): Promise<void> {
  const name = quotaOf(draft);
  if (name === null) return;
  const { workspaceId, actor, at: now } = draft;
  const subject = QUOTAS[name].per === 'workspace' ? workspaceId : `${workspaceId} ${actor.id}`;
  if (name === 'work') await checkWaitingJobs(trx, workspaceId, now);
  await consumeQuota(trx, name, subject, now);
  if (name === 'invitations') await consumeQuota(trx, 'invitationsByPerson', actor.id ?? '', now);
}
