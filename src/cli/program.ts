import type { Command } from '@commander-js/extra-typings';
import { Command as UntypedCommand } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { describeRight, PERMISSIONS, type Permission, SCOPES, type Scope } from '../contract/vocabulary.ts';
import { apiCommand, declared, LIMIT_HELP, YES_HELP } from './command-builders.ts';
import { environmentCommands } from './environment-commands.ts';
import { EXIT_CODES } from './failure.ts';
import { parseList } from './input.ts';
import { operationCommands } from './operation-commands.ts';
import { resourceCommands } from './resource-commands.ts';

/**
 * Declares every command. The implementation of a command is imported when the command runs, so that
 * `devpilot --help` and shell completion start quickly.
 */
export function createProgram(): Command {
  const program = (new UntypedCommand('devpilot') as Command)
    .description('Run a Devpilot server, and manage access tokens, API keys, deployments, scripts and backups')
    .version(packageJson.version)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false });
  program.addHelpText(
    'after',
    `
Environment variables: DEVPILOT_URL, DEVPILOT_TOKEN, DEVPILOT_PASSPHRASE, DEVPILOT_WORKSPACE, DEVPILOT_PROFILE, NO_COLOR.
They override the profile saved by "devpilot login".
Exit codes: 0 success, ${EXIT_CODES.failed} failure, ${EXIT_CODES.cancelled} cancelled, ${EXIT_CODES.signInNeeded} sign-in required.`,
  );
  installationCommands(program);
  accountCommands(program);
  tokenCommands(program);
  keyCommands(program);
  environmentCommands(program);
  operationCommands(program);
  resourceCommands(program);
  auditCommands(program);
  toolCommands(program);
  return program;
}

function installationCommands(program: Command): void {
  program
    .command('serve')
    .description('Start the server; settings come from environment variables')
    .action(async () => (await import('./serve.ts')).serve());
  program
    .command('init')
    .description('Create the first owner and workspace without a browser')
    .requiredOption('--email <email>', 'email address of the owner')
    .requiredOption('--name <name>', 'name of the owner')
    .requiredOption('--workspace <workspace>', 'name of the workspace')
    .requiredOption('--password-stdin', 'read the password from standard input')
    .option('--json', 'output JSON')
    .action(async (options) => (await import('./init.ts')).init(declared(options)));
  peopleCommands(program);
  program
    .command('migrate')
    .description('Run pending database migrations; safe to run on several nodes at once')
    .action(async () => (await import('./migrate.ts')).migrate());
  program
    .command('backup')
    .description('Back up the installation into a new directory; the server can keep running')
    .argument('<folder>', 'directory to create')
    .option('--without-secret', 'leave out the secret that the installation generated')
    .option('--json', 'output JSON')
    .action(async (folder, options) => (await import('./store-backup.ts')).backUpStore(folder, declared(options)));
  program
    .command('restore')
    .description('Restore a backup into the configured data directory or database, which must be empty')
    .argument('<folder>', 'directory created by "devpilot backup"')
    .option('--json', 'output JSON')
    .action(async (folder, options) => (await import('./store-backup.ts')).restoreStore(folder, declared(options)));
  program
    .command('rotate-secret')
    .description('Re-encrypt stored values with a new DEVPILOT_SECRET; stop every server first')
    .option('--new-secret-file <file>', 'file with the new secret; required unless the installation generates its own')
    .action(async (options) => (await import('./store-backup.ts')).rotateStoreSecret(declared(options)));
  const store = program.command('store').description('Recover or copy the database');
  store
    .command('accept')
    .description('Accept a data loss that prevents the server from starting; stop every server first')
    .option(
      '--lost-secret',
      'the secret and all values encrypted with it are lost: use the configured secret, or generate one',
    )
    .option(
      '--lost-changes',
      'SQLite only: recent writes or the whole database file are lost: use the data directory as it is',
    )
    .action(async (options) => (await import('./store-accept.ts')).acceptLoss(declared(options)));
  store
    .command('copy')
    .description('Copy all data into an empty database and verify the copy; stop every server first')
    .requiredOption('--from <store>', 'source: a data directory or a postgres:// URL')
    .requiredOption('--to <store>', 'target: a data directory or a postgres:// URL; must be empty')
    .option('--json', 'output JSON')
    .action(async (options) => (await import('./store-copy.ts')).runStoreCopy(declared(options)));
  apiCommand(program, 'doctor', 'Check settings, data directory, database, server and clock').action(async (options) =>
    (await import('./doctor.ts')).doctor(declared(options)),
  );
}

