import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { describeRight, PERMISSIONS, type Permission, SCOPES, type Scope } from '../contract/vocabulary.ts';
import { apiCommand, LIMIT_HELP, YES_HELP } from './command-builders.ts';
import { environmentCommands } from './environment-commands.ts';
import { EXIT_CODES } from './failure.ts';
import { parseList } from './input.ts';
import { operationCommands } from './operation-commands.ts';
import { resourceCommands } from './resource-commands.ts';

/**
 * Every command as it is declared. What carries a command out is imported when it runs, so that
 * `devpilot --help` and completions start at once.
 */
export function createProgram(): Command {
  const program = new Command('devpilot')
    .description('Access tokens and API keys for pipelines and services, taken back in an instant.')
    .version(packageJson.version)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false });
  program.addHelpText(
    'after',
    `
Environment: DEVPILOT_URL, DEVPILOT_TOKEN, DEVPILOT_PASSPHRASE, DEVPILOT_WORKSPACE, DEVPILOT_PROFILE, NO_COLOR.
They go before what was kept by "devpilot login".
Ends with 0, ${EXIT_CODES.failed} failed, ${EXIT_CODES.cancelled} cancelled, ${EXIT_CODES.signInNeeded} sign in first.`,
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
    .description('Serve the API and the page; settings come from the environment')
    .action(async () => (await import('./serve.ts')).serve());
  program
    .command('init')
    .description('Make the first owner and workspace without a browser')
    .requiredOption('--email <email>', "the owner's email address")
    .requiredOption('--name <name>', "the owner's name")
    .requiredOption('--workspace <workspace>', "the workspace's name")
    .requiredOption('--password-stdin', 'read the password from standard input')
    .option('--json', 'answer in JSON')
    .action(async (options) => (await import('./init.ts')).init(options));
  peopleCommands(program);
  program
    .command('migrate')
    .description('Bring the tables up to date; several nodes may do so at once')
    .action(async () => (await import('./migrate.ts')).migrate());
  program
    .command('backup')
    .description('Back up the store into a folder that is not there yet, while it is served')
    .argument('<folder>', 'where to')
    .option('--without-secret', 'leave out the secret that the installation made for itself')
    .option('--json', 'answer in JSON')
    .action(async (folder, options) => (await import('./store-backup.ts')).backUpStore(folder, options));
  program
    .command('restore')
    .description('Restore a backup into the empty data directory or database of the settings')
    .argument('<folder>', 'what `devpilot backup` made')
    .option('--json', 'answer in JSON')
    .action(async (folder, options) => (await import('./store-backup.ts')).restoreStore(folder, options));
  program
    .command('rotate-secret')
    .description('Seal under a new DEVPILOT_SECRET all that the old one sealed; stop every server first')
    .option('--new-secret-file <file>', 'the new secret; needed unless the installation makes its own')
    .action(async (options) => (await import('./store-backup.ts')).rotateStoreSecret(options));
  const store = program.command('store').description('The store itself');
  store
    .command('accept')
    .description('Accept a loss that keeps the server from starting; stop every server first')
    .option(
      '--lost-secret',
      'the secret is lost, and all that was sealed with it: take the one that is set, or make one',
    )
    .option('--lost-changes', 'SQLite: the newest writes are lost, or the file is: take the data directory as it is')
    .action(async (options) => (await import('./store-accept.ts')).acceptLoss(options));
  store
    .command('copy')
    .description('Copy everything into an empty store, and read it back; stop every server first')
    .requiredOption('--from <store>', 'a data directory, or postgres://…')
    .requiredOption('--to <store>', 'likewise; must be empty')
    .option('--json', 'answer in JSON')
    .action(async (options) => (await import('./store-copy.ts')).runStoreCopy(options));
  apiCommand(program, 'doctor', 'Check settings, data directory, store, server and clock').action(async (options) =>
    (await import('./doctor.ts')).doctor(options),
  );
}

function peopleCommands(program: Command): void {
  const people = program
    .command('people')
    .description(
      'Administer the people of the installation, on its data directory or database; stop a server on SQLite first',
    );
  const load = () => import('./people.ts');
  const idOrName = (name: string, description: string) =>
    people
      .command(name)
      .description(description)
      .argument('<person>', 'id or email address')
      .option('--json', 'answer in JSON');
  people
    .command('list')
    .description('List all people')
    .option('--json', 'answer in JSON')
    .action(async (options) => (await load()).listAllPeople(options));
  idOrName('disable', 'Disable a person: all their access ends, and they cannot sign in').action(
    async (person, options) => (await load()).disablePerson(person, options),
  );
  idOrName('enable', 'Enable a disabled person').action(async (person, options) =>
    (await load()).enablePerson(person, options),
  );
  idOrName('operator', 'Make a person an operator')
    .option('--remove', 'make them no operator instead')
    .action(async (person, options) => (await load()).setOperator(person, options));
  idOrName('reset-password', 'Print a link with which a person sets a new password within one hour').action(
    async (person, options) => (await load()).resetPassword(person, options),
  );
}

