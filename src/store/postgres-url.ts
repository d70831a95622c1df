import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity as verifyHostName } from 'node:tls';

/** One connection attempt: a server, with or without TLS. */
export interface ConnectionAttempt {
  readonly host: string;
  readonly port: number;
  /** False for a connection without TLS. */
  readonly ssl: false | ConnectionOptions;
}

/** The contents of a `postgres://…` URL, as libpq interprets it. */
export interface PostgresUrl {
  /** In the order in which they are made; the attempts for one server are adjacent. */
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
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'application_name',
  'options',
  'target_session_attrs',
  'sslmode',
  'ssl',
  'sslrootcert',
  'sslcert',
  'sslkey',
]);
/** libpq parameters that are accepted but have no effect. */
const IGNORED_PARAMETERS = new Set([
  'connect_timeout',
  'client_encoding',
  'fallback_application_name',
  'gssencmode',
  'krbsrvname',
  'passfile',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'load_balance_hosts',
  'sslcompression',
  'sslsni',
  'uselibpqcompat',
]);

/** The message completes the sentence "must be a postgres:// URL …". */
class InvalidPostgresUrlError extends Error {}

const throwInvalid = (requirement: string): never => {
  throw new InvalidPostgresUrlError(requirement);
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

/** Parses `host`, `host:port` or `[::1]:port`, separated by commas. */
function parseHosts(authority: string): { host: string; port: number }[] {
  return authority.split(',').map((hostAndPort) => {
    const parts = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]]*)(?::(\d*))?$/.exec(hostAndPort);
    if (parts === null) return throwInvalid('with hosts such as db1:5432,db2:5432');
    const host = decode((parts[1] ?? '').replace(/^\[|\]$/g, ''));
    return { host: host === '' ? (process.env['PGHOST'] ?? 'localhost') : host, port: parsePort(parts[2] ?? '') };
  });
}

/** Returns the hosts and ports; the parameters `host` and `port` take precedence over those before the path. */
function readHosts(authority: string, parameters: URLSearchParams): { host: string; port: number }[] {
  const hosts = parameters.get('host');
  const ports = parameters.get('port')?.split(',');
  const hostList =
    hosts === null ? parseHosts(authority) : hosts.split(',').map((host) => ({ host, port: parsePort('') }));
  if (ports === undefined) return hostList;
  if (ports.length !== 1 && ports.length !== hostList.length) throwInvalid('with one port, or one port per host');
  return hostList.map(({ host }, index) => ({ host, port: parsePort(ports[index] ?? ports[0] ?? '') }));
}

function readSslMode(parameters: URLSearchParams): SslMode {
  const text = parameters.get('sslmode') ?? (parameters.get('ssl') === 'true' ? 'require' : process.env['PGSSLMODE']);
  if (text === undefined || text === '') return 'prefer';
  // The name that Node.js drivers use for `require`.
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

/** Reads the certificate authorities from libpq's default location. */
function readDefaultAuthorities(): Buffer | undefined {
  const path = process.env['PGSSLROOTCERT'] ?? join(homedir(), '.postgresql', 'root.crt');
  return existsSync(path) ? readFileSync(path) : undefined;
}

/**
 * Returns the TLS options of a mode, except for the host name check. `verify-ca` and `verify-full` verify the
 * certificate chain, and so does `require` if the URL has `sslrootcert`.
 */
function tlsOptionsFor(mode: SslMode, parameters: URLSearchParams): ConnectionOptions {
  const customAuthorities = readParameterFile(parameters, 'sslrootcert');
  const verifyCertificate = mode.startsWith('verify-') || (mode === 'require' && customAuthorities !== undefined);
  const ca =
    customAuthorities ??
    (verifyCertificate && parameters.get('sslrootcert') !== 'system' ? readDefaultAuthorities() : undefined);
  const [cert, key] = [readParameterFile(parameters, 'sslcert'), readParameterFile(parameters, 'sslkey')];
  return {
    rejectUnauthorized: verifyCertificate,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function attemptsFor(host: string, port: number, mode: SslMode, tls: ConnectionOptions): ConnectionAttempt[] {
  const plain: ConnectionAttempt = { host, port, ssl: false };
  // The host name is checked here, because the driver passes no host name for an IP address.
  const checkServerIdentity: ConnectionOptions['checkServerIdentity'] = (_, certificate) =>
    mode === 'verify-full' ? verifyHostName(host, certificate) : undefined;
  const encrypted: ConnectionAttempt = { host, port, ssl: { ...tls, checkServerIdentity } };
  // There is no TLS over a Unix socket.
  if (mode === 'disable' || host.startsWith('/')) return [plain];
  if (mode === 'allow') return [plain, encrypted];
  return mode === 'prefer' ? [encrypted, plain] : [encrypted];
}

function checkParameters(parameters: URLSearchParams): void {
  for (const name of parameters.keys()) {
    // A misspelled sslmode would silently disable TLS.
    if (!SUPPORTED_PARAMETERS.has(name) && !IGNORED_PARAMETERS.has(name))
      throwInvalid(`with libpq parameters only (${name} is unknown)`);
  }
  const targetAttributes = parameters.get('target_session_attrs') ?? 'any';
  if (!['any', 'read-write', 'primary'].includes(targetAttributes)) {
    throwInvalid('with target_session_attrs as any, read-write or primary, because Devpilot writes');
  }
}

/**
 * Parses a URL with one or more servers; the writable server is used. Throws an error whose message says what is
 * accepted and never contains the password.
 */
export function parsePostgresUrl(text: string): PostgresUrl {
  const parts = /^postgres(?:ql)?:\/\/(?:([^/?#@]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text);
  if (parts === null) throw new InvalidPostgresUrlError('such as postgres://user:password@host:5432/database');
  const [, userinfo = '', authority = '', path = '', query = ''] = parts;
  const parameters = new URLSearchParams(query);
  checkParameters(parameters);
  const colon = userinfo.indexOf(':');
  const user = decode(colon === -1 ? userinfo : userinfo.slice(0, colon));
  const password = colon === -1 ? '' : decode(userinfo.slice(colon + 1));
  const mode = readSslMode(parameters);
  const tls = tlsOptionsFor(mode, parameters);
  const [firstAttempt, ...otherAttempts] = readHosts(authority, parameters).flatMap(({ host, port }) =>
    attemptsFor(host, port, mode, tls),
  );
  if (firstAttempt === undefined) throw new InvalidPostgresUrlError('with a host');
  const parameterOr = (value: string | null, fallback: string) => value ?? (fallback === '' ? undefined : fallback);
  return {
    attempts: [firstAttempt, ...otherAttempts],
    user: parameterOr(parameters.get('user'), user),
    password: parameterOr(parameters.get('password'), password),
    database: parameterOr(parameters.get('dbname'), decode(path)),
    applicationName: parameters.get('application_name') ?? 'devpilot',
    options: parameters.get('options') ?? undefined,
  };
}
