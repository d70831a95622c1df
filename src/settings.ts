import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parsePostgresAddress } from './store/postgres-address.ts';

/** What the environment says, checked. */
export interface Settings {
  readonly port: number;
  readonly host: string;
  readonly dataDirectory: string;
  /** `postgres://…`, or null for SQLite in the data directory. */
  readonly databaseUrl: string | null;
  /** The bytes of `DEVPILOT_SECRET`; null where one is to be made in the data directory. */
  readonly secret: Buffer | null;
  /** Which setting it comes from; null where none does. */
  readonly secretSetting: 'DEVPILOT_SECRET' | 'DEVPILOT_SECRET_FILE' | null;
  /** The address people reach, without a slash at the end; null where the listener's own is it. */
  readonly publicUrl: string | null;
  readonly trustProxy: readonly string[];
  readonly signUp: 'invite' | 'open';
  /** Who may create workspaces. */
  readonly workspaces: 'operators' | 'anyone';
  /** Milliseconds. */
  readonly revocationBound: number;
  readonly metrics: { readonly host: string; readonly port: number } | null;
  readonly localServer: 'off' | 'on';
  /** How long events of the activity tracker are kept. */
  readonly retentionDays: number;
  /** Where backups go and how large one may be. */
  readonly backups: {
    /** A bucket that speaks S3; null for the data directory. */
    readonly bucket: {
      readonly url: string;
      readonly region: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    } | null;
    /** Bytes. */
    readonly limit: number;
  };
  readonly logLevel: string;
  readonly smtpUrl: string | null;
  readonly mailFrom: string;
}