function accountCommands(program: Command): void {
  apiCommand(program, 'login', 'Sign in through the browser')
    .option('--token <->', 'keep a secret from standard input instead: --token -')
    .action(async (options) => (await import('./login.ts')).login(options));
  apiCommand(program, 'logout', 'End the session and forget it').action(async (options) =>
    (await import('./logout.ts')).logout(options),
  );
  apiCommand(program, 'whoami', 'Who one is for the server').action(async (options) =>
    (await import('./whoami.ts')).whoami(options),
  );
  const workspaces = program.command('workspaces').description('The workspaces one is a member of');
  apiCommand(workspaces, 'list', 'List them').action(async (options) =>
    (await import('./workspaces.ts')).listWorkspaces(options),
  );
  apiCommand(workspaces, 'use', 'Make one the workspace that commands are about')
    .argument('<workspace>', 'id or slug')
    .action(async (idOrName, options) => (await import('./workspaces.ts')).useWorkspace(idOrName, options));
  const members = program.command('members').description('The members of the workspace');
  const load = () => import('./members.ts');
  apiCommand(members, 'list', 'List them').action(async (options) => (await load()).listMembers(options));
  apiCommand(members, 'invite', 'Invite somebody; the link alone goes to standard output')
    .argument('<email>', 'who accepts it must have this address')
    .option('--role <role>', 'admin or member', 'member')
    .action(async (email, options) => (await load()).inviteMember(email, options));
  apiCommand(members, 'invitations', 'List the invitations that nobody has accepted yet').action(async (options) =>
    (await load()).listInvitations(options),
  );
  apiCommand(members, 'withdraw', 'Withdraw invitations; their links open nothing from then on')
    .argument('<invitations...>', 'ids or email addresses')
    .option('--yes', YES_HELP)
    .action(async (names, options) => (await load()).withdrawInvitations(names, options));
  apiCommand(members, 'role', 'Change what a member may do')
    .argument('<member>', 'id or email address')
    .argument('<role>', 'admin or member')
    .action(async (idOrName, role, options) => (await load()).changeRole(idOrName, role, options));
  apiCommand(members, 'end-sessions', 'End all sessions of a member')
    .argument('<member>', 'id or email address')
    .option('--yes', YES_HELP)
    .action(async (idOrName, options) => (await load()).endSessions(idOrName, options));
  apiCommand(members, 'leave', 'Leave the workspace')
    .option('--yes', YES_HELP)
    .action(async (options) => (await load()).leaveWorkspace(options));
  apiCommand(members, 'remove', 'Remove members; the workspace is closed to them from then on')
    .argument('<members...>', 'ids or email addresses')
    .option('--yes', YES_HELP)
    .action(async (names, options) => (await load()).removeMembers(names, options));
}

/** What lists of both kinds of credential take. */
function credentialListCommand(parent: Command, nounPlural: string, right: string): Command {
  return apiCommand(parent, 'list', `List ${nounPlural}`)
    .option('--search <text>', 'part of the name')
    .option('--status <status>', 'active, expired, or for keys inactive')
    .option(`--${right} <${right}>`, `those that have this ${right}`)
    .option('--created-by <id>', 'those that this person created')
    .option('--unused-for-days <days>', 'those without a use for so long')
    .option('--sort <field>', 'createdAt, name, expiresAt, lastUsedAt or useCount; - before it for descending')
    .option('--limit <count>', LIMIT_HELP);
}

/** What each right means and reaches, under the options that choose it. */
const rightsHelp = (title: string, rights: readonly (Scope | Permission)[]): string =>
  `\n${title}:\n${rights.map((right) => `  ${right.padEnd(28)}${describeRight(right)}`).join('\n')}`;

const EXPIRES_HELP = 'such as 30d, 12h, 1y, never, or an instant';

function tokenCommands(program: Command): void {
  const tokens = program.command('tokens').description('Access tokens');
  const load = () => import('./credentials.ts');
  credentialListCommand(tokens, 'access tokens', 'scope').action(async ({ scope, ...options }) =>
    (await load()).listCredentials('tokens', { ...options, right: scope }),
  );
  apiCommand(tokens, 'create', 'Create one; the secret alone goes to standard output')
    .option('--name <name>', 'its name')
    .option('--scope <scopes>', 'a scope, or several with commas; may be repeated', parseList)
    .option('--expires <when>', `${EXPIRES_HELP} (never)`)
    .option('--passphrase <->', 'read its passphrase from standard input: --passphrase -')
    .addHelpText('after', rightsHelp('Scopes', SCOPES))
    .action(async (options) => (await import('./tokens-create.ts')).createToken(options));
  apiCommand(tokens, 'show', 'Show one, never its secret')
    .argument('<token>', 'id or name')
    .action(async (idOrName, options) => (await load()).showCredential('tokens', idOrName, options));
  apiCommand(tokens, 'delete', 'Delete; nothing accepts them from then on')
    .argument('<tokens...>', 'ids or names')
    .option('--yes', YES_HELP)
    .action(async (names, options) => (await load()).deleteCredentials('tokens', names, options));
  apiCommand(tokens, 'replace', 'Create one like it, wait for its first use, delete the old one')
    .argument('<token>', 'id or name')
    .option('--expires <when>', `${EXPIRES_HELP} (as long as the old one had)`)
    .option('--passphrase <->', 'read its passphrase from standard input: --passphrase -')
    .option('--wait <span>', 'how long to wait for the first use', '15m')
    .action(async (idOrName, options) => (await import('./tokens-replace.ts')).replaceToken(idOrName, options));
}

