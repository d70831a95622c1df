import pg from 'pg';
import { SECOND } from '../contract/words.ts';
import { clientConfig, createPool, type Patience, storeError } from './postgres-pool.ts';
import type { Trx } from './store.ts';

/** A revocation as it is kept; `number` is gapless in the order of commits. */
export interface RevocationRow {
  readonly number: number;
  readonly workspace_id: string;
  readonly digest: Uint8Array | null;
}

interface CaughtRow {
  readonly counter: number;
  readonly number: number | null;
  readonly workspace_id: string;
  readonly digest: Uint8Array | null;
}

/** What was revoked in one workspace; `kept` counts those of all workspaces after the number asked for. */
export interface NewsRows {
  readonly counter: number;
  readonly kept: number;
  readonly rows: readonly { readonly number: number; readonly digest: Uint8Array | null }[];
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

/** What is read and written in the transaction that holds the counter. */
export interface RenewalRows {
  /** Takes the counter's row for share and reads it. */
  lock(): Promise<number>;
  newsOf(workspaceId: string, after: number, limit: number): Promise<NewsRows>;
  /** Tells whether there was room for the guard. */
  grant(row: GrantRow): Promise<boolean>;
}

/** What guards need of either engine. */
export interface GuardTable {
  newsOf: RenewalRows['newsOf'];
  guardRenewal(work: (renewal: RenewalRows) => Promise<void>): Promise<void>;
  /** Servers, and guards of these workspaces (null: of all). */
  liveNodes(workspaceIds: readonly string[] | null): Promise<LiveRow[]>;
  giveUp(id: string): Promise<void>;
}

/** The database's clock in epoch milliseconds; not the transaction's start, which may be long ago. */
const CLOCK = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

const READ_AFTER = {
  name: 'devpilot_read_after',
  text: `select c.number as counter, r.number, r.workspace_id, r.digest
    from revocation_counter c
    left join (select number, workspace_id, digest from revocation where number > $1 order by number limit $2) r on true
    order by r.number`,
};
const NEWS_OF = {
  name: 'devpilot_news_of',
  text: `select c.number as counter, (select count(*) from revocation where number > $2) as kept, r.number, r.digest
    from revocation_counter c
    left join (
      select number, digest from revocation where workspace_id = $1 and number > $2 order by number limit $3
    ) r on true
    order by r.number`,
};
const LOCK = 'begin; select number from revocation_counter where id = 1 for share';
// An answer that was lost may be overtaken by a newer one, so neither column may go back.
const GRANT = {
  name: 'devpilot_grant',
  text: `insert into node (id, workspace_id, confirmed, lease_until)
    select $1, $2, $3, ${CLOCK} + $4
    where $2::text is null or $5 > (select count(*) from node where workspace_id = $2 and lease_until > ${CLOCK} and id <> $1)
    on conflict (id) do update set confirmed = greatest(node.confirmed, excluded.confirmed),
      lease_until = greatest(node.lease_until, excluded.lease_until)
    returning id`,
};
// A guard is told of its own workspace alone: what was revoked in others counts as confirmed.
const LIVE = {
  name: 'devpilot_live',
  text: `select id, workspace_id, lease_until - ${CLOCK} as left, case
      when workspace_id is null or exists (
        select 1 from revocation r where r.workspace_id = node.workspace_id and r.number > node.confirmed
      ) then confirmed else greatest(confirmed, (select number from revocation_counter)) end as confirmed
    from node
    where lease_until > ${CLOCK} and (workspace_id is null or $1::text[] is null or workspace_id = any($1::text[]))`,
};
const REVOKED = 'devpilot_revoked';
const CONFIRMED = 'devpilot_confirmed';
/** Guards with a lease that one workspace may have. */
export const GUARDS_OF_A_WORKSPACE = 1000;

/** Leases and revocations over connections of their own, so that no other work holds a lease up. */
export interface NodeTable extends GuardTable {
  readAfter(number: number, limit: number): Promise<{ counter: number; rows: RevocationRow[] }>;
  /** One transaction. */
  renewal(work: (renewal: RenewalRows & Pick<NodeTable, 'readAfter'>) => Promise<void>): Promise<void>;
  wake(): Promise<void>;
  close(): Promise<void>;
}

type Client = Pick<pg.ClientBase, 'query'>;

async function readAfter(
  client: Client,
  number: number,
  limit: number,
): Promise<{ counter: number; rows: RevocationRow[] }> {
  const { rows } = await client.query<CaughtRow>({ ...READ_AFTER, values: [number, limit] });
  const [first] = rows;
  if (first === undefined) throw new Error('The revocation counter is gone.');
  return { counter: first.counter, rows: rows.filter((row): row is CaughtRow & RevocationRow => row.number !== null) };
}

type NewsRow = Pick<NewsRows, 'counter' | 'kept'> & { number: number | null; digest: Uint8Array | null };

async function newsOf(client: Client, workspaceId: string, after: number, limit: number): Promise<NewsRows> {
  const { rows } = await client.query<NewsRow>({ ...NEWS_OF, values: [workspaceId, after, limit] });
  const [first] = rows;
  if (first === undefined) throw new Error('The revocation counter is gone.');
  return {
    counter: first.counter,
    kept: first.kept,
    rows: rows.flatMap(({ number, digest }) => (number === null ? [] : [{ number, digest }])),
  };
}

/** Opens the table of nodes. `bound` in milliseconds: nothing here waits longer than it for an answer. */
export function openNodeTable(url: string, bound: number, onError: (error: Error) => void): NodeTable {
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
            const results = (await client.query(LOCK)) as unknown as pg.QueryResult<{ number: number }>[];
            const row = results[1]?.rows[0];
            if (row === undefined) throw new Error('The revocation counter is gone.');
            return row.number;
          },
          readAfter: (number, limit) => readAfter(client, number, limit),
          newsOf: (workspaceId, after, limit) => newsOf(client, workspaceId, after, limit),
          async grant({ id, workspaceId, confirmed, bound: span, moved }) {
            const values = [id, workspaceId, confirmed, span, GUARDS_OF_A_WORKSPACE];
            const { rowCount } = await client.query({ ...GRANT, values });
            if (moved) await client.query(`notify ${CONFIRMED}`);
            return rowCount === 1;
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
    liveNodes: (workspaceIds) =>
      using(async (client) => {
        const { rows } = await client.query<LiveRow>({ ...LIVE, values: [workspaceIds] });
        return rows;
      }),
    wake: () =>
      using(async (client) => {
        await client.query(`notify ${REVOKED}`);
      }),
    giveUp: (id) =>
      using(async (client) => {
        await client.query('delete from node where id = $1', [id]);
        await client.query(`notify ${CONFIRMED}`);
      }),
    close: pool.end,
  };
}