function peopleCommands(program: Command): void {
  const people = program
    .command('people')
    .description(
      'Manage people of this installation directly on its data directory or database; with SQLite, stop the server first',
    );
  const load = () => import('./people.ts');
  const idOrName = (name: string, description: string) =>
    people
      .command(name)
      .description(description)
      .argument('<person>', 'ID or email address')
      .option('--json', 'output JSON');
  people
    .command('list')
    .description('List all people')
    .option('--json', 'output JSON')
    .action(async (options) => (await load()).listAllPeople(declared(options)));
  idOrName('disable', 'Disable a person: revoke all their access and block sign-in').action(async (person, options) =>
    (await load()).disablePerson(person, declared(options)),
  );
  idOrName('enable', 'Enable a disabled person').action(async (person, options) =>
    (await load()).enablePerson(person, declared(options)),
  );
  idOrName('operator', 'Make a person an operator')
    .option('--remove', 'remove the operator role instead')
    .action(async (person, options) => (await load()).setOperator(person, declared(options)));
  idOrName('reset-password', 'Print a password reset link, valid for one hour').action(async (person, options) =>
    (await load()).resetPassword(person, declared(options)),
  );
}

function accountCommands(program: Command): void {
  apiCommand(program, 'login', 'Sign in through the browser')
    .option('--token <->', 'save a secret read from standard input instead: --token -')
    .action(async (options) => (await import('./login.ts')).login(declared(options)));
  apiCommand(program, 'logout', 'Sign out and delete the saved profile').action(async (options) =>
    (await import('./logout.ts')).logout(declared(options)),
  );
  apiCommand(program, 'whoami', 'Show the current user or credential').action(async (options) =>
    (await import('./whoami.ts')).whoami(declared(options)),
  );
  const workspaces = program.command('workspaces').description('Manage workspaces');
  apiCommand(workspaces, 'list', 'List your workspaces').action(async (options) =>
    (await import('./workspaces.ts')).listWorkspaces(declared(options)),
  );
  apiCommand(workspaces, 'use', 'Set the default workspace')
    .argument('<workspace>', 'ID or slug')
    .action(async (idOrName, options) => (await import('./workspaces.ts')).useWorkspace(idOrName, declared(options)));
  const members = program.command('members').description('Manage members and invitations of the workspace');
  const load = () => import('./members.ts');
  apiCommand(members, 'list', 'List members').action(async (options) => (await load()).listMembers(declared(options)));
  apiCommand(members, 'invite', 'Invite a person; prints only the link to standard output')
    .argument('<email>', 'email address of the invited person')
    .option('--role <role>', 'role: admin or member', 'member')
    .action(async (email, options) => (await load()).inviteMember(email, declared(options)));
  apiCommand(members, 'invitations', 'List pending invitations').action(async (options) =>
    (await load()).listInvitations(declared(options)),
  );
  apiCommand(members, 'revoke', 'Revoke invitations')
    .alias('withdraw')
    .argument('<invitations...>', 'IDs or email addresses')
    .option('--yes', YES_HELP)
    .action(async (names, options) => (await load()).revokeInvitations(names, declared(options)));
  apiCommand(members, 'role', 'Change the role of a member')
    .argument('<member>', 'ID or email address')
    .argument('<role>', 'new role: admin or member')
    .action(async (idOrName, role, options) => (await load()).changeRole(idOrName, role, declared(options)));
  apiCommand(members, 'end-sessions', 'End all sessions of a member')
    .argument('<member>', 'ID or email address')
    .option('--yes', YES_HELP)
    .action(async (idOrName, options) => (await load()).endSessions(idOrName, declared(options)));
  apiCommand(members, 'leave', 'Leave the workspace')
    .option('--yes', YES_HELP)
    .action(async (options) => (await load()).leaveWorkspace(declared(options)));
  apiCommand(members, 'remove', 'Remove members from the workspace')
    .argument('<members...>', 'IDs or email addresses')
    .option('--yes', YES_HELP)
    .action(async (names, options) => (await load()).removeMembers(names, declared(options)));
}

