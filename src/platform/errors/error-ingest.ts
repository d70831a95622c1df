import { raiseNotice } from '../../audit/notices.ts';
import { recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import { createId } from '../../contract/id.ts';
import { DAY, MINUTE, RESOURCE_LIMITS } from '../../contract/limits.ts';
import {
  addFacets,
  addIssueDay,
  addToIssue,
  evictIssues,
  findAppId,
  findIssueByFingerprint,
  insertErrorEvents,
  listFacets,
} from '../../store/errors.ts';
import { tryConsumeQuota } from '../../store/quotas.ts';
import type { ErrorEventTable, ErrorFacetTable, ErrorIssueTable } from '../../store/schema/errors.ts';
import type { Store, Trx } from '../../store/store.ts';
import { createSenderQuota, type SenderItem } from '../sender-quota.ts';
import { createWriteBatcher } from '../write-batcher.ts';
import { fingerprintOf, type ReportedError, titleOf } from './error-grouping.ts';
import { isRegression } from './releases.ts';

export interface ErrorIngest {
  /**
   * Counts an error in its issue, and stores the occurrence unless a limit is reached. Resolves to the issue's ID when
   * the writes are durable. Throws `unavailable` if too many errors are queued, `quota_exceeded` if `sender`, the ID
   * of a principal, has reported too many errors.
   */
  ingest(workspaceId: string, error: ReportedError, receivedAt: number, sender: string): Promise<string>;
}

interface Report extends SenderItem {
  readonly error: ReportedError;
  /** The ID of the reported app; null if no app was reported or the workspace has no such app. */
  readonly appId: string | null;
  readonly fingerprint: string;
}

const MAX_REPORTS_PER_WRITE = 500;
const MAX_QUEUED_REPORTS = 5_000;
/** The properties of errors whose values are counted per issue. */
const FACETS = ['release', 'environment', 'app', 'app_id'] as const;

function toEventRow(issue: ErrorIssueTable, { error, receivedAt }: Report): ErrorEventTable {
  const { at, level, message, stack, release, environment, app, frames, breadcrumbs, tags } = error;
  return {
    id: createId('error_event', receivedAt),
    workspace_id: issue.workspace_id,
    issue_id: issue.id,
    at,
    received_at: receivedAt,
    level,
    message,
    stack,
    release,
    environment,
    app,
    detail: JSON.stringify({ frames, breadcrumbs, tags }),
  };
}

/**
 * Counts the reports per release, environment, app and app ID. An issue that has the maximum number of values of one
 * kind gets no further values of that kind.
 */
async function countFacets(trx: Trx, issue: ErrorIssueTable, reports: readonly Report[]): Promise<ErrorFacetTable[]> {
  const known = await listFacets(trx, issue.workspace_id, issue.id);
  const rows: ErrorFacetTable[] = [];
  for (const kind of FACETS) {
    const knownValues = new Set(known.filter((facet) => facet.kind === kind).map(({ value }) => value));
    const counts = new Map<string, number>();
    for (const { error, appId } of reports) {
      const value = kind === 'app_id' ? appId : error[kind];
      if (value === null || (!knownValues.has(value) && knownValues.size >= RESOURCE_LIMITS.errorFacets)) continue;
      knownValues.add(value);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const lastSeenAt = reports.at(-1)?.receivedAt ?? 0;
    for (const [value, count] of counts) {
      rows.push({ issue_id: issue.id, workspace_id: issue.workspace_id, kind, value, count, last_seen_at: lastSeenAt });
    }
  }
  return rows;
}

const OVERFLOW_TYPE = 'Too many kinds of errors from one sender in a day';
const overflowFingerprint = ({ sender, appId }: Report) => `overflow ${sender}${appId === null ? '' : ` ${appId}`}`;

/** Consumes the sender's quota of new issues. Returns false if it is used up. */
function consumeIssueQuota(trx: Trx, { workspaceId, sender, receivedAt }: Report): Promise<boolean> {
  return tryConsumeQuota(trx, 'newIssues', `${workspaceId} ${sender}`, receivedAt);
}

/** Moves a report to the overflow issue of its sender and app, because the sender has created too many issues. */
function toOverflowReport(report: Report): Report {
  const error = { ...report.error, type: OVERFLOW_TYPE };
  return { ...report, error, fingerprint: overflowFingerprint(report) };
}

/** Whether `reports`, all of errors that occurred after the issue was resolved, show that the issue is not fixed. */
async function hasRegression(trx: Trx, issue: ErrorIssueTable, reports: readonly Report[]): Promise<boolean> {
  const { resolved_release: fixedIn } = issue;
  if (fixedIn === null) return reports.length > 0;
  const facets = await listFacets(trx, issue.workspace_id, issue.id);
  const seenReleases = new Set(facets.filter(({ kind }) => kind === 'release').map(({ value }) => value));
  return reports.some(({ error }) => isRegression(error.release, fixedIn, seenReleases));
}

interface WrittenIssue {
  readonly id: string;
  /** Records audit events and notices. Locks the activity log, so it is called after all issues are written. */
  readonly record: () => Promise<void>;
}

async function countPerDay(trx: Trx, issue: ErrorIssueTable, reports: readonly Report[]): Promise<void> {
  const days = new Map<number, number>();
  for (const { error } of reports) {
    const day = Math.floor(error.at / DAY);
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  for (const [day, count] of days)
    await addIssueDay(trx, { issue_id: issue.id, workspace_id: issue.workspace_id, day, count });
}

/** Stores the occurrences of reports, unless the quota of stored errors of the first report's sender is used up. */
async function storeOccurrences(trx: Trx, issue: ErrorIssueTable, reports: readonly Report[]): Promise<void> {
  const [first] = reports;
  if (first === undefined) return;
  const { workspaceId, sender, receivedAt } = first;
  const events = reports.map((report) => toEventRow(issue, report));
  const size = events.reduce(
    (sum, { message, stack, detail }) => sum + message.length + (stack?.length ?? 0) + detail.length,
    0,
  );
  if (await tryConsumeQuota(trx, 'keptErrors', `${workspaceId} ${sender}`, receivedAt, size)) {
    await insertErrorEvents(trx, workspaceId, issue.id, events, RESOURCE_LIMITS.errorEvents);
  }
}

/** Counts reports of one issue, and stores as many of their occurrences as the limits permit. */
async function writeIssue(trx: Trx, reports: readonly [Report, ...Report[]]): Promise<WrittenIssue> {
  const [first] = reports;
  const { workspaceId, fingerprint, receivedAt } = first;
  const newest = reports.reduce((latest, other) => (other.error.at >= latest.error.at ? other : latest)).error;
  const oldest = Math.min(...reports.map(({ error }) => error.at));
  const before = await findIssueByFingerprint(trx, workspaceId, fingerprint);
  const isOverflow = fingerprint === overflowFingerprint(first);
  if (before === undefined && !isOverflow && !(await consumeIssueQuota(trx, first))) {
    return writeIssue(trx, reports.map(toOverflowReport) as [Report, ...Report[]]);
  }
  const minute = Math.floor(receivedAt / MINUTE);
  const storedThisMinute = before?.kept_minute === minute ? before.kept_count : 0;
  const reportsToStore = reports.slice(0, Math.max(0, RESOURCE_LIMITS.errorEventsPerMinute - storedThisMinute));
  // A late report of an error that occurred before the issue was resolved is not a regression.
  const laterReports = reports.filter(({ error }) => error.at > (before?.resolved_at ?? 0));
  const reopens = before?.status === 'resolved' && (await hasRegression(trx, before, laterReports));
  const issue = await addToIssue(
    trx,
    {
      id: createId('error_issue', receivedAt),
      workspace_id: workspaceId,
      fingerprint,
      title: titleOf(newest),
      type: newest.type,
      status: 'open',
      level: newest.level,
      count: reports.length,
      first_seen_at: oldest,
      last_seen_at: newest.at,
      release: newest.release,
      environment: newest.environment,
      app: newest.app,
      resolved_at: null,
      resolved_release: null,
      muted_at: null,
      sender: first.sender,
      kept_minute: minute,
      kept_count: storedThisMinute + reportsToStore.length,
    },
    reopens,
  );
  await countPerDay(trx, issue, reports);
  await addFacets(trx, await countFacets(trx, issue, reports));
  await storeOccurrences(trx, issue, reportsToStore);
  if (before === undefined) await evictIssues(trx, workspaceId, RESOURCE_LIMITS.errorIssues);
  const { level, release, environment, app } = newest;
  const subject = { kind: 'error_issue', id: issue.id, name: issue.title } as const;
  const record = async () => {
    if (reopens) {
      const detail = { reason: 'it was seen again', release };
      const system = systemRequestContext(workspaceId);
      await recordAuditEvent(trx, system, 'error_issue.reopened', subject, receivedAt, detail);
    }
    if (before !== undefined && !reopens) return;
    await raiseNotice(trx, {
      workspaceId,
      kind: reopens ? 'error.reopened' : 'error.new',
      subject,
      at: receivedAt,
      // Every node that receives the error at the same time uses the same value, so that only one notice is raised.
      occurrence: String(before?.resolved_at ?? ''),
      detail: { level, release, environment, app },
    });
  };
  return { id: issue.id, record };
}

const issueKey = ({ workspaceId, fingerprint }: Report) => `${workspaceId} ${fingerprint}`;

/**
 * Creates an ingest that stores many errors in one transaction, so that a flood of errors is stored quickly and does
 * not block other writers.
 */
export function createErrorIngest(store: Store): ErrorIngest {
  const quota = createSenderQuota('errorEvents');

  async function write(reports: readonly Report[]): Promise<Map<Report, string>> {
    const groups = new Map<string, [Report, ...Report[]]>();
    for (const report of reports) {
      const group = groups.get(issueKey(report));
      if (group === undefined) groups.set(issueKey(report), [report]);
      else group.push(report);
    }
    // Sorted, so that all nodes lock in the same order and cannot deadlock.
    const ordered = [...groups].sort(([first], [second]) => (first < second ? -1 : 1));
    return store.transaction(async (trx) => {
      await quota.consume(trx, reports, () => 1);
      const ids = new Map<Report, string>();
      const written: WrittenIssue[] = [];
      for (const [, group] of ordered) {
        const issue = await writeIssue(trx, group);
        written.push(issue);
        for (const report of group) ids.set(report, issue.id);
      }
      for (const { record } of written) await record();
      return ids;
    });
  }
  const enqueue = createWriteBatcher({
    maxBatchSize: MAX_REPORTS_PER_WRITE,
    maxQueuedSize: MAX_QUEUED_REPORTS,
    sizeOf: () => 1,
    workspaceOf: (report: Report) => report.workspaceId,
    write,
  });
  return {
    async ingest(workspaceId, error, receivedAt, sender) {
      quota.check({ workspaceId, receivedAt, sender });
      const appId = error.app === null ? null : await findAppId(store, workspaceId, error.app);
      const report = { workspaceId, error, receivedAt, sender, appId, fingerprint: fingerprintOf(error, appId) };
      try {
        return await enqueue(report);
      } catch (thrown) {
        quota.recordExceeded(report, thrown);
        throw thrown;
      }
    },
  };
}
