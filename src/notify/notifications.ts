import { timingSafeEqual } from 'node:crypto';
import { type RequestContext, recordAuditEvent, systemRequestContext } from '../audit/request-context.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { NOTICE_KINDS, type NoticeKind, type NotificationMode } from '../contract/event-names.ts';
import { isUrgent } from '../contract/notice-texts.ts';
import type { Notifications, UpdateNotifications } from '../contract/notifications.ts';
import { Problem } from '../contract/problem.ts';
import { lockAuditHead } from '../store/audit.ts';
import { findRecipient, findRecipientByPerson, type RecipientRow, setNotifications } from '../store/notice-mail.ts';
import type { NoticeTable } from '../store/schema/notices.ts';
import type { Seal } from '../store/seal.ts';
import type { Trx } from '../store/store.ts';
import type { NotifyContext } from './context.ts';

type ChosenModes = Partial<Record<NoticeKind, NotificationMode>>;

const chosenModesOf = ({ notifications }: Pick<RecipientRow, 'notifications'>): ChosenModes =>
  notifications === null ? {} : (JSON.parse(notifications) as ChosenModes);

/** Returns how a member is notified of a notice. Pure. */
export function modeOf(
  recipient: Pick<RecipientRow, 'notifications'>,
  notice: Pick<NoticeTable, 'kind' | 'detail'>,
): NotificationMode {
  const kind = notice.kind as NoticeKind;
  const detail = JSON.parse(notice.detail) as Record<string, unknown>;
  return chosenModesOf(recipient)[kind] ?? (isUrgent({ kind, detail }) ? 'immediate' : 'digest');
}

function serializeNotifications(recipient: Pick<RecipientRow, 'notifications'>, sendsMail: boolean): Notifications {
  const kinds = NOTICE_KINDS.map((kind) => [kind, modeOf(recipient, { kind, detail: '{}' })]);
  return { kinds: Object.fromEntries(kinds) as Notifications['kinds'], mail: sendsMail };
}

/** Returns how a member is notified of notices. Throws `not_found`. */
export async function getNotifications(
  { store, sendsMail }: NotifyContext,
  workspaceId: string,
  personId: string,
): Promise<Notifications> {
  const recipient = await findRecipientByPerson(store.read, workspaceId, personId);
  if (recipient === undefined) throw new Problem('not_found');
  return serializeNotifications(recipient, sendsMail);
}

async function saveNotifications(
  trx: Trx,
  request: RequestContext,
  recipient: RecipientRow,
  kinds: ChosenModes,
  now: number,
): Promise<RecipientRow> {
  const before = chosenModesOf(recipient);
  const notifications = JSON.stringify({ ...before, ...kinds });
  const changed = Object.entries(kinds).filter(([kind, mode]) => before[kind as NoticeKind] !== mode);
  if (changed.length === 0) return recipient;
  await setNotifications(trx, recipient, notifications);
  const target = { kind: 'member', id: recipient.id, name: recipient.name } as const;
  await recordAuditEvent(trx, request, 'notifications.updated', target, now, { after: Object.fromEntries(changed) });
  return { ...recipient, notifications };
}

/** Changes how a member is notified of notices. Throws `not_found`. */
export async function updateNotifications(
  { store, clock, sendsMail }: NotifyContext,
  request: RequestContext,
  personId: string,
  { kinds }: UpdateNotifications,
): Promise<Notifications> {
  const now = clock();
  return store.transaction(async (trx) => {
    await lockAuditHead(trx, request.workspaceId);
    const recipient = await findRecipientByPerson(trx, request.workspaceId, personId);
    if (recipient === undefined) throw new Problem('not_found');
    return serializeNotifications(await saveNotifications(trx, request, recipient, kinds, now), sendsMail);
  });
}

/**
 * Returns the token of a link that unsubscribes a member. The token authorizes nothing else, and is valid as long as
 * the membership exists.
 */
export const unsubscribeTokenOf = (seal: Seal, memberId: string): string =>
  `${memberId}.${seal.mac('unsubscribe', memberId)}`;

/**
 * Returns the member of an unsubscribe link; null if the link is invalid or the person is disabled or no longer a
 * member.
 */
export async function findUnsubscriber({ store, seal }: NotifyContext, token: string): Promise<RecipientRow | null> {
  const [memberId = ''] = token.split('.');
  const presented = Buffer.from(token);
  const expected = Buffer.from(unsubscribeTokenOf(seal, memberId));
  if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) return null;
  return (await findRecipient(store.read, memberId)) ?? null;
}

/** Turns off all emails to a member about notices of the workspace. */
export async function unsubscribe(
  { store, clock }: NotifyContext,
  { id, workspace_id: workspaceId, person_id: personId, name }: RecipientRow,
  origin: RequestOrigin,
): Promise<void> {
  const kinds = Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, 'off' as const]));
  const actor = { kind: 'person', id: personId, name } as const;
  const request = { ...systemRequestContext(workspaceId), actor, origin };
  await store.transaction(async (trx) => {
    await lockAuditHead(trx, workspaceId);
    const recipient = await findRecipient(trx, id);
    if (recipient !== undefined) await saveNotifications(trx, request, recipient, kinds, clock());
  });
}
