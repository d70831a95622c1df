import type { Command } from '@commander-js/extra-typings';
import { apiCommand, collectValues, declared, LIMIT_HELP, YES_HELP } from './command-builders.ts';
import { parseList } from './input.ts';

const SCOPES_HELP = 'scopes of the access tokens, separated by commas; can be repeated';

/** Declares the command that creates or updates a workload identity. */
function identityCommand(parent: Command, name: 'create' | 'update', description: string) {
  // An update leaves omitted options unchanged.
  const defaultNote = (text: string) => (name === 'create' ? ` (default: ${text})` : '');
  const removalNote = (word: string) => (name === 'create' ? '' : `; "${word}" removes the restriction`);
  const conditionsNote =
    name === 'create'
      ? ''
      : '; the conditions of --condition and of the provider options replace all current conditions';
  return apiCommand(parent, name, description)
    .option('--name <name>', 'name of the workload identity')
    .option('--scope <scopes>', SCOPES_HELP, parseList)
    .option('--lifetime <duration>', `lifetime of the access tokens, from 1m to 12h${defaultNote('15m')}`)
    .option('--github <owner/repository>', 'trust GitHub Actions of this repository')
    .option('--gitlab <group/project>', 'trust GitLab CI of this project')
    .option('--kubernetes <namespace/account>', 'trust this service account; requires --issuer')
    .option('--buildkite <organization/pipeline>', 'trust this pipeline of Buildkite')
    .option('--circleci <organization/project>', 'trust this project of CircleCI, given as organization ID/project ID')
    .option('--branch <branch>', 'accept only jobs on this branch')
    .option('--tag <tag>', 'accept only jobs for this tag; * matches any characters')
    .option('--environment <environment>', 'accept only jobs in this environment (GitHub, GitLab)')
    .option('--workflow <file>', 'accept only jobs of this workflow file, such as deploy.yml (GitHub)')
    .option('--repository-id <id>', 'numeric ID of the repository or project; unlike its name, the ID is never reused')
    .option(
      '--event <event>',
      'accept only jobs for this event (GitHub); required for events that strangers can trigger, such as pull_request_target, workflow_run and comments',
    )
    .option('--issuer <url>', 'issuer of the identity tokens, compared exactly')
    .option(
      '--jwks-url <url>',
      `URL of the public keys of the issuer, or "discovery" to use the URL in its discovery document${defaultNote('"discovery"')}`,
    )
    .option(
      '--audience <audience>',
      `audience that identity tokens must have${defaultNote('the URL of the Devpilot server')}`,
    )
    .option(
      '--condition <claim=value>',
      `claim and value that identity tokens must have; can be repeated${conditionsNote}`,
      collectValues,
    )
    .option(
      '--address <addresses>',
      `IP addresses or CIDR ranges to restrict the tokens to, separated by commas; can be repeated${removalNote('any')}`,
      parseList,
    )
    .option(
      '--project <projects>',
      `IDs or slugs of projects to restrict the tokens to, separated by commas; can be repeated${removalNote('any')}`,
      parseList,
    )
    .option(
      '--app <apps>',
      `IDs or slugs of apps to restrict the tokens to, separated by commas; can be repeated${removalNote('any')}`,
      parseList,
    )
    .option('--rate <rate>', `maximum rate of each token, such as 100/min${removalNote('unlimited')}`)
    .option('--max-uses <count>', `maximum number of uses of each token${removalNote('unlimited')}`);
}

/** Declares the commands for workload identities, and for the exchange of tokens. */
export function workloadCommands(program: Command): void {
  const identities = program
    .command('workload-identities')
    .description('Manage workload identities, which let pipelines get access tokens without a stored secret');
  const load = () => import('./workload-identities.ts');
  apiCommand(identities, 'list', 'List workload identities')
    .option('--limit <count>', LIMIT_HELP)
    .action(async (options) => (await load()).listIdentities(declared(options)));
  identityCommand(identities, 'create', 'Create a workload identity').action(async (options) =>
    (await load()).createIdentity(declared(options)),
  );
  const update =
    'Update a workload identity; revokes its access tokens unless only the name or lifetime changes. The provider (such as --github), --branch, --tag, --environment, --workflow, --repository-id, --event and --condition together replace all current conditions, so repeat those to keep';
  identityCommand(identities, 'update', update)
    .argument('<identity>', 'ID')
    .action(async (id, options) => (await load()).updateIdentity(id, declared(options)));
  apiCommand(identities, 'delete', 'Delete workload identities and revoke their access tokens')
    .argument('<identities...>', 'IDs')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteIdentities(ids, declared(options)));
  apiCommand(identities, 'exchanges', 'List recent exchanges, with the reason for each refusal')
    .argument('<identity>', 'ID')
    .action(async (id, options) => (await load()).listExchanges(id, declared(options)));
  apiCommand(identities, 'test', 'Test whether claims would be accepted; exits with a non-zero code if not')
    .argument('<identity>', 'ID')
    .argument('<file>', 'file with claims as JSON or with an identity token; - for standard input')
    .action(async (id, file, options) => (await load()).testIdentity(id, file, declared(options)));
  apiCommand(
    program,
    'exchange',
    'Exchange the identity token of a CI job, or DEVPILOT_TOKEN, for a short-lived access token, and run a command with it or print it',
  )
    .argument(
      '[command...]',
      'command after --, run with DEVPILOT_TOKEN set; the token is revoked when the command ends. Without a command, the token is printed',
    )
    .option('--identity <id>', 'ID of the workload identity (default: DEVPILOT_WORKLOAD_IDENTITY)')
    .option(
      '--scope <scopes>',
      'scopes of the access token, separated by commas; can be repeated; required to exchange DEVPILOT_TOKEN',
      parseList,
    )
    .option('--expires <duration>', 'lifetime of the access token, such as 10m')
    .option(
      '--address <addresses>',
      'IP addresses or CIDR ranges to restrict the token to, separated by commas; can be repeated',
      parseList,
    )
    .option(
      '--project <projects>',
      'IDs or slugs of projects to restrict the token to, separated by commas; can be repeated',
      parseList,
    )
    .option(
      '--app <apps>',
      'IDs or slugs of apps to restrict the token to, separated by commas; can be repeated',
      parseList,
    )
    .option('--rate <rate>', 'maximum rate of the token, such as 100/min')
    .option('--max-uses <count>', 'maximum number of uses of the token')
    .option('--audience <audience>', 'audience to request (default: the URL of the Devpilot server)')
    .option(
      '--token-file <file>',
      'file with the identity token (default: the token that the CI system provides, or /var/run/secrets/devpilot/token)',
    )
    .action(async (command, options) => (await import('./exchange.ts')).exchange(command, declared(options)));
}
