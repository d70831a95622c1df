import type { Command } from '@commander-js/extra-typings';
import { apiCommand, declared, FROM_INSTANT_HELP, LIMIT_HELP, TO_INSTANT_HELP, YES_HELP } from './command-builders.ts';
import { parseList } from './input.ts';

/** Declares the commands for the activity tracker, the error tracker and source maps. */
export function trackerCommands(program: Command): void {
  activityCommands(program);
  errorCommands(program);
  sourceMapCommands(program);
}

function activityCommands(program: Command): void {
  const parent = program
    .command('activity')
    .description(
      'Send and view events of your own systems in the activity tracker (for the activity log: devpilot audit)',
    );
  const load = () => import('./activity.ts');
  apiCommand(parent, 'events', 'List events, newest first')
    .option('--type <type>', 'filter by type')
    .option('--source <source>', 'filter by source')
    .option('--subject <subject>', 'filter by subject')
    .option('--from <when>', FROM_INSTANT_HELP)
    .option('--to <when>', TO_INSTANT_HELP)
    .option('--limit <count>', LIMIT_HELP, '50')
    .option('--csv', 'output all matching events as CSV, without a limit')
    .action(async (options) => (await load()).listEvents(declared(options)));
  apiCommand(parent, 'analytics', 'Count events and unique subjects over time')
    .option('--interval <interval>', 'length of each interval: minute, hour or day')
    .option('--group-by <field>', 'group by type, source or subject')
    .option('--from <when>', FROM_INSTANT_HELP)
    .option('--to <when>', TO_INSTANT_HELP)
    .option('--csv', 'output CSV')
    .action(async (options) => (await load()).showAnalytics(declared(options)));
  apiCommand(parent, 'send', 'Send events from a file, or a single event from options')
    .argument(
      '[file]',
      'file of CloudEvents in JSON: an object, an array, or one object per line; - for standard input',
    )
    .option('--type <type>', 'type of the event')
    .option('--source <source>', 'source of the event')
    .option('--subject <subject>', 'subject of the event')
    .option('--id <id>', 'ID of the event; events with the same source and ID are stored once (default: random)')
    .option('--data <json>', 'JSON payload of the event; - for standard input')
    .action(async (file, options) => (await load()).sendEvents(file, declared(options)));
}

function errorCommands(program: Command): void {
  const parent = program.command('errors').description('Manage issues of the error tracker');
  const load = () => import('./errors.ts');
  apiCommand(parent, 'list', 'List issues, most recently seen first')
    .option('--search <text>', 'filter by part of the title')
    .option('--status <status>', 'filter by status: open, resolved or muted')
    .option('--level <level>', 'filter by level, such as error or warning')
    .option('--app <app>', 'filter by app: ID or slug')
    .option('--release <release>', 'filter by release')
    .option('--environment <environment>', 'filter by environment')
    .option('--sort <field>', 'sort by -lastSeenAt, -firstSeenAt or -count')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listIssues(declared(options)));
  apiCommand(parent, 'show', 'Show an issue and its latest occurrence')
    .argument('<id>', 'ID of the issue')
    .action(async (id, options) => (await load()).showIssue(id, declared(options)));
  apiCommand(parent, 'resolve', 'Resolve issues; a resolved issue reopens when its error occurs again')
    .argument('<ids...>', 'IDs of the issues')
    .option(
      '--in-release <release>',
      'release that contains the fix; errors of earlier releases do not reopen the issues',
    )
    .action(async (ids, options) => (await load()).setIssueStatus(ids, 'resolved', declared(options)));
  apiCommand(parent, 'reopen', 'Reopen issues')
    .argument('<ids...>', 'IDs of the issues')
    .action(async (ids, options) => (await load()).setIssueStatus(ids, 'open', declared(options)));
  apiCommand(parent, 'mute', 'Mute issues; new occurrences are counted but do not reopen them')
    .argument('<ids...>', 'IDs of the issues')
    .action(async (ids, options) => (await load()).setIssueStatus(ids, 'muted', declared(options)));
  apiCommand(parent, 'delete', 'Delete issues and their occurrences')
    .argument('<ids...>', 'IDs of the issues')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteIssues(ids, declared(options)));
  errorKeyCommands(parent);
}

function errorKeyCommands(errors: Command): void {
  const parent = errors
    .command('keys')
    .description('Manage error keys, non-secret keys with which Sentry SDKs submit errors');
  const load = () => import('./error-keys.ts');
  apiCommand(parent, 'list', 'List error keys and their DSNs')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listErrorKeys(declared(options)));
  apiCommand(parent, 'create', 'Create an error key and print its DSN')
    .requiredOption('--name <name>', 'name of the key (required)')
    .option('--app <app>', 'ID or slug of the app to report errors for')
    .option(
      '--origin <origins>',
      'origins of web pages that can use the key, such as https://shop.example.com, separated by commas; can be repeated (default: any)',
      parseList,
    )
    .action(async (options) => (await load()).createErrorKey(declared(options)));
  apiCommand(parent, 'delete', 'Delete error keys; errors submitted with them are rejected')
    .argument('<ids...>', 'IDs of the error keys')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteErrorKeys(ids, declared(options)));
}

function sourceMapCommands(program: Command): void {
  const parent = program
    .command('sourcemaps')
    .description('Manage source maps for the stack traces of minified scripts');
  const load = () => import('./source-maps.ts');
  apiCommand(
    parent,
    'upload',
    'Upload the source maps in a directory; scripts that report no debug ID are modified to report one',
  )
    .argument('[directory]', 'directory with scripts and their source maps', 'dist')
    .requiredOption('--app <app>', 'ID or slug of the app (required)')
    .option('--no-inject', 'leave files unchanged, and upload only source maps of scripts that have a debug ID')
    .action(async (directory, options) => (await load()).uploadSourceMaps(directory, declared(options)));
  apiCommand(parent, 'list', 'List source maps, newest first')
    .option('--app <app>', 'filter by app: ID or slug')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listSourceMaps(declared(options)));
  apiCommand(parent, 'delete', 'Delete source maps')
    .argument('<ids...>', 'IDs of the source maps')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteSourceMaps(ids, declared(options)));
}
