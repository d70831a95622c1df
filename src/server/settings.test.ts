import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand, spawnServer } from '../testing/process.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { readSettings } from './settings.ts';
import { formatSettingsFile, formatSettingsTable, SETTINGS, type SettingName } from './settings-table.ts';

test('without any setting, the documented defaults apply', () => {
  const settings = readSettings({});
  assert.equal(settings.port, 4000);
  assert.equal(settings.host, '127.0.0.1');
  assert.equal(settings.dataDirectory, join(process.cwd(), 'data'));
  assert.equal(settings.databaseUrl, null);
  assert.equal(settings.secret, null);
  assert.equal(settings.publicUrl, null);
  assert.deepEqual(settings.trustProxy, []);
  assert.equal(settings.signUp, 'invite');
  assert.equal(settings.workspaces, 'operators');
  assert.equal(settings.revocationBoundMs, 2000);
  assert.equal(settings.metrics, null);
  assert.equal(settings.localServer, 'off');
  assert.equal(settings.outbound, 'private');
  assert.equal(settings.logLevel, 'info');
  assert.deepEqual(settings.backups, { bucket: null, maxBytes: 51_200 * 1_048_576 });
});

test('the documentation and the file for systemd and Docker list every setting as declared', () => {
  const help = 'run `bin/node scripts/settings.ts`';
  assert.ok(readFileSync('docs/operations.md', 'utf8').includes(`\n${formatSettingsTable()}\n`), help);
  assert.equal(readFileSync('deploy/devpilot.env', 'utf8'), formatSettingsFile(), help);
});

test('every declared setting is read', () => {
  const source = readFileSync(new URL('settings.ts', import.meta.url), 'utf8');
  const isRead = (name: string) => new RegExp(`(?<![\\w'])${name}(?![\\w'])`).test(source);
  assert.deepEqual(
    Object.keys(SETTINGS).filter((name) => !isRead(name)),
    [],
  );
});

test('an empty setting counts as unset', () => {
  const empty = Object.fromEntries(
    ['PORT', 'HOST', 'DATABASE_URL', 'DEVPILOT_SECRET', 'DEVPILOT_TRUST_PROXY', 'LOG_LEVEL'].map((name) => [name, '']),
  );
  assert.deepEqual(readSettings(empty), readSettings({}));
});

test('the default of DEVPILOT_WORKSPACES depends on DEVPILOT_SIGN_UP', () => {
  const workspaces = (environment: Record<string, string>) => readSettings(environment).workspaces;
  assert.equal(workspaces({ DEVPILOT_SIGN_UP: 'open' }), 'anyone');
  assert.equal(workspaces({ DEVPILOT_SIGN_UP: 'open', DEVPILOT_WORKSPACES: '' }), 'anyone');
  assert.equal(workspaces({ DEVPILOT_SIGN_UP: 'open', DEVPILOT_WORKSPACES: 'operators' }), 'operators');
  assert.equal(workspaces({ DEVPILOT_WORKSPACES: 'anyone' }), 'anyone');
});

test('single sign-on requires issuer, client and name, and passwords can be off only if it is configured', () => {
  const complete = {
    DEVPILOT_OIDC_ISSUER: 'https://login.example.com/realms/main',
    DEVPILOT_OIDC_CLIENT_ID: 'devpilot',
    DEVPILOT_OIDC_CLIENT_SECRET: 'secret',
    DEVPILOT_OIDC_NAME: 'Acme SSO',
  };
  const { oidc, passwords } = readSettings({ ...complete, DEVPILOT_PASSWORDS: 'off' });
  assert.equal(oidc?.issuer, complete.DEVPILOT_OIDC_ISSUER);
  assert.equal(oidc?.scopes, 'openid email profile');
  assert.equal(oidc?.signUp, false);
  assert.equal(passwords, 'off');
  const defaults = readSettings({});
  assert.deepEqual([defaults.oidc, defaults.passwords], [null, 'on']);
  for (const name of Object.keys(complete)) {
    if (name === 'DEVPILOT_OIDC_ISSUER') continue;
    assert.throws(() => readSettings({ ...complete, [name]: '' }), new RegExp(`^InvalidSettingError: ${name} must be`));
  }
  const invalidValues: Record<string, string> = {
    DEVPILOT_OIDC_ISSUER: 'http://login.example.com',
    DEVPILOT_OIDC_CLIENT_SECRET: 'two words',
    DEVPILOT_OIDC_NAME: ' ',
    DEVPILOT_OIDC_SCOPES: 'email',
    DEVPILOT_OIDC_SIGN_UP: 'yes',
  };
  for (const [name, value] of Object.entries(invalidValues)) {
    assert.throws(() => readSettings({ ...complete, [name]: value }), new RegExp(`${name} must be`), name);
  }
  assert.throws(() => readSettings({ DEVPILOT_PASSWORDS: 'off' }), /DEVPILOT_PASSWORDS must be on while/);
});

