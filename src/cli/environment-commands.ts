import type { Command } from '@commander-js/extra-typings';
import { apiCommand, declared, LIMIT_HELP, remoteCommand, YES_HELP } from './command-builders.ts';

const APP_HELP = 'ID or slug of the app';
const OWNER_HELP = 'ID or slug of the app, or of the project with --project';
const PROJECT_HELP = 'use the variables of a project, which all its apps inherit';

/** Declares the commands for the environment variables of an app or a project. */
export function environmentCommands(program: Command): void {
  const env = program.command('env').description('Manage environment variables of an app or a project');
  const load = () => import('./environment.ts');
  apiCommand(env, 'list', 'List variable names')
    .argument('<app>', OWNER_HELP)
    .option('--project', PROJECT_HELP)
    .action(async (app, options) => (await load()).listVariables(app, declared(options)));
  remoteCommand(env, 'pull', 'Download the variables as a file')
    .argument('<app>', OWNER_HELP)
    .option('--project', PROJECT_HELP)
    .option(
      '--format <format>',
      'format: dotenv, node, python, shell, systemd, docker, or json for one object of names and values',
      'dotenv',
    )
    .option('--output <file>', 'write to this file, readable only by you (default: standard output)')
    .option('--quiet', 'print only the variables')
    .action(async (app, options) => (await load()).pullVariables(app, declared(options)));
  apiCommand(env, 'push', 'Set variables from a file after showing the differences')
    .argument('<app>', OWNER_HELP)
    .option('--project', PROJECT_HELP)
    .argument('<file>', 'dotenv or JSON file; - for standard input')
    .option('--format <format>', 'format of the file: dotenv or json (default: by file extension)')
    .option('--prune', 'remove variables that are not in the file')
    .option('--dry-run', 'show the differences without applying them')
    .option('--yes', YES_HELP)
    .action(async (app, file, options) =>
      (await import('./environment-push.ts')).pushVariables(app, file, declared(options)),
    );
  apiCommand(env, 'set', 'Set a variable; reads the value from standard input or a prompt')
    .argument('<app>', OWNER_HELP)
    .option('--project', PROJECT_HELP)
    .argument('<name>', 'variable name, or NAME=-; both read the value from standard input or a prompt')
    .option('--empty', 'set an empty value')
    .action(async (app, name, options) => (await load()).setVariable(app, name, declared(options)));
  apiCommand(env, 'unset', 'Remove variables')
    .argument('<app>', OWNER_HELP)
    .option('--project', PROJECT_HELP)
    .argument('<names...>', 'variable names')
    .option('--yes', YES_HELP)
    .action(async (app, names, options) => (await load()).unsetVariables(app, names, declared(options)));
  apiCommand(env, 'versions', 'List versions of the variables with their time, author and changes')
    .argument('<app>', OWNER_HELP)
    .option('--project', PROJECT_HELP)
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (app, options) => (await load()).listVersions(app, declared(options)));
  apiCommand(env, 'restore', 'Restore the variables of an earlier version')
    .argument('<app>', OWNER_HELP)
    .option('--project', PROJECT_HELP)
    .argument('<version>', 'version number')
    .option('--yes', YES_HELP)
    .action(async (app, version, options) => (await load()).restoreVersion(app, version, declared(options)));
  remoteCommand(
    env,
    'run',
    'Run a command with the variables in its environment; exits with the exit code of the command',
  )
    .argument('<app>', APP_HELP)
    .argument('<command...>', 'command and arguments after --, run without a shell')
    .action(async (app, command, options) =>
      (await import('./environment-run.ts')).runWithEnvironment(app, command, declared(options)),
    );
}
