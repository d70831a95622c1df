import type { Command } from '@commander-js/extra-typings';
import { REVIEW_DAYS } from '../contract/limits.ts';
import {
  describeRight,
  PERMISSIONS,
  type Permission,
  REVIEW_REASONS,
  SCOPES,
  type Scope,
} from '../contract/vocabulary.ts';
import { apiCommand, DATE_HELP, declared, LIMIT_HELP, YES_HELP } from './command-builders.ts';
import { parseList } from './input.ts';

/** Declares the commands for access tokens, API keys, the policy, reviews, imports and explanations of decisions. */
export function credentialCommands(program: Command): void {
  tokenCommands(program);
  keyCommands(program);
  policyCommands(program);
  reviewCommands(program);
  apiCommand(program, 'import', 'Import credentials from another system, given the SHA-256 digests of their secrets')
    .argument('<file>', 'CSV or NDJSON file; - for standard input')
    .option('--format <format>', 'format of the file: csv or ndjson (default: by file extension)')
    .option('--dry-run', 'check the credentials without importing them')
    .action(async (file, options) => (await import('./import.ts')).importCredentials(file, declared(options)));
  apiCommand(
    program,
    'explain',
    'Explain why a request with a credential would be allowed or refused, without counting a use',
  )
    .argument('<credential>', 'ID or name of an access token or API key')
    .option('--scope <scopes>', 'scopes that the request requires, separated by commas; can be repeated', parseList)
    .option(
      '--permission <permissions>',
      'permissions that the request requires, separated by commas; can be repeated',
      parseList,
    )
    .option('--address <address>', 'IP address of the client (default: any allowed address)')
    .option('--resource <resource>', 'resource to which the request applies: app:<app> or project:<project>')
    .action(async (idOrName, options) => (await import('./explain.ts')).explain(idOrName, declared(options)));
}

function reviewCommands(program: Command): void {
  const reviews = program.command('review').description('Review credentials that are risky or unused');
  const load = () => import('./review.ts');
  apiCommand(reviews, 'list', 'List credentials to review, with the reasons, highest risk first', true)
    .option('--reason <reason>', `filter by reason: ${REVIEW_REASONS.join(', ')}`)
    .option('--created-by <id>', 'filter by ID of the creator')
    .option('--include-kept', 'include credentials hidden by a decision to keep them')
    .option('--csv', 'output CSV')
    .option('--limit <count>', LIMIT_HELP)
    .action(async (options) => (await load()).review(declared(options)));
  apiCommand(
    reviews,
    'keep',
    `Record the decision to keep credentials: the review hides them for ${REVIEW_DAYS.kept} days, unless a new reason arises`,
  )
    .argument('<credentials...>', 'IDs')
    .option('--note <text>', 'why the credentials are kept')
    .action(async (ids, options) => (await load()).keep(ids, declared(options)));
}

/** Declares the list command for access tokens or API keys. */
function credentialListCommand<Right extends 'scope' | 'permission'>(
  parent: Command,
  nounPlural: string,
  right: Right,
) {
  return apiCommand(parent, 'list', `List ${nounPlural}`)
    .option('--search <text>', 'filter by part of the name')
    .option(
      '--status <status>',
      `filter by status: active${right === 'scope' ? '' : ', inactive'}, expired or spent (maximum number of uses reached)`,
    )
    .option(`--${right} <${right}>`, `filter by ${right}`)
    .option('--created-by <id>', 'filter by ID of the creator')
    .option('--unused-for-days <days>', 'list only credentials not used for at least this many days')
    .option('--expires-within-days <days>', 'list only credentials that expire within this many days')
    .option('--never-expires', 'list only credentials that never expire')
    .option('--violates-policy', 'list only credentials that violate the policy of the workspace')
    .option('--sort <field>', 'sort by createdAt, name, expiresAt, lastUsedAt or useCount; prefix - for descending')
    .option('--limit <count>', LIMIT_HELP);
}

/** Help text that describes each scope or permission. */
const rightsHelp = (title: string, rights: readonly (Scope | Permission)[]): string =>
  `\n${title}:\n${rights.map((right) => `  ${right.padEnd(28)}${describeRight(right)}`).join('\n')}`;

