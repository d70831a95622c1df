import type { Command } from 'commander';
import { reaching, remote, YES } from './declare.ts';

const APP = 'id or slug of the app';

/** The environment of an app, as it is declared. */
export function environmentCommands(program: Command): void {
  const env = program.command('env').description('The environment of an app');
  const shared = () => import('./environment.ts');
  remote(env, 'list', 'List the names, never the values')
    .argument('<app>', APP)
    .action(async (app, options) => (await shared()).listVariables(app, options));
  reaching(env, 'pull', 'Read the variables as a dotenv file or as JSON')
    .argument('<app>', APP)
    .option('--format <format>', 'dotenv, or json: one object of names and values', 'dotenv')
    .option('--output <file>', 'into a file that only oneself can read')
    .option('--quiet', 'nothing but the variables')
    .action(async (app, options) => (await shared()).pullVariables(app, options));
  remote(env, 'push', 'Set the variables of a file, once its differences are shown')
    .argument('<app>', APP)
    .argument('<file>', 'dotenv or JSON; - for standard input')
    .option('--format <format>', 'dotenv or json; what the name of the file ends with')
    .option('--prune', 'remove what the file lacks')
    .option('--dry-run', 'show the differences and change nothing')
    .option('--yes', YES)
    .action(async (app, file, options) => (await import('./environment-push.ts')).pushVariables(app, file, options));
  remote(env, 'set', 'Set one variable; its value comes from standard input or a prompt')
    .argument('<app>', APP)
    .argument('<name>', 'its name; NAME=- says that the value is on standard input')
    .option('--empty', 'set it to the empty text')
    .action(async (app, name, options) => (await shared()).setVariable(app, name, options));
  remote(env, 'unset', 'Remove variables')
    .argument('<app>', APP)
    .argument('<names...>', 'their names')
    .option('--yes', YES)
    .action(async (app, names, options) => (await shared()).unsetVariables(app, names, options));
  remote(env, 'versions', 'List who changed which names')
    .argument('<app>', APP)
    .option('--limit <count>', 'at most so many', '50')
    .action(async (app, options) => (await shared()).listVersions(app, options));
  remote(env, 'restore', 'Make the variables again what they were in a version')
    .argument('<app>', APP)
    .argument('<version>', 'its number')
    .option('--yes', YES)
    .action(async (app, version, options) => (await shared()).restoreVersion(app, version, options));
  reaching(env, 'run', 'Run a command that has the variables; it ends as the command does')
    .argument('<app>', APP)
    .argument('<command...>', 'behind --, as it is: no shell reads it')
    .action(async (app, command, options) => (await import('./environment-run.ts')).runWith(app, command, options));
}
