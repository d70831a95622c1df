import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type {
  ErrorEvent,
  ErrorIssue,
  ErrorIssueDetail,
  ErrorReport,
  IssueQuery,
  UpdateIssue,
} from '../../contract/errors.ts';
import type { AuditAction } from '../../contract/event-names.ts';
import { toIsoString } from '../../contract/instant.ts';
import { DAY, SECOND } from '../../contract/limits.ts';
import type { Page, PageQuery } from '../../contract/paging.ts';
import type { ErrorLevel, IssueStatus } from '../../contract/platform-vocabulary.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import { redactSecrets, redactSecretsOrNull } from '../../contract/redact.ts';
import {
  countIssueDays,
  deleteIssue,
  findIssue,
  type IssueSort,
  listErrorEvents,
  listFacets,
  listIssues,
  setIssueStatus,
} from '../../store/errors.ts';
import { resolveNotices } from '../../store/notices.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import { findResource } from '../../store/resources.ts';
import type { ErrorEventTable, ErrorIssueTable } from '../../store/schema/errors.ts';
import { replaceFutureTime } from '../client-time.ts';
import type { PlatformContext } from '../context.ts';
import { isAllowedResource } from '../resources/resources.ts';
import type { ReportedError } from './error-grouping.ts';
import { applySourceMaps } from './source-maps/source-maps.ts';
import { parseStack } from './stack-frames.ts';

const DAYS_SHOWN = 14;
/** Maximum time to read source maps for one page of occurrences. Further frames are returned as they were reported. */
const SOURCE_MAPS_TIMEOUT_MS = 20 * SECOND;

/**
 * Returns the app of a report. A credential that is restricted to projects and apps must name one of its apps, whose
 * slug is returned. For any other caller, `app` is returned unchanged and need not exist. Throws `validation_failed`.
 */
export async function reportedAppOf(
  context: PlatformContext,
  workspaceId: string,
  app: ErrorReport['app'],
  allowed: AllowedResources | null,
): Promise<ErrorReport['app']> {
  if (allowed === null) return app;
  const row = await findResource(context.store.read, 'app', workspaceId, app ?? '');
  if (row === undefined || !isAllowedResource(allowed, row)) {
    throw invalidField('app', 'must be an app that the credential has access to');
  }
  return row.slug;
}

/** Converts a report in Devpilot's own format, with secrets redacted. */
export function toReportedError(report: ErrorReport, now: number): ReportedError {
  const { type, message, level, release, environment, app, fingerprint, time } = report;
  const stack = redactSecretsOrNull(report.stack);
  return {
    type: redactSecrets(type),
    message: redactSecrets(message),
    stack,
    frames: parseStack(stack ?? ''),
    breadcrumbs: [],
    tags: {},
    level: level ?? 'error',
    release: redactSecretsOrNull(release),
    environment: redactSecretsOrNull(environment),
    app: redactSecretsOrNull(app),
    fingerprint: fingerprint?.map(redactSecrets) ?? null,
    at: time ? replaceFutureTime(Date.parse(time), now) : now,
  };
}

/**
 * Returns the status of an issue. A muted issue is stored with the status `open` and the time at which it was muted.
 */
const issueStatusOf = (row: ErrorIssueTable): IssueStatus =>
  row.muted_at === null ? (row.status as IssueStatus) : 'muted';

function serializeIssue(row: ErrorIssueTable, days: readonly { day: number; count: number }[]): ErrorIssue {
  return {
    id: row.id,
    title: row.title,
    type: row.type,
    status: issueStatusOf(row),
    level: row.level as ErrorLevel,
    count: row.count,
    firstSeenAt: toIsoString(row.first_seen_at),
    lastSeenAt: toIsoString(row.last_seen_at),
    release: row.release,
    environment: row.environment,
    app: row.app,
    resolvedInRelease: row.resolved_release,
    days: days.map(({ day, count }) => ({ day: toIsoString(day * DAY).slice(0, 10), count })),
  };
}

/** Returns serialized issues by ID, with the number of errors per day. */
async function serializeWithDays(
  context: PlatformContext,
  workspaceId: string,
  rows: readonly ErrorIssueTable[],
): Promise<Map<string, ErrorIssue>> {
  const from = Math.floor(context.clock() / DAY) - DAYS_SHOWN + 1;
  const ids = rows.map(({ id }) => id);
  const days = await countIssueDays(context.store.read, workspaceId, ids, from);
  return new Map(
    rows.map((row) => [
      row.id,
      serializeIssue(
        row,
        days.filter((day) => day.issue_id === row.id),
      ),
    ]),
  );
}

const SORT_COLUMNS: Readonly<Record<NonNullable<IssueQuery['sort']>, IssueSort>> = {
  '-lastSeenAt': 'last_seen_at',
  '-firstSeenAt': 'first_seen_at',
  '-count': 'count',
};

/** Lists issues. Throws `validation_failed` for a cursor of another list. */
export async function listErrorIssues(
  context: PlatformContext,
  workspaceId: string,
  query: IssueQuery,
  allowed: AllowedResources | null,
): Promise<Page<ErrorIssue>> {
  const { status, level, release, environment, app } = query;
  const sort = query.sort ?? '-lastSeenAt';
  const column = SORT_COLUMNS[sort];
  const page = readPageRequest(query, sort, 'number');
  const filter = { status, level, release, environment, app, allowed, q: query.q?.toLowerCase() };
  const rows = await listIssues(context.store.read, workspaceId, filter, column, page);
  const issuesById = await serializeWithDays(context, workspaceId, rows);
  const cursorOf = (row: ErrorIssueTable) => ({ value: row[column], id: row.id });
  return toPage(rows, page.limit, sort, cursorOf, (row) => issuesById.get(row.id) ?? serializeIssue(row, []));
}

