import pg from 'pg';
import { SECOND } from '../contract/words.ts';
import { type Attempt, parsePostgresAddress } from './postgres-address.ts';
import { ConnectFailure, UnfitServer } from './postgres-failure.ts';

/** How long things may take in the database before they are given up; milliseconds. */
export interface Patience {
  /** Waiting for a connection, an answer of the server to connecting included. */
  readonly connect: number;
  /** One statement, by the server's clock. */
  readonly statement: number;
  /** One statement, by ours: for a server or a network that stalls without a word. */
  readonly answer: number;
  /** Between two statements of a transaction, 0 for any; a node that froze must not hold its locks for longer. */
  readonly idleInTransaction?: number;
}

const LOCK_PATIENCE = 5 * SECOND;
const IDLE_IN_TRANSACTION = SECOND;
const OLDEST_VERSION = 140_000;

/** int8 as a number: ours are counts and epoch milliseconds, all far below 2^53. */
function readInt8(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError('The database gave an integer above 2^53.');
  return number;
}

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? readInt8
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/** The time-outs that the server keeps, as its settings. */
function timeoutsOf({ statement, idleInTransaction = IDLE_IN_TRANSACTION }: Patience): [name: string, ms: number][] {
  return [
    ['statement_timeout', statement],
    ['lock_timeout', Math.min(LOCK_PATIENCE, statement)],
    ['idle_in_transaction_session_timeout', idleInTransaction],
  ];
}

/** Connections behind which a pooler may give each transaction another session. */
const pooled = new WeakSet<object>();
/** Set for good when named statements turn out to get lost, behind a pooler that could not be told from a database. */
let namesGetLost = false;

/** Whether something that hands sessions out, PgBouncer say, stands between: what is of a session can't be relied on. */
export const isPooled = (client: object): boolean => pooled.has(client);

/** A statement that is parsed once a connection where that is safe, and each time behind a pooler. */
export function statementOn(
  client: object,
  { name, text }: { readonly name: string; readonly text: string },
  values: unknown[],
): pg.QueryConfig {
  return isPooled(client) || namesGetLost ? { text, values } : { name, text, values };
}

/** Whether a named statement was not there, or was another's; from then on none are used. */
export function lostItsName(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (code !== '26000' && code !== '42P05') return false;
  namesGetLost = true;
  return true;
}

/** Begins a transaction on a connection, with the time-outs that it can't keep for its session. */
export function beginOn(client: object, patience: Patience): string {
  if (!isPooled(client)) return 'begin';
  return ['begin', ...timeoutsOf(patience).map(([name, ms]) => `set local ${name} = ${ms}`)].join('; ');
}

interface Facts {
  readonly pid: number;
  readonly standby: boolean;
  readonly read_only: string;
  readonly encoding: string;
  readonly version: number;
}

/**
 * Makes a new connection ours: refuses a server that takes no writes, or keeps text otherwise than as UTF-8, and sets the
 * time-outs of its session. They are not sent at connecting, which poolers refuse; one that stands between is known
 * by the process it names, which is not the one that answers, and its sessions are left as they are.
 */
async function settleConnection(client: pg.ClientBase, patience: Patience): Promise<void> {
  const { processID } = client as unknown as { processID: number | null };
  const timeouts = timeoutsOf(patience);
  const settings = timeouts.map((_, at) => `set_config($${at * 2 + 2}, $${at * 2 + 3}, false)`).join(', ');
  const { rows } = await client.query<Facts>(
    `select pg_backend_pid() as pid, pg_is_in_recovery() as standby, current_setting('transaction_read_only') as read_only,
       current_setting('server_encoding') as encoding, current_setting('server_version_num')::int as version,
       case when pg_backend_pid() = $1::int then array[${settings}] end as timeouts`,
    [processID ?? 0, ...timeouts.flatMap(([name, ms]) => [name, String(ms)])],
  );
  const [facts] = rows;
  if (facts === undefined) throw new UnfitServer('it does not say what it is');
  if (facts.pid !== processID) pooled.add(client);
  if (facts.version < OLDEST_VERSION) throw new UnfitServer('it is older than PostgreSQL 14');
  if (facts.standby) throw new UnfitServer('it is a standby, which takes no writes');
  if (facts.read_only === 'on') throw new UnfitServer('it is read-only (default_transaction_read_only)');
  if (facts.encoding !== 'UTF8') {
    throw new UnfitServer(`the database's encoding is ${facts.encoding}: create it with encoding UTF8`);
  }
}

/** The servers of an address, and which of them took us last. */
export interface Servers {
  /** For `pg.Pool`: its clients are those of `newClient`, made ours. */
  readonly options: (patience: Patience) => pg.PoolConfig;
  /** A client of the server that is tried now. */
  readonly newClient: (patience: Patience) => pg.Client;
  /** Connects with `connect`, to one server after the other until one takes writes. Throws `ConnectFailure`. */
  connect<Client>(connect: () => Promise<Client>): Promise<Client>;
}

/** Whether the same server may take us otherwise: with or without TLS. */
function maySayOtherwise(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: string };
  return code === '28000' || /does not support SSL/.test(message ?? '');
}

export function createServers(url: string): Servers {
  const { attempts, user, password, database, applicationName, options } = parsePostgresAddress(url);
  let current = 0;
  const attemptAt = (at: number): Attempt => attempts[at % attempts.length] ?? attempts[0];

  /** Which to try after one that failed: the same server otherwise, or the next one. */
  function after(at: number, error: unknown): number {
    let next = at + 1;
    if (maySayOtherwise(error)) return next;
    const { host, port } = attemptAt(at);
    while (next % attempts.length !== 0 && attemptAt(next).host === host && attemptAt(next).port === port) next++;
    return next;
  }

  function configOf(patience: Patience): pg.ClientConfig {
    const { host, port, ssl } = attemptAt(current);
    return {
      host,
      port,
      ssl,
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      ...(database !== undefined && { database }),
      ...(options !== undefined && { options }),
      application_name: applicationName,
      types,
      keepAlive: true,
      connectionTimeoutMillis: patience.connect,
      query_timeout: patience.answer,
    };
  }

  return {
    newClient: (patience) => new pg.Client(configOf(patience)),
    options(patience) {
      class ServerClient extends pg.Client {
        constructor() {
          super(configOf(patience));
        }
      }
      return {
        Client: ServerClient,
        connectionTimeoutMillis: patience.connect,
        onConnect: (client: pg.ClientBase) => settleConnection(client, patience),
      };
    },
    async connect(connect) {
      const tried: { attempt: Attempt; error: unknown }[] = [];
      for (let at = current, left = attempts.length; left > 0; left--) {
        current = at % attempts.length;
        try {
          return await connect();
        } catch (error) {
          tried.push({ attempt: attemptAt(at), error });
          const next = after(at, error);
          left -= next - at - 1;
          at = next;
        }
      }
      current = (current + 1) % attempts.length;
      throw new ConnectFailure(tried);
    },
  };
}

/** One connection of its own to the server that takes writes. Throws `ConnectFailure`. */
export function connectClient(servers: Servers, patience: Patience): Promise<pg.Client> {
  return servers.connect(async () => {
    const client = servers.newClient(patience);
    // A connection that breaks tells by the query that fails.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await settleConnection(client, patience);
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  });
}
