import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings';
import { Command as UntypedCommand } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { auditCommands } from './audit-commands.ts';
import { apiCommand, collectValues, declared, remoteCommand, SETTINGS_HELP, YES_HELP } from './command-builders.ts';
import { credentialCommands } from './credential-commands.ts';
import { environmentCommands } from './environment-commands.ts';
import { EXIT_CODES } from './failure.ts';
import { noticeCommands } from './notice-commands.ts';
import { operationCommands } from './operation-commands.ts';
import { resourceCommands } from './resource-commands.ts';
import { trackerCommands } from './tracker-commands.ts';
import { webhookCommands } from './webhook-commands.ts';
import { workloadCommands } from './workload-commands.ts';

const HELP_HINT = 'Run the command with --help to see its arguments and options.';

/** Formats a usage error as JSON, in the format of the other errors with `--json`. */
function usageAsJson(text: string): string {
  const message = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll('\n', ' ');
  return `${JSON.stringify({ error: { code: 'usage', message } })}\n`;
}

/**
 * Declares every command. The implementation of a command is imported when the command runs, so that
 * `devpilot --help` and shell completion start quickly.
 */
export function createProgram(): Command {
  const program = (new UntypedCommand('devpilot') as Command)
    .description('Run a Devpilot server, and manage access tokens, API keys, deployments, scripts and backups')
    .version(packageJson.version)
    .showSuggestionAfterError()
    .configureOutput({
      outputError: (text, write) =>
        write(process.argv.includes('--json') ? usageAsJson(text) : `${text}${HELP_HINT}\n`),
    })
    .configureHelp({ showGlobalOptions: false });
  program.addHelpText(
    'after',
    `
Environment variables:
  DEVPILOT_URL, DEVPILOT_TOKEN and DEVPILOT_WORKSPACE override the profile saved by "devpilot login". DEVPILOT_PROFILE selects
  another profile. DEVPILOT_PASSPHRASE is the passphrase of the access token.
  HTTPS_PROXY, NO_PROXY and NO_COLOR are supported.

With --json, errors are JSON too.
Exit codes: 0 success, ${EXIT_CODES.failed} failure, ${EXIT_CODES.cancelled} cancelled, ${EXIT_CODES.signInNeeded} sign-in required. Commands that
read the server's settings, such as "devpilot serve", also exit with 2 if a setting is invalid or the database cannot be used.
"env run", "exchange", and "run" with --wait or --follow exit with the exit code of the command or script that they run.
130: Ctrl-C ended the wait, and the operation continues on the server.`,
  );
  program.commandsGroup('Installation:');
  installationCommands(program);
  for (const command of program.commands) addSettingsHelp(command);
  program.commandsGroup('Account and workspace:');
  accountCommands(program);
  program.commandsGroup('Credentials:');
  credentialCommands(program);
  workloadCommands(program);
  program.commandsGroup('Apps, deployments and scripts:');
  resourceCommands(program);
  environmentCommands(program);
  operationCommands(program);
  program.commandsGroup('Events, errors and notices:');
  trackerCommands(program);
  noticeCommands(program);
  webhookCommands(program);
  auditCommands(program);
  program.commandsGroup('Tools:');
  toolCommands(program);
  program.helpCommand('help [command]', 'display help for command');
  return program;
}

/**
 * Adds a note about settings to the help of an installation command and of its subcommands, except `store copy`, which
 * reads only the setting of the secret.
 */
function addSettingsHelp(command: CommandUnknownOpts): void {
  if (command.name() === 'copy') return;
  if (command.commands.length === 0) command.addHelpText('after', SETTINGS_HELP);
  for (const subcommand of command.commands) addSettingsHelp(subcommand);
}