test('valid values are accepted', () => {
  const settings = readSettings({
    PORT: '0',
    HOST: '::1',
    DEVPILOT_SECRET: 'x'.repeat(32),
    DATABASE_URL: 'postgres://user:password@db.example.com:5432/devpilot?sslmode=require',
    DEVPILOT_PUBLIC_URL: 'https://devpilot.example.com/',
    DEVPILOT_TRUST_PROXY: '127.0.0.1, 10.0.0.0/8 ,::1,fd00::/8',
    DEVPILOT_SIGN_UP: 'open',
    DEVPILOT_REVOCATION_BOUND: '500ms',
    DEVPILOT_METRICS: '[::1]:9464',
    DEVPILOT_MAIL_FROM: 'Acme <devpilot@example.com>',
    LOG_LEVEL: 'debug',
  });
  assert.equal(settings.mailFrom, 'Acme <devpilot@example.com>');
  assert.equal(settings.publicUrl, 'https://devpilot.example.com');
  assert.deepEqual(settings.trustProxy, ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8']);
  assert.equal(settings.revocationBoundMs, 500);
  assert.deepEqual(settings.metrics, { host: '::1', port: 9464 });
  assert.equal(settings.secret?.length, 32);
});

/** Values that each setting refuses. A setting without such values accepts any text, or is checked with others. */
const INVALID_VALUES: Readonly<Record<SettingName, readonly string[]>> = {
  PORT: ['abc', '-1', '65536', '80.5', ' 80', '0x50', '123456'],
  HOST: ['not a host', 'a_b', '-x', 'http://127.0.0.1', '999.1.1.1', '1.2.3', '127'],
  DEVPILOT_DATA_DIR: [],
  DATABASE_URL: ['mysql://localhost/x', 'devpilot.db', 'postgres', 'postgres://%zz@db/x', 'postgres://db/%zz'],
  DEVPILOT_SECRET: ['short', 'x'.repeat(31)],
  DEVPILOT_SECRET_FILE: ['/nothing/there', '/'],
  DEVPILOT_PUBLIC_URL: [
    'devpilot.example.com',
    'ftp://x',
    'https://x/path',
    'https://x?q',
    'https://u:p@x',
    'https://',
  ],
  DEVPILOT_TRUST_PROXY: [
    'true',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '10.0.0',
    'proxy.example.com',
    '::1/129',
    '10.0.0.0/',
    '0.0.0.0/0',
    '::/0',
  ],
  DEVPILOT_SIGN_UP: ['closed', 'INVITE', 'true'],
  DEVPILOT_WORKSPACES: ['nobody', 'Operators', 'true'],
  DEVPILOT_PASSWORDS: ['none', 'ON', 'false'],
  DEVPILOT_OIDC_ISSUER: ['login.example.com', 'http://login.example.com', 'https://u:p@x'],
  DEVPILOT_OIDC_CLIENT_ID: [],
  DEVPILOT_OIDC_CLIENT_SECRET: [],
  DEVPILOT_OIDC_CLIENT_SECRET_FILE: ['/nothing/there', '/'],
  DEVPILOT_OIDC_NAME: ['x'.repeat(41), 'a\nb', ' Acme'],
  DEVPILOT_OIDC_SCOPES: ['email profile', 'openid"'],
  DEVPILOT_OIDC_SIGN_UP: ['yes', 'ON', 'open'],
  DEVPILOT_REVOCATION_BOUND: ['2', '0s', '199ms', '61s', '2m', '-1s', '1.5s', 'forever'],
  DEVPILOT_METRICS: ['on', ':', 'x:y', '127.0.0.1:', '127.0.0.1:99999', '127.0.0.1'],
  DEVPILOT_LOCAL_SERVER: ['yes', 'ON', '1'],
  DEVPILOT_OUTBOUND: ['none', 'PRIVATE', 'public,private'],
  DEVPILOT_LEAK_KEYS: ['/nothing/there', '/dev/null', 'https://u:p@x', 'https://x?q'],
  DEVPILOT_SMTP_URL: ['mail.example.com', 'https://mail.example.com', 'smtp://%zz@mail.example.com'],
  DEVPILOT_MAIL_FROM: [
    'devpilot',
    'Devpilot <devpilot>',
    'a@example.com, b@example.com',
    'a@example.com\nBcc: b@example.com',
    'Team: a@example.com;',
  ],
  DEVPILOT_RETENTION_DAYS: ['0', '-1', '1.5', '3651', 'forever'],
  DEVPILOT_BACKUP_BUCKET: ['s3://backups', 'backups', 'https://u:p@s3/x', 'https://s3/x?y', 'https://s3/a b'],
  DEVPILOT_BACKUP_REGION: ['EU', 'eu central', 'eu/west'],
  DEVPILOT_BACKUP_ACCESS_KEY_ID: [],
  DEVPILOT_BACKUP_SECRET_ACCESS_KEY: [],
  DEVPILOT_BACKUP_SECRET_ACCESS_KEY_FILE: ['/nothing/there', '/'],
  DEVPILOT_BACKUP_MAX_MB: ['0', '-1', '1.5', '10GB', '150001'],
  LOG_LEVEL: ['loud', 'INFO', '30'],
};

for (const [name, [firstValue, ...otherValues]] of Object.entries(INVALID_VALUES)) {
  if (firstValue === undefined) continue;
  test(`${name} with an invalid value stops the start with exit code 2 and one line that names the setting`, async () => {
    const directory = temporaryDirectory();
    const { code, stdout, stderr } = await runCommand(['serve'], {
      PORT: '0',
      DEVPILOT_DATA_DIR: directory,
      [name]: firstValue,
    });
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`^devpilot: ${name} must be [^\n]+\\.\n$`));
    if (name === 'DEVPILOT_SECRET') assert.ok(!stderr.includes(firstValue));
    for (const value of otherValues) {
      assert.throws(() => readSettings({ [name]: value }), new RegExp(`^InvalidSettingError: ${name} must be `), value);
    }
  });
}

