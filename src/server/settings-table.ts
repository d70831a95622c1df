import { resolve } from 'node:path';
import { OUTBOUND_POLICIES } from '../outbound/outbound.ts';
import {
  oneOf,
  parseBucket,
  parseDatabaseUrl,
  parseHost,
  parseIssuer,
  parseLeakKeys,
  parseListener,
  parseOrigin,
  parsePort,
  parseProxies,
  parseRevocationBound,
  parseScopes,
  parseSecret,
  parseSecretFile,
  parseSender,
  parseSmtpUrl,
  readTextFile,
  SECRET_BYTES,
  visibleAscii,
  wholeNumber,
} from './setting-parsers.ts';

/** The declaration of an environment variable: how it is parsed and documented. */
export interface SettingDeclaration<Value> {
  /** Text to parse if the variable is unset or empty. With null, the value is then null. */
  readonly default: string | null;
  /** Default in the documentation, if it differs from `default`. */
  readonly defaultShown?: string;
  /** Completes "NAME must be …". */
  readonly accepts: string;
  /** Purpose, for the operator. Markdown. */
  readonly description: string;
  /**
   * Returns the value, or undefined if the text is not accepted. Throws `NotAcceptedError` for a more specific message
   * than `accepts`.
   */
  readonly parse: (text: string) => Value | undefined;
}

/** Returns the declaration. Infers its types, including whether the default is null. */
function setting<Value, Default extends string | null>(
  declared: SettingDeclaration<Value> & { readonly default: Default },
): SettingDeclaration<Value> & { readonly default: Default } {
  return declared;
}

