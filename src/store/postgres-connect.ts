import pg from 'pg';
import { SECOND } from '../contract/limits.ts';
import { ConnectError, UnsuitableServerError } from './postgres-connect-error.ts';
import { type ConnectionAttempt, parsePostgresUrl } from './postgres-url.ts';

/** How long things may take in the database before they are given up; milliseconds. */
export interface ConnectionTimeouts {
  /** Waiting for a connection, an answer of the server to connecting included. */
  readonly connectMs: number;
  /** One statement, by the server's clock. */
  readonly statementMs: number;
  /** One statement, by ours: for a server or a network that stalls without a word. */
  readonly answerMs: number;
  /** Between two statements of a transaction, 0 for any; a node that froze must not hold its locks for longer. */
  readonly idleInTransactionMs?: number;
}

const LOCK_TIMEOUT_MS = 5 * SECOND;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = SECOND;
const MIN_SERVER_VERSION = 140_000;

/** int8 as a number: ours are counts and epoch milliseconds, all far below 2^53. */
function readInt8(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError('The database gave an integer above 2^53.');
  return number;
}

const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? readInt8
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/** The time-outs that the server keeps, as its settings. */
function toServerSettings({
  statementMs: statement,
  idleInTransactionMs: idleInTransaction = IDLE_IN_TRANSACTION_TIMEOUT_MS,
}: ConnectionTimeouts): [name: string, ms: number][] {
  return [
    ['statement_timeout', statement],
    ['lock_timeout', Math.min(LOCK_TIMEOUT_MS, statement)],
    ['idle_in_transaction_session_timeout', idleInTransaction],
  ];
}

/** Connections behind which a pooler may give each transaction another session. */
const pooledClients = new WeakSet<object>();
/** Set for good when named statements turn out to get lost, behind a pooler that could not be told from a database. */
let areStatementNamesUnsafe = false;

/** Whether something that hands sessions out, PgBouncer say, stands between: what is of a session can't be relied on. */
export const isPooled = (client: object): boolean => pooledClients.has(client);

/** A statement that is parsed once a connection where that is safe, and each time behind a pooler. */
export function queryConfigFor(
  client: object,
  { name, text }: { readonly name: string; readonly text: string },
  values: unknown[],
): pg.QueryConfig {
  return isPooled(client) || areStatementNamesUnsafe ? { text, values } : { name, text, values };
}

/** Whether a named statement was not there, or was another's; from then on none are used. */
export function noteLostStatementName(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (code !== '26000' && code !== '42P05') return false;
  areStatementNamesUnsafe = true;
  return true;
}

/** Begins a transaction on a connection, with the time-outs that it can't keep for its session. */
export function beginStatementFor(client: object, timeouts: ConnectionTimeouts): string {
  if (!isPooled(client)) return 'begin';
  return ['begin', ...toServerSettings(timeouts).map(([name, ms]) => `set local ${name} = ${ms}`)].join('; ');
}

interface ServerFacts {
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
async function initializeConnection(client: pg.ClientBase, timeouts: ConnectionTimeouts): Promise<void> {
  const { processID } = client as unknown as { processID: number | null };
  const serverSettings = toServerSettings(timeouts);
  const settings = serverSettings
    .map((_, index) => `set_config($${index * 2 + 2}, $${index * 2 + 3}, false)`)
    .join(', ');
  const { rows } = await client.query<ServerFacts>(
    `select pg_backend_pid() as pid, pg_is_in_recovery() as standby, current_setting('transaction_read_only') as read_only,
       current_setting('server_encoding') as encoding, current_setting('server_version_num')::int as version,
       case when pg_backend_pid() = $1::int then array[${settings}] end as timeouts`,
    [processID ?? 0, ...serverSettings.flatMap(([name, ms]) => [name, String(ms)])],
  );
  const [facts] = rows;
  if (facts === undefined) throw new UnsuitableServerError('it did not identify itself');
  if (facts.pid !== processID) pooledClients.add(client);
  if (facts.version < MIN_SERVER_VERSION)
    throw new UnsuitableServerError('it is older than PostgreSQL 14, the oldest supported version');
  if (facts.standby) throw new UnsuitableServerError('it is a standby, which accepts no writes');
  if (facts.read_only === 'on') throw new UnsuitableServerError('it is read-only (default_transaction_read_only)');
  if (facts.encoding !== 'UTF8') {
    throw new UnsuitableServerError(`the database encoding is ${facts.encoding}: create it with encoding UTF8`);
  }
}

/** The servers of an address, and which of them took us last. */
export interface PostgresServers {
  /** For `pg.Pool`: its clients are those of `newClient`, made ours. */
  readonly options: (timeouts: ConnectionTimeouts) => pg.PoolConfig;
  /** A client of the server that is tried now. */
  readonly newClient: (timeouts: ConnectionTimeouts) => pg.Client;
  /** Connects with `connect`, to one server after the other until one takes writes. Throws `ConnectError`. */
  connect<Client>(connect: () => Promise<Client>): Promise<Client>;
}

/** Whether the same server may take us otherwise: with or without TLS. */
function mayAcceptOtherTls(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: string };
  return code === '28000' || /does not support SSL/.test(message ?? '');
}

export function createPostgresServers(url: string): PostgresServers {
  const { attempts, user, password, database, applicationName, options } = parsePostgresUrl(url);
  let current = 0;
  const attemptAt = (index: number): ConnectionAttempt => attempts[index % attempts.length] ?? attempts[0];

  /** Which to try after one that failed: the same server otherwise, or the next one. */
  function nextIndexAfter(index: number, error: unknown): number {
    let next = index + 1;
    if (mayAcceptOtherTls(error)) return next;
    const { host, port } = attemptAt(index);
    while (next % attempts.length !== 0 && attemptAt(next).host === host && attemptAt(next).port === port) next++;
    return next;
  }

  function configOf(timeouts: ConnectionTimeouts): pg.ClientConfig {
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
      types: typeParsers,
      keepAlive: true,
      connectionTimeoutMillis: timeouts.connectMs,
      query_timeout: timeouts.answerMs,
    };
  }

  return {
    newClient: (timeouts) => new pg.Client(configOf(timeouts)),
    options(timeouts) {
      class ServerClient extends pg.Client {
        constructor() {
          super(configOf(timeouts));
        }
      }
      return {
        Client: ServerClient,
        connectionTimeoutMillis: timeouts.connectMs,
        onConnect: (client: pg.ClientBase) => initializeConnection(client, timeouts),
      };
    },
    async connect(connect) {
      const failedAttempts: { attempt: ConnectionAttempt; error: unknown }[] = [];
      for (let index = current, attemptsLeft = attempts.length; attemptsLeft > 0; attemptsLeft--) {
        current = index % attempts.length;
        try {
          return await connect();
        } catch (error) {
          failedAttempts.push({ attempt: attemptAt(index), error });
          const next = nextIndexAfter(index, error);
          attemptsLeft -= next - index - 1;
          index = next;
        }
      }
      current = (current + 1) % attempts.length;
      throw new ConnectError(failedAttempts);
    },
  };
}

/** One connection of its own to the server that takes writes. Throws `ConnectError`. */
export function connectClient(servers: PostgresServers, timeouts: ConnectionTimeouts): Promise<pg.Client> {
  return servers.connect(async () => {
    const client = servers.newClient(timeouts);
    // A connection that breaks tells by the query that fails.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await initializeConnection(client, timeouts);
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  });
}