async function requireIssue(context: PlatformContext, workspaceId: string, id: string): Promise<ErrorIssueTable> {
  const row = await findIssue(context.store.read, workspaceId, id);
  if (row === undefined) throw new Problem('not_found', 'The issue was not found in this workspace.');
  return row;
}

/** Returns an issue with its releases, environments and apps. Throws `not_found`. */
export async function getErrorIssue(
  context: PlatformContext,
  workspaceId: string,
  id: string,
): Promise<ErrorIssueDetail> {
  const row = await requireIssue(context, workspaceId, id);
  const facets = await listFacets(context.store.read, workspaceId, id);
  const facetValues = (kind: string) =>
    facets
      .filter((facet) => facet.kind === kind)
      .map(({ value, count, last_seen_at }) => ({ value, count, lastSeenAt: toIsoString(last_seen_at) }));
  const issue = (await serializeWithDays(context, workspaceId, [row])).get(id) ?? serializeIssue(row, []);
  return {
    ...issue,
    releases: facetValues('release'),
    environments: facetValues('environment'),
    apps: facetValues('app'),
  };
}

async function serializeOccurrence(
  context: PlatformContext,
  row: ErrorEventTable,
  deadlineMs: number,
): Promise<ErrorEvent> {
  const detail = JSON.parse(row.detail) as Pick<ReportedError, 'frames'> & Pick<ErrorEvent, 'breadcrumbs' | 'tags'>;
  const frames = await applySourceMaps(context, row.workspace_id, row.app, detail.frames, deadlineMs);
  return {
    id: row.id,
    time: toIsoString(row.at),
    receivedAt: toIsoString(row.received_at),
    level: row.level as ErrorLevel,
    message: row.message,
    stack: row.stack,
    frames,
    breadcrumbs: detail.breadcrumbs,
    tags: detail.tags,
    release: row.release,
    environment: row.environment,
    app: row.app,
  };
}

/** Lists the stored occurrences of an issue, the last received first. Throws `not_found`. */
export async function listIssueEvents(
  context: PlatformContext,
  workspaceId: string,
  id: string,
  query: PageQuery,
): Promise<Page<ErrorEvent>> {
  await requireIssue(context, workspaceId, id);
  const page = readPageRequest(query, '-receivedAt', 'number');
  const rows = await listErrorEvents(context.store.read, workspaceId, id, page);
  const cursorOf = (row: ErrorEventTable) => ({ value: row.received_at, id: row.id });
  const { data, nextCursor } = toPage(rows, page.limit, '-receivedAt', cursorOf, (row) => row);
  const events: ErrorEvent[] = [];
  const deadlineMs = performance.now() + SOURCE_MAPS_TIMEOUT_MS;
  for (const row of data) events.push(await serializeOccurrence(context, row, deadlineMs));
  return { data: events, nextCursor };
}

const STATUS_ACTIONS = {
  open: 'error_issue.reopened',
  resolved: 'error_issue.resolved',
  muted: 'error_issue.muted',
} as const satisfies Record<IssueStatus, AuditAction>;

/**
 * Resolves, reopens or mutes an issue. Throws `not_found`, and `validation_failed` for a release without the status
 * `resolved`.
 */
export async function updateErrorIssue(
  context: PlatformContext,
  request: RequestContext,
  id: string,
  { status, release = null }: UpdateIssue,
): Promise<ErrorIssueDetail> {
  const { workspaceId } = request;
  if (release !== null && status !== 'resolved') throw invalidField('release', 'requires the status resolved');
  const fixedIn = redactSecretsOrNull(release);
  const now = context.clock();
  await context.store.transaction(async (trx) => {
    const row = await findIssue(trx, workspaceId, id);
    if (row === undefined) throw new Problem('not_found', 'The issue was not found in this workspace.');
    if (issueStatusOf(row) === status && row.resolved_release === fixedIn) return;
    await setIssueStatus(trx, workspaceId, id, {
      status: status === 'muted' ? 'open' : status,
      resolved_at: status === 'resolved' ? now : null,
      resolved_release: fixedIn,
      muted_at: status === 'muted' ? now : null,
    });
    await recordAuditEvent(trx, request, STATUS_ACTIONS[status], { kind: 'error_issue', id, name: row.title }, now, {
      ...(fixedIn !== null && { release: fixedIn }),
    });
    if (status !== 'open') await resolveNotices(trx, workspaceId, id);
  });
  return getErrorIssue(context, workspaceId, id);
}

/**
 * Deletes an issue with its occurrences; the same error creates a new issue when it is reported again. Throws
 * `not_found`.
 */
export async function deleteErrorIssue(context: PlatformContext, request: RequestContext, id: string): Promise<void> {
  const { workspaceId } = request;
  await context.store.transaction(async (trx) => {
    const row = await findIssue(trx, workspaceId, id);
    if (row === undefined) throw new Problem('not_found', 'The issue was not found in this workspace.');
    await deleteIssue(trx, workspaceId, id);
    const target = { kind: 'error_issue', id, name: row.title } as const;
    await recordAuditEvent(trx, request, 'error_issue.deleted', target, context.clock(), { occurrences: row.count });
    await resolveNotices(trx, workspaceId, id);
  });
}
