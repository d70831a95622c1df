import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { CommitStatus, SetCommitStatus } from '../../contract/commit-status.ts';
import { apiUrlOf, type CommitStatusApi, commitStatusApiOf, hostedRepositoryOf } from '../../contract/git-hosts.ts';
import { toIsoStringOrNull } from '../../contract/instant.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import { deleteCommitStatusRow, findCommitStatusRow, replaceCommitStatusRow } from '../../store/commit-status.ts';
import type { AppTable, CommitStatusTable } from '../../store/schema/resources.ts';
import type { PlatformContext } from '../context.ts';
import { requireResource } from '../resources/resources.ts';

/** Returns the associated data of the sealed token, which bind it to the app and the URL to which it is sent. */
export const statusTokenAssociatedData = (row: Pick<CommitStatusTable, 'workspace_id' | 'app_id' | 'url'>): string =>
  `commit status ${row.workspace_id} ${row.app_id} ${row.url}`;

function serializeCommitStatus(row: CommitStatusTable | undefined): CommitStatus {
  return {
    kind: (row?.kind ?? null) as CommitStatusApi | null,
    url: row?.url ?? null,
    error: row?.error ?? null,
    updatedAt: toIsoStringOrNull(row?.updated_at ?? null),
  };
}

/** Returns the settings for commit statuses, without the token. Throws `not_found`. */
export async function getCommitStatus(
  context: PlatformContext,
  workspaceId: string,
  idOrSlug: string,
): Promise<CommitStatus> {
  const { read } = context.store;
  const app = await requireResource(read, 'app', workspaceId, idOrSlug);
  return serializeCommitStatus(await findCommitStatusRow(read, workspaceId, app.id));
}

const auditTargetOf = (app: AppTable) => ({ kind: 'app', id: app.id, name: app.name }) as const;

/**
 * Stores the token with which commit statuses are reported. Throws `not_found`, `conflict` if the app has no
 * repository on a Git host, and `validation_failed`.
 */
export function setCommitStatus(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
  input: SetCommitStatus,
): Promise<CommitStatus> {
  return context.store.transaction(async (trx) => {
    const now = context.clock();
    const app = await requireResource(trx, 'app', request.workspaceId, idOrSlug);
    const repository = hostedRepositoryOf(app.repository);
    if (repository === null) throw new Problem('conflict', 'The app has no repository on a Git host.');
    const kind = input.kind ?? commitStatusApiOf(repository.host);
    if (kind === null) throw invalidField('kind', `must be set: the API of ${repository.host} is not known`);
    const requestedUrl = input.url ?? apiUrlOf(repository, kind);
    const refusal = /[?#]/.test(requestedUrl)
      ? 'must not contain a query or a fragment'
      : context.outbound.refusalOf(requestedUrl);
    if (refusal !== null) throw invalidField('url', refusal);
    const url = new URL(requestedUrl).href.replace(/\/+$/, '');
    const boundTo = { app_id: app.id, workspace_id: app.workspace_id, url };
    const row: CommitStatusTable = {
      ...boundTo,
      kind,
      repository_host: repository.host,
      token_sealed: context.seal.seal(input.token, statusTokenAssociatedData(boundTo)),
      error: null,
      updated_at: now,
    };
    await replaceCommitStatusRow(trx, row);
    await recordAuditEvent(trx, request, 'app.commit_status_set', auditTargetOf(app), now, { kind, url });
    return serializeCommitStatus(row);
  });
}

/** Deletes the token and its settings. Throws `not_found` if the app does not exist or reports no commit statuses. */
export function deleteCommitStatus(context: PlatformContext, request: RequestContext, idOrSlug: string): Promise<void> {
  return context.store.transaction(async (trx) => {
    const app = await requireResource(trx, 'app', request.workspaceId, idOrSlug);
    const row = await findCommitStatusRow(trx, app.workspace_id, app.id);
    if (row === undefined) throw new Problem('not_found', 'No commit statuses are reported for the app.');
    await deleteCommitStatusRow(trx, row);
    const detail = { kind: row.kind, url: row.url };
    await recordAuditEvent(trx, request, 'app.commit_status_deleted', auditTargetOf(app), context.clock(), detail);
  });
}
