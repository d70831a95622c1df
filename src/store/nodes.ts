import type pg from 'pg';
import { SECOND } from '../contract/words.ts';
import {
  beginOn,
  connectClient,
  createServers,
  isPooled,
  lostItsName,
  type Patience,
  statementOn,
} from './postgres-connect.ts';
import { createPool, type PoolFigures, storeError } from './postgres-pool.ts';
import type { Trx } from './store.ts';

/** A revocation as it is kept; `number` is gapless in the order of commits. */
export interface RevocationRow {
  readonly number: number;
  readonly id: string;
  readonly workspace_id: string;
  readonly digest: Uint8Array | null;
}

/** The newest revocation; `id` is empty where there is none. */
export interface HeadRow {
  /** Identifies the running database: differs after a promotion, a restore or a restart. */
  readonly history: string;
  readonly counter: number;
  readonly head_id: string;
}

interface CaughtRow extends HeadRow {
  readonly base_id: string;
  readonly id: string;
  readonly number: number | null;
  readonly workspace_id: string;
  readonly digest: Uint8Array | null;
}

/** What was revoked after a number. */
export interface CaughtRows<Row> extends HeadRow {
  /** The id of the revocation with that number; empty where there is none, or none any more. */
  readonly base_id: string;
  readonly rows: readonly Row[];
}

/** What was revoked in one workspace; `kept` counts those of all workspaces after the number asked for. */
export interface NewsRows extends CaughtRows<Omit<RevocationRow, 'workspace_id'>> {
  readonly kept: number;
}

export interface GrantRow {
  readonly id: string;
  /** Null for a server. */
  readonly workspaceId: string | null;
  readonly confirmed: number;
  /** Milliseconds. */
  readonly bound: number;
  readonly moved: boolean;
}

export interface LiveRow {
  readonly id: string;
  readonly workspace_id: string | null;
  readonly confirmed: number;
  readonly left: number;
}

/** Leases at one instant, and which awaited revocations are not there. */
export interface LookRow {
  readonly history: string;
  readonly live: readonly LiveRow[];
  readonly lost: readonly string[];
}

export interface AwaitedRow {
  readonly number: number;
  readonly id: string;
}

/** What is read and written in the transaction that holds the counter. */
export interface RenewalRows {
  /** Takes the counter's row for share and reads the newest revocation. */
  lock(): Promise<HeadRow>;
  newsOf(workspaceId: string, after: number, limit: number): Promise<NewsRows>;
  /** Tells whether there was room for the guard. */
  grant(row: GrantRow): Promise<boolean>;
}

/** What guards need of either engine. */
export interface GuardTable {
  newsOf: RenewalRows['newsOf'];
  guardRenewal(work: (renewal: RenewalRows) => Promise<void>): Promise<void>;
  readHead(): Promise<HeadRow>;
  /** Servers, and guards of these workspaces (null: of all). */
  look(workspaceIds: readonly string[] | null, awaited: readonly AwaitedRow[]): Promise<LookRow>;
  giveUp(id: string): Promise<void>;
}

/** The database's clock in epoch milliseconds; not the transaction's start, which may be long ago. */
const CLOCK = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

/**
 * Another server took over, or this one was started again over other files: both show in its start. Tables
 * that were restored from a dump have another number. Neither needs a right that managed databases withhold.
 */
const HISTORY = `concat(extract(epoch from pg_postmaster_start_time()), ' ', c.tableoid)`;
const HEAD = `${HISTORY} as history, c.number as counter,
  coalesce((select id from revocation where number = c.number), '') as head_id`;
const baseOf = (parameter: string) =>
  `coalesce((select id from revocation where number = ${parameter}), '') as base_id`;

