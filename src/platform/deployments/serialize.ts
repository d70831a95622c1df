import type { AuditParty } from '../../contract/audit.ts';
import type { Deployment } from '../../contract/deployments.ts';
import type { AuditPartyKind } from '../../contract/event-names.ts';
import { toIsoString, toIsoStringOrNull } from '../../contract/instant.ts';
import type { DeploymentWaitReason, Strategy, WorkStatus } from '../../contract/platform-vocabulary.ts';
import { Problem } from '../../contract/problem.ts';
import {
  type DeploymentQueueEntry,
  findDeployment,
  listDeploymentQueue,
  listDeploymentServers,
} from '../../store/deployments.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema/deployments.ts';
import type { Queryable } from '../../store/store.ts';
import { type PlatformContext, redactSecretsIn } from '../context.ts';
import { waitsForPromotion } from './plan.ts';

function waitingReason(row: DeploymentTable, now: number): DeploymentWaitReason | null {
  if (waitsForPromotion(row)) return 'promotion';
  if (row.status !== 'pending') return null;
  if (row.approval === 'waiting') return 'approval';
  return row.scheduled_at !== null && row.scheduled_at > now ? 'schedule' : 'queue';
}

/** Parses the hooks of a deployment. Older versions of Devpilot stored no number of attempts, so it is added. */
function serializeHooks(json: string): Deployment['hooks'] {
  const hooks = JSON.parse(json) as Deployment['hooks'];
  return hooks.map((hook) => {
    const hasRun = hook.durationMs !== null;
    return { ...hook, attempts: hook.attempts ?? (hasRun ? 1 : 0) };
  });
}

function serializeApproval({ approval, approved_by: approvedBy }: DeploymentTable): Deployment['approval'] {
  if (approval === null) return null;
  return {
    status: approval as 'waiting' | 'given',
    by: approvedBy === null ? null : (JSON.parse(approvedBy) as AuditParty),
  };
}

function serializeDeployment(
  row: DeploymentTable,
  servers: readonly DeploymentServerTable[],
  blockedBy: string | null,
  now: number,
): Deployment {
  return {
    id: row.id,
    appId: row.app_id,
    kind: row.kind as Deployment['kind'],
    status: row.status as WorkStatus,
    progress: row.progress,
    branch: row.branch,
    tag: row.tag,
    commit: row.commit_id,
    live: row.live === 1,
    strategy: row.strategy as Strategy,
    batchSize: row.batch_size,
    pauseSeconds: row.pause_seconds,
    servers: servers.map(({ server_id, status }) => ({ serverId: server_id, status: status as WorkStatus })),
    hooks: serializeHooks(row.hooks),
    attempt: row.attempt,
    // Masked because older versions of Devpilot accepted a password in the URL of a health check.
    overrides: redactSecretsIn(JSON.parse(row.overrides)) as Deployment['overrides'],
    error: row.error,
    waitingFor: waitingReason(row, now),
    blockedBy,
    scheduledAt: toIsoStringOrNull(row.scheduled_at),
    approval: serializeApproval(row),
    rollbackOf: row.rollback_of,
    createdBy: { kind: row.created_by_kind as AuditPartyKind, id: row.created_by_id, name: row.created_by_name },
    startedAt: toIsoStringOrNull(row.started_at),
    finishedAt: toIsoStringOrNull(row.finished_at),
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

/** Returns, by the ID of each queued deployment that waits for another deployment, the ID of the other deployment. */
async function findBlockers(
  db: Queryable,
  rows: readonly DeploymentTable[],
  now: number,
): Promise<ReadonlyMap<string, string>> {
  const queued = rows.filter((row) => waitingReason(row, now) === 'queue');
  const [first] = queued;
  if (first === undefined) return new Map();
  const appIds = [...new Set(queued.map(({ app_id }) => app_id))];
  const queueByApp = Map.groupBy(await listDeploymentQueue(db, first.workspace_id, appIds), ({ app_id }) => app_id);
  const isReady = ({ approval, scheduled_at: at }: DeploymentQueueEntry) =>
    approval !== 'waiting' && (at ?? now) <= now;
  const blockers = queued.flatMap((row): [string, string][] => {
    const queue = queueByApp.get(row.app_id) ?? [];
    const position = queue.findIndex(({ id }) => id === row.id);
    const running = queue.find(({ status }) => status === 'processing');
    const blocker = running ?? queue.slice(0, Math.max(0, position)).findLast(isReady);
    return blocker === undefined ? [] : [[row.id, blocker.id]];
  });
  return new Map(blockers);
}

/** Returns a function that serializes any of `rows`. All rows must be of this workspace. */
export async function createDeploymentSerializer(
  db: Queryable,
  workspaceId: string,
  rows: readonly DeploymentTable[],
  now: number,
): Promise<(row: DeploymentTable) => Deployment> {
  const ids = rows.map(({ id }) => id);
  const servers = await listDeploymentServers(db, workspaceId, ids);
  const blockers = await findBlockers(db, rows, now);
  return (row) =>
    serializeDeployment(
      row,
      servers.filter(({ deployment_id }) => deployment_id === row.id),
      blockers.get(row.id) ?? null,
      now,
    );
}

/** Returns a deployment. Throws `not_found`. */
export async function readDeployment(
  context: PlatformContext,
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<Deployment> {
  const row = await findDeployment(db, workspaceId, id);
  if (row === undefined) throw deploymentNotFound();
  return (await createDeploymentSerializer(db, workspaceId, [row], context.clock()))(row);
}

export const deploymentNotFound = () => new Problem('not_found', 'The deployment was not found in this workspace.');
