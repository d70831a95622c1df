import { sql } from 'kysely';
import { readLeaseClock } from './jobs.ts';
import { newestFirst, type PageRequest } from './paging.ts';
import type { WebhookTable } from './schema/webhooks.ts';
import { engineOf, type Queryable, type Trx, withRowLock } from './store.ts';

/** Inserts a webhook that receives only events that are added to the activity log from now on. */
export async function insertWebhook(trx: Trx, row: Omit<WebhookTable, 'sequence'>): Promise<void> {
  const head = await trx
    .selectFrom('audit_head')
    .select('sequence')
    .where('workspace_id', '=', row.workspace_id)
    .executeTakeFirst();
  await trx
    .insertInto('webhook')
    .values({ ...row, sequence: head?.sequence ?? 0 })
    .execute();
}

export async function countWebhooks(trx: Trx, workspaceId: string): Promise<number> {
  const { count } = await trx
    .selectFrom('webhook')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Returns a page of webhooks, newest first, up to one more than the limit. */
export async function listWebhooks(db: Queryable, workspaceId: string, page: PageRequest): Promise<WebhookTable[]> {
  const query = db.selectFrom('webhook').selectAll().where('workspace_id', '=', workspaceId);
  return newestFirst(query, page).execute();
}

export async function findWebhook(db: Queryable, workspaceId: string, id: string): Promise<WebhookTable | undefined> {
  return db
    .selectFrom('webhook')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Locks a webhook until the transaction ends and returns it, or undefined if it does not exist. */
export async function lockWebhook(trx: Trx, workspaceId: string, id: string): Promise<WebhookTable | undefined> {
  return withRowLock(
    trx,
    trx.selectFrom('webhook').selectAll().where('workspace_id', '=', workspaceId).where('id', '=', id),
    'webhook',
  ).executeTakeFirst();
}

export async function updateWebhook(
  trx: Trx,
  { workspace_id, id }: Pick<WebhookTable, 'workspace_id' | 'id'>,
  set: Partial<Omit<WebhookTable, 'id' | 'workspace_id'>>,
): Promise<void> {
  await trx.updateTable('webhook').set(set).where('workspace_id', '=', workspace_id).where('id', '=', id).execute();
}

/** Deletes a webhook. The foreign key of its deliveries deletes those too. */
export async function deleteWebhook(trx: Trx, workspaceId: string, id: string): Promise<void> {
  await trx.deleteFrom('webhook').where('workspace_id', '=', workspaceId).where('id', '=', id).execute();
}

/** The node that claims webhooks, and the webhooks that it has claimed already. */
interface ClaimingNode {
  readonly owner: string;
  readonly leaseMs: number;
  readonly held: readonly WebhookTable[];
}

interface ClaimBounds {
  /** Maximum number of webhooks to claim. */
  readonly limit: number;
  /** Maximum number of webhooks of one workspace that the node holds. */
  readonly perWorkspace: number;
  /** No deliveries are created for a webhook with this many waiting deliveries or, if it is ordered, with one. */
  readonly maxWaiting: number;
}

/**
 * Returns webhooks that have deliveries to send or create and that no node has claimed, and locks them if `db` is a
 * transaction. Webhooks in `held` are excluded. On the embedded store, leases are ignored: only this process uses the
 * store, so other leases are left from a process that was killed. Not filtered by workspace, because nodes send for all
 * workspaces.
 */
async function findClaimableWebhooks(
  db: Queryable,
  { held }: ClaimingNode,
  { limit, maxWaiting }: ClaimBounds,
  now: number,
): Promise<WebhookTable[]> {
  const leaseNow = await readLeaseClock(db, now);
  const isPostgres = engineOf(db) === 'postgres';
  const lock = isPostgres && 'isTransaction' in db && db.isTransaction;
  const waiting = sql`from webhook_delivery as d where d.webhook_id = w.id and d.status = 'waiting'`;
  const { rows } = await sql<WebhookTable>`select w.* from webhook as w
    left join audit_head as h on h.workspace_id = w.workspace_id
    where w.active = 1
      and ${isPostgres ? sql`(w.lease_until is null or w.lease_until < ${leaseNow})` : sql`1 = 1`}
      and ${held.length === 0 ? sql`1 = 1` : sql`w.id not in (${sql.join(held.map(({ id }) => id))})`}
      and (exists (select 1 ${waiting} and d.next_attempt_at <= ${now})
        or (h.sequence > w.sequence and (select count(*) ${waiting} and d.is_manual = 0)
          < case when w.is_ordered = 1 then 1 else cast(${maxWaiting} as bigint) end))
    order by w.last_delivered_at, w.id limit ${limit} ${lock ? sql`for update of w skip locked` : sql``}`.execute(db);
  return rows;
}

/** Returns whether a webhook can be claimed, without considering `perWorkspace`. Claims nothing. */
export async function hasClaimableWebhook(
  db: Queryable,
  node: ClaimingNode,
  bounds: ClaimBounds,
  now: number,
): Promise<boolean> {
  return (await findClaimableWebhooks(db, node, { ...bounds, limit: 1 }, now)).length > 0;
}

/**
 * Claims up to `limit` of the webhooks that `findClaimableWebhooks` returns, at most `perWorkspace` of each workspace.
 */
export async function claimWebhooks(
  trx: Trx,
  node: ClaimingNode,
  bounds: ClaimBounds,
  now: number,
): Promise<WebhookTable[]> {
  const heldByWorkspace = new Map<string, number>();
  const incrementHeld = ({ workspace_id: id }: WebhookTable) => {
    const count = (heldByWorkspace.get(id) ?? 0) + 1;
    heldByWorkspace.set(id, count);
    return count;
  };
  node.held.forEach(incrementHeld);
  const rows = await findClaimableWebhooks(trx, node, bounds, now);
  const claimed = rows.filter((row) => incrementHeld(row) <= bounds.perWorkspace);
  const leaseUntil = (await readLeaseClock(trx, now)) + node.leaseMs;
  for (const row of claimed) await updateWebhook(trx, row, { owner: node.owner, lease_until: leaseUntil });
  return claimed;
}