const EXPIRES_HELP =
  'expiry: a duration such as 30d, 12h or 1y, a date such as 2027-02-24 (the end of that day in the local time zone), a date-time, or never';

const ADDRESS_HELP = 'IP address or CIDR range to which to restrict the credential; separate several with commas';
const PROJECT_HELP =
  'project (with all its apps) to which to restrict the credential, by ID or slug; separate several with commas';
const APP_HELP = 'app to which to restrict the credential, by ID or slug; separate several with commas';
const RATE_HELP = 'maximum rate, such as 100/min, 5/10s, 1000/h or 1/day';
const MAX_USES_HELP = 'maximum number of uses';

const loadReplace = () => import('./credentials-replace.ts');

/** Declares the replace command for access tokens or API keys. */
function replaceCommand(parent: Command, noun: 'token' | 'key') {
  const fullNoun = noun === 'token' ? 'access token' : 'API key';
  const description = `Replace an ${fullNoun}: create a copy, wait for its first use, and delete the old ${noun}; run again to resume`;
  return apiCommand(parent, 'replace', description)
    .argument(`<${noun}>`, 'ID or name')
    .option('--expires <when>', `${EXPIRES_HELP} (default: the same lifetime as the old ${noun})`)
    .option('--wait <duration>', 'maximum time to wait for the first use', '15m');
}

