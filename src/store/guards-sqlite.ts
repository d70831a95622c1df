import { sql } from 'kysely';
import { GUARDS_OF_A_WORKSPACE, type GuardTable, type LiveRow, type NewsRows } from './nodes.ts';
import type { Store, Trx } from './store.ts';

/*
 * What deleting waits for is read on the connection of the hot look-ups, as one row of JSON: the thread
 * that reads for people may be busy for long.
 */
const NEWS_OF = `select (select number from revocation_counter) as counter,
  (select count(*) from revocation where number > ?2) as kept,
  (select json_group_array(json_array(number, hex(digest), digest is null)) from (
    select number, digest from revocation where workspace_id = ?1 and number > ?2 order by number limit ?3
  )) as news`;

// A guard is told of its own workspace alone: what was revoked in others counts as confirmed.
const LIVE = `select json_group_array(json_object('id', id, 'workspace_id', workspace_id, 'left', lease_until - ?1,
    'confirmed', case when exists (
      select 1 from revocation r where r.workspace_id = node.workspace_id and r.number > node.confirmed
    ) then confirmed else max(confirmed, (select number from revocation_counter)) end)) as live
  from node
  where lease_until > ?1 and (?2 is null or workspace_id in (select value from json_each(?2)))`;

const COUNTER = 'select number as counter from revocation_counter';

interface NewsRow {
  readonly counter: number;
  readonly kept: number;
  readonly news: string;
}

function newsIn(row: NewsRow | undefined): NewsRows {
  if (row === undefined) throw new Error('The revocation counter is gone.');
  const news = JSON.parse(row.news) as [number, string, 0 | 1][];
  return {
    counter: row.counter,
    kept: row.kept,
    rows: news.map(([number, digest, isAll]) => ({ number, digest: isAll === 1 ? null : Buffer.from(digest, 'hex') })),
  };
}

async function grant(trx: Trx, id: string, workspaceId: string | null, confirmed: number, until: number, now: number) {
  const { rows } = await sql`
    insert into node (id, workspace_id, confirmed, lease_until)
    select ${id}, ${workspaceId}, ${confirmed}, ${until}
    where ${GUARDS_OF_A_WORKSPACE} >
      (select count(*) from node where workspace_id = ${workspaceId} and lease_until > ${now} and id <> ${id})
    on conflict (id) do update set confirmed = max(node.confirmed, excluded.confirmed),
      lease_until = max(node.lease_until, excluded.lease_until)
    returning id`.execute(trx);
  return rows.length === 1;
}

/** The number of the newest revocation. */
export async function readCounter(store: Store): Promise<number> {
  const row = await store.first<{ counter: number }>(COUNTER, []);
  if (row === undefined) throw new Error('The revocation counter is gone.');
  return row.counter;
}

/**
 * The leases of guards in the embedded store: they outlive its process, so the next one must know of
 * them. One writer: within its transaction the counter can't move. `clock` in epoch milliseconds.
 */
export function guardTableOnSqlite(store: Store, clock: () => number): GuardTable {
  return {
    newsOf: async (workspaceId, after, limit) =>
      newsIn(await store.first<NewsRow>(NEWS_OF, [workspaceId, after, limit])),
    guardRenewal: (work) =>
      store.transaction((trx) =>
        work({
          async lock() {
            const { number } = await trx.selectFrom('revocation_counter').select('number').executeTakeFirstOrThrow();
            return number;
          },
          async newsOf(workspaceId, after, limit) {
            // Nothing is written but in this transaction, so what was committed is all there is.
            return newsIn(await store.first<NewsRow>(NEWS_OF, [workspaceId, after, limit]));
          },
          grant: ({ id, workspaceId, confirmed, bound }) => {
            const now = clock();
            return grant(trx, id, workspaceId, confirmed, now + bound, now);
          },
        }),
      ),
    async liveNodes(workspaceIds) {
      const among = workspaceIds === null ? null : JSON.stringify(workspaceIds);
      const row = await store.first<{ live: string }>(LIVE, [clock(), among]);
      return JSON.parse(row?.live ?? '[]') as LiveRow[];
    },
    giveUp: async (id) => {
      await store.transaction((trx) => trx.deleteFrom('node').where('id', '=', id).execute());
    },
  };
}