/** The list command of access tokens or API keys. */
function credentialListCommand<Right extends 'scope' | 'permission'>(
  parent: Command,
  nounPlural: string,
  right: Right,
) {
  return apiCommand(parent, 'list', `List ${nounPlural}`)
    .option('--search <text>', 'filter by part of the name')
    .option('--status <status>', `filter by status: active${right === 'scope' ? '' : ', inactive'} or expired`)
    .option(`--${right} <${right}>`, `filter by ${right}`)
    .option('--created-by <id>', 'filter by ID of the creator')
    .option('--unused-for-days <days>', 'filter by number of days without use')
    .option('--sort <field>', 'sort by createdAt, name, expiresAt, lastUsedAt or useCount; prefix - for descending')
    .option('--limit <count>', LIMIT_HELP);
}

/** Help text that describes each scope or permission. */
const rightsHelp = (title: string, rights: readonly (Scope | Permission)[]): string =>
  `\n${title}:\n${rights.map((right) => `  ${right.padEnd(28)}${describeRight(right)}`).join('\n')}`;

const EXPIRES_HELP = 'expiry: a duration such as 30d, 12h or 1y, a date-time, or never';

function tokenCommands(program: Command): void {
  const tokens = program.command('tokens').description('Manage access tokens');
  const load = () => import('./credentials.ts');
  credentialListCommand(tokens, 'access tokens', 'scope').action(async ({ scope, ...options }) =>
    (await load()).listCredentials('tokens', { ...declared(options), right: scope }),
  );
  apiCommand(tokens, 'create', 'Create an access token; prints only the secret to standard output')
    .option('--name <name>', 'name of the token')
    .option('--scope <scopes>', 'scope, or several separated by commas; can be repeated', parseList)
    .option('--expires <when>', `${EXPIRES_HELP} (default: never)`)
    .option('--passphrase <->', 'read the passphrase from standard input: --passphrase -')
    .addHelpText('after', rightsHelp('Scopes', SCOPES))
    .action(async (options) => (await import('./tokens-create.ts')).createToken(declared(options)));
  apiCommand(tokens, 'show', 'Show details of an access token')
    .argument('<token>', 'ID or name')
    .action(async (idOrName, options) => (await load()).showCredential('tokens', idOrName, declared(options)));
  apiCommand(tokens, 'delete', 'Delete access tokens')
    .argument('<tokens...>', 'IDs or names')
    .option('--yes', YES_HELP)
    .action(async (names, options) => (await load()).deleteCredentials('tokens', names, declared(options)));
  apiCommand(tokens, 'replace', 'Replace an access token: create a copy, wait for its first use, delete the old token')
    .argument('<token>', 'ID or name')
    .option('--expires <when>', `${EXPIRES_HELP} (default: the lifetime of the old token)`)
    .option('--passphrase <->', 'read the passphrase from standard input: --passphrase -')
    .option('--wait <duration>', 'maximum time to wait for the first use', '15m')
    .action(async (idOrName, options) =>
      (await import('./tokens-replace.ts')).replaceToken(idOrName, declared(options)),
    );
}

