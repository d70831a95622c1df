import { raiseNotice } from '../audit/notices.ts';
import { DAY, NOTICE_LIMITS } from '../contract/limits.ts';
import { DEFAULT_POLICY } from '../contract/policy.ts';
import { CREDENTIAL_KINDS, type NoticeKind } from '../contract/vocabulary.ts';
import { lockAuditHead } from '../store/audit.ts';
import {
  CAUSE_WALKS,
  type CauseRow,
  type CauseTimes,
  findCauses,
  listCreatorsWhoLeft,
  listScannedWorkspaces,
  walkCauses,
} from '../store/notice-causes.ts';
import {
  countNotices,
  deleteNoticesOfGoneIssues,
  listScannedNotices,
  resolveNotices,
  type ScannedNotice,
} from '../store/notices.ts';
import type { Store, Trx } from '../store/store.ts';
import { causesOf, EXPIRY_STAGES_DAYS, SCANNED_KINDS } from './notice-causes.ts';

/** Rows that are read, and credentials whose notices are written in one transaction: other requests run in between. */
const BATCH = 200;
const WRITE_BATCH = 10;
const EXPIRY_DAYS = EXPIRY_STAGES_DAYS[2];

interface Scanned {
  readonly store: Store;
  readonly workspaceId: string;
  readonly unusedAfterDays: number;
  readonly now: number;
}

const keyOf = (subjectId: string, kind: string) => `${subjectId} ${kind}`;

/** Reads credentials that may cause notices, in parts. */
async function* walkAll({ store: { read }, workspaceId, unusedAfterDays, now }: Scanned): AsyncGenerator<CauseRow[]> {
  const times: CauseTimes = { now, expiryDays: EXPIRY_DAYS, unusedSince: now - unusedAfterDays * DAY };
  for (const kind of CREDENTIAL_KINDS) {
    for (const walk of CAUSE_WALKS) {
      const creators = walk === 'creator' ? await listCreatorsWhoLeft(read, workspaceId, kind) : [null];
      for (const creator of creators) {
        let after: { value: number; id: string } | null = null;
        do {
          const rows: (CauseRow & { value: number })[] = await walkCauses(
            read,
            { workspaceId, kind, creator },
            walk,
            times,
            after,
            BATCH,
          );
          yield rows;
          after = rows.length < BATCH ? null : (rows.at(-1) ?? null);
        } while (after !== null);
      }
    }
  }
}

/** Creates and deletes the notices of some credentials as they are now. Returns how many were created. */
async function reconcile(trx: Trx, scanned: Scanned, ids: readonly string[], room: number): Promise<number> {
  const { workspaceId, unusedAfterDays, now } = scanned;
  await lockAuditHead(trx, workspaceId);
  const rows = new Map((await findCauses(trx, workspaceId, ids)).map((row) => [row.id, row]));
  let created = 0;
  for (const id of ids) {
    const row = rows.get(id);
    const causes = row === undefined ? [] : causesOf(row, unusedAfterDays, now);
    const gone: NoticeKind[] = SCANNED_KINDS.filter((kind) => !causes.some((cause) => cause.kind === kind));
    await resolveNotices(trx, workspaceId, id, gone);
    if (row === undefined) continue;
    const subject = { kind: row.kind, id, name: row.name };
    for (const cause of causes) {
      if (created >= room) break;
      if (await raiseNotice(trx, { ...cause, workspaceId, subject, at: now })) created++;
    }
  }
  return created;
}

/** Whether the notices of a credential differ from those that it causes. */
function isDue(
  existing: ReadonlyMap<string, ScannedNotice>,
  row: CauseRow,
  { unusedAfterDays, now }: Scanned,
): boolean {
  return causesOf(row, unusedAfterDays, now).some(
    ({ kind, occurrence }) => existing.get(keyOf(row.id, kind))?.occurrence !== occurrence,
  );
}

async function scanWorkspace(scanned: Scanned): Promise<void> {
  const { store, workspaceId, now } = scanned;
  const notices = await listScannedNotices(store.read, workspaceId, SCANNED_KINDS);
  const existing = new Map(notices.map((notice) => [keyOf(notice.subject_id, notice.kind), notice]));
  const run = (ids: readonly string[], room: number) => store.transaction((trx) => reconcile(trx, scanned, ids, room));

  const subjects = [...new Set(notices.map(({ subject_id: id }) => id))];
  for (let from = 0; from < subjects.length; from += BATCH) {
    const ids = subjects.slice(from, from + BATCH);
    const rows = new Map((await findCauses(store.read, workspaceId, ids)).map((row) => [row.id, row]));
    const changed = ids.filter((id) => {
      const row = rows.get(id);
      const kinds = row === undefined ? [] : causesOf(row, scanned.unusedAfterDays, now).map(({ kind }) => kind);
      return SCANNED_KINDS.some((kind) => existing.has(keyOf(id, kind)) && !kinds.includes(kind));
    });
    if (changed.length > 0) await run(changed, Number.POSITIVE_INFINITY);
  }

  let room = NOTICE_LIMITS.perWorkspace - (await countNotices(store.read, workspaceId, { now }));
  if (room <= 0) return;
  for await (const rows of walkAll(scanned)) {
    const due = rows.filter((row) => isDue(existing, row, scanned)).map(({ id }) => id);
    for (let from = 0; from < due.length; from += WRITE_BATCH) {
      room -= await run(due.slice(from, from + WRITE_BATCH), room);
      if (room <= 0) return;
    }
  }
}

/**
 * Creates the notices that time or the state of a credential causes, and deletes those whose cause has gone. Repeating it,
 * also on several nodes at once, creates none twice. In a full workspace it creates none.
 */
export async function scanNotices(store: Store, clock: () => number): Promise<void> {
  await store.transaction(deleteNoticesOfGoneIssues);
  let after = '';
  for (;;) {
    const workspaces = await listScannedWorkspaces(store.read, after, BATCH);
    for (const { id, unused_after_days: days } of workspaces) {
      const unusedAfterDays = days ?? DEFAULT_POLICY.unusedAfterDays;
      await scanWorkspace({ store, workspaceId: id, unusedAfterDays, now: clock() });
    }
    const last = workspaces.at(-1);
    if (last === undefined || workspaces.length < BATCH) return;
    after = last.id;
  }
}