/** Every setting of the server. A test compares `docs/operations.md` and `deploy/devpilot.env` with it. */
export const SETTINGS = {
  PORT: setting({
    default: '4000',
    accepts: 'a port number from 0 to 65535',
    description: 'Port to listen on.',
    parse: parsePort,
  }),
  HOST: setting({
    default: '127.0.0.1',
    accepts: 'an IP address or host name, such as 127.0.0.1',
    description: 'Address to listen on.',
    parse: parseHost,
  }),
  DEVPILOT_DATA_DIR: setting({
    default: 'data',
    defaultShown: './data',
    accepts: 'the path of a directory',
    description: 'Data directory, created with mode 0700. Only one process can use it at a time.',
    parse: (text) => resolve(text),
  }),
  DATABASE_URL: setting({
    default: null,
    accepts: 'a postgres:// URL, or unset for SQLite in the data directory',
    description:
      'Unset: SQLite in the data directory. `postgres://…`: PostgreSQL 14 or later, with any number of Devpilot nodes.',
    parse: parseDatabaseUrl,
  }),
  DEVPILOT_SECRET: setting({
    default: null,
    defaultShown: 'the file `secret` in the data directory, created with mode 0600',
    accepts: `at least ${SECRET_BYTES} bytes`,
    description:
      'Encrypts stored secrets, such as TOTP secrets, environment variables and SSH keys, which cannot be recovered without it. Required with PostgreSQL; must be the same on every node.',
    parse: parseSecret,
  }),
  DEVPILOT_SECRET_FILE: setting({
    default: null,
    accepts: `a file of at least ${SECRET_BYTES} bytes`,
    description: 'File to read the secret from, instead of `DEVPILOT_SECRET`.',
    parse: parseSecretFile,
  }),
  DEVPILOT_PUBLIC_URL: setting({
    default: null,
    defaultShown: '`localhost`, loopback addresses and the address of the listener',
    accepts: 'an http:// or https:// URL without a path, such as https://devpilot.example.com',
    description:
      'URL of the web UI, which works at no other URL. Required behind a proxy or with a host name. `https://…` turns on `Secure` cookies and HSTS.',
    parse: parseOrigin,
  }),
  DEVPILOT_TRUST_PROXY: setting({
    default: '',
    defaultShown: 'none',
    accepts: 'addresses or CIDR ranges separated by commas, such as 127.0.0.1,10.0.0.0/8',
    description: 'Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` headers are trusted.',
    parse: parseProxies,
  }),
  DEVPILOT_SIGN_UP: setting({
    default: 'invite',
    ...oneOf(['invite', 'open']),
    description:
      '`invite`: only invited people may sign up. `open`: anyone may. The first person to sign up becomes the operator: sign up yourself, or run `devpilot init`, before others can reach the server.',
  }),
  DEVPILOT_WORKSPACES: setting({
    default: null,
    defaultShown: '`operators` with `invite`, `anyone` with `open`',
    ...oneOf(['operators', 'anyone']),
    description: 'Who may create workspaces.',
  }),
  DEVPILOT_PASSWORDS: setting({
    default: 'on',
    ...oneOf(['on', 'off']),
    description:
      '`off`: people sign in with single sign-on only, not with passwords or passkeys. Requires `DEVPILOT_OIDC_ISSUER`. `devpilot people reset-password` then prints a link that signs a person in once.',
  }),
  DEVPILOT_OIDC_ISSUER: setting({
    default: null,
    accepts: 'the https:// URL of an issuer, such as https://login.example.com/realms/main',
    description:
      'OpenID Connect provider for single sign-on ([guide](guides/single-sign-on.md)), exactly as its discovery document names it. Its addresses must be allowed by `DEVPILOT_OUTBOUND`. `http://` is accepted for loopback addresses only.',
    parse: parseIssuer,
  }),
  DEVPILOT_OIDC_CLIENT_ID: setting({
    default: null,
    accepts: 'the client ID issued by the provider (required if DEVPILOT_OIDC_ISSUER is set)',
    description: 'Client ID at the provider. Register the redirect URI `https://…/v1/oidc/callback` there.',
    parse: visibleAscii(255),
  }),
  DEVPILOT_OIDC_CLIENT_SECRET: setting({
    default: null,
    accepts:
      'the client secret issued by the provider (this setting or DEVPILOT_OIDC_CLIENT_SECRET_FILE is required if DEVPILOT_OIDC_ISSUER is set)',
    description: 'Client secret at the provider.',
    parse: visibleAscii(512),
  }),
  DEVPILOT_OIDC_CLIENT_SECRET_FILE: setting({
    default: null,
    accepts: 'the path of a readable file that contains the client secret',
    description: 'File to read the client secret from.',
    parse: (path) => visibleAscii(512)(readTextFile(path) ?? ''),
  }),
  DEVPILOT_OIDC_NAME: setting({
    default: null,
    accepts: 'a name of up to 40 characters, such as Acme SSO (required if DEVPILOT_OIDC_ISSUER is set)',
    description: 'Name of the provider on the button "Sign in with …".',
    parse: (text) => (/^[^\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]{0,38}[^\p{C}\p{Z}])?$/u.test(text) ? text : undefined),
  }),
  DEVPILOT_OIDC_SCOPES: setting({
    default: 'openid email profile',
    accepts: 'scopes separated by spaces, including openid, such as openid email profile groups offline_access',
    description:
      'Scopes to request. Some providers send groups only with a scope for them, and a refresh token only with `offline_access`.',
    parse: parseScopes,
  }),
  DEVPILOT_OIDC_SIGN_UP: setting({
    default: 'off',
    ...oneOf(['off', 'on']),
    description:
      '`on`: anyone with an account at the provider and a verified email address may sign up with single sign-on.',
  }),
  DEVPILOT_REVOCATION_BOUND: setting({
    default: '2s',
    accepts: 'a duration from 200ms to 60s, such as 2s',
    description:
      'How long a frozen node or guard can delay a deletion. Must be the same on every node. On SQLite, only guards can delay a deletion.',
    parse: parseRevocationBound,
  }),
  DEVPILOT_METRICS: setting({
    default: 'off',
    accepts: 'off, or an address to listen on, such as 127.0.0.1:9464',
    description: 'Address of a separate listener for `/metrics`. Keep it private.',
    parse: parseListener,
  }),
  DEVPILOT_LOCAL_SERVER: setting({
    default: 'off',
    ...oneOf(['off', 'on']),
    description:
      '`on`: workspaces owned by an operator may use this machine itself as a server. Refused together with `DEVPILOT_SIGN_UP=open`.',
  }),
  DEVPILOT_OUTBOUND: setting({
    default: 'private',
    ...oneOf(OUTBOUND_POLICIES),
    description:
      'Addresses to which Devpilot may send webhooks, commit statuses, and other requests to URLs that people configure, such as those of identity providers. `public`: only addresses on the internet. `private`: also private networks. `any`: also loopback, link-local and cloud metadata addresses, so that every admin of a workspace can send requests to them. `https://` requests use the proxy in `HTTPS_PROXY`, except to hosts in `NO_PROXY`.',
  }),
  DEVPILOT_LEAK_KEYS: setting({
    default: null,
    accepts: 'an http:// or https:// URL, or the path of a file with public keys (ECDSA on P-256) in PEM',
    description:
      'Public keys of the scanner that reports leaked secrets to `POST /v1/leaks`: a file, or the URL at which they are published, for GitHub `https://api.github.com/meta/public_keys/secret_scanning`. If set, reports that are not signed with one of these keys are refused; if unset, anyone may report.',
    parse: parseLeakKeys,
  }),
  DEVPILOT_SMTP_URL: setting({
    default: null,
    accepts: 'an smtp:// or smtps:// URL, such as smtp://user:password@mail.example.com:587',
    description: 'Mail server that sends invitations, password-reset links and notices.',
    parse: parseSmtpUrl,
  }),
  DEVPILOT_MAIL_FROM: setting({
    default: 'Devpilot <devpilot@localhost>',
    accepts: 'an email address, optionally with a name, such as devpilot@example.com or Acme <devpilot@example.com>',
    description: 'Sender of emails.',
    parse: parseSender,
  }),
  DEVPILOT_RETENTION_DAYS: setting({
    default: '90',
    ...wholeNumber(3650, 'days'),
    description:
      'How long activity events, error issues that do not recur, logs, finished runs, finished restores and failed backups are kept.',
  }),
  DEVPILOT_BACKUP_BUCKET: setting({
    default: null,
    defaultShown: 'the data directory',
    accepts: 'the URL of a bucket, such as https://s3.eu-central-1.amazonaws.com/my-backups',
    description:
      'S3-compatible bucket for backups, optionally with a prefix: `https://s3.eu-central-1.amazonaws.com/my-backups/devpilot`.',
    parse: parseBucket,
  }),
  DEVPILOT_BACKUP_REGION: setting({
    default: 'us-east-1',
    accepts: 'a region, such as eu-central-1',
    description: 'Region of the bucket.',
    parse: (text) => (/^[a-z0-9-]{1,64}$/.test(text) ? text : undefined),
  }),
  DEVPILOT_BACKUP_ACCESS_KEY_ID: setting({
    default: null,
    accepts: 'the ID of an access key (required if DEVPILOT_BACKUP_BUCKET is set)',
    description:
      'Access key of the bucket. It needs the permissions to get, put and delete objects and to abort uploads, but not to list objects.',
    parse: visibleAscii(128),
  }),
  DEVPILOT_BACKUP_SECRET_ACCESS_KEY: setting({
    default: null,
    accepts:
      'the secret of the access key (this setting or DEVPILOT_BACKUP_SECRET_ACCESS_KEY_FILE is required if DEVPILOT_BACKUP_BUCKET is set)',
    description: 'Secret of the access key.',
    parse: visibleAscii(256),
  }),
  DEVPILOT_BACKUP_SECRET_ACCESS_KEY_FILE: setting({
    default: null,
    accepts: 'the path of a readable file that contains the secret of the access key',
    description: 'File to read the secret of the access key from.',
    parse: (path) => visibleAscii(256)(readTextFile(path) ?? ''),
  }),
  DEVPILOT_BACKUP_MAX_MB: setting({
    default: '51200',
    ...wholeNumber(150_000, 'MiB'),
    description: 'Maximum size of one stored backup, in MiB.',
  }),
  LOG_LEVEL: setting({
    default: 'info',
    ...oneOf(['info', 'fatal', 'error', 'warn', 'debug', 'trace', 'silent']),
    description:
      'Log level; the default in a terminal is `warn`. Logs are written to standard output as JSON lines, or as plain text in a terminal.',
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** The parsed value of each setting. */
export type SettingValues = {
  readonly [Name in SettingName]:
    | Exclude<ReturnType<(typeof SETTINGS)[Name]['parse']>, undefined>
    | ((typeof SETTINGS)[Name]['default'] extends null ? null : never);
};

/** Returns the table of settings in `docs/operations.md`, as Markdown. */
export function formatSettingsTable(): string {
  const rows = Object.entries(SETTINGS).map(([name, { default: value, defaultShown, accepts, description }]) => {
    const formattedDefault = defaultShown ?? (value === null ? 'unset' : `\`${value}\``);
    return `| \`${name}\` | ${formattedDefault} | ${description} Must be ${accepts}. |`;
  });
  return ['| Setting | Default | Description |', '|---|---|---|', ...rows].join('\n');
}

/** Returns the content of `deploy/devpilot.env`: every setting with its default, commented out. */
export function formatSettingsFile(): string {
  const head = '# Settings of Devpilot: read by systemd (deploy/devpilot.service) and Docker (compose.yaml).\n';
  const entries = Object.entries(SETTINGS).map(([name, { default: value, accepts, description }]) => {
    const text = description.replaceAll('`', '').replace(/\[[^\]]*\]\(([^)]*)\)/g, 'docs/$1');
    return `# ${text}\n# Must be ${accepts}.\n#${name}=${value ?? ''}\n`;
  });
  return [head, ...entries].join('\n');
}
