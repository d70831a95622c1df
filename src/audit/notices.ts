import type { AuditParty } from '../contract/audit.ts';
import type { NoticeKind } from '../contract/event-names.ts';
import { createId } from '../contract/id.ts';
import { NOTICE_LIMITS } from '../contract/limits.ts';
import type { CredentialKind } from '../contract/vocabulary.ts';
import { lockAuditHead } from '../store/audit.ts';
import { evictNotices, findNoticeBySubject, replaceNotice } from '../store/notices.ts';
import type { Trx } from '../store/store.ts';
import { appendAuditEvent, SYSTEM_ACTOR } from './log.ts';

/** A notice to create: something in a workspace that needs attention. */
export interface NoticeDraft {
  readonly workspaceId: string;
  readonly kind: NoticeKind;
  /** The credential, app, script, issue or webhook that the notice is about. */
  readonly subject: AuditParty & { readonly id: string };
  /**
   * Identifies the occurrence. If the existing notice of the same kind and subject has the same value, the draft is
   * ignored; otherwise a notice with this draft replaces it.
   */
  readonly occurrence?: string;
  /** Must not contain secrets, because people see it and webhooks receive it. `describeNotice` reads its fields. */
  readonly detail: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The client's address, if the notice was caused by a request. */
  readonly address?: string | null;
}

/** Kinds whose cause has its own event in the activity log. */
const ALREADY_RECORDED: readonly NoticeKind[] = ['deployment.failed', 'credential.used_after_deletion'];

/**
 * Creates a notice in the transaction of its cause. Unless the cause has its own event in the activity log, also
 * records the notice there; events of the log are sent to webhooks. Replaces the notice of an earlier occurrence. Does
 * nothing if the same occurrence already has a notice, even a dismissed one. Returns whether a notice was created.
 */
export async function raiseNotice(trx: Trx, draft: NoticeDraft): Promise<boolean> {
  const { workspaceId, kind, subject, occurrence = '', detail, at, address = null } = draft;
  await lockAuditHead(trx, workspaceId);
  const existing = await findNoticeBySubject(trx, workspaceId, subject.id, kind);
  if (existing?.occurrence === occurrence) return false;
  await replaceNotice(trx, {
    id: createId('notice', at),
    workspace_id: workspaceId,
    kind,
    subject_kind: subject.kind,
    subject_id: subject.id,
    subject_name: subject.name ?? '',
    occurrence,
    detail: JSON.stringify(detail),
    created_at: at,
    dismissed_at: null,
    dismissed_by_id: null,
    dismissed_by_name: null,
    snoozed_until: null,
    mailed_at: null,
    digested_at: null,
  });
  await evictNotices(trx, workspaceId, NOTICE_LIMITS.perWorkspace);
  if (!ALREADY_RECORDED.includes(kind)) await recordNotice(trx, draft, address);
  return true;
}

function recordNotice(trx: Trx, draft: NoticeDraft, address: string | null): Promise<void> {
  const { workspaceId, kind: action, subject, detail, at } = draft;
  const isCredential = subject.kind === 'access_token' || subject.kind === 'api_key';
  return appendAuditEvent(trx, {
    workspaceId,
    action,
    at,
    detail,
    actor: SYSTEM_ACTOR,
    target: { kind: subject.kind, id: subject.id, name: subject.name },
    credential: isCredential
      ? { id: subject.id, kind: subject.kind as CredentialKind, name: subject.name ?? '' }
      : null,
    origin: { address, userAgent: null, requestId: null },
  });
}