test('local servers and open sign-up together stop the start with exit code 2 and one line', async () => {
  assert.equal(readSettings({ DEVPILOT_LOCAL_SERVER: 'on' }).localServer, 'on');
  const directory = temporaryDirectory();
  const both = { DEVPILOT_LOCAL_SERVER: 'on', DEVPILOT_SIGN_UP: 'open' };
  const { code, stdout, stderr } = await runCommand(['serve'], {
    PORT: '0',
    DEVPILOT_DATA_DIR: directory,
    ...both,
  });
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(stderr, 'devpilot: DEVPILOT_LOCAL_SERVER must be off while DEVPILOT_SIGN_UP is open.\n');
});

test('an address that this machine does not have stops the start with exit code 2 and the name of the setting', async () => {
  const unavailableAddresses = { HOST: '192.0.2.1', DEVPILOT_METRICS: '192.0.2.1:0' };
  for (const [name, address] of Object.entries(unavailableAddresses)) {
    const directory = temporaryDirectory();
    const environment = { PORT: '0', DEVPILOT_DATA_DIR: directory, LOG_LEVEL: 'silent', [name]: address };
    const { code, stdout, stderr } = await runCommand(['serve'], environment);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`^devpilot: ${name} must be [^\n]*192\\.0\\.2\\.1[^\n]*\\.\n$`));
  }
});