/** A setting with a value that it does not take; the message is one line that names it and what it takes. */
export class BadSetting extends Error {
  constructor(name: string, takes: string) {
    super(`${name} takes ${takes}.`);
    this.name = 'BadSetting';
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
export const SECRET_BYTES = 32;

function value(environment: Environment, name: string): string | null {
  const text = environment[name];
  return text === undefined || text === '' ? null : text;
}

function choice<const Word extends string>(
  environment: Environment,
  name: string,
  words: readonly [Word, ...Word[]],
): Word {
  const text = value(environment, name) ?? words[0];
  const word = words.find((one) => one === text);
  if (word === undefined) throw new BadSetting(name, `one of: ${words.join(', ')}`);
  return word;
}

function portOf(name: string, text: string, takes: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new BadSetting(name, takes);
  return Number(text);
}

function httpUrl(environment: Environment, name: string): string | null {
  const text = value(environment, name);
  if (text === null) return null;
  const takes = 'an http:// or https:// address without a path, such as https://devpilot.example.com';
  if (!URL.canParse(text)) throw new BadSetting(name, takes);
  const url = new URL(text);
  const plain =
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (!/^https?:$/.test(url.protocol) || !plain) throw new BadSetting(name, takes);
  return url.origin;
}

function canBeDecoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function schemeUrl(environment: Environment, name: string, schemes: readonly string[], takes: string): string | null {
  const text = value(environment, name);
  if (text === null) return null;
  if (!URL.canParse(text) || !schemes.includes(new URL(text).protocol)) throw new BadSetting(name, takes);
  const { username, password, pathname } = new URL(text);
  if (![username, password, pathname].every(canBeDecoded)) throw new BadSetting(name, takes);
  return text;
}

function databaseAddress(environment: Environment): string | null {
  const name = 'DATABASE_URL';
  const text = value(environment, name);
  if (text === null) return null;
  if (!/^postgres(?:ql)?:\/\//.test(text)) {
    throw new BadSetting(name, 'a postgres:// address, or nothing for SQLite in the data directory');
  }
  try {
    parsePostgresAddress(text);
  } catch (error) {
    throw new BadSetting(name, `a postgres:// address ${(error as Error).message}`);
  }
  return text;
}

/** `2s`, `500ms`: 200 ms to 60 s. */
function bound(environment: Environment): number {
  const name = 'DEVPILOT_REVOCATION_BOUND';
  const parts = /^(\d{1,6})(ms|s)$/.exec(value(environment, name) ?? '2s');
  const span = parts === null ? Number.NaN : Number(parts[1]) * (parts[2] === 's' ? 1000 : 1);
  if (!(span >= 200 && span <= 60_000)) throw new BadSetting(name, 'a duration from 200ms to 60s, such as 2s');
  return span;
}

function whole(environment: Environment, name: string, standard: number, max: number, unit: string): number {
  const text = value(environment, name) ?? String(standard);
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1 || Number(text) > max) {
    throw new BadSetting(name, `a whole number of ${unit} from 1 to ${max}`);
  }
  return Number(text);
}

/** The text of a setting, or of the file that its twin names. */
function secretText(environment: Environment, name: string): string | null {
  const text = value(environment, name);
  const file = value(environment, `${name}_FILE`);
  if (file === null) return text;
  if (text !== null) throw new BadSetting(name, `no value while ${name}_FILE is set`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new BadSetting(`${name}_FILE`, 'the path of a file that can be read');
  }
}

function bucketAddress(environment: Environment): string | null {
  const name = 'DEVPILOT_BACKUP_BUCKET';
  const text = value(environment, name);
  if (text === null) return null;
  const takes = 'the address of a bucket, such as https://s3.eu-central-1.amazonaws.com/my-backups';
  if (!URL.canParse(text)) throw new BadSetting(name, takes);
  const url = new URL(text);
  const plain = url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  const path = /^(?:\/[A-Za-z0-9._-]+)*\/?$/.test(url.pathname);
  if (!/^https?:$/.test(url.protocol) || !plain || !path) throw new BadSetting(name, takes);
  return (url.origin + url.pathname).replace(/\/$/, '');
}

function bucketOf(environment: Environment): Settings['backups']['bucket'] {
  const url = bucketAddress(environment);
  const region = value(environment, 'DEVPILOT_BACKUP_REGION') ?? 'us-east-1';
  if (!/^[a-z0-9-]{1,64}$/.test(region))
    throw new BadSetting('DEVPILOT_BACKUP_REGION', 'a region, such as eu-central-1');
  if (url === null) return null;
  const accessKeyId = value(environment, 'DEVPILOT_BACKUP_ACCESS_KEY_ID');
  const secretAccessKey = secretText(environment, 'DEVPILOT_BACKUP_SECRET_ACCESS_KEY');
  if (accessKeyId === null || !/^[\x21-\x7e]{1,128}$/.test(accessKeyId)) {
    throw new BadSetting(
      'DEVPILOT_BACKUP_ACCESS_KEY_ID',
      'the id of an access key, while DEVPILOT_BACKUP_BUCKET is set',
    );
  }
  if (secretAccessKey === null || !/^[\x21-\x7e]{1,256}$/.test(secretAccessKey)) {
    throw new BadSetting(
      'DEVPILOT_BACKUP_SECRET_ACCESS_KEY',
      'the secret of the access key, while DEVPILOT_BACKUP_BUCKET is set',
    );
  }
  return { url, region, accessKeyId, secretAccessKey };
}

function proxies(environment: Environment): string[] {
  const name = 'DEVPILOT_TRUST_PROXY';
  const list = (value(environment, name) ?? '').split(',').map((one) => one.trim());
  const entries = list.filter((one) => one !== '');
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const version = isIP(address);
    const longest = version === 4 ? 32 : 128;
    // Whoever trusts every address believes what any client says of its own.
    const prefixOk =
      prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= longest);
    if (version === 0 || !prefixOk || entry.split('/').length > 2) {
      throw new BadSetting(name, 'addresses or CIDR ranges with commas between them, such as 127.0.0.1,10.0.0.0/8');
    }
  }
  return entries;
}

function metricsListener(environment: Environment): Settings['metrics'] {
  const name = 'DEVPILOT_METRICS';
  const text = value(environment, name);
  if (text === null || text === 'off') return null;
  const takes = 'off, or an address to listen on, such as 127.0.0.1:9464';
  const parts = /^(?:(\[[0-9a-fA-F:]+\]|[^:[\]\s]+):)?(\d+)$/.exec(text);
  if (parts === null) throw new BadSetting(name, takes);
  const host = (parts[1] ?? '127.0.0.1').replace(/^\[|\]$/g, '');
  return { host, port: portOf(name, parts[2] ?? '', takes) };
}

