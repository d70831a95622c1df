import pg from 'pg';
import type { ConnectionAttempt } from './postgres-url.ts';

/** A server was reached but cannot be used; the message is the reason. */
export class UnsuitableServerError extends Error {}

/** No writable server was found; carries the error of each attempt. */
export class ConnectError extends Error {
  readonly attempts: readonly { readonly attempt: ConnectionAttempt; readonly error: unknown }[];
  constructor(attempts: ConnectError['attempts']) {
    super(attempts.map(({ attempt, error }) => `${formatHost(attempt)}: ${describeConnectError(error)}`).join('; '));
    this.name = 'ConnectError';
    this.attempts = attempts;
  }
}

const formatHost = ({ host, port }: ConnectionAttempt): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

const CERTIFICATE_ERROR = /^(?:DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_)/;
const REASON_BY_CODE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name was not found (DNS)',
  EAI_AGAIN: 'the host name cannot be resolved at the moment (DNS)',
  ECONNREFUSED: 'the connection was refused: is PostgreSQL listening there?',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'it did not respond in time',
  ENOENT: 'the socket was not found',
  EACCES: 'the socket is not accessible',
  '28P01': 'authentication failed: check user and password',
  '3D000': 'the database does not exist',
  '53300': 'it has no free connections (max_connections)',
  '57P03': 'it is starting up or shutting down',
  '42501': 'the user lacks privileges in the database',
  '25006': 'it is read-only (a standby?)',
};

/** Describes a connection failure without revealing the password. */
export function describeConnectError(error: unknown): string {
  if (error instanceof UnsuitableServerError) return error.message;
  const { code, message = String(error), errors } = error as { code?: string; message?: string; errors?: unknown[] };
  if (Array.isArray(errors) && errors.length > 0) return describeConnectError(errors[0]);
  const known = code === undefined ? undefined : REASON_BY_CODE[code];
  if (known !== undefined) return known;
  if (error instanceof pg.DatabaseError) {
    return code?.startsWith('28') ? `authentication failed: ${message}` : message;
  }
  if (/does not support SSL/.test(message)) return 'the server does not offer TLS, which sslmode requires';
  if (code !== undefined && CERTIFICATE_ERROR.test(code)) {
    return `its TLS certificate is not trusted (${message}): set sslrootcert to the CA certificate`;
  }
  if (/SSL|TLS|EPROTO/i.test(`${code} ${message}`)) return `TLS failed (${message})`;
  if (/password must be/i.test(message)) return 'authentication failed: a password is required';
  if (/time-?out|timed out/i.test(message)) return 'it did not respond in time';
  return message;
}
