import { raiseNotice } from '../audit/notices.ts';
import type { NoticeKind } from '../contract/event-names.ts';
import { DAY, NOTICE_LIMITS } from '../contract/limits.ts';
import { DEFAULT_POLICY } from '../contract/policy.ts';
import { CREDENTIAL_KINDS } from '../contract/vocabulary.ts';
import { lockAuditHead } from '../store/audit.ts';
import {
  CAUSE_TYPES,
  type CauseTimes,
  type CauseType,
  findScannedCredentials,
  listCreatorsWhoLeft,
  listScannedCredentials,
  listScannedWorkspaces,
  type ScannedCredentialRow,
} from '../store/notice-causes.ts';
import {
  countNotices,
  countNoticesEvictedLast,
  deleteNoticesOfDeletedIssues,
  listScannedNotices,
  resolveNotices,
  type ScannedNotice,
} from '../store/notices.ts';
import type { Store, Trx } from '../store/store.ts';
import { type Cause, causesOf, EXPIRY_STAGES_DAYS, SCANNED_KINDS } from './notice-causes.ts';

/**
 * Maximum number of rows per read, and of credentials whose notices are written per transaction. Both are small, so
 * that other requests can run in between.
 */
const READ_BATCH_SIZE = 200;
const WRITE_BATCH_SIZE = 10;
const LONGEST_EXPIRY_STAGE_DAYS = EXPIRY_STAGES_DAYS[2];

/** A scan of one workspace. */
interface WorkspaceScan {
  readonly store: Store;
  readonly workspaceId: string;
  readonly unusedAfterDays: number;
  readonly now: number;
  /** The notices that existed before the scan, by `keyOf`. */
  readonly existing: ReadonlyMap<string, ScannedNotice>;
}

/**
 * Numbers of notices about expiries and of other notices that can be added. A notice about an expiry can also replace a
 * notice of another kind (`evictNotices` of `src/store/notices.ts`).
 */
interface Capacity {
  readonly expiries: number;
  readonly others: number;
}

const keyOf = (subjectId: string, kind: string) => `${subjectId} ${kind}`;
const isExpiry = (kind: NoticeKind): boolean => kind === 'credential.expiring' || kind === 'credential.expired';

/** Yields batches of credentials that may cause notices. */
async function* readScannedCredentials(
  { store: { read }, workspaceId, unusedAfterDays, now }: WorkspaceScan,
  type: CauseType,
): AsyncGenerator<ScannedCredentialRow[]> {
  const times: CauseTimes = { now, expiryDays: LONGEST_EXPIRY_STAGE_DAYS, unusedSince: now - unusedAfterDays * DAY };
  for (const kind of CREDENTIAL_KINDS) {
    const creators = type === 'creator' ? await listCreatorsWhoLeft(read, workspaceId, kind) : [null];
    for (const creator of creators) {
      let after: { value: number; id: string } | null = null;
      do {
        const rows: (ScannedCredentialRow & { value: number })[] = await listScannedCredentials(
          read,
          { workspaceId, kind, creator },
          type,
          times,
          after,
          READ_BATCH_SIZE,
        );
        yield rows;
        after = rows.length < READ_BATCH_SIZE ? null : (rows.at(-1) ?? null);
      } while (after !== null);
    }
  }
}

/**
 * Returns whether to create a notice for a cause: the credential has no notice of this kind and there is capacity, or
 * its notice is about an earlier occurrence.
 */
function isDue(
  { existing }: WorkspaceScan,
  { expiries, others }: Capacity,
  id: string,
  { kind, occurrence }: Cause,
): boolean {
  const notice = existing.get(keyOf(id, kind));
  if (notice !== undefined) return notice.occurrence !== occurrence;
  const capacity = isExpiry(kind) ? expiries : others;
  return capacity > 0;
}

/**
 * Creates and deletes the notices of the credentials `ids` according to their state. Returns the remaining capacity.
 */
