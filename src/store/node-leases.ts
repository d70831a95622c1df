import type pg from 'pg';
import { SECOND } from '../contract/limits.ts';
import {
  beginStatementFor,
  type ConnectionTimeouts,
  connectClient,
  createPostgresServers,
  isPooled,
  noteLostStatementName,
  queryConfigFor,
} from './postgres-connect.ts';
import { createPool, type PoolUsage, toStoreError } from './postgres-pool.ts';
import type { Trx } from './store.ts';

/** A stored revocation; `number` has no gaps and follows the order of commits. */
export interface RevocationRow {
  readonly number: number;
  readonly id: string;
  readonly workspace_id: string;
  readonly digest: Uint8Array | null;
}

/** The newest revocation; `id` is empty if there is none. */
export interface HeadRow {
  /** Identifies the running database: differs after a promotion, a restore or a restart. */
  readonly history: string;
  readonly counter: number;
  readonly head_id: string;
}

interface RevocationJoinRow extends HeadRow {
  readonly base_id: string;
  readonly id: string;
  readonly number: number | null;
  readonly workspace_id: string;
  readonly digest: Uint8Array | null;
}

/** The revocations after a number. */
export interface RevocationPageRows<Row> extends HeadRow {
  /** The id of the revocation with that number; empty if there is none or it was pruned. */
  readonly base_id: string;
  readonly rows: readonly Row[];
}

/**
 * The revocations of one workspace; `kept` counts the stored revocations of all workspaces after the requested number.
 */
export interface WorkspaceRevocationRows extends RevocationPageRows<Omit<RevocationRow, 'workspace_id'>> {
  readonly kept: number;
}

export interface LeaseGrant {
  readonly id: string;
  /** Null for a server. */
  readonly workspaceId: string | null;
  readonly confirmed: number;
  /** Milliseconds. */
  readonly bound: number;
  readonly moved: boolean;
}

export interface LiveNodeRow {
  readonly id: string;
  readonly workspace_id: string | null;
  readonly confirmed: number;
  readonly left: number;
}

/** The leases at one instant, and the awaited revocations that no longer exist. */
export interface LeaseSnapshotRow {
  readonly history: string;
  readonly live: readonly LiveNodeRow[];
  readonly lost: readonly string[];
}

export interface AwaitedRevocation {
  readonly number: number;
  readonly id: string;
}

/** Reads and writes within the transaction that locks the revocation counter. */
export interface LeaseRenewalTransaction {
  /** Locks the counter's row for share and reads the newest revocation. */
  lockCounter(): Promise<HeadRow>;
  readWorkspace(workspaceId: string, after: number, limit: number): Promise<WorkspaceRevocationRows>;
  /** Stores the lease; returns false if the workspace has too many guards. */
  grant(row: LeaseGrant): Promise<boolean>;
}

/** The lease operations that guards need, on either engine. */
export interface GuardTable {
  readWorkspace: LeaseRenewalTransaction['readWorkspace'];
  guardRenewal(work: (renewal: LeaseRenewalTransaction) => Promise<void>): Promise<void>;
  readHead(): Promise<HeadRow>;
  /** Returns the leases of servers and of guards of these workspaces (null: of all). */
  readLeases(workspaceIds: readonly string[] | null, awaited: readonly AwaitedRevocation[]): Promise<LeaseSnapshotRow>;
  releaseLease(id: string): Promise<void>;
}

/** The database's clock in epoch milliseconds. Not the start of the transaction, which may be long ago. */
const DATABASE_CLOCK = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/**
 * Identifies the running database. A failover or a restart over other files changes the start time of the server;
 * tables restored from a dump get a different OID. Neither value requires a privilege that managed databases withhold.
 */
const SELECT_HISTORY = `concat(extract(epoch from pg_postmaster_start_time()), ' ', c.tableoid)`;
const SELECT_HEAD = `${SELECT_HISTORY} as history, c.number as counter,
  coalesce((select id from revocation where number = c.number), '') as head_id`;
