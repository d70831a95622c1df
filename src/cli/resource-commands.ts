import type { Command } from 'commander';
import { AT_MOST, gather, remote, YES } from './declare.ts';
import { readWords } from './input.ts';

/** Projects, apps, servers, scripts, activity and errors, as they are declared. */
export function resourceCommands(program: Command): void {
  projectCommands(program);
  appCommands(program);
  serverCommands(program);
  scriptCommands(program);
  activityCommands(program);
  errorCommands(program);
}

const NAMED = 'id or slug';
const FROM = 'a JSON file with fields as the API takes them, - for standard input; options go before it';
const SLUG = 'its slug; made from the name unless given';

const list = (parent: Command) =>
  remote(parent, 'list', 'List them')
    .option('--search <text>', 'part of the name')
    .option('--sort <field>', 'createdAt or name; - before it for descending')
    .option('--limit <count>', AT_MOST);
const show = (parent: Command, noun: string) => remote(parent, 'show', 'Show one').argument(`<${noun}>`, NAMED);
const remove = (parent: Command, noun: string) =>
  remote(parent, 'delete', 'Delete').argument(`<${noun}s...>`, 'ids or slugs').option('--yes', YES);
const create = (parent: Command) =>
  remote(parent, 'create', 'Create one')
    .option('--name <name>', 'its name')
    .option('--slug <slug>', SLUG)
    .option('--from <file>', FROM);
const update = (parent: Command, noun: string) =>
  remote(parent, 'update', 'Change one; an empty text takes away what may be missing')
    .argument(`<${noun}>`, NAMED)
    .option('--name <name>', 'its new name')
    .option('--from <file>', FROM);

function projectCommands(program: Command): void {
  const parent = program.command('projects').description('Projects');
  const load = async () => (await import('./projects.ts')).projects;
  const shared = () => import('./resources.ts');
  list(parent).action(async (options) => (await load()).list((await shared()).listQuery(options), options));
  show(parent, 'project').action(async (named, options) => (await load()).show(named, options));
  create(parent)
    .option('--description <text>', 'what it is')
    .action(async (options) => {
      const { name, slug, description } = options;
      return (await load()).create((await shared()).given({ name, slug, description }), options);
    });
  update(parent, 'project')
    .option('--description <text>', 'what it is')
    .action(async (named, options) => {
      const { name, description } = options;
      return (await load()).update(named, (await shared()).given({ name, description }), options);
    });
  remove(parent, 'project').action(async (names, options) => (await load()).delete(names, options));
}

const withApp = (command: Command) =>
  command
    .option('--project <project>', `${NAMED} of its project`)
    .option('--server <server>', `${NAMED} of its server`)
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
  list(parent)
    .option('--project <project>', `${NAMED} of a project`)
    .option('--server <server>', `${NAMED} of a server`)
    .action(async (options) => {
      const { listQuery } = await import('./resources.ts');
      const { project, server } = options;
      return (await load()).apps.list({ ...listQuery(options), project, server }, options);
    });
  show(parent, 'app').action(async (named, options) => (await load()).apps.show(named, options));
  withApp(create(parent)).action(async (options) => {
    const { apps, appFields } = await load();
    return apps.create(await appFields(options), options);
  });
  withApp(update(parent, 'app')).action(async (named, options) => {
    const { apps, appFields } = await load();
    return apps.update(named, await appFields(options), options);
  });
  remove(parent, 'app').action(async (names, options) => (await load()).apps.delete(names, options));
}

const withServer = (command: Command) =>
  command
    .option('--host <host>', 'host name or address')
    .option('--port <port>', '22 unless given')
    .option('--user <user>', 'who is signed in as')
    .option('--host-key <key>', 'the public key that alone is trusted, as one line of OpenSSH');

function serverCommands(program: Command): void {
  const parent = program.command('servers').description('Servers');
  const load = () => import('./servers.ts');
  list(parent).action(async (options) => {
    const { listQuery } = await import('./resources.ts');
    return (await load()).servers.list(listQuery(options), options);
  });
  show(parent, 'server').action(async (named, options) => (await load()).servers.show(named, options));
  withServer(create(parent))
    .option('--kind <kind>', 'ssh unless given; local where the server allows it')
    .action(async (options) => {
      const { servers, serverFields } = await load();
      return servers.create(serverFields(options), options, { kind: 'ssh' });
    });
  withServer(update(parent, 'server')).action(async (named, options) => {
    const { servers, serverFields } = await load();
    return servers.update(named, serverFields(options), options);
  });
  remove(parent, 'server').action(async (names, options) => (await load()).servers.delete(names, options));
  remote(parent, 'check', 'Connect with exactly the pinned host key; prints the key that the host shows')
    .argument('<server>', NAMED)
    .action(async (named, options) => (await load()).checkServer(named, options));
  remote(parent, 'confirm', 'Confirm the host, port, user and host key of a server, so that steps may run on it')
    .argument('<server>', NAMED)
    .option('--yes', 'do not ask')
    .action(async (named, options) => (await load()).confirmServer(named, options));
}