test('a bucket requires the ID and the secret of an access key; the secret may be in a file', () => {
  const id = {
    DEVPILOT_BACKUP_BUCKET: 'https://s3.example.com/backups/',
    DEVPILOT_BACKUP_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  };
  const secret = { DEVPILOT_BACKUP_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG' };
  assert.deepEqual(readSettings({ ...id, ...secret }).backups.bucket, {
    url: 'https://s3.example.com/backups',
    region: 'us-east-1',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG',
  });
  assert.throws(() => readSettings(id), /^InvalidSettingError: DEVPILOT_BACKUP_SECRET_ACCESS_KEY must be /);
  assert.throws(
    () => readSettings({ DEVPILOT_BACKUP_BUCKET: id.DEVPILOT_BACKUP_BUCKET, ...secret }),
    /^InvalidSettingError: DEVPILOT_BACKUP_ACCESS_KEY_ID must be /,
  );
  const directory = temporaryDirectory();
  const path = join(directory, 'key');
  writeFileSync(path, 'from-a-file\n');
  const fromFile = { ...id, DEVPILOT_BACKUP_SECRET_ACCESS_KEY_FILE: path };
  assert.equal(readSettings(fromFile).backups.bucket?.secretAccessKey, 'from-a-file');
  assert.throws(
    () => readSettings({ ...fromFile, ...secret }),
    /^InvalidSettingError: DEVPILOT_BACKUP_SECRET_ACCESS_KEY must be unset/,
  );
  const missingFile = { ...id, DEVPILOT_BACKUP_SECRET_ACCESS_KEY_FILE: '/nothing/there' };
  assert.throws(
    () => readSettings(missingFile),
    /^InvalidSettingError: DEVPILOT_BACKUP_SECRET_ACCESS_KEY_FILE must be /,
  );
});

test('PostgreSQL requires a secret, from exactly one source', () => {
  assert.throws(
    () => readSettings({ DATABASE_URL: 'postgres://localhost/devpilot' }),
    /^InvalidSettingError: DEVPILOT_SECRET/,
  );
  const both = { DEVPILOT_SECRET: 'x'.repeat(32), DEVPILOT_SECRET_FILE: '/etc/devpilot/secret' };
  assert.throws(() => readSettings(both), /^InvalidSettingError: DEVPILOT_SECRET/);
});

test('a secret is read from its file without the trailing newline, and a file that is too short is refused', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'secret.txt');
  writeFileSync(path, `${'s'.repeat(32)}\n`);
  assert.equal(readSettings({ DEVPILOT_SECRET_FILE: path }).secret?.toString(), 's'.repeat(32));
  writeFileSync(path, `${'s'.repeat(31)}\n`);
  assert.throws(
    () => readSettings({ DEVPILOT_SECRET_FILE: path }),
    /DEVPILOT_SECRET_FILE must be a file of at least 32 bytes/,
  );
});

test('if the data directory cannot be created, the start fails with one line that names the setting', async () => {
  for (const path of ['/dev/null/data', '/proc/there/is/none']) {
    const { code, stderr } = await runCommand(['serve'], { PORT: '0', DEVPILOT_DATA_DIR: path });
    assert.equal(code, 2, `${path}: ${stderr}`);
    assert.match(stderr, /^devpilot: DEVPILOT_DATA_DIR must be [^\n]+\n$/);
  }
});

test('an unset secret is generated once, with mode 0600, in a directory that only its owner can read', async () => {
  const directory = temporaryDirectory();
  const data = join(directory, 'data');
  const server = await spawnServer(data);
  await server.stop('SIGTERM');
  assert.equal(statSync(join(data, 'secret')).mode & 0o777, 0o600);
  assert.equal(statSync(data).mode & 0o777, 0o700);
  const { mtimeMs } = statSync(join(data, 'secret'));
  await (await spawnServer(data)).stop('SIGTERM');
  assert.equal(statSync(join(data, 'secret')).mtimeMs, mtimeMs);
});
