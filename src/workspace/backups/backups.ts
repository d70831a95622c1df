import type { Backup, BackupQuery } from '../../contract/backups.ts';
import { createId } from '../../contract/id.ts';
import { Problem } from '../../contract/problem.ts';
import type { App } from '../../contract/resources.ts';
import type { Page } from '../../contract/schemas.ts';
import { type AuditNoun, type BackupKind, DAY, HOUR, type WorkStatus } from '../../contract/words.ts';
import {
  countBackupWork,
  deleteBackupRow,
  findStoredObject,
  insertBackup,
  insertRestore,
  lastRestores,
  listBackups,
  restoresWaiting,
  wholeBackups,
} from '../../store/backups.ts';
import { cutPage, pageAsk } from '../../store/paging.ts';
import { findResource } from '../../store/resources.ts';
import { dueSchedules, lockScheduled, setNextTime } from '../../store/schedules.ts';
import type { AppTable, BackupTable, RestoreTable } from '../../store/schema.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import { findWork } from '../../store/work.ts';
import { type Asker, claimOnce, instant, record, systemIn, type WorkspaceContext } from '../context.ts';
import { appLane, serverLane } from '../lanes.ts';
import { nextTime } from '../schedules.ts';
import { storageNameOf } from './storage.ts';
import { sweepObject } from './sweep.ts';

export const BACKUP_KIND = 'backup';
/** Restores go to a node that reaches the storage, so each storage has a kind of its own. */
export const restoreKindOf = (storageName: string): string => `restore from ${storageName}`;

/** A backup or a restore may take so long. */
const TIME_LIMIT = 12 * HOUR;
/** Backups and restores of one app that wait or are at work. */
const WAITING = 10;
const DUE_AT_ONCE = 50;
const TAKEN_WITHIN = HOUR;

/** What an app says of its backups. */
export type BackupPlan = NonNullable<App['backup']>;
export function planOf(app: AppTable): BackupPlan {
  return app.backup === null ? { command: null, restoreCommand: null } : (JSON.parse(app.backup) as BackupPlan);
}

const isUnderWay = (status: string) => status === 'pending' || status === 'processing';
const targetOf = (row: BackupTable) => ({ kind: 'backup', id: row.id, name: row.app_name }) as const;

function showBackup(row: BackupTable, restore: RestoreTable | undefined): Backup {
  const maybe = (at: number | null) => (at === null ? null : instant(at));
  const by = (one: BackupTable | RestoreTable) => ({
    kind: one.actor_kind as AuditNoun,
    id: one.actor_id,
    name: one.actor_name,
  });
  const restoring = restore !== undefined && isUnderWay(restore.status);
  return {
    id: row.id,
    appId: row.app_id,
    kind: row.kind as BackupKind,
    status: (restoring ? restore.status : row.status) as WorkStatus,
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    error: row.error,
    createdBy: by(row),
    startedAt: maybe(row.started_at),
    finishedAt: maybe(row.finished_at),
    lastRestore:
      restore === undefined
        ? null
        : {
            status: restore.status as WorkStatus,
            error: restore.error,
            createdBy: by(restore),
            createdAt: instant(restore.created_at),
            startedAt: maybe(restore.started_at),
            finishedAt: maybe(restore.finished_at),
          },
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
  };
}

async function findRow(db: Queryable, workspaceId: string, id: string): Promise<BackupTable> {
  const row = await findWork(db, 'backup', workspaceId, id);
  if (row === undefined) throw new Problem('not_found', 'There is no such backup in this workspace.');
  return row;
}

/** Throws `not_found`. */
export async function getBackup(context: WorkspaceContext, workspaceId: string, id: string): Promise<Backup> {
  const { read } = context.store;
  const row = await findRow(read, workspaceId, id);
  return showBackup(row, (await lastRestores(read, workspaceId, [id])).get(id));
}

/** An app's backups, newest first; by its id also those of an app that is gone. Throws `not_found`. */
export async function listBackupsOf(
  context: WorkspaceContext,
  workspaceId: string,
  idOrSlug: string,
  query: BackupQuery,
): Promise<Page<Backup>> {
  const { read } = context.store;
  const page = pageAsk(query, '-createdAt', 'number');
  const app = await findResource(read, 'app', workspaceId, idOrSlug);
  const rows = await listBackups(read, workspaceId, app?.id ?? idOrSlug, query.status, page);
  if (app === undefined && rows.length === 0) throw new Problem('not_found', 'There is no such app in this workspace.');
  const ids = rows.map(({ id }) => id);
  const restores = await lastRestores(read, workspaceId, ids);
  const placeOf = (row: BackupTable) => ({ value: row.created_at, id: row.id });
  return cutPage(rows, page.limit, '-createdAt', placeOf, (row) => showBackup(row, restores.get(row.id)));
}