async function reconcile(
  trx: Trx,
  scan: WorkspaceScan,
  ids: readonly string[],
  initialCapacity: Capacity,
): Promise<Capacity> {
  const { workspaceId, unusedAfterDays, now, existing } = scan;
  await lockAuditHead(trx, workspaceId);
  const rows = new Map((await findScannedCredentials(trx, workspaceId, ids)).map((row) => [row.id, row]));
  let capacity = initialCapacity;
  for (const id of ids) {
    const row = rows.get(id);
    const causes = row === undefined ? [] : causesOf(row, unusedAfterDays, now);
    const resolvedKinds: NoticeKind[] = SCANNED_KINDS.filter((kind) => !causes.some((cause) => cause.kind === kind));
    await resolveNotices(trx, workspaceId, id, resolvedKinds);
    if (row === undefined) continue;
    const subject = { kind: row.kind, id, name: row.name };
    for (const cause of causes) {
      if (!isDue(scan, capacity, id, cause)) continue;
      const created = await raiseNotice(trx, { ...cause, workspaceId, subject, at: now });
      if (!created || existing.has(keyOf(id, cause.kind))) continue;
      capacity = { expiries: capacity.expiries - (isExpiry(cause.kind) ? 1 : 0), others: capacity.others - 1 };
    }
  }
  return capacity;
}

async function scanWorkspace(workspace: Omit<WorkspaceScan, 'existing'>): Promise<void> {
  const { store, workspaceId, unusedAfterDays, now } = workspace;
  const notices = await listScannedNotices(store.read, workspaceId, SCANNED_KINDS);
  const existing = new Map(notices.map((notice) => [keyOf(notice.subject_id, notice.kind), notice]));
  const scan: WorkspaceScan = { ...workspace, existing };
  const reconcileInTransaction = (ids: readonly string[], capacity: Capacity) =>
    store.transaction((trx) => reconcile(trx, scan, ids, capacity));

  // Deletes the notices whose cause no longer exists.
  const subjects = [...new Set(notices.map(({ subject_id: id }) => id))];
  for (let from = 0; from < subjects.length; from += READ_BATCH_SIZE) {
    const ids = subjects.slice(from, from + READ_BATCH_SIZE);
    const rows = new Map((await findScannedCredentials(store.read, workspaceId, ids)).map((row) => [row.id, row]));
    const changed = ids.filter((id) => {
      const row = rows.get(id);
      const kinds = row === undefined ? [] : causesOf(row, unusedAfterDays, now).map(({ kind }) => kind);
      return SCANNED_KINDS.some((kind) => existing.has(keyOf(id, kind)) && !kinds.includes(kind));
    });
    if (changed.length > 0) await reconcileInTransaction(changed, { expiries: 0, others: 0 });
  }

  // Creates the notices that are due.
  let capacity: Capacity = {
    expiries: NOTICE_LIMITS.perWorkspace - (await countNoticesEvictedLast(store.read, workspaceId)),
    others: NOTICE_LIMITS.perWorkspace - (await countNotices(store.read, workspaceId, { now })),
  };
  for (const type of CAUSE_TYPES) {
    if (type !== 'expiry' && capacity.others <= 0) return;
    for await (const rows of readScannedCredentials(scan, type)) {
      const due = rows
        .filter((row) => causesOf(row, unusedAfterDays, now).some((cause) => isDue(scan, capacity, row.id, cause)))
        .map(({ id }) => id);
      for (let from = 0; from < due.length; from += WRITE_BATCH_SIZE) {
        capacity = await reconcileInTransaction(due.slice(from, from + WRITE_BATCH_SIZE), capacity);
      }
      if (type !== 'expiry' && capacity.others <= 0) return;
    }
  }
}

/**
 * Creates the notices that elapsed time or the state of a credential causes, and deletes notices whose cause no longer
 * exists. Repeated and concurrent scans create no notice twice. In a workspace with the maximum number of notices, only
 * notices about expiries are created. If the scan of a workspace fails, the other workspaces are scanned, and the
 * promise rejects with an `AggregateError`.
 */
export async function scanNotices(store: Store, clock: () => number): Promise<void> {
  await store.transaction(deleteNoticesOfDeletedIssues);
  const errors: unknown[] = [];
  let after = '';
  for (;;) {
    const workspaces = await listScannedWorkspaces(store.read, after, READ_BATCH_SIZE);
    for (const { id, unused_after_days: days } of workspaces) {
      const unusedAfterDays = days ?? DEFAULT_POLICY.unusedAfterDays;
      await scanWorkspace({ store, workspaceId: id, unusedAfterDays, now: clock() }).catch((error: unknown) =>
        errors.push(error),
      );
    }
    const last = workspaces.at(-1);
    if (last === undefined || workspaces.length < READ_BATCH_SIZE) break;
    after = last.id;
  }
  if (errors.length > 0) throw new AggregateError(errors, `Workspaces whose scan for notices failed: ${errors.length}`);
}
