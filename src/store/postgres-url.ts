import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity as nameMatches } from 'node:tls';

/** One way to try: a server, over TLS or not. */
export interface ConnectionAttempt {
  readonly host: string;
  readonly port: number;
  /** False: without TLS. */
  readonly ssl: false | ConnectionOptions;
}

/** What a `postgres://…` address says, as libpq reads it. */
export interface PostgresUrl {
  /** In the order in which they are tried; those of one server stand together. */
  readonly attempts: readonly [ConnectionAttempt, ...ConnectionAttempt[]];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly applicationName: string;
  readonly options: string | undefined;
}

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];
const SUPPORTED_PARAMETERS = new Set([
  ...['host', 'port', 'user', 'password', 'dbname', 'application_name', 'options', 'target_session_attrs'],
  ...['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey'],
]);
/** Parameters of libpq's that change nothing here. */
const IGNORED_PARAMETERS = new Set([
  ...['connect_timeout', 'client_encoding', 'fallback_application_name', 'gssencmode', 'krbsrvname', 'passfile'],
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'tcp_user_timeout'],
  ...['load_balance_hosts', 'sslcompression', 'sslsni', 'uselibpqcompat'],
]);

class InvalidPostgresUrlError extends Error {}

const throwInvalid = (what: string): never => {
  throw new InvalidPostgresUrlError(what);
};

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return throwInvalid('with valid percent-encoding');
  }
}

function parsePort(text: string): number {
  if (text === '') return Number(process.env['PGPORT'] ?? 5432);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : throwInvalid('with ports from 1 to 65535');
}

/** `host`, `host:port`, `[::1]:port`, with commas between them. */
function parseHosts(authority: string): { host: string; port: number }[] {
  return authority.split(',').map((one) => {
    const parts = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]]*)(?::(\d*))?$/.exec(one);
    if (parts === null) return throwInvalid('with hosts such as db1:5432,db2:5432');
    const host = decode((parts[1] ?? '').replace(/^\[|\]$/g, ''));
    return { host: host === '' ? (process.env['PGHOST'] ?? 'localhost') : host, port: parsePort(parts[2] ?? '') };
  });
}

/** `host` and `port` as parameters, where the address names none before its path. */
function readHosts(authority: string, parameters: URLSearchParams): { host: string; port: number }[] {
  const hosts = parameters.get('host');
  const ports = parameters.get('port')?.split(',');
  const named =
    hosts === null ? parseHosts(authority) : hosts.split(',').map((host) => ({ host, port: parsePort('') }));
  if (ports === undefined) return named;
  if (ports.length !== 1 && ports.length !== named.length) throwInvalid('with one port, or one port per host');
  return named.map(({ host }, index) => ({ host, port: parsePort(ports[index] ?? ports[0] ?? '') }));
}

function readSslMode(parameters: URLSearchParams): SslMode {
  const text = parameters.get('sslmode') ?? (parameters.get('ssl') === 'true' ? 'require' : process.env['PGSSLMODE']);
  if (text === undefined || text === '') return 'prefer';
  // What drivers for Node call it.
  if (text === 'no-verify') return 'require';
  return SSL_MODES.find((mode) => mode === text) ?? throwInvalid(`with sslmode as one of: ${SSL_MODES.join(', ')}`);
}

function readParameterFile(parameters: URLSearchParams, name: string): Buffer | undefined {
  const path = parameters.get(name);
  if (path === null || path === '' || path === 'system') return undefined;
  try {
    return readFileSync(path);
  } catch {
    return throwInvalid(`with ${name} as the path of a readable file`);
  }
}

/** Where libpq looks for authorities when none is named. */
function readDefaultAuthorities(): Buffer | undefined {
  const path = process.env['PGSSLROOTCERT'] ?? join(homedir(), '.postgresql', 'root.crt');
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** TLS as the mode means it, but for the name: `require` encrypts, `verify-ca` and `verify-full` also check who signed. */
function tlsOptionsFor(mode: SslMode, parameters: URLSearchParams): ConnectionOptions {
  const named = readParameterFile(parameters, 'sslrootcert');
  const verifies = mode.startsWith('verify-') || (mode === 'require' && named !== undefined);
  const ca = named ?? (verifies && parameters.get('sslrootcert') !== 'system' ? readDefaultAuthorities() : undefined);
  const [cert, key] = [readParameterFile(parameters, 'sslcert'), readParameterFile(parameters, 'sslkey')];
  return {
    rejectUnauthorized: verifies,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function attemptsFor(host: string, port: number, mode: SslMode, tls: ConnectionOptions): ConnectionAttempt[] {
  const plain: ConnectionAttempt = { host, port, ssl: false };
  // The driver names no host to check where it is an address.
  const checkServerIdentity: ConnectionOptions['checkServerIdentity'] = (_, certificate) =>
    mode === 'verify-full' ? nameMatches(host, certificate) : undefined;
  const encrypted: ConnectionAttempt = { host, port, ssl: { ...tls, checkServerIdentity } };
  // Over a socket of the system there is no TLS.
  if (mode === 'disable' || host.startsWith('/')) return [plain];
  if (mode === 'allow') return [plain, encrypted];
  return mode === 'prefer' ? [encrypted, plain] : [encrypted];
}

function refuseUnknownParameters(parameters: URLSearchParams): void {
  for (const name of parameters.keys()) {
    // A misspelt sslmode would turn nothing on.
    if (!SUPPORTED_PARAMETERS.has(name) && !IGNORED_PARAMETERS.has(name))
      throwInvalid(`with libpq parameters, which ${name} is not`);
  }
  const wanted = parameters.get('target_session_attrs') ?? 'any';
  if (!['any', 'read-write', 'primary'].includes(wanted)) {
    throwInvalid('with target_session_attrs as read-write or primary, because Devpilot writes');
  }
}

/**
 * Reads an address with one server or several, of which the one that takes writes is used. Throws an error whose message
 * says what is accepted where this is something else; it never holds the password.
 */
export function parsePostgresUrl(text: string): PostgresUrl {
  const parts = /^postgres(?:ql)?:\/\/(?:([^/?#@]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text);
  if (parts === null) throw new InvalidPostgresUrlError('such as postgres://user:password@host:5432/database');
  const [, userinfo = '', authority = '', path = '', query = ''] = parts;
  const parameters = new URLSearchParams(query);
  refuseUnknownParameters(parameters);
  const colon = userinfo.indexOf(':');
  const user = decode(colon === -1 ? userinfo : userinfo.slice(0, colon));
  const password = colon === -1 ? '' : decode(userinfo.slice(colon + 1));
  const mode = readSslMode(parameters);
  const tls = tlsOptionsFor(mode, parameters);
  const [first, ...rest] = readHosts(authority, parameters).flatMap(({ host, port }) =>
    attemptsFor(host, port, mode, tls),
  );
  if (first === undefined) throw new InvalidPostgresUrlError('with a host');
  const parameterOr = (one: string | null, other: string) => one ?? (other === '' ? undefined : other);
  return {
    attempts: [first, ...rest],
    user: parameterOr(parameters.get('user'), user),
    password: parameterOr(parameters.get('password'), password),
    database: parameterOr(parameters.get('dbname'), decode(path)),
    applicationName: parameters.get('application_name') ?? 'devpilot',
    options: parameters.get('options') ?? undefined,
  };
}