function secretOf(environment: Environment, onPostgres: boolean): Buffer | null {
  const takes = `at least ${SECRET_BYTES} bytes`;
  const text = value(environment, 'DEVPILOT_SECRET');
  const file = value(environment, 'DEVPILOT_SECRET_FILE');
  if (text !== null && file !== null)
    throw new BadSetting('DEVPILOT_SECRET', 'no value while DEVPILOT_SECRET_FILE is set');
  if (text !== null) {
    if (Buffer.byteLength(text) < SECRET_BYTES) throw new BadSetting('DEVPILOT_SECRET', takes);
    return Buffer.from(text);
  }
  if (file !== null) {
    let bytes: Buffer;
    try {
      bytes = Buffer.from(readFileSync(file, 'utf8').trim());
    } catch {
      throw new BadSetting('DEVPILOT_SECRET_FILE', 'the path of a file that can be read');
    }
    if (bytes.length < SECRET_BYTES) throw new BadSetting('DEVPILOT_SECRET_FILE', `a file of ${takes}`);
    return bytes;
  }
  if (onPostgres) throw new BadSetting('DEVPILOT_SECRET', `${takes}, the same on every node, when DATABASE_URL is set`);
  return null;
}

/** A local server lets whoever changes an app run commands as Devpilot's own user, so nobody may just sign up. */
function localServerOf(environment: Environment, signUp: Settings['signUp']): Settings['localServer'] {
  const setting = choice(environment, 'DEVPILOT_LOCAL_SERVER', ['off', 'on']);
  if (setting === 'on' && signUp === 'open') {
    throw new BadSetting('DEVPILOT_LOCAL_SERVER', 'off while DEVPILOT_SIGN_UP is open');
  }
  return setting;
}

/** Whoever may sign up without an invitation needs a workspace; whoever was invited has one. */
function workspacesOf(environment: Environment, signUp: Settings['signUp']): Settings['workspaces'] {
  return choice(
    environment,
    'DEVPILOT_WORKSPACES',
    signUp === 'open' ? ['anyone', 'operators'] : ['operators', 'anyone'],
  );
}

function secretSettingOf(environment: Environment): Settings['secretSetting'] {
  const names = ['DEVPILOT_SECRET', 'DEVPILOT_SECRET_FILE'] as const;
  return names.find((name) => value(environment, name) !== null) ?? null;
}

/** Reads the settings of the contract. Throws `BadSetting` for the first value that is not one. */
export function readSettings(environment: Environment): Settings {
  const databaseUrl = databaseAddress(environment);
  const host = value(environment, 'HOST') ?? '127.0.0.1';
  // What ends in a number is an address or nothing: 1.2.3 is no name, and not what it seems as an address.
  const isName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(host) && !/(?:^|\.)\d+$/.test(host);
  if (isIP(host) === 0 && !isName) {
    throw new BadSetting('HOST', 'an address or host name to listen on, such as 127.0.0.1');
  }
  const signUp = choice(environment, 'DEVPILOT_SIGN_UP', ['invite', 'open']);
  const logLevel = value(environment, 'LOG_LEVEL') ?? 'info';
  if (!LOG_LEVELS.includes(logLevel)) throw new BadSetting('LOG_LEVEL', `one of: ${LOG_LEVELS.join(', ')}`);
  return {
    port: portOf('PORT', value(environment, 'PORT') ?? '4000', 'a port number from 0 to 65535'),
    host,
    dataDirectory: resolve(value(environment, 'DEVPILOT_DATA_DIR') ?? 'data'),
    databaseUrl,
    secret: secretOf(environment, databaseUrl !== null),
    secretSetting: secretSettingOf(environment),
    publicUrl: httpUrl(environment, 'DEVPILOT_PUBLIC_URL'),
    trustProxy: proxies(environment),
    signUp,
    workspaces: workspacesOf(environment, signUp),
    revocationBound: bound(environment),
    metrics: metricsListener(environment),
    localServer: localServerOf(environment, signUp),
    retentionDays: whole(environment, 'DEVPILOT_RETENTION_DAYS', 90, 3650, 'days'),
    backups: {
      bucket: bucketOf(environment),
      limit: whole(environment, 'DEVPILOT_BACKUP_MAX_MB', 51_200, 150_000, 'megabytes') * 1_048_576,
    },
    logLevel,
    smtpUrl: schemeUrl(
      environment,
      'DEVPILOT_SMTP_URL',
      ['smtp:', 'smtps:'],
      'an smtp:// or smtps:// address, such as smtp://user:password@mail.example.com:587',
    ),
    mailFrom: value(environment, 'DEVPILOT_MAIL_FROM') ?? 'Devpilot <devpilot@localhost>',
  };
}