const READ_HEAD = { name: 'devpilot_read_head', text: `select ${HEAD} from revocation_counter c` };
const READ_AFTER = {
  name: 'devpilot_read_after',
  text: `select ${HEAD}, ${baseOf('$1')}, r.number, r.id, r.workspace_id, r.digest
    from revocation_counter c
    left join (
      select number, id, workspace_id, digest from revocation where number > $1 order by number limit $2
    ) r on true
    order by r.number`,
};
const NEWS_OF = {
  name: 'devpilot_news_of',
  text: `select ${HEAD}, ${baseOf('$2')}, (select count(*) from revocation where number > $2) as kept,
      r.number, r.id, r.digest
    from revocation_counter c
    left join (
      select number, id, digest from revocation where workspace_id = $1 and number > $2 order by number limit $3
    ) r on true
    order by r.number`,
};
// A statement of its own reads the revocation that the one before it may have waited for.
const LOCK = `select 1 from revocation_counter where id = 1 for share; ${READ_HEAD.text}`;
// An answer that was lost may be overtaken by a newer one, so neither column may go back.
const GRANT = {
  name: 'devpilot_grant',
  text: `insert into node (id, workspace_id, confirmed, lease_until)
    select $1, $2, $3, ${CLOCK} + $4
    where $2::text is null or $5 > (select count(*) from node where workspace_id = $2 and lease_until > ${CLOCK} and id <> $1)
    on conflict (id) do update set confirmed = greatest(node.confirmed, excluded.confirmed),
      lease_until = greatest(node.lease_until, excluded.lease_until)
    returning ${CLOCK} as now`,
};
// A guard is told of its own workspace alone: what was revoked in others counts as confirmed.
const LOOK = {
  name: 'devpilot_look',
  text: `select ${HISTORY} as history, node.id, node.workspace_id, lease_until - ${CLOCK} as left, case
      when node.workspace_id is null or exists (
        select 1 from revocation r where r.workspace_id = node.workspace_id and r.number > node.confirmed
      ) then confirmed else greatest(confirmed, c.number) end as confirmed,
      array(
        select a.id from unnest($2::bigint[], $3::text[]) a (number, id)
        where a.number > c.number or exists (select 1 from revocation r where r.number = a.number and r.id <> a.id)
      ) as lost
    from revocation_counter c
    left join node on lease_until > ${CLOCK}
      and (node.workspace_id is null or $1::text[] is null or node.workspace_id = any($1::text[]))`,
};
const REVOKED = 'devpilot_revoked';
const CONFIRMED = 'devpilot_confirmed';
/** Guards with a lease that one workspace may have. */
export const GUARDS_OF_A_WORKSPACE = 1000;

/** Leases and revocations over connections of their own, so that no other work holds a lease up. */
export interface NodeTable extends GuardTable {
  readAfter(number: number, limit: number): Promise<CaughtRows<RevocationRow>>;
  /** One transaction. */
  renewal(work: (renewal: RenewalRows & Pick<NodeTable, 'readHead' | 'readAfter'>) => Promise<void>): Promise<void>;
  wake(): Promise<void>;
  pool(): PoolFigures;
  close(): Promise<void>;
}

type Client = Pick<pg.ClientBase, 'query'>;

function firstOf<Row>(rows: readonly Row[] | undefined): Row {
  const first = rows?.[0];
  if (first === undefined) throw new Error('The revocation counter is missing.');
  return first;
}

async function readHead(client: Client): Promise<HeadRow> {
  return firstOf((await client.query<HeadRow>(statementOn(client, READ_HEAD, []))).rows);
}

async function readAfter(client: Client, number: number, limit: number): Promise<CaughtRows<RevocationRow>> {
  const { rows } = await client.query<CaughtRow>(statementOn(client, READ_AFTER, [number, limit]));
  return { ...firstOf(rows), rows: rows.filter((row): row is CaughtRow & RevocationRow => row.number !== null) };
}

async function newsOf(client: Client, workspaceId: string, after: number, limit: number): Promise<NewsRows> {
  const { rows } = await client.query<CaughtRow & { kept: number }>(
    statementOn(client, NEWS_OF, [workspaceId, after, limit]),
  );
  return {
    ...firstOf(rows),
    rows: rows.flatMap(({ number, id, digest }) => (number === null ? [] : [{ number, id, digest }])),
  };
}

type LookedRow = Pick<LookRow, 'history' | 'lost'> & (LiveRow | { readonly id: null });

async function look(
  client: Client,
  workspaceIds: readonly string[] | null,
  awaited: readonly AwaitedRow[],
): Promise<LookRow> {
  const values = [workspaceIds, awaited.map(({ number }) => number), awaited.map(({ id }) => id)];
  const { rows } = await client.query<LookedRow>(statementOn(client, LOOK, values));
  const { history, lost } = firstOf(rows);
  return { history, lost, live: rows.filter((row): row is LookedRow & LiveRow => row.id !== null) };
}

/**
 * Opens the table of nodes. `bound` in milliseconds: nothing here waits longer than it for an answer. At each lease
 * `onSkew` is told by how much this node's clock is ahead of the database's, and by how much that may be wrong.
 */
