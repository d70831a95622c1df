import pg from 'pg';
import { SECOND } from '../contract/limits.ts';
import { ConnectError, UnsuitableServerError } from './postgres-connect-error.ts';
import { type ConnectionAttempt, parsePostgresUrl } from './postgres-url.ts';

/** Timeouts for database operations; milliseconds. */
export interface ConnectionTimeouts {
  /** Waiting for a connection, including the server's response to the connection attempt. */
  readonly connectMs: number;
  /** One statement, enforced by the server. */
  readonly statementMs: number;
  /** One statement, enforced by this process, in case the server or the network stalls silently. */
  readonly responseMs: number;
  /**
   * Idle time between two statements of a transaction, 0 for no limit: a frozen node must not keep its locks for
   * longer.
   */
  readonly idleInTransactionMs?: number;
}

const LOCK_TIMEOUT_MS = 5 * SECOND;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = SECOND;
const MIN_SERVER_VERSION = 140_000;

/** Parses an int8 as a number: Devpilot stores counts and epoch milliseconds, all far below 2^53. */
function parseInt8(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError('The database returned an integer beyond 2^53.');
  return number;
}

const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? parseInt8
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/** Returns the settings for the timeouts that the server enforces. */
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

/** Connections to a pooler, which may assign each transaction to a different session. */
const pooledClients = new WeakSet<object>();
/** Set permanently once a named statement was lost, which means that there is a pooler that was not detected. */
let areStatementNamesUnsafe = false;

/** Returns whether a connection goes through a pooler such as PgBouncer, so that session state is not reliable. */
export const isPooled = (client: object): boolean => pooledClients.has(client);

/** Returns a query that is parsed only once per connection or, behind a pooler, every time. */
export function queryConfigFor(
  client: object,
  { name, text }: { readonly name: string; readonly text: string },
  values: unknown[],
): pg.QueryConfig {
  return isPooled(client) || areStatementNamesUnsafe ? { text, values } : { name, text, values };
}

/**
 * Returns whether a statement failed because its name was missing or belonged to another statement. If so, statements
 * are no longer named.
 */
export function noteLostStatementName(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (code !== '26000' && code !== '42P05') return false;
  areStatementNamesUnsafe = true;
  return true;
}

/**
 * Returns whether a failed read can succeed over a fresh connection: the name of its statement was lost, or a migration
 * changed the result type of its cached plan (0A000).
 */
export const isStatementOutdated = (error: unknown): boolean =>
  noteLostStatementName(error) || (error as { code?: unknown }).code === '0A000';

/** Returns the statement that begins a transaction, with the timeouts that a pooled session cannot keep. */
export function beginStatementFor(client: object, timeouts: ConnectionTimeouts): string {
  if (!isPooled(client)) return 'begin';
  return ['begin', ...toServerSettings(timeouts).map(([name, ms]) => `set local ${name} = ${ms}`)].join('; ');
}

interface ServerProperties {
  readonly pid: number;
  readonly standby: boolean;
  readonly read_only: string;
  readonly encoding: string;
  readonly version: number;
}

/**
 * Prepares a new connection: rejects servers that are read-only, a standby, too old or not encoded in UTF-8, and sets
 * the timeouts of the session. The timeouts are not sent as startup parameters, because poolers reject these. A
 * connection whose process ID differs from the ID of the responding backend is pooled; its session is not changed.
 */
