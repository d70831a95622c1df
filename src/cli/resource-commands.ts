import type { Command, OptionValues } from '@commander-js/extra-typings';
import { apiCommand, collectValues, declared, LIMIT_HELP, YES_HELP } from './command-builders.ts';

/** Declares the commands for projects, apps, servers and scripts. */
export function resourceCommands(program: Command): void {
  projectCommands(program);
  appCommands(program);
  serverCommands(program);
  scriptCommands(program);
}

const ID_OR_SLUG = 'ID or slug';
const withArticle = (noun: string) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
const FROM_HELP = 'JSON file with the fields of the API request; - for standard input; options override its fields';
const SLUG_HELP = 'slug (default: derived from the name)';

const listCommand = (parent: Command) =>
  apiCommand(parent, 'list', `List ${parent.name()}`)
    .option('--search <text>', 'filter by part of the name')
    .option('--sort <field>', 'sort by createdAt or name; prefix - for descending')
    .option('--limit <count>', LIMIT_HELP);
const showCommand = (parent: Command, noun: string) =>
  apiCommand(parent, 'show', `Show details of ${withArticle(noun)}`).argument(`<${noun}>`, ID_OR_SLUG);
const deleteCommand = (parent: Command, noun: string) =>
  apiCommand(parent, 'delete', `Delete ${noun}s`).argument(`<${noun}s...>`, 'IDs or slugs').option('--yes', YES_HELP);
const createCommand = (parent: Command, noun: string) =>
  apiCommand(parent, 'create', `Create ${withArticle(noun)}`)
    .option('--name <name>', 'name')
    .option('--slug <slug>', SLUG_HELP)
    .option('--from <file>', FROM_HELP);
const updateCommand = (parent: Command, noun: string) =>
  apiCommand(parent, 'update', `Update ${withArticle(noun)}; pass an empty string to clear an optional field`)
    .argument(`<${noun}>`, ID_OR_SLUG)
    .option('--name <name>', 'new name')
    .option('--from <file>', FROM_HELP);

function projectCommands(program: Command): void {
  const parent = program.command('projects').description('Manage projects');
  const load = async () => (await import('./projects.ts')).projects;
  const loadResources = () => import('./resources.ts');
  listCommand(parent).action(async (options) =>
    (await load()).list((await loadResources()).listQuery(declared(options)), declared(options)),
  );
  showCommand(parent, 'project').action(async (idOrSlug, options) => (await load()).show(idOrSlug, declared(options)));
  createCommand(parent, 'project')
    .option('--description <text>', 'description')
    .action(async (options) => {
      const { name, slug, description } = options;
      return (await load()).create(
        (await loadResources()).definedFields({ name, slug, description }),
        declared(options),
      );
    });
  updateCommand(parent, 'project')
    .option('--description <text>', 'new description')
    .action(async (idOrSlug, options) => {
      const { name, description } = options;
      return (await load()).update(
        idOrSlug,
        (await loadResources()).definedFields({ name, description }),
        declared(options),
      );
    });
  deleteCommand(parent, 'project').action(async (idsOrSlugs, options) =>
    (await load()).delete(idsOrSlugs, declared(options)),
  );
}

const isUpdate = (command: { name: () => string }) => command.name() === 'update';
/** Returns a note for the help of an option of an update; empty for a command that creates. */
const updateNote = (command: { name: () => string }, note = 'replaces the current ones') =>
  isUpdate(command) ? `; ${note}` : '';
/**
 * Returns a note about the default of an option of a command that creates; empty for an update, which has no default.
 */
const defaultNote = (command: { name: () => string }, value: string) =>
  isUpdate(command) ? '' : ` (default: ${value})`;
const PATTERN_NOTE = '--param and --pattern together replace the current parameters, so repeat --param';
const PUSH_NOTE = '--push-branch and --push-path together replace the current ones';