/** Throws `conflict` where an app has nothing to back up, or nowhere to find it. */
function checkBackUp(app: AppTable): BackupKind {
  if (app.server_id === null) throw new Problem('conflict', 'This app has no server. Set its serverId first.');
  if (planOf(app).command !== null) return 'command';
  if (app.directory === null) {
    throw new Problem('conflict', 'This app has neither a directory nor a backup command. Set one of them first.');
  }
  return 'directory';
}

/** The places that work on an app's backups takes: one at a time for the app, some for the server. */
function lanesOf(app: AppTable) {
  return [{ key: `backup:${app.id}`, limit: 1 }, serverLane(app.server_id ?? '')];
}

/** Puts a backup in the queue; where the app can't be backed up, `failure` says why, and it has failed at once. */
async function begin(
  trx: Trx,
  context: WorkspaceContext,
  asker: Asker,
  app: AppTable,
  kind: BackupKind,
  scheduledFor: number | null,
  failure: string | null = null,
): Promise<BackupTable> {
  const now = context.clock();
  const { workspaceId, actor } = asker;
  const row: BackupTable = {
    id: createId('backup', now),
    workspace_id: workspaceId,
    app_id: app.id,
    app_name: app.name,
    kind,
    status: failure === null ? 'pending' : 'failed',
    size_bytes: null,
    sha256: null,
    error: failure,
    actor_kind: actor.kind,
    actor_id: actor.id,
    actor_name: actor.name,
    created_at: now,
    updated_at: now,
    started_at: null,
    finished_at: failure === null ? null : now,
    scheduled_for: scheduledFor,
  };
  await claimOnce(trx, asker.claim, row.id, now);
  await insertBackup(trx, row);
  if (failure === null) {
    await context.jobs.enqueue(trx, {
      kind: BACKUP_KIND,
      workspaceId,
      resourceId: row.id,
      lanes: lanesOf(app),
      timeLimit: TIME_LIMIT,
    });
  }
  const detail = {
    app: { id: app.id, name: app.name },
    kind,
    ...(scheduledFor !== null && { scheduledFor: instant(scheduledFor) }),
    ...(failure !== null && { error: failure }),
  };
  await record(trx, asker, 'backup.created', targetOf(row), now, detail);
  return row;
}

async function refuseTooMany(trx: Trx, workspaceId: string, appId: string): Promise<void> {
  if ((await countBackupWork(trx, workspaceId, appId)) < WAITING) return;
  throw new Problem('conflict', `${WAITING} backups and restores of this app wait already.`);
}

/** Begins a backup; it waits while another one of the app is made or restored. Throws `not_found`, `conflict`. */
export async function createBackup(context: WorkspaceContext, asker: Asker, idOrSlug: string): Promise<Backup> {
  const { workspaceId } = asker;
  const row = await context.store.transaction(async (trx) => {
    const found = await findResource(trx, 'app', workspaceId, idOrSlug);
    const app = found === undefined ? undefined : await lockScheduled(trx, 'app', workspaceId, found.id);
    if (app === undefined) throw new Problem('not_found', 'There is no such app in this workspace.');
    const kind = checkBackUp(app);
    await refuseTooMany(trx, workspaceId, app.id);
    return begin(trx, context, asker, app, kind, null);
  });
  context.jobs.wake();
  return showBackup(row, undefined);
}

/** The app that a backup can be restored into. Throws `conflict`, with what is in the way. */
async function restorable(trx: Trx, row: BackupTable): Promise<AppTable> {
  if (row.sha256 === null) throw new Problem('conflict', `There is nothing to restore: this backup is ${row.status}.`);
  const app = await lockScheduled(trx, 'app', row.workspace_id, row.app_id);
  if (app === undefined) throw new Problem('conflict', 'The app of this backup is gone.');
  if (app.server_id === null) throw new Problem('conflict', 'This app has no server. Set its serverId first.');
  if (row.kind === 'directory' && app.directory === null) {
    throw new Problem('conflict', 'This app has no directory to restore into. Set one first.');
  }
  if (row.kind === 'command' && planOf(app).restoreCommand === null) {
    throw new Problem(
      'conflict',
      'This app has no restoreCommand, which alone can read what its backup command wrote.',
    );
  }
  return app;
}

/** Begins a restore. Throws `not_found`, `conflict`, `idempotent_replay`. */
export async function restoreBackup(context: WorkspaceContext, asker: Asker, id: string): Promise<Backup> {
  const { workspaceId, actor } = asker;
  const shown = await context.store.transaction(async (trx) => {
    const row = await findRow(trx, workspaceId, id);
    const app = await restorable(trx, row);
    const before = (await lastRestores(trx, workspaceId, [id])).get(id);
    if (before !== undefined && isUnderWay(before.status)) {
      throw new Problem('conflict', 'This backup is being restored already.');
    }
    await refuseTooMany(trx, workspaceId, app.id);
    const object = await findStoredObject(trx, workspaceId, id);
    if (object === undefined) throw new Problem('conflict', 'This backup is not there any more.');
    const now = context.clock();
    const restore: RestoreTable = {
      id: createId('restore', now),
      workspace_id: workspaceId,
      backup_id: id,
      app_id: app.id,
      status: 'pending',
      error: null,
      actor_kind: actor.kind,
      actor_id: actor.id,
      actor_name: actor.name,
      created_at: now,
      started_at: null,
      finished_at: null,
    };
    await claimOnce(trx, asker.claim, id, now);
    await insertRestore(trx, restore);
    await context.jobs.enqueue(trx, {
      kind: restoreKindOf(storageNameOf(object.place)),
      workspaceId,
      resourceId: restore.id,
      // No deployment links into a directory that is being exchanged.
      lanes: [...lanesOf(app), appLane(app.id)],
      timeLimit: TIME_LIMIT,
    });
    await record(trx, asker, 'backup.restore_started', targetOf(row), now, { app: { id: app.id, name: app.name } });
    return showBackup(row, restore);
  });
  context.jobs.wake();
  return shown;
}

