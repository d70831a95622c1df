import type { Command } from 'commander';
import { apiCommand, collectValues, LIMIT_HELP, YES_HELP } from './command-builders.ts';
import { parseList } from './input.ts';

/** Projects, apps, servers, scripts, activity and errors, as they are declared. */
export function resourceCommands(program: Command): void {
  projectCommands(program);
  appCommands(program);
  serverCommands(program);
  scriptCommands(program);
  activityCommands(program);
  errorCommands(program);
}

const ID_OR_SLUG = 'id or slug';
const FROM_HELP = 'a JSON file with fields as the API takes them, - for standard input; options go before it';
const SLUG_HELP = 'its slug; made from the name unless given';

const listCommand = (parent: Command) =>
  apiCommand(parent, 'list', 'List them')
    .option('--search <text>', 'part of the name')
    .option('--sort <field>', 'createdAt or name; - before it for descending')
    .option('--limit <count>', LIMIT_HELP);
const showCommand = (parent: Command, noun: string) =>
  apiCommand(parent, 'show', 'Show one').argument(`<${noun}>`, ID_OR_SLUG);
const deleteCommand = (parent: Command, noun: string) =>
  apiCommand(parent, 'delete', 'Delete').argument(`<${noun}s...>`, 'ids or slugs').option('--yes', YES_HELP);
const createCommand = (parent: Command) =>
  apiCommand(parent, 'create', 'Create one')
    .option('--name <name>', 'its name')
    .option('--slug <slug>', SLUG_HELP)
    .option('--from <file>', FROM_HELP);
const updateCommand = (parent: Command, noun: string) =>
  apiCommand(parent, 'update', 'Change one; an empty text takes away what may be missing')
    .argument(`<${noun}>`, ID_OR_SLUG)
    .option('--name <name>', 'its new name')
    .option('--from <file>', FROM_HELP);

function projectCommands(program: Command): void {
  const parent = program.command('projects').description('Projects');
  const load = async () => (await import('./projects.ts')).projects;
  const shared = () => import('./resources.ts');
  listCommand(parent).action(async (options) => (await load()).list((await shared()).listQuery(options), options));
  showCommand(parent, 'project').action(async (idOrSlug, options) => (await load()).show(idOrSlug, options));
  createCommand(parent)
    .option('--description <text>', 'what it is')
    .action(async (options) => {
      const { name, slug, description } = options;
      return (await load()).create((await shared()).definedFields({ name, slug, description }), options);
    });
  updateCommand(parent, 'project')
    .option('--description <text>', 'what it is')
    .action(async (idOrSlug, options) => {
      const { name, description } = options;
      return (await load()).update(idOrSlug, (await shared()).definedFields({ name, description }), options);
    });
  deleteCommand(parent, 'project').action(async (names, options) => (await load()).delete(names, options));
}

const withAppOptions = (command: Command) =>
  command
    .option('--project <project>', `${ID_OR_SLUG} of its project`)
    .option('--server <server>', `${ID_OR_SLUG} of its server`)
    .option('--repository <url>', 'URL or path that git can fetch on the server')
    .option('--repository-user <user>', 'user of an http or https repository; not needed with a token')
    .option(
      '--repository-password <->',
      "read the repository's password or token from standard input: --repository-password -",
    )
    .option('--branch <branch>', 'what is deployed unless said otherwise')
    .option('--directory <path>', 'where it lives on its server')
    .option('--keep-releases <count>', 'how many releases stay')
    .option('--log-command <command>', 'what writes its log');