function tokenCommands(program: Command): void {
  const tokens = program.command('tokens').description('Manage access tokens');
  const load = () => import('./credentials.ts');
  credentialListCommand(tokens, 'access tokens', 'scope').action(async ({ scope, ...options }) =>
    (await load()).listCredentials('tokens', { ...declared(options), right: scope }),
  );
  apiCommand(tokens, 'create', 'Create an access token; prints only the secret to standard output')
    .option('--name <name>', 'name of the token')
    .option('--scope <scopes>', 'scopes, separated by commas; can be repeated', parseList)
    .option('--expires <when>', `${EXPIRES_HELP} (default: never)`)
    .option('--address <ranges>', ADDRESS_HELP, parseList)
    .option('--project <projects>', PROJECT_HELP, parseList)
    .option('--app <apps>', APP_HELP, parseList)
    .option('--rate <rate>', RATE_HELP)
    .option('--max-uses <count>', MAX_USES_HELP)
    .option('--passphrase <source>', 'passphrase of the token; the source must be -, for standard input')
    .addHelpText('after', rightsHelp('Scopes', SCOPES))
    .action(async (options) => (await import('./tokens-create.ts')).createToken(declared(options)));
  apiCommand(tokens, 'show', 'Show details of an access token')
    .argument('<token>', 'ID or name')
    .action(async (idOrName, options) => (await load()).showCredential('tokens', idOrName, declared(options)));
  apiCommand(tokens, 'delete', 'Delete access tokens')
    .argument('<tokens...>', 'IDs or names')
    .option('--yes', YES_HELP)
    .action(async (idsOrNames, options) => (await load()).deleteCredentials('tokens', idsOrNames, declared(options)));
  replaceCommand(tokens, 'token')
    .option('--passphrase <source>', 'passphrase of the new token; the source must be -, for standard input')
    .action(async (idOrName, options) =>
      (await loadReplace()).replaceCredential('tokens', idOrName, declared(options)),
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
    .option('--permission <permissions>', 'permissions, separated by commas; can be repeated', parseList)
    .option('--description <text>', 'description')
    .option('--expires <when>', `${EXPIRES_HELP} (default: never)`)
    .option('--inactive', 'create the key disabled (status: inactive)')
    .option('--address <ranges>', ADDRESS_HELP, parseList)
    .option('--project <projects>', PROJECT_HELP, parseList)
    .option('--app <apps>', APP_HELP, parseList)
    .option('--rate <rate>', RATE_HELP)
    .option('--max-uses <count>', MAX_USES_HELP)
    .option(
      '--guard',
      "allow this key to run the SDK's guards, which check credentials in memory; requires the permission read",
    )
    .addHelpText('after', rightsHelp('Permissions', PERMISSIONS))
    .action(async (options) => (await import('./keys-create.ts')).createKey(declared(options)));
  apiCommand(keys, 'show', 'Show details of an API key')
    .argument('<key>', 'ID or name')
    .action(async (idOrName, options) => (await load()).showCredential('keys', idOrName, declared(options)));
  apiCommand(keys, 'update', 'Update an API key; its secret does not change')
    .argument('<key>', 'ID or name')
    .option('--name <name>', 'new name')
    .option(
      '--permission <permissions>',
      'new permissions, separated by commas, that replace the current ones; can be repeated',
      parseList,
    )
    .option('--description <text>', 'new description; an empty string removes it')
    .option('--expires <when>', EXPIRES_HELP)
    .option('--address <ranges>', `${ADDRESS_HELP}; replaces the current ones; "any" for any address`, parseList)
    .option(
      '--project <projects>',
      `${PROJECT_HELP}; replaces the current ones; "any" for no such restriction`,
      parseList,
    )
    .option('--app <apps>', `${APP_HELP}; replaces the current ones; "any" for no such restriction`, parseList)
    .option('--rate <rate>', `${RATE_HELP}, or "unlimited"`)
    .option('--max-uses <count>', `${MAX_USES_HELP}, or "unlimited"`)
    .option('--guard <on|off>', "allow this key to run the SDK's guards, which check credentials in memory: on or off")
    .addHelpText('after', rightsHelp('Permissions', PERMISSIONS))
    .action(async (idOrName, options) => (await loadUpdate()).updateKey(idOrName, declared(options)));
  apiCommand(keys, 'enable', 'Enable a disabled API key (status: inactive)')
    .argument('<key>', 'ID or name')
    .action(async (idOrName, options) => (await loadUpdate()).setKeyActive(idOrName, true, declared(options)));
  apiCommand(
    keys,
    'disable',
    'Disable an API key (status: inactive); requests with it are rejected until it is enabled',
  )
    .argument('<key>', 'ID or name')
    .action(async (idOrName, options) => (await loadUpdate()).setKeyActive(idOrName, false, declared(options)));
  replaceCommand(keys, 'key').action(async (idOrName, options) =>
    (await loadReplace()).replaceCredential('keys', idOrName, { ...declared(options), passphrase: undefined }),
  );
  apiCommand(keys, 'delete', 'Delete API keys')
    .argument('<keys...>', 'IDs or names')
    .option('--yes', YES_HELP)
    .action(async (idsOrNames, options) => (await load()).deleteCredentials('keys', idsOrNames, declared(options)));
}

function policyCommands(program: Command): void {
  const policy = program.command('policy').description('Manage the policy for credentials and members');
  const load = () => import('./policy.ts');
  apiCommand(policy, 'show', 'Show the policy').action(async (options) => (await load()).showPolicy(declared(options)));
  apiCommand(policy, 'set', 'Change the policy; only the owner of the workspace can')
    .option('--max-lifetime-days <days>', 'maximum days from creation to expiry of a credential, or none')
    .option(
      '--binds-existing-from <when>',
      `when the maximum lifetime starts to apply to existing credentials, at least 7 days ahead: a delay such as 14d, a date-time, ${DATE_HELP}, or never`,
    )
    .option(
      '--passphrase-scope <scopes>',
      'scopes that require a passphrase, separated by commas, or none; can be repeated',
      parseList,
    )
    .option('--allow-all <on|off>', 'allow the scope "all": on or off')
    .option('--require-addresses <on|off>', 'require credentials to be restricted to addresses: on or off')
    .option('--require-two-factor <on|off>', 'require two-factor authentication of members: on or off')
    .option(
      '--created-by <role>',
      'who may create credentials: "owner" (only the owner) or "admins" (the owner and admins)',
    )
    .option('--unused-after-days <days>', 'days without use after which a credential counts as unused')
    .option('--on-leak <action>', 'action for a leaked credential: delete or notify')
    .option(
      '--foreign-prefix <prefixes>',
      'prefixes of secrets that are imported from other systems (see devpilot import), separated by commas, or none; replaces the current prefixes; can be repeated',
      parseList,
    )
    .option('--dry-run', 'list the credentials and members that would violate the policy, without changing it')
    .action(async (options) => (await load()).setPolicy(declared(options)));
}
