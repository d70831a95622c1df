import type { LeakKeySource } from '../http/leak-signatures.ts';
import type { OutboundPolicy } from '../outbound/outbound.ts';
import { NotAcceptedError } from './setting-parsers.ts';
import { SETTINGS, type SettingName, type SettingValues } from './settings-table.ts';

export { SECRET_BYTES } from './setting-parsers.ts';

/** The parsed and validated settings of the server. */
export interface Settings {
  readonly port: number;
  readonly host: string;
  readonly dataDirectory: string;
  /** `postgres://…`, or null for SQLite in the data directory. */
  readonly databaseUrl: string | null;
  /** The configured secret; null if the installation generates its secret in the data directory. */
  readonly secret: Buffer | null;
  /** The setting that defines the secret; null if none is set. */
  readonly secretSetting: 'DEVPILOT_SECRET' | 'DEVPILOT_SECRET_FILE' | null;
  /** Public origin that people use; null for the origin of the listener. */
  readonly publicUrl: string | null;
  readonly trustProxy: readonly string[];
  readonly signUp: 'invite' | 'open';
  /** Who may create workspaces. */
  readonly workspaces: 'operators' | 'anyone';
  /** Milliseconds. */
  readonly revocationBoundMs: number;
  /** Address of the listener for metrics; null if it is off. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
  readonly localServer: 'off' | 'on';
  readonly outbound: OutboundPolicy;
  /** The keys that verify signatures of leak reports; null if reports need not be signed. */
  readonly leakKeys: LeakKeySource | null;
  readonly retentionDays: number;
  readonly backups: {
    /** An S3-compatible bucket; null for the data directory. */
    readonly bucket: {
      readonly url: string;
      readonly region: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    } | null;
    /** Bytes. */
    readonly maxBytes: number;
  };
  readonly logLevel: string;
  /** Whether people may sign in with passwords and passkeys. */
  readonly passwords: 'on' | 'off';
  /** The OpenID Connect provider for single sign-on; null for none. */
  readonly oidc: {
    readonly issuer: string;
    readonly clientId: string;
    readonly clientSecret: string;
    /** Name on the sign-in button. */
    readonly name: string;
    /** Separated by spaces. */
    readonly scopes: string;
    readonly signUp: boolean;
  } | null;
  readonly smtpUrl: string | null;
  readonly mailFrom: string;
}