function appCommands(program: Command): void {
  const parent = program.command('apps').description('Apps');
  const load = () => import('./apps.ts');
  listCommand(parent)
    .option('--project <project>', `${ID_OR_SLUG} of a project`)
    .option('--server <server>', `${ID_OR_SLUG} of a server`)
    .action(async (options) => {
      const { listQuery } = await import('./resources.ts');
      const { project, server } = options;
      return (await load()).apps.list({ ...listQuery(options), project, server }, options);
    });
  showCommand(parent, 'app').action(async (idOrSlug, options) => (await load()).apps.show(idOrSlug, options));
  withAppOptions(createCommand(parent)).action(async (options) => {
    const { apps, appFields } = await load();
    return apps.create(await appFields(options), options);
  });
  withAppOptions(updateCommand(parent, 'app')).action(async (idOrSlug, options) => {
    const { apps, appFields } = await load();
    return apps.update(idOrSlug, await appFields(options), options);
  });
  deleteCommand(parent, 'app').action(async (names, options) => (await load()).apps.delete(names, options));
}

const withServerOptions = (command: Command) =>
  command
    .option('--host <host>', 'host name or address')
    .option('--port <port>', '22 unless given')
    .option('--user <user>', 'who is signed in as')
    .option('--host-key <key>', 'the public key that alone is trusted, as one line of OpenSSH');

function serverCommands(program: Command): void {
  const parent = program.command('servers').description('Servers');
  const load = () => import('./servers.ts');
  listCommand(parent).action(async (options) => {
    const { listQuery } = await import('./resources.ts');
    return (await load()).servers.list(listQuery(options), options);
  });
  showCommand(parent, 'server').action(async (idOrSlug, options) => (await load()).servers.show(idOrSlug, options));
  withServerOptions(createCommand(parent))
    .option('--kind <kind>', 'ssh unless given; local where the server allows it')
    .action(async (options) => {
      const { servers, serverFields } = await load();
      return servers.create(serverFields(options), options, { kind: 'ssh' });
    });
  withServerOptions(updateCommand(parent, 'server')).action(async (idOrSlug, options) => {
    const { servers, serverFields } = await load();
    return servers.update(idOrSlug, serverFields(options), options);
  });
  deleteCommand(parent, 'server').action(async (names, options) => (await load()).servers.delete(names, options));
  apiCommand(parent, 'check', 'Connect with exactly the pinned host key; prints the key that the host shows')
    .argument('<server>', ID_OR_SLUG)
    .action(async (idOrSlug, options) => (await load()).checkServer(idOrSlug, options));
  apiCommand(parent, 'confirm', 'Confirm the host, port, user and host key of a server, so that steps may run on it')
    .argument('<server>', ID_OR_SLUG)
    .option('--yes', 'do not ask')
    .action(async (idOrSlug, options) => (await load()).confirmServer(idOrSlug, options));
}

const withScriptOptions = (command: Command) =>
  command
    .option('--description <text>', 'what it does')
    .option('--server <server>', `${ID_OR_SLUG} of the server that it runs on`)
    .option('--body <file>', 'the script itself; - for standard input')
    .option('--interpreter <path>', '/bin/sh unless given')
    .option('--run-as <user>', 'another user of the server')
    .option('--timeout <seconds>', 'how long it may run')
    .option('--schedule <cron>', 'five fields as in cron, in UTC, or such as @daily')
    .option('--param <NAME[=DEFAULT]>', 'a parameter; may be repeated', collectValues)
    .option('--pattern <NAME=PATTERN>', 'what the value of a parameter must match; may be repeated', collectValues);

function scriptCommands(program: Command): void {
  const parent = program.command('scripts').description('Scripts');
  const load = () => import('./scripts.ts');
  listCommand(parent)
    .option('--server <server>', `${ID_OR_SLUG} of a server`)
    .action(async (options) => {
      const { listQuery } = await import('./resources.ts');
      return (await load()).scripts.list({ ...listQuery(options), server: options.server }, options);
    });
  showCommand(parent, 'script').action(async (idOrSlug, options) => (await load()).scripts.show(idOrSlug, options));
  withScriptOptions(createCommand(parent)).action(async (options) => {
    const { scripts, scriptFields } = await load();
    return scripts.create(await scriptFields(options), options);
  });
  withScriptOptions(updateCommand(parent, 'script')).action(async (idOrSlug, options) => {
    const { scripts, scriptFields } = await load();
    return scripts.update(idOrSlug, await scriptFields(options), options);
  });
  deleteCommand(parent, 'script').action(async (names, options) => (await load()).scripts.delete(names, options));
}