const withScript = (command: Command) =>
  command
    .option('--description <text>', 'what it does')
    .option('--server <server>', `${NAMED} of the server that it runs on`)
    .option('--body <file>', 'the script itself; - for standard input')
    .option('--interpreter <path>', '/bin/sh unless given')
    .option('--run-as <user>', 'another user of the server')
    .option('--timeout <seconds>', 'how long it may run')
    .option('--schedule <cron>', 'five fields as in cron, in UTC, or such as @daily')
    .option('--param <NAME[=DEFAULT]>', 'a parameter; may be repeated', gather)
    .option('--pattern <NAME=PATTERN>', 'what the value of a parameter must match; may be repeated', gather);

function scriptCommands(program: Command): void {
  const parent = program.command('scripts').description('Scripts');
  const load = () => import('./scripts.ts');
  list(parent)
    .option('--server <server>', `${NAMED} of a server`)
    .action(async (options) => {
      const { listQuery } = await import('./resources.ts');
      return (await load()).scripts.list({ ...listQuery(options), server: options.server }, options);
    });
  show(parent, 'script').action(async (named, options) => (await load()).scripts.show(named, options));
  withScript(create(parent)).action(async (options) => {
    const { scripts, scriptFields } = await load();
    return scripts.create(await scriptFields(options), options);
  });
  withScript(update(parent, 'script')).action(async (named, options) => {
    const { scripts, scriptFields } = await load();
    return scripts.update(named, await scriptFields(options), options);
  });
  remove(parent, 'script').action(async (names, options) => (await load()).scripts.delete(names, options));
}

const SINCE = 'an instant';

function activityCommands(program: Command): void {
  const parent = program.command('activity').description('The activity tracker');
  const load = () => import('./activity.ts');
  remote(parent, 'events', 'List events, newest first')
    .option('--type <type>', 'of this type')
    .option('--source <source>', 'from this source')
    .option('--subject <subject>', 'about this subject')
    .option('--from <instant>', 'from then on')
    .option('--to <instant>', 'before then')
    .option('--limit <count>', AT_MOST, '50')
    .option('--csv', 'all of them as CSV')
    .action(async (options) => (await load()).listEvents(options));
  remote(parent, 'analytics', 'Count events and distinct subjects over time')
    .option('--interval <interval>', 'minute, hour or day')
    .option('--group-by <field>', 'type, source or subject')
    .option('--from <instant>', SINCE)
    .option('--to <instant>', SINCE)
    .option('--csv', 'as CSV')
    .action(async (options) => (await load()).showAnalytics(options));
  remote(parent, 'send', 'Send events')
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
  remote(parent, 'list', 'List issues, the last seen first')
    .option('--search <text>', 'part of the title')
    .option('--status <status>', 'open, resolved or muted')
    .option('--level <level>', 'such as error or warning')
    .option('--app <app>', 'that it was reported for')
    .option('--release <release>', 'that it was seen in')
    .option('--environment <environment>', 'that it was seen in')
    .option('--sort <field>', '-lastSeenAt, -firstSeenAt or -count')
    .option('--limit <count>', AT_MOST, '50')
    .action(async (options) => (await load()).listIssues(options));
  remote(parent, 'show', 'Show an issue and where it happened last')
    .argument('<id>')
    .action(async (id, options) => (await load()).showIssue(id, options));
  remote(parent, 'resolve', 'Resolve issues; one that comes again is open again')
    .argument('<ids...>')
    .action(async (ids, options) => (await load()).turnIssues(ids, 'resolved', options));
  remote(parent, 'reopen', 'Open issues again')
    .argument('<ids...>')
    .action(async (ids, options) => (await load()).turnIssues(ids, 'open', options));
  remote(parent, 'mute', 'Mute issues: they are counted and do not reopen')
    .argument('<ids...>')
    .action(async (ids, options) => (await load()).turnIssues(ids, 'muted', options));
  remote(parent, 'delete', 'Delete issues with their occurrences')
    .argument('<ids...>')
    .option('--yes', YES)
    .action(async (ids, options) => (await load()).deleteIssues(ids, options));
  errorKeyCommands(parent);
}

function errorKeyCommands(errors: Command): void {
  const parent = errors.command('keys').description('Public keys that can only submit errors, for Sentry SDKs');
  const load = () => import('./error-keys.ts');
  remote(parent, 'list', 'List error keys with their DSNs')
    .option('--limit <count>', AT_MOST, '50')
    .action(async (options) => (await load()).listKeys(options));
  remote(parent, 'create', 'Create an error key and print its DSN')
    .requiredOption('--name <name>', 'its name')
    .option('--app <app>', `${NAMED} of the app that its errors belong to`)
    .option('--origin <origins>', 'origins whose pages may use it, such as https://shop.example.com (any)', readWords)
    .action(async (options) => (await load()).createKey(options));
  remote(parent, 'delete', 'Delete error keys; what is reported with them is refused')
    .argument('<ids...>')
    .option('--yes', YES)
    .action(async (ids, options) => (await load()).deleteKeys(ids, options));
}
