import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import type { AuditPartyKind, NoticeKind } from '../contract/event-names.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import { DAY, NOTICE_LIMITS } from '../contract/limits.ts';
import { describeNotice, isUrgent } from '../contract/notice-texts.ts';
import type { DismissNotice, Notice, NoticeCredential, NoticeQuery } from '../contract/notices.ts';
import type { CountedPage } from '../contract/paging.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { CredentialKind } from '../contract/vocabulary.ts';
import { lockAuditHead } from '../store/audit.ts';
import { type CredentialRow, findCredentialsById } from '../store/credentials.ts';
import {
  countNotices,
  findLatestAddresses,
  findNotice,
  listNotices as listRows,
  updateNotice,
} from '../store/notices.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import type { NoticeTable } from '../store/schema/notices.ts';
import type { Queryable } from '../store/store.ts';
import { findTombstones, type TombstoneRow } from '../store/tombstones.ts';
import type { NotifyContext } from './context.ts';

type Address = Awaited<ReturnType<typeof findLatestAddresses>>[number];

const isAboutCredential = ({ subject_kind: kind }: NoticeTable) => kind === 'access_token' || kind === 'api_key';

type CreatorColumns = Pick<CredentialRow, 'created_by' | 'creator_name' | 'creator_email'>;
function creatorOf({ created_by: id, creator_name: name, creator_email: email }: CreatorColumns) {
  return id === null || name === null || email === null ? null : { id, name, email };
}

function serializeCredential(row: CredentialRow, addresses: readonly Address[]): NoticeCredential {
  return {
    id: row.id,
    kind: row.kind as CredentialKind,
    name: row.name,
    createdBy: creatorOf(row),
    expiresAt: toIsoStringOrNull(row.expires_at),
    lastUsedAt: toIsoStringOrNull(row.last_used_at),
    useCount: row.use_count,
    addresses: addresses
      .filter(({ credential_id: id }) => id === row.id)
      .map(({ address, last_seen_at: at }) => ({ address, lastSeenAt: toIsoString(at) })),
    deletedAt: null,
  };
}

/** Serializes a deleted credential, with the addresses that last sent its secret according to `notices`. */
function serializeDeletedCredential(row: TombstoneRow, notices: readonly NoticeTable[]): NoticeCredential {
  const { credential_id: id } = row;
  const uses = notices.filter(
    ({ subject_id: subject, kind }) => subject === id && kind === 'credential.used_after_deletion',
  );
  return {
    id,
    kind: row.kind as CredentialKind,
    name: row.name,
    createdBy: creatorOf(row),
    expiresAt: null,
    lastUsedAt: null,
    useCount: 0,
    addresses: uses.flatMap(({ detail }) => {
      const { address, lastAt } = JSON.parse(detail) as { address: string | null; lastAt: string };
      return address === null ? [] : [{ address, lastSeenAt: lastAt }];
    }),
    deletedAt: toIsoString(row.deleted_at),
  };
}

function statusOf(row: NoticeTable, now: number): Notice['status'] {
  if (row.dismissed_at === null) return 'open';
  if (row.snoozed_until === null) return 'dismissed';
  return row.snoozed_until > now ? 'snoozed' : 'open';
}

function serializeNotice(row: NoticeTable, credentials: ReadonlyMap<string, NoticeCredential>, now: number): Notice {
  const kind = row.kind as NoticeKind;
  const subject = { kind: row.subject_kind as AuditPartyKind, id: row.subject_id, name: row.subject_name };
  const detail = JSON.parse(row.detail) as Record<string, unknown>;
  const { title, action } = describeNotice({ kind, subject, detail });
  return {
    id: row.id,
    kind,
    status: statusOf(row, now),
    urgent: isUrgent({ kind, detail }),
    title,
    subject,
    credential: credentials.get(row.subject_id) ?? null,
    detail,
    action,
    createdAt: toIsoString(row.created_at),
    dismissedAt: toIsoStringOrNull(row.dismissed_at),
    dismissedBy: row.dismissed_at === null ? null : { id: row.dismissed_by_id, name: row.dismissed_by_name },
    snoozedUntil: toIsoStringOrNull(row.snoozed_until),
  };
}

