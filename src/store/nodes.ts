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

/** The database's clock in epoch milliseconds; not the transaction's start, which may be long ago. */
const CLOCK = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

const READ_AFTER = {
  name: 'devpilot_read_after',
  text: `select c.number as counter, r.number, r.workspace_id, r.digest
    from revocation_counter c
    left join (select number, workspace_id, digest from revocation where number > $1 order by number limit $2) r on true
    order by r.number`,
};
const LOCK = 'begin; select number from revocation_counter where id = 1 for share';
// An answer that was lost may be overtaken by a newer one, so neither column may go back.
const GRANT = {
  name: 'devpilot_grant',
  text: `insert into node (id, confirmed, lease_until) values ($1, $2, ${CLOCK} + $3)
    on conflict (id) do update set confirmed = greatest(node.confirmed, excluded.confirmed),
      lease_until = greatest(node.lease_until, excluded.lease_until)`,
};
const LIVE = {
  name: 'devpilot_live',
  text: `select id, confirmed, lease_until - ${CLOCK} as left from node where lease_until > ${CLOCK}`,
};
const REVOKED = 'devpilot_revoked';
const CONFIRMED = 'devpilot_confirmed';

/** Leases and revocations over connections of their own, so that no other work holds a lease up. */
export interface NodeTable {
  readAfter(number: number, limit: number): Promise<{ counter: number; rows: RevocationRow[] }>;
  /** One transaction; `lock` takes the counter's row for share and reads it. */
  renewal(
    work: (renewal: {
      lock(): Promise<number>;
      readAfter: NodeTable['readAfter'];
      grant(id: string, confirmed: number, bound: number, moved: boolean): Promise<void>;
    }) => Promise<void>,
  ): Promise<void>;
  liveNodes(): Promise<{ id: string; confirmed: number; left: number }[]>;
  wake(): Promise<void>;
  giveUp(id: string): Promise<void>;
  close(): Promise<void>;
}

async function readAfter(
  client: Pick<pg.ClientBase, 'query'>,
  number: number,
  limit: number,
): Promise<{ counter: number; rows: RevocationRow[] }> {
  const { rows } = await client.query<CaughtRow>({ ...READ_AFTER, values: [number, limit] });
  const [first] = rows;
  if (first === undefined) throw new Error('The revocation counter is gone.');
  return { counter: first.counter, rows: rows.filter((row): row is CaughtRow & RevocationRow => row.number !== null) };
}

/** Opens the table of nodes. `bound` in milliseconds: nothing here waits longer than it for an answer. */
export function openNodeTable(url: string, bound: number, onError: (error: Error) => void): NodeTable {
  const patience: Patience = {
    connect: Math.min(SECOND, bound),
    statement: Math.max(bound, 100),
    answer: Math.max(bound, 100),
  };
  const pool = createPool({ url, connections: 3, waiting: 100, patience, onError });

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

  return {
    readAfter: (number, limit) => using((client) => readAfter(client, number, limit)),
    renewal: (work) =>
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
            async grant(id, confirmed, bound_, moved) {
              await client.query({ ...GRANT, values: [id, confirmed, bound_] });
              if (moved) await client.query(`notify ${CONFIRMED}`);
            },
          });
          if (begun) await client.query('commit');
        } catch (error) {
          if (begun) await client.query('rollback').catch(() => undefined);
          throw error;
        }
      }),
    liveNodes: () =>
      using(async (client) => {
        const { rows } = await client.query<{ id: string; confirmed: number; left: number }>(LIVE);
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