const withAppOptions = <Args extends unknown[], Options extends OptionValues>(command: Command<Args, Options>) =>
  command
    .option('--project <project>', `${ID_OR_SLUG} of the project`)
    .option('--server <server>', `${ID_OR_SLUG} of the server`)
    .option('--repository <url>', "Git repository: a URL or path that the app's server can fetch from")
    .option('--repository-user <user>', 'user name for an HTTP or HTTPS repository; not needed with a token')
    .option(
      '--repository-password <source>',
      'password or token for an HTTP or HTTPS repository; the source must be -, for standard input',
    )
    .option('--branch <branch>', 'branch to deploy by default')
    .option('--directory <path>', 'directory of the app on its server')
    .option('--keep-releases <count>', 'number of releases to keep')
    .option('--log-command <command>', 'command that prints the log of the app')
    .option(
      '--require-variable <name>',
      `variable that must have a value before the app is deployed; can be repeated, '' for none${updateNote(command)}`,
      collectValues,
    )
    .option(
      '--push-branch <pattern>',
      `deploy when one of these branches is pushed; * matches any characters except /, ** any characters; can be repeated${updateNote(command, PUSH_NOTE)}`,
      collectValues,
    )
    .option(
      '--push-path <pattern>',
      `deploy only pushes that change one of these paths, such as 'services/shop/**', or whose changes the Git host does not list completely; can be repeated${updateNote(command, PUSH_NOTE)}`,
      collectValues,
    );

function appCommands(program: Command): void {
  const parent = program.command('apps').description('Manage apps');
  const load = () => import('./apps.ts');
  listCommand(parent)
    .option('--project <project>', `filter by project: ${ID_OR_SLUG}`)
    .option('--server <server>', `filter by server: ${ID_OR_SLUG}`)
    .action(async (options) => {
      const { listQuery } = await import('./resources.ts');
      const { project, server } = options;
      return (await load()).apps.list({ ...listQuery(declared(options)), project, server }, declared(options));
    });
  showCommand(parent, 'app').action(async (idOrSlug, options) => (await load()).apps.show(idOrSlug, declared(options)));
  withAppOptions(createCommand(parent, 'app')).action(async (options) => {
    const { apps, appFields } = await load();
    return apps.create(await appFields(declared(options)), declared(options));
  });
  withAppOptions(updateCommand(parent, 'app')).action(async (idOrSlug, options) => {
    const { apps, appFields } = await load();
    return apps.update(idOrSlug, await appFields({ slug: undefined, ...declared(options) }), declared(options));
  });
  deleteCommand(parent, 'app').action(async (idsOrSlugs, options) =>
    (await load()).apps.delete(idsOrSlugs, declared(options)),
  );
  apiCommand(parent, 'deploy-key', 'Print the deploy key of an app; creates one if the app has none')
    .argument('<app>', ID_OR_SLUG)
    .option('--replace', 'create a new key')
    .option('--delete', 'delete the key')
    .option('--check', 'connect to the Git host and print its host keys')
    .option('--confirm <key>', 'trust this host key of the Git host, as one line in OpenSSH format')
    .option('--yes', YES_HELP)
    .action(async (idOrSlug, options) => (await import('./deploy-key.ts')).deployKey(idOrSlug, declared(options)));
  apiCommand(
    parent,
    'commit-status',
    'Show or set the Git host API to which deployments are reported as commit statuses',
  )
    .argument('<app>', ID_OR_SLUG)
    .option('--token <source>', 'token of the Git host; the source must be -, for standard input')
    .option('--kind <kind>', 'API of the Git host: github, gitlab or gitea (also for Forgejo)')
    .option('--api-url <url>', 'base URL of the API (default: derived from the URL of the repository)')
    .option('--delete', 'stop reporting, and delete the token')
    .option('--yes', YES_HELP)
    .action(async (idOrSlug, options) =>
      (await import('./commit-status.ts')).commitStatus(idOrSlug, declared(options)),
    );
  apiCommand(
    parent,
    'push-secret',
    'Create or replace the secret with which the Git host authenticates push webhooks; prints only the secret to standard output',
  )
    .argument('<app>', ID_OR_SLUG)
    .option('--yes', YES_HELP)
    .action(async (idOrSlug, options) => (await load()).replacePushSecret(idOrSlug, declared(options)));
}

const withServerOptions = <Args extends unknown[], Options extends OptionValues>(command: Command<Args, Options>) =>
  command
    .option('--host <host>', 'host name or IP address')
    .option('--port <port>', `SSH port${defaultNote(command, '22')}`)
    .option('--user <user>', 'user to log in as')
    .option('--host-key <key>', 'host key to pin, as one line in OpenSSH format');