/** Serializes notices, with the current details of their credentials. */
export async function serializeNotices(
  db: Queryable,
  workspaceId: string,
  rows: readonly NoticeTable[],
  now: number,
): Promise<Notice[]> {
  const ids = [...new Set(rows.filter(isAboutCredential).map(({ subject_id: id }) => id))];
  const credentialRows = await findCredentialsById(db, workspaceId, ids);
  const addresses = await findLatestAddresses(db, workspaceId, ids, NOTICE_LIMITS.addresses);
  const credentials = new Map(credentialRows.map((row) => [row.id, serializeCredential(row, addresses)]));
  const deletedIds = ids.filter((id) => !credentials.has(id));
  for (const row of await findTombstones(db, workspaceId, deletedIds)) {
    credentials.set(row.credential_id, serializeDeletedCredential(row, rows));
  }
  return rows.map((row) => serializeNotice(row, credentials, now));
}

/** Lists notices, newest first. */
export async function listNotices(
  { store, clock }: NotifyContext,
  workspaceId: string,
  query: NoticeQuery,
): Promise<CountedPage<Notice>> {
  const now = clock();
  const page = readPageRequest(query, '-createdAt', 'number');
  const filter = { status: query.status, kind: query.kind, now };
  const rows = await listRows(store.read, workspaceId, filter, page);
  const total = await countNotices(store.read, workspaceId, filter);
  const positionOf = (row: NoticeTable) => ({ value: row.created_at, id: row.id });
  const { data, nextCursor } = toPage(rows, page.limit, '-createdAt', positionOf, (row) => row);
  return { data: await serializeNotices(store.read, workspaceId, data, now), nextCursor, total };
}

/**
 * Dismisses a notice, or snoozes it until a time. A dismissed notice is not created again for the same cause. Throws
 * `not_found`, for example if the notice was deleted because its cause no longer exists, and `validation_failed`.
 */
export async function dismissNotice(
  context: NotifyContext,
  request: RequestContext,
  id: string,
  input: DismissNotice,
): Promise<Notice> {
  const { actor } = request;
  const now = context.clock();
  const until = input?.until === undefined ? null : Date.parse(input.until);
  if (until !== null && (until <= now || until > now + NOTICE_LIMITS.snoozeDays * DAY)) {
    throw invalidField('until', `must be in the future, at most ${NOTICE_LIMITS.snoozeDays} days ahead`);
  }
  const change = { dismissed_at: now, dismissed_by_id: actor.id, dismissed_by_name: actor.name, snoozed_until: until };
  const action = until === null ? 'notice.dismissed' : 'notice.snoozed';
  return changeNotice(context, request, id, change, action, until === null ? {} : { until: toIsoString(until) });
}

/** Reopens a notice that was dismissed or snoozed. Throws `not_found`. */
export function reopenNotice(context: NotifyContext, request: RequestContext, id: string): Promise<Notice> {
  const change = { dismissed_at: null, dismissed_by_id: null, dismissed_by_name: null, snoozed_until: null };
  return changeNotice(context, request, id, change, 'notice.reopened', {});
}

async function changeNotice(
  { store, clock }: NotifyContext,
  request: RequestContext,
  id: string,
  change: Partial<NoticeTable>,
  action: 'notice.dismissed' | 'notice.snoozed' | 'notice.reopened',
  extraDetail: Readonly<Record<string, unknown>>,
): Promise<Notice> {
  const { workspaceId } = request;
  const now = clock();
  const changed = await store.transaction(async (trx) => {
    await lockAuditHead(trx, workspaceId);
    const row = await findNotice(trx, workspaceId, id);
    if (row === undefined)
      throw new Problem(
        'not_found',
        'The notice was not found. Notices are deleted when their cause no longer exists.',
      );
    await updateNotice(trx, row, change);
    const { title } = serializeNotice(row, new Map(), now);
    const detail = { kind: row.kind, subject: row.subject_id, ...extraDetail };
    await recordAuditEvent(trx, request, action, { kind: 'notice', id, name: title }, now, detail);
    return { ...row, ...change };
  });
  const [shown] = await serializeNotices(store.read, workspaceId, [changed], now);
  if (shown === undefined) throw new Problem('internal');
  return shown;
}