async function initializeConnection(client: pg.ClientBase, timeouts: ConnectionTimeouts): Promise<void> {
  const { processID } = client as unknown as { processID: number | null };
  const serverSettings = toServerSettings(timeouts);
  const settings = serverSettings
    .map((_, index) => `set_config($${index * 2 + 2}, $${index * 2 + 3}, false)`)
    .join(', ');
  const { rows } = await client.query<ServerProperties>(
    `select pg_backend_pid() as pid, pg_is_in_recovery() as standby, current_setting('transaction_read_only') as read_only,
       current_setting('server_encoding') as encoding, current_setting('server_version_num')::int as version,
       case when pg_backend_pid() = $1::int then array[${settings}] end as timeouts`,
    [processID ?? 0, ...serverSettings.flatMap(([name, ms]) => [name, String(ms)])],
  );
  const [server] = rows;
  if (server === undefined) throw new UnsuitableServerError('it did not identify itself');
  if (server.pid !== processID) pooledClients.add(client);
  if (server.version < MIN_SERVER_VERSION)
    throw new UnsuitableServerError('it is older than PostgreSQL 14, the oldest supported version');
  if (server.standby) throw new UnsuitableServerError('it is a standby, which accepts no writes');
  if (server.read_only === 'on') throw new UnsuitableServerError('it is read-only (default_transaction_read_only)');
  if (server.encoding !== 'UTF8') {
    throw new UnsuitableServerError(`the database encoding is ${server.encoding}: create it with encoding UTF8`);
  }
}

/** The servers of a URL, starting with the one that last accepted a connection. */
export interface PostgresServers {
  /** Options for a `pg.Pool` whose clients are initialized like the clients of `connectClient`. */
  readonly options: (timeouts: ConnectionTimeouts) => pg.PoolConfig;
  /** Creates a client for the server that `connect` is trying. */
  readonly newClient: (timeouts: ConnectionTimeouts) => pg.Client;
  /** Calls `open` for one server after another until it succeeds. Throws `ConnectError`. */
  connect<Client>(open: () => Promise<Client>): Promise<Client>;
}

/** Returns whether the same server might accept a connection with the other TLS setting. */
function mightAcceptOtherTls(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: string };
  return code === '28000' || /does not support SSL/.test(message ?? '');
}

const isSameServer = (first: ConnectionAttempt, second: ConnectionAttempt): boolean =>
  first.host === second.host && first.port === second.port;

export function createPostgresServers(url: string): PostgresServers {
  const { attempts, user, password, database, applicationName, options } = parsePostgresUrl(url);
  let currentIndex = 0;
  const attemptAt = (index: number): ConnectionAttempt => attempts[index] ?? attempts[0];

  function clientConfig(timeouts: ConnectionTimeouts): pg.ClientConfig {
    const { host, port, ssl } = attemptAt(currentIndex);
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
      query_timeout: timeouts.responseMs,
    };
  }

  return {
    newClient: (timeouts) => new pg.Client(clientConfig(timeouts)),
    options(timeouts) {
      class ServerClient extends pg.Client {
        constructor() {
          super(clientConfig(timeouts));
        }
      }
      return {
        Client: ServerClient,
        connectionTimeoutMillis: timeouts.connectMs,
        onConnect: (client: pg.ClientBase) => initializeConnection(client, timeouts),
      };
    },
    async connect(open) {
      const failures: { attempt: ConnectionAttempt; error: unknown }[] = [];
      const startIndex = currentIndex;
      for (let offset = 0; offset < attempts.length; offset++) {
        const index = (startIndex + offset) % attempts.length;
        const attempt = attemptAt(index);
        const lastFailure = failures.at(-1);
        // Index 0 is the first attempt of the list, so it is never skipped.
        const isSecondForServer = index > 0 && lastFailure !== undefined && isSameServer(lastFailure.attempt, attempt);
        if (isSecondForServer && !mightAcceptOtherTls(lastFailure.error)) continue;
        currentIndex = index;
        try {
          return await open();
        } catch (error) {
          failures.push({ attempt, error });
        }
      }
      currentIndex = (currentIndex + 1) % attempts.length;
      throw new ConnectError(failures);
    },
  };
}

/** Opens a dedicated connection to the writable server. Throws `ConnectError`. */
export function connectClient(servers: PostgresServers, timeouts: ConnectionTimeouts): Promise<pg.Client> {
  return servers.connect(async () => {
    const client = servers.newClient(timeouts);
    // A broken connection is reported by the query that fails.
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