const baseOf = (parameter: string) =>
  `coalesce((select id from revocation where number = ${parameter}), '') as base_id`;

const READ_HEAD = { name: 'devpilot_read_head', text: `select ${SELECT_HEAD} from revocation_counter c` };
const READ_AFTER = {
  name: 'devpilot_read_after',
  text: `select ${SELECT_HEAD}, ${baseOf('$1')}, r.number, r.id, r.workspace_id, r.digest
    from revocation_counter c
    left join (
      select number, id, workspace_id, digest from revocation where number > $1 order by number limit $2
    ) r on true
    order by r.number`,
};
const READ_WORKSPACE = {
  name: 'devpilot_news_of',
  text: `select ${SELECT_HEAD}, ${baseOf('$2')}, (select count(*) from revocation where number > $2) as kept,
      r.number, r.id, r.digest
    from revocation_counter c
    left join (
      select number, id, digest from revocation where workspace_id = $1 and number > $2 order by number limit $3
    ) r on true
    order by r.number`,
};
// Reads the revocation in a separate statement, because the locking statement may have waited for it.
const LOCK_COUNTER = `select 1 from revocation_counter where id = 1 for share; ${READ_HEAD.text}`;
// The response to an earlier heartbeat may be lost and overtaken by a later one, so neither column may decrease.
const GRANT_LEASE = {
  name: 'devpilot_grant',
  text: `insert into node (id, workspace_id, confirmed, lease_until)
    select $1, $2, $3, ${DATABASE_CLOCK} + $4
    where $2::text is null or $5 > (select count(*) from node where workspace_id = $2 and lease_until > ${DATABASE_CLOCK} and id <> $1)
    on conflict (id) do update set confirmed = greatest(node.confirmed, excluded.confirmed),
      lease_until = greatest(node.lease_until, excluded.lease_until)
    returning ${DATABASE_CLOCK} as now`,
};
// A guard receives only its own workspace's revocations; those of other workspaces count as confirmed.
const READ_LEASES = {
  name: 'devpilot_look',
  text: `select ${SELECT_HISTORY} as history, node.id, node.workspace_id, lease_until - ${DATABASE_CLOCK} as left, case
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
const REVOKED_CHANNEL = 'devpilot_revoked';
const CONFIRMED_CHANNEL = 'devpilot_confirmed';
/** Maximum number of guards with a lease per workspace. */
export const MAX_GUARDS_PER_WORKSPACE = 1000;

/** Leases and revocations over dedicated connections, so that no other work delays a lease. */
export interface NodeTable extends GuardTable {
  readAfter(number: number, limit: number): Promise<RevocationPageRows<RevocationRow>>;
  /** Runs `work` in one transaction. */
  renewal(
    work: (renewal: LeaseRenewalTransaction & Pick<NodeTable, 'readHead' | 'readAfter'>) => Promise<void>,
  ): Promise<void>;
  notifyRevoked(): Promise<void>;
  poolUsage(): PoolUsage;
  close(): Promise<void>;
}

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
  const { rows } = await client.query<RevocationJoinRow & { kept: number }>(
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
 * Opens the table of nodes. No operation waits longer than `bound` milliseconds for a response. At each lease,
 * `onSkew` receives how far this node's clock is ahead of the database's and the uncertainty, both in milliseconds.
 */
export function openNodeTable(options: {
  url: string;
  bound: number;
  clock: () => number;
  onError: (error: Error) => void;
  onSkew: (skewMs: number, uncertaintyMs: number) => void;
}): NodeTable {
  const { url, bound, clock, onError, onSkew } = options;
  const timeouts: ConnectionTimeouts = {
    connectMs: Math.min(SECOND, bound),
    statementMs: Math.max(bound, 100),
    answerMs: Math.max(bound, 100),
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

  const renewal: NodeTable['renewal'] = (work) =>
    withClient(async (client) => {
      let begun = false;
      try {
        await work({
          async lockCounter() {
            if (begun) throw new Error('The counter is locked once in a renewal.');
            begun = true;
            const statements = `${beginStatementFor(client, timeouts)}; ${LOCK_COUNTER}`;
            const results = (await client.query(statements)) as unknown as pg.QueryResult<HeadRow>[];
            return requireFirstRow(results.at(-1)?.rows);
          },
          readHead: () => readHead(client),
          readAfter: (number, limit) => readAfter(client, number, limit),
          readWorkspace: (workspaceId, after, limit) => readWorkspace(client, workspaceId, after, limit),
          async grant({ id, workspaceId, confirmed, bound: span, moved }) {
            const values = [id, workspaceId, confirmed, span, MAX_GUARDS_PER_WORKSPACE];
            const sentAt = clock();
            const { rows } = await client.query<{ now: number }>(queryConfigFor(client, GRANT_LEASE, values));
            const receivedAt = clock();
            const [row] = rows;
            if (row !== undefined) onSkew((sentAt + receivedAt) / 2 - row.now, (receivedAt - sentAt) / 2);
            if (moved) await client.query(`notify ${CONFIRMED_CHANNEL}`);
            return row !== undefined;
          },
        });
        if (begun) await client.query('commit');
      } catch (error) {
        if (begun) await client.query('rollback').catch(() => undefined);
        throw error;
      }
    });

  return {
    readAfter: (number, limit) => withClient((client) => readAfter(client, number, limit)),
    readWorkspace: (workspaceId, after, limit) =>
      withClient((client) => readWorkspace(client, workspaceId, after, limit)),
    renewal,
    guardRenewal: renewal,
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

const LISTEN_TIMEOUTS: ConnectionTimeouts = { connectMs: 2 * SECOND, statementMs: 5 * SECOND, answerMs: 5 * SECOND };
/** Poll interval behind a pooler, where notifications do not arrive; milliseconds. */
const POLL_INTERVAL_MS = 100;

/** Polls for new revocations, because a pooler does not forward notifications. Ends only by throwing. */
async function pollForRevocations(client: Client, onRevoked: () => void, onConfirmed: () => void): Promise<never> {
  let known = -1;
  for (;;) {
    const { rows } = await client.query<{ number: number }>('select number from revocation_counter where id = 1');
    const number = rows[0]?.number ?? known;
    if (number !== known) onRevoked();
    known = number;
    onConfirmed();
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/**
 * Listens for notifications on a dedicated connection and reconnects after a jittered pause when it breaks.
 * Correctness does not depend on it: the next heartbeat and the next poll find what was missed.
 */
export function listenForNotifications(
  url: string,
  onRevoked: () => void,
  onConfirmed: () => void,
): { stop(): Promise<void> } {
  const servers = createPostgresServers(url);
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  async function listen(listeningClient: pg.Client): Promise<void> {
    listeningClient.on('notification', ({ channel }) => (channel === REVOKED_CHANNEL ? onRevoked() : onConfirmed()));
    if (isPooled(listeningClient)) return pollForRevocations(listeningClient, onRevoked, onConfirmed);
    const broken = new Promise<void>((resolve) => listeningClient.once('end', resolve).once('error', resolve));
    await listeningClient.query(`listen ${REVOKED_CHANNEL}; listen ${CONFIRMED_CHANNEL}`);
    // Checks for whatever was sent before `listen` took effect.
    onRevoked();
    onConfirmed();
    return broken;
  }

  async function connect(): Promise<void> {
    try {
      client = await connectClient(servers, LISTEN_TIMEOUTS);
      if (!stopped) await listen(client);
    } catch {
      // Reconnects below.
    }
    await client?.end().catch(() => undefined);
    client = null;
    if (!stopped) timer = setTimeout(() => void connect(), 100 + Math.random() * 400);
  }

  void connect();
  return {
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}

/**
 * Deletes revocations older than `before` that every node with a lease has confirmed, and nodes whose lease ended
 * before then. A node that missed a deleted revocation finds a gap and clears its cache. The last revocation that a
 * node has confirmed and the newest one stay, because nodes recognise the history by their ids.
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