const INSTANT_HELP = 'an instant';

function activityCommands(program: Command): void {
  const parent = program.command('activity').description('The activity tracker');
  const load = () => import('./activity.ts');
  apiCommand(parent, 'events', 'List events, newest first')
    .option('--type <type>', 'of this type')
    .option('--source <source>', 'from this source')
    .option('--subject <subject>', 'about this subject')
    .option('--from <instant>', 'from then on')
    .option('--to <instant>', 'before then')
    .option('--limit <count>', LIMIT_HELP, '50')
    .option('--csv', 'all of them as CSV')
    .action(async (options) => (await load()).listEvents(options));
  apiCommand(parent, 'analytics', 'Count events and distinct subjects over time')
    .option('--interval <interval>', 'minute, hour or day')
    .option('--group-by <field>', 'type, source or subject')
    .option('--from <instant>', INSTANT_HELP)
    .option('--to <instant>', INSTANT_HELP)
    .option('--csv', 'as CSV')
    .action(async (options) => (await load()).showAnalytics(options));
  apiCommand(parent, 'send', 'Send events')
    .argument('[file]', 'CloudEvents in JSON: one, an array, or one a line; - for standard input')
    .option('--type <type>', 'without a file: the type of one event')
    .option('--source <source>', 'where it comes from')
    .option('--subject <subject>', 'what it is about')
    .option('--id <id>', 'with the same source and id an event is stored once')
    .option('--data <json>', 'what it says; - for standard input')
    .action(async (file, options) => (await load()).sendEvents(file, options));
}

function errorCommands(program: Command): void {
  const parent = program.command('errors').description('The error tracker');
  const load = () => import('./errors.ts');
  apiCommand(parent, 'list', 'List issues, the last seen first')
    .option('--search <text>', 'part of the title')
    .option('--status <status>', 'open, resolved or muted')
    .option('--level <level>', 'such as error or warning')
    .option('--app <app>', 'that it was reported for')
    .option('--release <release>', 'that it was seen in')
    .option('--environment <environment>', 'that it was seen in')
    .option('--sort <field>', '-lastSeenAt, -firstSeenAt or -count')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listIssues(options));
  apiCommand(parent, 'show', 'Show an issue and where it happened last')
    .argument('<id>')
    .action(async (id, options) => (await load()).showIssue(id, options));
  apiCommand(parent, 'resolve', 'Resolve issues; one that comes again is open again')
    .argument('<ids...>')
    .action(async (ids, options) => (await load()).setIssueStatus(ids, 'resolved', options));
  apiCommand(parent, 'reopen', 'Open issues again')
    .argument('<ids...>')
    .action(async (ids, options) => (await load()).setIssueStatus(ids, 'open', options));
  apiCommand(parent, 'mute', 'Mute issues: they are counted and do not reopen')
    .argument('<ids...>')
    .action(async (ids, options) => (await load()).setIssueStatus(ids, 'muted', options));
  apiCommand(parent, 'delete', 'Delete issues with their occurrences')
    .argument('<ids...>')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteIssues(ids, options));
  errorKeyCommands(parent);
}

function errorKeyCommands(errors: Command): void {
  const parent = errors.command('keys').description('Public keys that can only submit errors, for Sentry SDKs');
  const load = () => import('./error-keys.ts');
  apiCommand(parent, 'list', 'List error keys with their DSNs')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listErrorKeys(options));
  apiCommand(parent, 'create', 'Create an error key and print its DSN')
    .requiredOption('--name <name>', 'its name')
    .option('--app <app>', `${ID_OR_SLUG} of the app that its errors belong to`)
    .option('--origin <origins>', 'origins whose pages may use it, such as https://shop.example.com (any)', parseList)
    .action(async (options) => (await load()).createErrorKey(options));
  apiCommand(parent, 'delete', 'Delete error keys; what is reported with them is refused')
    .argument('<ids...>')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteErrorKeys(ids, options));
}