function installationCommands(program: Command): void {
  program
    .command('serve')
    .description('Start the server')
    .action(async () => (await import('./serve.ts')).serve());
  program
    .command('init')
    .description('Create the first owner and workspace without a browser')
    .requiredOption('--email <email>', 'email address of the owner (required)')
    .requiredOption('--name <name>', 'name of the owner (required)')
    .requiredOption('--workspace <workspace>', 'name of the workspace (required)')
    .requiredOption('--password-stdin', 'read the password from standard input (required)')
    .option('--json', 'output JSON')
    .action(async (options) => (await import('./init.ts')).init(declared(options)));
  peopleCommands(program);
  program
    .command('migrate')
    .description('Run pending database migrations; safe to run on several nodes at the same time')
    .action(async () => (await import('./migrate.ts')).migrate());
  program
    .command('backup')
    .description(
      'Back up the installation into a new directory; the server can keep running (to back up an app: devpilot backups)',
    )
    .argument('<directory>', 'directory to create')
    .option('--without-secret', 'omit the secret that the installation generated')
    .option('--json', 'output JSON')
    .action(async (directory, options) =>
      (await import('./store-backup.ts')).backUpStore(directory, declared(options)),
    );
  program
    .command('restore')
    .description(
      'Restore the installation into the configured data directory or database, which must be empty (to restore an app: devpilot backups)',
    )
    .argument('<directory>', 'directory created by "devpilot backup"')
    .option('--json', 'output JSON')
    .action(async (directory, options) =>
      (await import('./store-backup.ts')).restoreStore(directory, declared(options)),
    );
  program
    .command('rotate-secret')
    .description('Re-encrypt stored values with a new DEVPILOT_SECRET; stop all Devpilot nodes first')
    .option(
      '--new-secret-file <file>',
      'file with the new secret; required unless the installation generated its own secret',
    )
    .action(async (options) => (await import('./store-backup.ts')).rotateStoreSecret(declared(options)));
  const store = program.command('store').description('Recover or copy the database');
  store
    .command('accept')
    .description('Accept data loss that prevents the server from starting; stop all Devpilot nodes first')
    .option(
      '--lost-secret',
      'accept the loss of the secret and of all values encrypted with it; the configured secret, or a newly generated one, is used from then on',
    )
    .option(
      '--lost-changes',
      'SQLite only: accept the loss of recent writes or of the whole database file; the data directory is used as it is from then on',
    )
    .action(async (options) => (await import('./store-accept.ts')).acceptLoss(declared(options)));
  store
    .command('copy')
    .description('Copy all data into an empty database and verify the copy; stop all Devpilot nodes first')
    .requiredOption('--from <store>', 'source: a data directory or a postgres:// URL (required)')
    .requiredOption('--to <store>', 'target: a data directory or a postgres:// URL; must be empty (required)')
    .option('--json', 'output JSON')
    .addHelpText('after', '\nIf DEVPILOT_SECRET or DEVPILOT_SECRET_FILE is set, it must be the secret of the source.')
    .action(async (options) => (await import('./store-copy.ts')).runStoreCopy(declared(options)));
  apiCommand(program, 'doctor', 'Check settings, data directory, database, server, clocks and notices').action(
    async (options) => (await import('./doctor.ts')).doctor(declared(options)),
  );
}

function peopleCommands(program: Command): void {
  const people = program
    .command('people')
    .description('Manage people directly in the data directory or database; with SQLite, stop the Devpilot node first');
  const load = () => import('./people.ts');
  const personCommand = (name: string, description: string) =>
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
  personCommand(
    'disable',
    'Disable a person: block sign-in, and end their sessions, password-reset and sign-in links, and the invitations that they sent',
  ).action(async (person, options) => (await load()).disablePerson(person, declared(options)));
  personCommand('enable', 'Enable a disabled person').action(async (person, options) =>
    (await load()).enablePerson(person, declared(options)),
  );
  personCommand('operator', 'Make a person an operator, who administers the whole installation')
    .option('--remove', 'remove the operator role instead')
    .action(async (person, options) => (await load()).setOperator(person, declared(options)));
  personCommand('reset-password', 'Print a password reset link, valid for one hour').action(async (person, options) =>
    (await load()).resetPassword(person, declared(options)),
  );
}