function keyCommands(program: Command): void {
  const keys = program.command('keys').description('API keys');
  const load = () => import('./credentials.ts');
  const loadUpdate = () => import('./keys-update.ts');
  credentialListCommand(keys, 'API keys', 'permission').action(async ({ permission, ...options }) =>
    (await load()).listCredentials('keys', { ...options, right: permission }),
  );
  apiCommand(keys, 'create', 'Create one; the secret alone goes to standard output')
    .option('--name <name>', 'its name')
    .option('--permission <permissions>', 'a permission, or several with commas; may be repeated', parseList)
    .option('--description <text>', 'what it is for')
    .option('--expires <when>', `${EXPIRES_HELP} (never)`)
    .option('--inactive', 'switched off at first')
    .option('--guard', 'may run guards (the SDK in lease mode); needs the permission read')
    .addHelpText('after', rightsHelp('Permissions', PERMISSIONS))
    .action(async (options) => (await import('./keys-create.ts')).createKey(options));
  apiCommand(keys, 'show', 'Show one, never its secret')
    .argument('<key>', 'id or name')
    .action(async (idOrName, options) => (await load()).showCredential('keys', idOrName, options));
  apiCommand(keys, 'update', 'Edit one; its secret never changes')
    .argument('<key>', 'id or name')
    .option('--name <name>', 'its new name')
    .option('--permission <permissions>', 'all that it may do from now on', parseList)
    .option('--description <text>', 'what it is for; empty for nothing')
    .option('--expires <when>', EXPIRES_HELP)
    .option('--guard <on|off>', 'whether it may run guards')
    .addHelpText('after', rightsHelp('Permissions', PERMISSIONS))
    .action(async (idOrName, options) => (await loadUpdate()).updateKey(idOrName, options));
  apiCommand(keys, 'enable', 'Switch one on')
    .argument('<key>', 'id or name')
    .action(async (idOrName, options) => (await loadUpdate()).setKeyActive(idOrName, true, options));
  apiCommand(keys, 'disable', 'Switch one off; it is refused from then on')
    .argument('<key>', 'id or name')
    .action(async (idOrName, options) => (await loadUpdate()).setKeyActive(idOrName, false, options));
  apiCommand(keys, 'delete', 'Delete; nothing accepts them from then on')
    .argument('<keys...>', 'ids or names')
    .option('--yes', YES_HELP)
    .action(async (names, options) => (await load()).deleteCredentials('keys', names, options));
}

const PAST_INSTANT_HELP = 'an instant, or how long ago, such as 12h or 7d';

function auditCommands(program: Command): void {
  const audit = program.command('audit').description('The activity log');
  const load = () => import('./audit.ts');
  const filtered = (name: string, description: string) =>
    apiCommand(audit, name, description)
      .option('--action <action>', 'such as access_token.created')
      .option('--actor <id>', 'who did it')
      .option('--target <id>', 'what it was done to')
      .option('--credential <id>', 'a credential, as either')
      .option('--from <when>', `from then on: ${PAST_INSTANT_HELP}`)
      .option('--to <when>', 'before then');
  filtered('list', 'The newest entries')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listAudit(options));
  filtered('tail', 'Follow it').action(async (options) => (await load()).tailAudit(options));
  filtered('export', 'All of it as NDJSON')
    .option('--output <file>', 'into a file that only oneself can read')
    .action(async (options) => (await load()).exportAudit(options));
  audit
    .command('verify')
    .description('Check in the data directory that no entry was removed or changed')
    .option('--json', 'answer in JSON, a line a log')
    .action(async (options) => (await import('./audit-verify.ts')).auditVerify(options));
}

function toolCommands(program: Command): void {
  program
    .command('scan')
    .description('Find Devpilot secrets in files and git history, offline; ends with 1 if there are any')
    .argument('[paths...]', 'files and directories (.)')
    .option('--no-history', 'files as they stand, not the history of git')
    .option('--staged', 'what is about to be committed, and nothing else')
    .option('--server <url>', 'ask this server which are live; each is presented to it')
    .option('--revoke', 'with --server: revoke those that it knows')
    .option('--yes', YES_HELP)
    .option('--json', 'answer in JSON')
    .option('--quiet', 'nothing but the findings')
    .action(async (paths, options) => (await import('./scan.ts')).scan(paths, options));
  program
    .command('completion')
    .description('Print the completion for a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell) => (await import('./completion.ts')).completion(shell, program));
}