/** An invalid value of a setting. The message is one line with the name of the setting and the accepted values. */
export class InvalidSettingError extends Error {
  constructor(name: string, accepts: string) {
    super(`${name} must be ${accepts}.`);
    this.name = 'InvalidSettingError';
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

function readSetting(name: SettingName, environment: Environment): unknown {
  const { default: defaultText, accepts, parse } = SETTINGS[name];
  const text = environment[name] || defaultText;
  if (text === null) return null;
  try {
    const value = parse(text);
    if (value === undefined) throw new NotAcceptedError(accepts);
    return value;
  } catch (error) {
    throw error instanceof NotAcceptedError ? new InvalidSettingError(name, error.message) : error;
  }
}

function readAllSettings(environment: Environment): SettingValues {
  const names = Object.keys(SETTINGS) as SettingName[];
  return Object.fromEntries(names.map((name) => [name, readSetting(name, environment)])) as SettingValues;
}

/** Returns the value of a setting or of its `_FILE` counterpart. Throws if both are set. */
function valueOrFile<Value>(name: SettingName, value: Value | null, fromFile: Value | null): Value | null {
  if (value !== null && fromFile !== null) throw new InvalidSettingError(name, `unset while ${name}_FILE is set`);
  return value ?? fromFile;
}

function readSecret(values: SettingValues): Pick<Settings, 'secret' | 'secretSetting'> {
  const { DEVPILOT_SECRET: value, DEVPILOT_SECRET_FILE: fromFile } = values;
  const secret = valueOrFile('DEVPILOT_SECRET', value, fromFile);
  if (secret === null && values.DATABASE_URL !== null) {
    const { accepts } = SETTINGS.DEVPILOT_SECRET;
    throw new InvalidSettingError('DEVPILOT_SECRET', `${accepts}, the same on every node, when DATABASE_URL is set`);
  }
  if (secret === null) return { secret, secretSetting: null };
  return { secret, secretSetting: value !== null ? 'DEVPILOT_SECRET' : 'DEVPILOT_SECRET_FILE' };
}

function readBucket(values: SettingValues): Settings['backups']['bucket'] {
  const { DEVPILOT_BACKUP_BUCKET: url, DEVPILOT_BACKUP_ACCESS_KEY_ID: accessKeyId } = values;
  const secretAccessKey = valueOrFile(
    'DEVPILOT_BACKUP_SECRET_ACCESS_KEY',
    values.DEVPILOT_BACKUP_SECRET_ACCESS_KEY,
    values.DEVPILOT_BACKUP_SECRET_ACCESS_KEY_FILE,
  );
  if (url === null) return null;
  for (const [name, value] of [
    ['DEVPILOT_BACKUP_ACCESS_KEY_ID', accessKeyId],
    ['DEVPILOT_BACKUP_SECRET_ACCESS_KEY', secretAccessKey],
  ] as const) {
    if (value === null) throw new InvalidSettingError(name, SETTINGS[name].accepts);
  }
  return {
    url,
    region: values.DEVPILOT_BACKUP_REGION,
    accessKeyId: accessKeyId ?? '',
    secretAccessKey: secretAccessKey ?? '',
  };
}

function readOidc(values: SettingValues): Settings['oidc'] {
  const { DEVPILOT_OIDC_ISSUER: issuer } = values;
  const secretName = 'DEVPILOT_OIDC_CLIENT_SECRET';
  const clientSecret = valueOrFile(secretName, values[secretName], values.DEVPILOT_OIDC_CLIENT_SECRET_FILE);
  if (issuer === null) {
    if (values.DEVPILOT_PASSWORDS === 'off') {
      throw new InvalidSettingError('DEVPILOT_PASSWORDS', 'on while DEVPILOT_OIDC_ISSUER is not set');
    }
    return null;
  }
  const required = {
    DEVPILOT_OIDC_CLIENT_ID: values.DEVPILOT_OIDC_CLIENT_ID,
    DEVPILOT_OIDC_CLIENT_SECRET: clientSecret,
    DEVPILOT_OIDC_NAME: values.DEVPILOT_OIDC_NAME,
  };
  for (const [name, value] of Object.entries(required)) {
    if (value === null) throw new InvalidSettingError(name, SETTINGS[name as keyof typeof required].accepts);
  }
  return {
    issuer,
    clientId: required.DEVPILOT_OIDC_CLIENT_ID ?? '',
    clientSecret: clientSecret ?? '',
    name: required.DEVPILOT_OIDC_NAME ?? '',
    scopes: values.DEVPILOT_OIDC_SCOPES,
    signUp: values.DEVPILOT_OIDC_SIGN_UP === 'on',
  };
}

/**
 * Reads the settings from environment variables. Throws `InvalidSettingError` for the first value that is not
 * accepted.
 */
export function readSettings(environment: Environment): Settings {
  const values = readAllSettings(environment);
  const signUp = values.DEVPILOT_SIGN_UP;
  // With a local server, anyone who may change an app can run commands as Devpilot's own user.
  if (values.DEVPILOT_LOCAL_SERVER === 'on' && signUp === 'open') {
    throw new InvalidSettingError('DEVPILOT_LOCAL_SERVER', 'off while DEVPILOT_SIGN_UP is open');
  }
  return {
    port: values.PORT,
    host: values.HOST,
    dataDirectory: values.DEVPILOT_DATA_DIR,
    databaseUrl: values.DATABASE_URL,
    ...readSecret(values),
    publicUrl: values.DEVPILOT_PUBLIC_URL,
    trustProxy: values.DEVPILOT_TRUST_PROXY,
    signUp,
    // Someone who signs up without an invitation has no workspace yet.
    workspaces: values.DEVPILOT_WORKSPACES ?? (signUp === 'open' ? 'anyone' : 'operators'),
    revocationBoundMs: values.DEVPILOT_REVOCATION_BOUND,
    metrics: values.DEVPILOT_METRICS,
    localServer: values.DEVPILOT_LOCAL_SERVER,
    outbound: values.DEVPILOT_OUTBOUND,
    leakKeys: values.DEVPILOT_LEAK_KEYS,
    retentionDays: values.DEVPILOT_RETENTION_DAYS,
    backups: { bucket: readBucket(values), maxBytes: values.DEVPILOT_BACKUP_MAX_MB * 1_048_576 },
    logLevel: values.LOG_LEVEL,
    passwords: values.DEVPILOT_PASSWORDS,
    oidc: readOidc(values),
    smtpUrl: values.DEVPILOT_SMTP_URL,
    mailFrom: values.DEVPILOT_MAIL_FROM,
  };
}
