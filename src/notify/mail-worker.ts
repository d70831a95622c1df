import type { NotificationMode } from '../contract/event-names.ts';
import { createId } from '../contract/id.ts';
import { DAY, HOUR, MINUTE, NOTICE_LIMITS } from '../contract/limits.ts';
import { lockAuditHead } from '../store/audit.ts';
import {
  claimMail,
  countMails,
  deleteMail,
  findNoticesById,
  findRecipient,
  hasDueMail,
  insertMail,
  listRecipients,
  listWorkspacesWithUnsent,
  takeUnsent,
  type UnsentFilter,
  updateMail,
} from '../store/notice-mail.ts';
import type { NoticeMailTable } from '../store/schema/notices.ts';
import type { Seal } from '../store/seal.ts';
import type { Store, Trx } from '../store/store.ts';
import { renderMail } from './notice-mail.ts';
import { serializeNotices } from './notices.ts';
import { modeOf, unsubscribeTokenOf } from './notifications.ts';
import { nextAttemptAt } from './retries.ts';

/** The hour of the day, in UTC, at which the daily emails are sent. */
const DIGEST_HOUR = 7;
/**
 * Notices older than this are not sent immediately, so that configuring a mail server does not send all existing
 * notices.
 */
const IMMEDIATE_MAX_AGE_MS = DAY;
/** Longer than an attempt to send an email can take. */
const LEASE_MS = 3 * MINUTE;
/** Maximum number of emails sent, and of workspaces for which emails of each mode are created, per `tick`. */
const MAX_PER_TICK = 50;
/** After this many consecutive failures, no more emails are sent until the next `tick`. */
const MAX_CONSECUTIVE_FAILURES = 3;

export interface MailWorkerOptions {
  readonly store: Store;
  readonly clock: () => number;
  readonly seal: Seal;
  readonly publicUrl: () => string;
  readonly send: (message: {
    to: string;
    subject: string;
    text: string;
    html: string;
    messageId: string;
    headers: Record<string, string>;
  }) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Returns the last time at which daily emails were due, in epoch milliseconds. Pure. */
export function lastDigestAt(now: number): number {
  return Math.floor((now - DIGEST_HOUR * HOUR) / DAY) * DAY + DIGEST_HOUR * HOUR;
}

/**
 * Creates the immediate or the daily emails (`unsent.column`) about the notices of a workspace that were not yet
 * considered for such emails. If too many emails are waiting, the remaining members receive none about these notices.
 */
async function createMails(trx: Trx, workspaceId: string, unsent: UnsentFilter, now: number): Promise<void> {
  await lockAuditHead(trx, workspaceId);
  const notices = await takeUnsent(trx, workspaceId, unsent, now);
  // `mailed_at` marks notices that were considered for immediate emails, `digested_at` for daily emails.
  const mode: NotificationMode = unsent.column === 'mailed_at' ? 'immediate' : 'digest';
  const noticesToSend = notices.filter(
    ({ created_at: at, dismissed_at: dismissedAt }) =>
      dismissedAt === null && (mode === 'digest' || at > now - IMMEDIATE_MAX_AGE_MS),
  );
  if (noticesToSend.length === 0) return;
  let remainingMails = NOTICE_LIMITS.waitingMails - (await countMails(trx, workspaceId));
  for (const recipient of await listRecipients(trx, workspaceId)) {
    const ids = noticesToSend.filter((notice) => modeOf(recipient, notice) === mode).map(({ id }) => id);
    if (ids.length === 0) continue;
    if (remainingMails <= 0) return;
    remainingMails--;
    await insertMail(trx, {
      id: createId('notice', now),
      workspace_id: workspaceId,
      member_id: recipient.id,
      notices: JSON.stringify(ids),
      created_at: now,
      attempts: 0,
      first_attempt_at: null,
      next_attempt_at: now,
      lease_until: null,
    });
  }
}

/**
 * Sends notices by email. One transaction creates the emails and marks their notices, so that a notice is in at most
 * one email to each member. An email is sent by the node that has its lease, and is deleted when the mail server has
 * accepted it.
 */
export function createMailWorker(options: MailWorkerOptions): {
  tick(): Promise<void>;
  /** Ends a running `tick` after the email that it is sending. */
  stop(): void;
} {
  const { store, clock, seal, publicUrl, send, onError } = options;
  let isStopping = false;

  async function createAllMails(unsent: UnsentFilter): Promise<void> {
    for (const id of await listWorkspacesWithUnsent(store.read, unsent, MAX_PER_TICK)) {
      await store.transaction((trx) => createMails(trx, id, unsent, clock()));
    }
  }

  /**
   * Sends an email about its notices that are still open and that the member has not turned off. Sends nothing if there
   * are none or the member may no longer see notices.
   */
  async function sendMail(mail: NoticeMailTable): Promise<void> {
    const { workspace_id: workspaceId } = mail;
    const recipient = await findRecipient(store.read, mail.member_id);
    if (recipient === undefined || recipient.role === 'member') return;
    const rows = await findNoticesById(store.read, workspaceId, JSON.parse(mail.notices) as string[]);
    const openRows = rows.filter((row) => row.dismissed_at === null && modeOf(recipient, row) !== 'off');
    if (openRows.length === 0) return;
    const notices = await serializeNotices(store.read, workspaceId, openRows, clock());
    const url = publicUrl();
    const unsubscribeUrl = `${url}/unsubscribe/${unsubscribeTokenOf(seal, recipient.id)}`;
    await send({
      to: recipient.email,
      ...renderMail(notices, { workspace: recipient.workspace_name, publicUrl: url, unsubscribeUrl }),
      // The same in every attempt, so that mail clients recognize duplicates if the mail server's response was lost.
      messageId: `<${mail.id}@${new URL(url).hostname}>`,
      headers: {
        'List-Unsubscribe': `<${unsubscribeUrl}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        'Auto-Submitted': 'auto-generated',
      },
    });
  }

  /** Sends the next email that is due. Returns null if there is none. */
  async function sendNext(): Promise<'sent' | 'failed' | null> {
    const mail = await store.transaction((trx) => claimMail(trx, clock(), LEASE_MS));
    if (mail === undefined) return null;
    try {
      await sendMail(mail);
    } catch (error) {
      onError(error);
      const now = clock();
      const attempts = mail.attempts + 1;
      const firstAttemptAt = mail.first_attempt_at ?? now;
      const nextAt = nextAttemptAt(now, firstAttemptAt, attempts, undefined);
      const columns = { attempts, first_attempt_at: firstAttemptAt, lease_until: null };
      await store.transaction((trx) =>
        nextAt === null ? deleteMail(trx, mail) : updateMail(trx, mail, { ...columns, next_attempt_at: nextAt }),
      );
      return 'failed';
    }
    await store.transaction((trx) => deleteMail(trx, mail));
    return 'sent';
  }

  return {
    async tick() {
      await createAllMails({ column: 'mailed_at' });
      await createAllMails({ column: 'digested_at', before: lastDigestAt(clock()) });
      if (!(await hasDueMail(store.read, clock()))) return;
      let failures = 0;
      for (let count = 0; count < MAX_PER_TICK && failures < MAX_CONSECUTIVE_FAILURES && !isStopping; count++) {
        const result = await sendNext();
        if (result === null) return;
        failures = result === 'failed' ? failures + 1 : 0;
      }
    },
    stop() {
      isStopping = true;
    },
  };
}
