import type pg from 'pg';
import { SECOND } from '../contract/limits.ts';
import {
  type AwaitedRevocation,
  DATABASE_CLOCK,
  type HeadRow,
  type LeaseSnapshotRow,
  type LiveNodeRow,
  MAX_GUARDS_PER_WORKSPACE,
  type NodeLeases,
  type RevocationPageRows,
  type RevocationRow,
  type WorkspaceRevocationRows,
} from './lease-tables.ts';
import {
  beginStatementFor,
  type ConnectionTimeouts,
  noteLostStatementName,
  queryConfigFor,
} from './postgres-connect.ts';
import { createPool, toStoreError } from './postgres-pool.ts';
import { CONFIRMED_CHANNEL, REVOKED_CHANNEL } from './revocation-listener.ts';
import type { Trx } from './store.ts';

interface RevocationJoinRow extends HeadRow {
  readonly base_id: string;
  readonly id: string;
  readonly number: number | null;
  readonly workspace_id: string;
  readonly digest: Uint8Array | null;
}

/**
 * Identifies the running database. A failover or a restart, possibly with other files, changes the start time of the
 * PostgreSQL server; tables restored from a dump get a different OID. Managed databases let every user read both.
 */
const SELECT_HISTORY = `concat(extract(epoch from pg_postmaster_start_time()), ' ', c.tableoid)`;
const SELECT_HEAD = `${SELECT_HISTORY} as history, c.number as counter,
  coalesce((select id from revocation where number = c.number), '') as head_id`;
const selectBase = (parameter: string) =>
  `coalesce((select id from revocation where number = ${parameter}), '') as base_id`;

const READ_HEAD = { name: 'devpilot_read_head', text: `select ${SELECT_HEAD} from revocation_counter c` };
const READ_AFTER = {
  name: 'devpilot_read_after',
  text: `select ${SELECT_HEAD}, ${selectBase('$1')}, r.number, r.id, r.workspace_id, r.digest
    from revocation_counter c
    left join (
      select number, id, workspace_id, digest from revocation where number > $1 order by number limit $2
    ) r on true
    order by r.number`,
};
const READ_WORKSPACE = {
  name: 'devpilot_read_workspace',
  text: `select ${SELECT_HEAD}, ${selectBase('$2')}, (select count(*) from revocation where number > $2) as stored_count,
      r.number, r.id, r.digest
    from revocation_counter c
    left join (
      select number, id, digest from revocation where workspace_id = $1 and number > $2 order by number limit $3
    ) r on true
    order by r.number`,
};
// Reads in a second statement: the statement that waited for the lock does not see the revocation that it waited for.
const LOCK_COUNTER = `select 1 from revocation_counter where id = 1 for share; ${READ_HEAD.text}`;
// An earlier heartbeat can be processed after a later one, so neither column may decrease.
const GRANT_LEASE = {
  name: 'devpilot_grant',
  text: `insert into node (id, workspace_id, confirmed, lease_until)
    select $1, $2, $3, ${DATABASE_CLOCK} + $4
    where $2::text is null or $5 > (select count(*) from node where workspace_id = $2 and lease_until > ${DATABASE_CLOCK} and id <> $1)
    on conflict (id) do update set confirmed = greatest(node.confirmed, excluded.confirmed),
      lease_until = greatest(node.lease_until, excluded.lease_until)
    returning ${DATABASE_CLOCK} as now`,
};
// A guard receives only its own workspace's revocations; other workspaces' revocations count as confirmed.
const READ_LEASES = {
  name: 'devpilot_read_leases',
  text: `select ${SELECT_HISTORY} as history, node.id, node.workspace_id, lease_until - ${DATABASE_CLOCK} as remaining_ms, case
      when node.workspace_id is null or exists (
        select 1 from revocation r where r.workspace_id = node.workspace_id and r.number > node.confirmed
      ) then confirmed else greatest(confirmed, c.number) end as confirmed,
      array(
        select a.id from unnest($2::bigint[], $3::text[]) a (number, id)
        where a.number > c.number or exists (select 1 from revocation r where r.number = a.number and r.id <> a.id)
      ) as lost
    from revocation_counter c
    left join node on lease_until > ${DATABASE_CLOCK}
      and (node.workspace_id is null or $1::text[] is null or node.workspace_id = any($1::text[]))`,
};

type Client = Pick<pg.ClientBase, 'query'>;

function requireFirstRow<Row>(rows: readonly Row[] | undefined): Row {
  const first = rows?.[0];
  if (first === undefined) throw new Error('The revocation counter is missing.');
  return first;
}

async function readHead(client: Client): Promise<HeadRow> {
  return requireFirstRow((await client.query<HeadRow>(queryConfigFor(client, READ_HEAD, []))).rows);
}

async function readAfter(client: Client, number: number, limit: number): Promise<RevocationPageRows<RevocationRow>> {
  const { rows } = await client.query<RevocationJoinRow>(queryConfigFor(client, READ_AFTER, [number, limit]));
  return {
    ...requireFirstRow(rows),
    rows: rows.filter((row): row is RevocationJoinRow & RevocationRow => row.number !== null),
  };
}