const LISTEN_PATIENCE: Patience = { connect: 2 * SECOND, statement: 5 * SECOND, answer: 5 * SECOND };

/**
 * Listens for wake-ups on a connection of its own, which is opened anew after a jittered pause when it
 * breaks. Nothing depends on it: what is missed is found by the next heartbeat and the next look.
 */
export function listenForWakes(url: string, onRevoked: () => void, onConfirmed: () => void): { stop(): Promise<void> } {
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  function later(): void {
    client = null;
    if (!stopped) timer = setTimeout(connect, 100 + Math.random() * 400);
  }

  function connect(): void {
    const mine = new pg.Client(clientConfig(url, LISTEN_PATIENCE));
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      mine.end().catch(() => undefined);
      later();
    };
    client = mine;
    mine.on('error', end);
    mine.on('end', end);
    mine.on('notification', ({ channel }) => (channel === REVOKED ? onRevoked() : onConfirmed()));
    mine
      .connect()
      .then(() => mine.query(`listen ${REVOKED}; listen ${CONFIRMED}`))
      // What was said before it listened is asked for.
      .then(() => {
        onRevoked();
        onConfirmed();
      })
      .catch(end);
  }

  connect();
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
 * nodes that are long gone. Whoever slept through it finds a gap and forgets everything.
 */
export async function pruneRevocations(trx: Trx, before: number): Promise<void> {
  const live = await trx.selectFrom('node').select('confirmed').where('lease_until', '>', before).execute();
  let query = trx.deleteFrom('revocation').where('at', '<', before);
  if (live.length > 0) query = query.where('number', '<=', Math.min(...live.map(({ confirmed }) => confirmed)));
  await query.execute();
  await trx.deleteFrom('node').where('lease_until', '<', before).execute();
}