function accountCommands(program: Command): void {
  apiCommand(program, 'login', 'Sign in through the browser')
    .option('--token <source>', 'sign in with a secret instead; the source must be -, for standard input')
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
    .action(async (idOrSlug, options) => (await import('./workspaces.ts')).useWorkspace(idOrSlug, declared(options)));
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
  apiCommand(members, 'revoke', 'Revoke pending invitations; to remove a member, use "devpilot members remove"')
    .alias('withdraw')
    .argument('<invitations...>', 'IDs of invitations, or invited email addresses')
    .option('--yes', YES_HELP)
    .action(async (idsOrEmails, options) => (await load()).revokeInvitations(idsOrEmails, declared(options)));
  apiCommand(members, 'role', 'Change the role of a member')
    .argument('<member>', 'ID or email address')
    .argument('<role>', 'new role: admin or member')
    .action(async (idOrEmail, role, options) => (await load()).changeRole(idOrEmail, role, declared(options)));
  apiCommand(members, 'end-sessions', 'End all sessions of a member, in all workspaces')
    .argument('<member>', 'ID or email address')
    .option('--yes', YES_HELP)
    .action(async (idOrEmail, options) => (await load()).endSessions(idOrEmail, declared(options)));
  apiCommand(members, 'leave', 'Leave the workspace')
    .option('--yes', YES_HELP)
    .action(async (options) => (await load()).leaveWorkspace(declared(options)));
  apiCommand(members, 'remove', 'Remove members from the workspace')
    .argument('<members...>', 'IDs or email addresses')
    .option('--yes', YES_HELP)
    .action(async (idsOrEmails, options) => (await load()).removeMembers(idsOrEmails, declared(options)));
}

function toolCommands(program: Command): void {
  remoteCommand(program, 'api', 'Send a request to any route of the API and print the JSON of its response')
    .argument('<path>', 'path and query, such as /v1/whoami')
    .option('--method <method>', 'GET, POST, PUT, PATCH or DELETE (default: POST if there are fields, otherwise GET)')
    .option(
      '--field <field>',
      'field of the body, or of the query of a GET: name=text, or name:=json; can be repeated',
      collectValues,
    )
    .option('--query <expression>', 'print only the result of this JMESPath expression; strings without quotes')
    .option('--json', 'output errors as JSON too')
    .action(async (path, options) => (await import('./api.ts')).callApi(path, declared(options)));
  program
    .command('scan')
    .description('Find Devpilot secrets in files and Git history, offline; exits with code 1 if any are found')
    .argument('[paths...]', 'files and directories (default: .)')
    .option('--no-history', 'scan only current files, not the Git history')
    .option('--staged', 'scan only files with staged changes, as they are staged')
    .option('--server <url>', 'check which secrets are valid by sending each to this server')
    .option('--revoke', 'with --server: revoke all found secrets that the server recognizes')
    .option(
      '--report',
      'with --server: report the found secrets as leaked; the policy of each workspace determines what happens to them',
    )
    .option('--install-hook', 'install a Git pre-commit hook that runs: devpilot scan --staged')
    .option('--format <format>', 'output format: text, json or sarif')
    .option('--yes', YES_HELP)
    .option('--json', 'output JSON')
    .option('--quiet', 'print only the findings')
    .action(async (paths, options) => (await import('./scan.ts')).scan(paths, declared(options)));
  program
    .command('completion')
    .description('Print the completion script for a shell')
    .argument('<shell>', 'shell: bash, zsh or fish')
    .action(async (shell) => (await import('./completion.ts')).completion(shell, program));
  program
    .command('complete-values', { hidden: true })
    .description('Print values for shell completion')
    .argument('<kind>')
    .action(async (kind) => (await import('./complete-values.ts')).completeValues(kind));
}