/** Deletes a backup and what is stored of it. Throws `not_found`, `conflict` while it is made or restored. */
export async function deleteBackup(context: WorkspaceContext, asker: Asker, id: string): Promise<void> {
  const { workspaceId } = asker;
  await context.store.transaction(async (trx) => {
    const row = await findRow(trx, workspaceId, id);
    const restore = (await lastRestores(trx, workspaceId, [id])).get(id);
    if (isUnderWay(row.status) || (restore !== undefined && isUnderWay(restore.status))) {
      throw new Problem('conflict', 'This backup is being made or restored. Delete it when that is over.');
    }
    await deleteBackupRow(trx, workspaceId, id);
    await record(trx, asker, 'backup.deleted', targetOf(row), context.clock(), { app: row.app_id });
  });
  await sweepObject(context, workspaceId, id);
}

/** Deletes what the app's rule does not keep, in the transaction that completes a newer one; it never takes the newest. */
export async function applyRetention(
  trx: Trx,
  context: WorkspaceContext,
  workspaceId: string,
  appId: string,
): Promise<void> {
  const app = await findResource(trx, 'app', workspaceId, appId);
  const keep = app === undefined ? null : planOf(app).keep;
  if (keep === null || keep === undefined) return;
  const now = context.clock();
  const oldest = keep.days === undefined ? Number.NEGATIVE_INFINITY : now - keep.days * DAY;
  const old = (await wholeBackups(trx, workspaceId, appId)).filter(
    (row, index) => index > 0 && (index >= (keep.last ?? Number.POSITIVE_INFINITY) || row.created_at < oldest),
  );
  const restores = await lastRestores(
    trx,
    workspaceId,
    old.map(({ id }) => id),
  );
  for (const row of old) {
    if (isUnderWay(restores.get(row.id)?.status ?? '')) continue;
    await deleteBackupRow(trx, workspaceId, row.id);
    await record(trx, systemIn(workspaceId), 'backup.deleted', targetOf(row), now, { app: appId, keep });
  }
}

/** Gives restores up that nobody takes: the data directory that has the backup may be on no node that runs. */
export async function giveUpRestores(context: WorkspaceContext): Promise<void> {
  const waiting = await restoresWaiting(context.store.read, context.clock() - TAKEN_WITHIN, DUE_AT_ONCE);
  for (const { id, workspace_id: workspaceId } of waiting) {
    await context.store.transaction((trx) =>
      context.jobs.cancel(
        trx,
        workspaceId,
        id,
        'It was not begun within an hour: a deployment goes on, or no node that reaches the backup is there.',
      ),
    );
  }
}

/** Begins what one app's schedule is due for. A time that was missed is made up for once. */
async function beginDue(context: WorkspaceContext, workspaceId: string, id: string): Promise<void> {
  await context.store.transaction(async (trx) => {
    const now = context.clock();
    const app = await lockScheduled(trx, 'app', workspaceId, id);
    const at = app?.next_backup_at ?? null;
    if (app === undefined || at === null || at > now) return;
    const { schedule } = planOf(app);
    await setNextTime(
      trx,
      'app',
      workspaceId,
      id,
      schedule === null || schedule === undefined ? null : nextTime(schedule, now),
    );
    // One that waits or is at work does what this one would.
    if ((await countBackupWork(trx, workspaceId, id)) > 0) return;
    const asker = systemIn(workspaceId);
    try {
      await begin(trx, context, asker, app, checkBackUp(app), at);
    } catch (error) {
      // Nobody is there to be answered: what is in the way is to be seen in the list.
      if (!(error instanceof Problem) || error.code !== 'conflict') throw error;
      await begin(trx, context, asker, app, 'directory', at, error.message);
    }
  });
}

/** Begins the backups that schedules are due for, each once over all nodes. */
export async function beginDueBackups(context: WorkspaceContext): Promise<void> {
  const due = await dueSchedules(context.store.read, 'app', context.clock(), DUE_AT_ONCE);
  for (const { workspace_id: workspaceId, id } of due) await beginDue(context, workspaceId, id);
  if (due.length > 0) context.jobs.wake();
}