export function openNodeTable(options: {
  url: string;
  bound: number;
  clock: () => number;
  onError: (error: Error) => void;
  onSkew: (skewMs: number, uncertaintyMs: number) => void;
}): NodeTable {
  const { url, bound, clock, onError, onSkew } = options;
  const patience: Patience = {
    connect: Math.min(SECOND, bound),
    statement: Math.max(bound, 100),
    answer: Math.max(bound, 100),
  };
  const pool = createPool({ url, connections: 4, waiting: 100, patience, onError });

  async function using<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const { client, release } = await pool.take();
    try {
      const result = await work(client);
      release();
      return result;
    } catch (error) {
      release(error);
      lostItsName(error);
      throw storeError(error);
    }
  }

  const renewal: NodeTable['renewal'] = (work) =>
    using(async (client) => {
      let begun = false;
      try {
        await work({
          async lock() {
            if (begun) throw new Error('The counter is locked once in a renewal.');
            begun = true;
            const statements = `${beginOn(client, patience)}; ${LOCK}`;
            const results = (await client.query(statements)) as unknown as pg.QueryResult<HeadRow>[];
            return firstOf(results.at(-1)?.rows);
          },
          readHead: () => readHead(client),
          readAfter: (number, limit) => readAfter(client, number, limit),
          newsOf: (workspaceId, after, limit) => newsOf(client, workspaceId, after, limit),
          async grant({ id, workspaceId, confirmed, bound: span, moved }) {
            const values = [id, workspaceId, confirmed, span, GUARDS_OF_A_WORKSPACE];
            const asked = clock();
            const { rows } = await client.query<{ now: number }>(statementOn(client, GRANT, values));
            const answered = clock();
            const [row] = rows;
            if (row !== undefined) onSkew((asked + answered) / 2 - row.now, (answered - asked) / 2);
            if (moved) await client.query(`notify ${CONFIRMED}`);
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
    readAfter: (number, limit) => using((client) => readAfter(client, number, limit)),
    newsOf: (workspaceId, after, limit) => using((client) => newsOf(client, workspaceId, after, limit)),
    renewal,
    guardRenewal: renewal,
    readHead: () => using(readHead),
    look: (workspaceIds, awaited) => using((client) => look(client, workspaceIds, awaited)),
    wake: () =>
      using(async (client) => {
        await client.query(`notify ${REVOKED}`);
      }),
    giveUp: (id) =>
      using(async (client) => {
        await client.query('delete from node where id = $1', [id]);
        await client.query(`notify ${CONFIRMED}`);
      }),
    pool: pool.figures,
    close: pool.end,
  };
}

const LISTEN_PATIENCE: Patience = { connect: 2 * SECOND, statement: 5 * SECOND, answer: 5 * SECOND };
/** How often it is asked, behind a pooler, what a notification would tell; milliseconds. */
const POLL_EVERY = 100;

/** Asks again and again whether anything was revoked: behind a pooler nobody is notified. Ends by throwing. */
async function poll(client: Client, onRevoked: () => void, onConfirmed: () => void): Promise<never> {
  let known = -1;
  for (;;) {
    const { rows } = await client.query<{ number: number }>('select number from revocation_counter where id = 1');
    const number = rows[0]?.number ?? known;
    if (number !== known) onRevoked();
    known = number;
    onConfirmed();
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY));
  }
}

/**
 * Listens for wake-ups on a connection of its own, which is opened anew after a jittered pause when it
 * breaks. Nothing depends on it: what is missed is found by the next heartbeat and the next look.
 */
export function listenForWakes(url: string, onRevoked: () => void, onConfirmed: () => void): { stop(): Promise<void> } {
  const servers = createServers(url);
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  async function listen(mine: pg.Client): Promise<void> {
    mine.on('notification', ({ channel }) => (channel === REVOKED ? onRevoked() : onConfirmed()));
    if (isPooled(mine)) return poll(mine, onRevoked, onConfirmed);
    const broken = new Promise<void>((resolve) => mine.once('end', resolve).once('error', resolve));
    await mine.query(`listen ${REVOKED}; listen ${CONFIRMED}`);
    // What was said before it listened is asked for.
    onRevoked();
    onConfirmed();
    return broken;
  }

  async function connect(): Promise<void> {
    try {
      client = await connectClient(servers, LISTEN_PATIENCE);
      if (!stopped) await listen(client);
    } catch {
      // The connection is opened anew.
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
 * Deletes revocations that every node with a lease has confirmed and that are older than `before`, and
 * nodes that are long gone. Whoever slept through it finds a gap and forgets everything. The last one that
 * a node has confirmed stays, and the newest: by their ids nodes know that the history is still theirs.
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
