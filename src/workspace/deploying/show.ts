import type { Party } from '../../contract/audit.ts';
import type { Deployment } from '../../contract/deployments.ts';
import { Problem } from '../../contract/problem.ts';
import type { AuditNoun, DeploymentWait, Strategy, WorkStatus } from '../../contract/words.ts';
import { findDeployment, serversOf } from '../../store/deployments.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema.ts';
import type { Queryable } from '../../store/store.ts';
import { instant, type WorkspaceContext, withoutSecrets } from '../context.ts';
import { waitsForPromotion } from './plan.ts';

const maybe = (at: number | null): string | null => (at === null ? null : instant(at));

function waitOf(row: DeploymentTable, now: number): DeploymentWait | null {
  if (waitsForPromotion(row)) return 'promotion';
  if (row.status !== 'pending') return null;
  if (row.approval === 'waiting') return 'approval';
  return row.scheduled_at !== null && row.scheduled_at > now ? 'schedule' : 'queue';
}

/** A deployment as the wire shows it. */
export function show(row: DeploymentTable, servers: readonly DeploymentServerTable[], now: number): Deployment {
  return {
    id: row.id,
    appId: row.app_id,
    kind: row.kind as Deployment['kind'],
    status: row.status as WorkStatus,
    progress: row.progress,
    branch: row.branch,
    commit: row.commit_id,
    live: row.live === 1,
    strategy: row.strategy as Strategy,
    batchSize: row.batch_size,
    pauseSeconds: row.pause_seconds,
    servers: servers.map(({ server_id, status }) => ({ serverId: server_id, status: status as WorkStatus })),
    hooks: JSON.parse(row.hooks) as Deployment['hooks'],
    // A version before this one accepted a password in the URL of a health check.
    overrides: withoutSecrets(JSON.parse(row.overrides)) as Deployment['overrides'],
    error: row.error,
    waitingFor: waitOf(row, now),
    scheduledAt: maybe(row.scheduled_at),
    approval:
      row.approval === null
        ? null
        : {
            status: row.approval as 'waiting' | 'given',
            by: row.approved_by === null ? null : (JSON.parse(row.approved_by) as Party),
          },
    rollbackOf: row.rollback_of,
    createdBy: { kind: row.created_by_kind as AuditNoun, id: row.created_by_id, name: row.created_by_name },
    startedAt: maybe(row.started_at),
    finishedAt: maybe(row.finished_at),
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
  };
}

/** Throws `not_found`. */
export async function showOne(
  context: WorkspaceContext,
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<Deployment> {
  const row = await findDeployment(db, workspaceId, id);
  if (row === undefined) throw noDeployment();
  return show(row, await serversOf(db, workspaceId, [id]), context.clock());
}

export const noDeployment = () => new Problem('not_found', 'There is no such deployment in this workspace.');

/** Who asked, as a log's reader is told. */
export function nameOf({ kind, name, id }: Party): string {
  const who = name ?? id ?? 'somebody';
  if (kind === 'api_key') return `the API key ${who}`;
  return kind === 'access_token' ? `the access token ${who}` : who;
}