async function readWorkspace(
  client: Client,
  workspaceId: string,
  after: number,
  limit: number,
): Promise<WorkspaceRevocationRows> {
  const { rows } = await client.query<RevocationJoinRow & { stored_count: number }>(
    queryConfigFor(client, READ_WORKSPACE, [workspaceId, after, limit]),
  );
  return {
    ...requireFirstRow(rows),
    rows: rows.flatMap(({ number, id, digest }) => (number === null ? [] : [{ number, id, digest }])),
  };
}

type LeaseJoinRow = Pick<LeaseSnapshotRow, 'history' | 'lost'> & (LiveNodeRow | { readonly id: null });

async function readLeases(
  client: Client,
  workspaceIds: readonly string[] | null,
  awaited: readonly AwaitedRevocation[],
): Promise<LeaseSnapshotRow> {
  const values = [workspaceIds, awaited.map(({ number }) => number), awaited.map(({ id }) => id)];
  const { rows } = await client.query<LeaseJoinRow>(queryConfigFor(client, READ_LEASES, values));
  const { history, lost } = requireFirstRow(rows);
  return { history, lost, live: rows.filter((row): row is LeaseJoinRow & LiveNodeRow => row.id !== null) };
}

/**
 * Opens the leases and revocations of a PostgreSQL store. No operation waits for a response for longer than `leaseMs`
 * milliseconds (at least 100). At each granted lease, `onSkew` receives how far this node's clock is ahead of the
 * database's and the uncertainty, both in milliseconds.
 */
export function openNodeLeases(options: {
  url: string;
  leaseMs: number;
  clock: () => number;
  onError: (error: Error) => void;
  onSkew: (skewMs: number, uncertaintyMs: number) => void;
}): NodeLeases {
  const { url, leaseMs, clock, onError, onSkew } = options;
  const timeouts: ConnectionTimeouts = {
    connectMs: Math.min(SECOND, leaseMs),
    statementMs: Math.max(leaseMs, 100),
    responseMs: Math.max(leaseMs, 100),
  };
  const pool = createPool({ url, connections: 4, maxWaiting: 100, timeouts, onError });

  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const { client, release } = await pool.acquire();
    try {
      const result = await work(client);
      release();
      return result;
    } catch (error) {
      release(error);
      noteLostStatementName(error);
      throw toStoreError(error);
    }
  }

  const renewal: NodeLeases['runRenewal'] = (work) =>
    withClient(async (client) => {
      let isStarted = false;
      try {
        await work({
          async lockCounter() {
            if (isStarted) throw new Error('A renewal can lock the counter only once.');
            isStarted = true;
            const statements = `${beginStatementFor(client, timeouts)}; ${LOCK_COUNTER}`;
            const results = (await client.query(statements)) as unknown as pg.QueryResult<HeadRow>[];
            return requireFirstRow(results.at(-1)?.rows);
          },
          readHead: () => readHead(client),
          readAfter: (number, limit) => readAfter(client, number, limit),
          readWorkspace: (workspaceId, after, limit) => readWorkspace(client, workspaceId, after, limit),
          async grantLease({ id, workspaceId, confirmed, leaseMs: durationMs, advanced }) {
            const values = [id, workspaceId, confirmed, durationMs, MAX_GUARDS_PER_WORKSPACE];
            const sentAt = clock();
            const { rows } = await client.query<{ now: number }>(queryConfigFor(client, GRANT_LEASE, values));
            const receivedAt = clock();
            const [row] = rows;
            if (row !== undefined) onSkew((sentAt + receivedAt) / 2 - row.now, (receivedAt - sentAt) / 2);
            if (advanced) await client.query(`notify ${CONFIRMED_CHANNEL}`);
            return row !== undefined;
          },
        });
        if (isStarted) await client.query('commit');
      } catch (error) {
        if (isStarted) await client.query('rollback').catch(() => undefined);
        throw error;
      }
    });

  return {
    readAfter: (number, limit) => withClient((client) => readAfter(client, number, limit)),
    readWorkspace: (workspaceId, after, limit) =>
      withClient((client) => readWorkspace(client, workspaceId, after, limit)),
    runRenewal: renewal,
    runGuardRenewal: renewal,
    readHead: () => withClient(readHead),
    readLeases: (workspaceIds, awaited) => withClient((client) => readLeases(client, workspaceIds, awaited)),
    notifyRevoked: () =>
      withClient(async (client) => {
        await client.query(`notify ${REVOKED_CHANNEL}`);
      }),
    releaseLease: (id) =>
      withClient(async (client) => {
        await client.query('delete from node where id = $1', [id]);
        await client.query(`notify ${CONFIRMED_CHANNEL}`);
      }),
    poolUsage: pool.usage,
    close: pool.close,
  };
}

/**
 * Deletes revocations older than `before` that every node with a lease has confirmed, and nodes whose lease ended
 * before then. A node that missed a deleted revocation finds a gap and clears its cache. The last revocation that a
 * node has confirmed and the newest one stay, because nodes recognize the history by their IDs.
 */
export async function pruneRevocations(trx: Trx, before: number): Promise<void> {
  const live = await trx.selectFrom('node').select('confirmed').where('lease_until', '>', before).execute();
  const { number } = await trx.selectFrom('revocation_counter').select('number').executeTakeFirstOrThrow();
  await trx
    .deleteFrom('revocation')
    .where('at', '<', before)
    .where('number', '<', Math.min(number, ...live.map(({ confirmed }) => confirmed)))
    .execute();
  await trx.deleteFrom('node').where('lease_until', '<', before).execute();
}