function keyCommands(program: Command): void {
  const keys = program.command('keys').description('Manage API keys');
  const load = () => import('./credentials.ts');
  const loadUpdate = () => import('./keys-update.ts');
  credentialListCommand(keys, 'API keys', 'permission').action(async ({ permission, ...options }) =>
    (await load()).listCredentials('keys', { ...declared(options), right: permission }),
  );
  apiCommand(keys, 'create', 'Create an API key; prints only the secret to standard output')
    .option('--name <name>', 'name of the key')
    .option('--permission <permissions>', 'permission, or several separated by commas; can be repeated', parseList)
    .option('--description <text>', 'description')
    .option('--expires <when>', `${EXPIRES_HELP} (default: never)`)
    .option('--inactive', 'create the key inactive')
    .option('--guard', 'allow the key to run guards (SDK in lease mode); requires the permission read')
    .addHelpText('after', rightsHelp('Permissions', PERMISSIONS))
    .action(async (options) => (await import('./keys-create.ts')).createKey(declared(options)));
  apiCommand(keys, 'show', 'Show details of an API key')
    .argument('<key>', 'ID or name')
    .action(async (idOrName, options) => (await load()).showCredential('keys', idOrName, declared(options)));
  apiCommand(keys, 'update', 'Update an API key; its secret does not change')
    .argument('<key>', 'ID or name')
    .option('--name <name>', 'new name')
    .option('--permission <permissions>', 'replace its permissions', parseList)
    .option('--description <text>', 'new description; an empty string removes it')
    .option('--expires <when>', EXPIRES_HELP)
    .option('--guard <on|off>', 'allow the key to run guards: on or off')
    .addHelpText('after', rightsHelp('Permissions', PERMISSIONS))
    .action(async (idOrName, options) => (await loadUpdate()).updateKey(idOrName, declared(options)));
  apiCommand(keys, 'enable', 'Enable an API key')
    .argument('<key>', 'ID or name')
    .action(async (idOrName, options) => (await loadUpdate()).setKeyActive(idOrName, true, declared(options)));
  apiCommand(keys, 'disable', 'Disable an API key; requests with it are rejected')
    .argument('<key>', 'ID or name')
    .action(async (idOrName, options) => (await loadUpdate()).setKeyActive(idOrName, false, declared(options)));
  apiCommand(keys, 'delete', 'Delete API keys')
    .argument('<keys...>', 'IDs or names')
    .option('--yes', YES_HELP)
    .action(async (names, options) => (await load()).deleteCredentials('keys', names, declared(options)));
}

const PAST_INSTANT_HELP = 'a date-time, or a duration before now such as 12h or 7d';

function auditCommands(program: Command): void {
  const audit = program.command('audit').description('View, export and verify the activity log');
  const load = () => import('./audit.ts');
  const filtered = (name: string, description: string) =>
    apiCommand(audit, name, description)
      .option('--action <action>', 'filter by action, such as access_token.created')
      .option('--actor <id>', 'filter by ID of the actor')
      .option('--target <id>', 'filter by ID of the target')
      .option('--credential <id>', 'filter by ID of a credential, as actor or target')
      .option('--from <when>', `start of the period: ${PAST_INSTANT_HELP}`)
      .option('--to <when>', 'end of the period, exclusive');
  filtered('list', 'List the newest entries')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listAudit(declared(options)));
  filtered('tail', 'Follow new entries').action(async (options) => (await load()).tailAudit(declared(options)));
  filtered('export', 'Export all entries as NDJSON')
    .option('--output <file>', 'write to this file, readable only by you')
    .action(async (options) => (await load()).exportAudit(declared(options)));
  audit
    .command('verify')
    .description('Verify that no entry was removed or changed, directly on the data directory or database')
    .option('--json', 'output JSON, one line per log')
    .action(async (options) => (await import('./audit-verify.ts')).auditVerify(declared(options)));
}

function toolCommands(program: Command): void {
  program
    .command('scan')
    .description('Find Devpilot secrets in files and Git history, offline; exits with 1 if any are found')
    .argument('[paths...]', 'files and directories (default: .)')
    .option('--no-history', 'scan only current files, not the Git history')
    .option('--staged', 'scan only staged changes')
    .option('--server <url>', 'check which secrets are valid by sending each to this server')
    .option('--revoke', 'with --server: revoke all secrets known to the server')
    .option('--yes', YES_HELP)
    .option('--json', 'output JSON')
    .option('--quiet', 'print only the findings')
    .action(async (paths, options) => (await import('./scan.ts')).scan(paths, declared(options)));
  program
    .command('completion')
    .description('Print the completion script for a shell')
    .argument('<shell>', 'shell: bash, zsh or fish')
    .action(async (shell) => (await import('./completion.ts')).completion(shell, program));
}
