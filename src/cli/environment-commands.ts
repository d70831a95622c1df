import type { Command } from 'commander';
import { apiCommand, remoteCommand, YES_HELP } from './command-builders.ts';

const APP_HELP = 'id or slug of the app';

/** The environment of an app, as it is declared. */
export function environmentCommands(program: Command): void {
  const env = program.command('env').description('The environment of an app');
  const load = () => import('./environment.ts');
  apiCommand(env, 'list', 'List the names, never the values')
    .argument('<app>', APP_HELP)
    .action(async (app, options) => (await load()).listVariables(app, options));
  remoteCommand(env, 'pull', 'Read the variables as a dotenv file or as JSON')
    .argument('<app>', APP_HELP)
    .option('--format <format>', 'dotenv, or json: one object of names and values', 'dotenv')
    .option('--output <file>', 'into a file that only oneself can read')
    .option('--quiet', 'nothing but the variables')
    .action(async (app, options) => (await load()).pullVariables(app, options));
  apiCommand(env, 'push', 'Set the variables of a file, once its differences are shown')
    .argument('<app>', APP_HELP)
    .argument('<file>', 'dotenv or JSON; - for standard input')
    .option('--format <format>', 'dotenv or json; what the name of the file ends with')
    .option('--prune', 'remove what the file lacks')
    .option('--dry-run', 'show the differences and change nothing')
    .option('--yes', YES_HELP)
    .action(async (app, file, options) => (await import('./environment-push.ts')).pushVariables(app, file, options));
  apiCommand(env, 'set', 'Set one variable; its value comes from standard input or a prompt')
    .argument('<app>', APP_HELP)
    .argument('<name>', 'its name; NAME=- says that the value is on standard input')
    .option('--empty', 'set it to the empty text')
    .action(async (app, name, options) => (await load()).setVariable(app, name, options));
  apiCommand(env, 'unset', 'Remove variables')
    .argument('<app>', APP_HELP)
    .argument('<names...>', 'their names')
    .option('--yes', YES_HELP)
    .action(async (app, names, options) => (await load()).unsetVariables(app, names, options));
  apiCommand(env, 'versions', 'List who changed which names')
    .argument('<app>', APP_HELP)
    .option('--limit <count>', 'at most so many', '50')
    .action(async (app, options) => (await load()).listVersions(app, options));
  apiCommand(env, 'restore', 'Make the variables again what they were in a version')
    .argument('<app>', APP_HELP)
    .argument('<version>', 'its number')
    .option('--yes', YES_HELP)
    .action(async (app, version, options) => (await load()).restoreVersion(app, version, options));
  remoteCommand(env, 'run', 'Run a command that has the variables; it ends as the command does')
    .argument('<app>', APP_HELP)
    .argument('<command...>', 'behind --, as it is: no shell reads it')
    .action(async (app, command, options) =>
      (await import('./environment-run.ts')).runWithEnvironment(app, command, options),
    );
}