function serverCommands(program: Command): void {
  const parent = program.command('servers').description('Manage servers');
  const load = () => import('./servers.ts');
  listCommand(parent).action(async (options) => {
    const { listQuery } = await import('./resources.ts');
    return (await load()).servers.list(listQuery(declared(options)), declared(options));
  });
  showCommand(parent, 'server').action(async (idOrSlug, options) =>
    (await load()).servers.show(idOrSlug, declared(options)),
  );
  withServerOptions(createCommand(parent, 'server'))
    .option('--kind <kind>', 'kind: ssh or, if this installation allows it, local (default: ssh)')
    .action(async (options) => {
      const { servers, serverFields } = await load();
      return servers.create(serverFields(declared(options)), declared(options), { kind: 'ssh' });
    });
  withServerOptions(updateCommand(parent, 'server')).action(async (idOrSlug, options) => {
    const { servers, serverFields } = await load();
    return servers.update(
      idOrSlug,
      serverFields({ slug: undefined, kind: undefined, ...declared(options) }),
      declared(options),
    );
  });
  deleteCommand(parent, 'server').action(async (idsOrSlugs, options) =>
    (await load()).servers.delete(idsOrSlugs, declared(options)),
  );
  apiCommand(
    parent,
    'check',
    'Connect to a server, compare its host key with the pinned one, and print the received key',
  )
    .argument('<server>', ID_OR_SLUG)
    .action(async (idOrSlug, options) => (await load()).checkServer(idOrSlug, declared(options)));
  apiCommand(
    parent,
    'confirm',
    'Allow jobs to run on a server with its current host, port, user and host key; does not accept a changed host key',
  )
    .argument('<server>', ID_OR_SLUG)
    .option('--yes', YES_HELP)
    .action(async (idOrSlug, options) => (await load()).confirmServer(idOrSlug, declared(options)));
  apiCommand(
    parent,
    'accept-host-key',
    'Trust a changed host key: replace the pinned host key with the key that the last check received',
  )
    .argument('<server>', ID_OR_SLUG)
    .option('--yes', YES_HELP)
    .action(async (idOrSlug, options) => (await load()).acceptHostKey(idOrSlug, declared(options)));
}

const withScriptOptions = <Args extends unknown[], Options extends OptionValues>(command: Command<Args, Options>) =>
  command
    .option('--description <text>', 'description')
    .option('--app <app>', `${ID_OR_SLUG} of the app that the script belongs to`)
    .option('--server <server>', `${ID_OR_SLUG} of the server to run on`)
    .option('--body <file>', 'file with the body of the script; - for standard input')
    .option('--interpreter <path>', `interpreter${defaultNote(command, '/bin/sh')}`)
    .option('--run-as <user>', 'user to run the script as')
    .option('--timeout <seconds>', 'maximum run time in seconds')
    .option('--schedule <cron>', 'cron expression with five fields, or a macro such as @daily')
    .option('--time-zone <name>', `time zone of the schedule, such as Europe/Berlin${defaultNote(command, 'UTC')}`)
    .option(
      '--overlap <policy>',
      'what to do with a run that is due while the script is running: skip, queue or allow it',
    )
    .option('--keep-runs <count>', 'number of finished runs to keep')
    .option(
      '--param <NAME[=DEFAULT]>',
      `parameter, optionally with a default; can be repeated${updateNote(command)}`,
      collectValues,
    )
    .option(
      '--pattern <NAME=PATTERN>',
      `regular expression that the value of a parameter must match; can be repeated${updateNote(command, PATTERN_NOTE)}`,
      collectValues,
    );

function scriptCommands(program: Command): void {
  const parent = program.command('scripts').description('Manage scripts');
  const load = () => import('./scripts.ts');
  listCommand(parent)
    .option('--server <server>', `filter by server: ${ID_OR_SLUG}`)
    .option('--app <app>', `filter by app: ${ID_OR_SLUG}`)
    .action(async (options) => {
      const { listQuery } = await import('./resources.ts');
      const { server, app } = options;
      return (await load()).scripts.list({ ...listQuery(declared(options)), server, app }, declared(options));
    });
  showCommand(parent, 'script').action(async (idOrSlug, options) =>
    (await load()).scripts.show(idOrSlug, declared(options)),
  );
  withScriptOptions(createCommand(parent, 'script')).action(async (options) => {
    const { scripts, scriptFields } = await load();
    return scripts.create(await scriptFields(declared(options)), declared(options));
  });
  withScriptOptions(updateCommand(parent, 'script')).action(async (idOrSlug, options) => {
    const { scripts, scriptFields } = await load();
    return scripts.update(idOrSlug, await scriptFields({ slug: undefined, ...declared(options) }), declared(options));
  });
  apiCommand(parent, 'next-runs', 'List the next scheduled run times of a script')
    .argument('<script>', ID_OR_SLUG)
    .action(async (idOrSlug, options) => (await load()).listNextRuns(idOrSlug, declared(options)));
  deleteCommand(parent, 'script').action(async (idsOrSlugs, options) =>
    (await load()).scripts.delete(idsOrSlugs, declared(options)),
  );
}
