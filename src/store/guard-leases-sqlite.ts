import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import {
  type GuardLeases,
  type HeadRow,
  type LiveNodeRow,
  MAX_GUARDS_PER_WORKSPACE,
  type WorkspaceRevocationRows,
} from './lease-tables.ts';
import type { Bindable, Store, Trx } from './store.ts';

/*
 * Deletions wait for these reads, and the thread for general reads can be busy for a long time. Therefore, these reads
 * use the connection for lookups on the hot path. It returns a single row per query, so lists are returned as JSON.
 */
const READ_HEAD = `select number as counter,
  coalesce((select id from revocation r where r.number = c.number), '') as head_id from revocation_counter c`;
/** Parameters: the workspace ID, the number after which revocations are read, the maximum number of revocations. */
const READ_WORKSPACE = `select counter, head_id,
  coalesce((select id from revocation where number = ?2), '') as base_id,
  (select count(*) from revocation where number > ?2) as stored_count,
  (select json_group_array(json_array(number, id, hex(digest), digest is null)) from (
    select number, id, digest from revocation where workspace_id = ?1 and number > ?2 order by number limit ?3
  )) as revocations from (${READ_HEAD})`;

/*
 * A guard receives only its own workspace's revocations; other workspaces' revocations count as confirmed. Parameters:
 * the current time, a JSON array of workspace IDs or null, a JSON array of `AwaitedRevocation`.
 */
const READ_LEASES = `select (
    select json_group_array(value ->> 'id') from json_each(?3)
    where value ->> 'number' > (select number from revocation_counter) or exists (
      select 1 from revocation r where r.number = value ->> 'number' and r.id <> value ->> 'id'
    )
  ) as lost, json_group_array(json_object('id', id, 'workspace_id', workspace_id, 'remaining_ms', lease_until - ?1,
    'confirmed', case when exists (
      select 1 from revocation r where r.workspace_id = node.workspace_id and r.number > node.confirmed
    ) then confirmed else max(confirmed, (select number from revocation_counter)) end)) as live
  from node
  where lease_until > ?1 and (?2 is null or workspace_id in (select value from json_each(?2)))`;

type WorkspaceRevocationsJson = Omit<WorkspaceRevocationRows, 'history' | 'rows'> & { readonly revocations: string };

function parseWorkspaceRevocations(
  { revocations, ...row }: WorkspaceRevocationsJson,
  history: string,
): WorkspaceRevocationRows {
  const rows = JSON.parse(revocations) as [number, string, string, 0 | 1][];
  return {
    ...row,
    history,
    rows: rows.map(([number, id, digest, isWholeWorkspace]) => {
      return { number, id, digest: isWholeWorkspace === 1 ? null : Buffer.from(digest, 'hex') };
    }),
  };
}

async function grantLease(
  trx: Trx,
  id: string,
  workspaceId: string | null,
  confirmed: number,
  leaseUntil: number,
  now: number,
) {
  const { rows } = await sql`
    insert into node (id, workspace_id, confirmed, lease_until)
    select ${id}, ${workspaceId}, ${confirmed}, ${leaseUntil}
    where ${MAX_GUARDS_PER_WORKSPACE} >
      (select count(*) from node where workspace_id = ${workspaceId} and lease_until > ${now} and id <> ${id})
    on conflict (id) do update set confirmed = max(node.confirmed, excluded.confirmed),
      lease_until = max(node.lease_until, excluded.lease_until)
    returning id`.execute(trx);
  return rows.length === 1;
}

/**
 * Leases of guards in the embedded store. They are stored because they outlive the server's process. There is only one
 * writer, so the counter cannot change during its transaction. `clock` returns epoch milliseconds. The store gets a new
 * history ID each time it is opened, because its file could have been replaced by an older one while it was closed.
 */
export function createSqliteGuardLeases(store: Store, clock: () => number): GuardLeases & { readonly history: string } {
  const history = randomBytes(16).toString('base64url');
  async function requireFirst<Row>(statement: string, parameters: readonly Bindable[]): Promise<Row> {
    const row = await store.queryFirst<Row>(statement, parameters);
    if (row === undefined) throw new Error('The revocation counter is missing.');
    return row;
  }
  const readHead = async () => ({ history, ...(await requireFirst<Omit<HeadRow, 'history'>>(READ_HEAD, [])) });
  const readWorkspace: GuardLeases['readWorkspace'] = async (workspaceId, after, limit) =>
    parseWorkspaceRevocations(
      await requireFirst<WorkspaceRevocationsJson>(READ_WORKSPACE, [workspaceId, after, limit]),
      history,
    );
  return {
    history,
    readHead,
    readWorkspace,
    runGuardRenewal: (work) =>
      store.transaction((trx) =>
        work({
          // This transaction is the only writer, so the committed state is complete.
          lockCounter: readHead,
          readWorkspace,
          grantLease: ({ id, workspaceId, confirmed, leaseMs }) => {
            const now = clock();
            return grantLease(trx, id, workspaceId, confirmed, now + leaseMs, now);
          },
        }),
      ),
    async readLeases(workspaceIds, awaited) {
      const workspaceFilter = workspaceIds === null ? null : JSON.stringify(workspaceIds);
      const row = await requireFirst<{ live: string; lost: string }>(READ_LEASES, [
        clock(),
        workspaceFilter,
        JSON.stringify(awaited),
      ]);
      return { history, live: JSON.parse(row.live) as LiveNodeRow[], lost: JSON.parse(row.lost) as string[] };
    },
    releaseLease: async (id) => {
      await store.transaction((trx) => trx.deleteFrom('node').where('id', '=', id).execute());
    },
  };
}
