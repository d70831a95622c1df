import { problemExample } from './openapi-examples.ts';

const BEARER_DESCRIPTION = 'An access token, an API key or a session, as `Authorization: Bearer <secret>` (RFC 6750).';
const BASIC_DESCRIPTION =
  'An access token or API key as the user name or the password (RFC 7617). With an access token as the user name, the password is its passphrase.';

const identityHeader = (description: string) => ({
  description,
  required: true,
  schema: { type: 'string' as const, maxLength: 4096 },
});

const AUTHORIZE_FAILURES = {
  401: 'The credential is missing or invalid',
  403: 'The credential does not meet the requirement, its restrictions do not allow the request, or a parameter is invalid',
  503: 'Authorization is temporarily unavailable',
} as const;

/** Documents `/v1/authorize` manually, because it accepts every method and OpenAPI cannot express that. */
const authorizePathItem = {
  get: {
    operationId: 'authorize.check',
    summary: 'Authorize a request for a reverse proxy',
    description:
      'Checks the credential in the headers. An access token needs all requested scopes, an API key all requested permissions. If only scopes or only permissions are requested, the other kind of credential is refused. If neither is requested, any valid credential is accepted. An unknown parameter is refused with 403, so that a misspelled one never weakens the check. Every method can be used.',
    tags: ['Authorization'],
    security: [{ bearer: [] }, { apiKey: [] }, { basic: [] }],
    parameters: [
      {
        name: 'scope',
        in: 'query',
        description: 'Scopes that an access token must have, separated by spaces or commas, or in repeated parameters',
        schema: { type: 'string' as const, maxLength: 1000 },
        example: 'modify_env',
      },
      {
        name: 'permission',
        in: 'query',
        description: 'Permissions that an API key must have, separated by spaces or commas, or in repeated parameters',
        schema: { type: 'string' as const, maxLength: 1000 },
        example: 'read',
      },
      {
        name: 'resource',
        in: 'query',
        description:
          'An app or project that a restricted credential must have access to: `app:` or `project:`, followed by an ID or slug. Can be repeated to require several',
        schema: { type: 'string' as const, maxLength: 72 },
        example: 'app:shop',
      },
      {
        name: 'Access-Token-Passphrase',
        in: 'header',
        description: 'The passphrase of the access token, if it has one, in UTF-8',
        schema: { type: 'string' as const, maxLength: 2040 },
      },
    ],
    responses: {
      200: {
        description: 'Authorized. The body is empty.',
        headers: {
          'Devpilot-Credential-Id': identityHeader('ID of the credential'),
          'Devpilot-Credential-Kind': identityHeader('`access_token` or `api_key`'),
          'Devpilot-Credential-Name': identityHeader('Name of the credential, percent-encoded'),
          'Devpilot-Workspace-Id': identityHeader('ID of the workspace of the credential'),
          'Devpilot-Scopes': identityHeader(
            'Scopes of an access token, separated by spaces. For `all`, also contains every scope that it includes. Empty for an API key',
          ),
          'Devpilot-Permissions': identityHeader(
            'Permissions of an API key, separated by spaces. Empty for an access token',
          ),
          'Devpilot-Expires-At': identityHeader('Expiry of the credential. Empty if it never expires'),
        },
      },
      ...Object.fromEntries(
        Object.entries(AUTHORIZE_FAILURES).map(([status, description]) => [
          status,
          {
            description,
            content: {
              'application/problem+json': {
                schema: { $ref: '#/components/schemas/Problem' },
                example: problemExample(status),
              },
            },
          },
        ]),
      ),
    },
  },
};

/** Placeholder for the base URL (`baseUrlOf`). */
export const BASE_URL_PLACEHOLDER = 'http://address.invalid';

/** The parts of the OpenAPI document that are not derived from the routes. */
export function staticOpenApiDocument(version: string) {
  return {
    openapi: '3.1.0' as const,
    info: {
      title: 'Devpilot',
      version,
      description: 'Access tokens and API keys for pipelines and services, created by people and revoked instantly.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      contact: { name: 'The operator of this installation', url: BASE_URL_PLACEHOLDER },
    },
    servers: [
      {
        url: BASE_URL_PLACEHOLDER,
        description: 'This installation',
        // The audience of the server, which the OWASP rules of API linters require (API9:2023).
        'x-internal': false,
      },
    ],
    tags: [
      { name: 'People', description: 'Accounts, sessions and two-factor authentication' },
      { name: 'Operators', description: 'Manage all people on this installation' },
      { name: 'Passkeys', description: 'Sign in without a password (WebAuthn)' },
      { name: 'Device sign-in', description: 'Device authorization for the CLI (RFC 8628)' },
      { name: 'Single sign-on', description: 'Sign in with an OpenID Connect provider' },
      { name: 'Workspaces', description: 'Isolated tenants. Every resource belongs to one workspace' },
      { name: 'Members', description: 'Members and invitations of a workspace' },
      { name: 'Access tokens', description: 'Scoped, immutable credentials for pipelines and scripts' },
      { name: 'API keys', description: 'Editable credentials for services' },
      { name: 'Credential import', description: 'Import credentials from other systems and keep their secrets' },
      { name: 'Policy', description: 'Rules of a workspace for its credentials and members' },
      { name: 'Review', description: 'Credentials that should be reviewed, and the recorded decisions' },
      { name: 'Notices', description: 'Credentials, jobs, errors and webhooks that need attention' },
      {
        name: 'Workload identities',
        description: 'Exchange tokens of CI systems and clusters for access tokens, without a stored secret',
      },
      { name: 'Agents', description: 'MCP server with tools for AI agents' },
      { name: 'Webhooks', description: 'Send events to other systems (Standard Webhooks)' },
      { name: 'Activity log', description: 'Append-only, hash-chained record of actions' },
      { name: 'Health', description: 'Checks for load balancers and supervisors' },
      { name: 'Projects', description: 'Groups of apps' },
      { name: 'Apps', description: 'Deployable units and their configuration' },
      { name: 'Environment', description: 'Versioned variables of apps and projects, encrypted at rest' },
      { name: 'Activity', description: 'Events sent by programs (CloudEvents 1.0), and counts over time' },
      { name: 'Errors', description: 'Errors reported by programs, grouped into issues' },
      { name: 'Servers', description: 'Machines to which apps are deployed' },
      { name: 'Deployments', description: 'Deployments of apps to their servers, and logs' },
      { name: 'Scripts', description: 'Scripts that run on a server on demand or on a schedule, and their runs' },
      { name: 'Backups', description: 'Create, verify, restore, download and delete backups of apps' },
      { name: 'Authorization', description: 'Authorize requests by their credentials' },
      {
        name: 'Introspection',
        description: 'Introspect and revoke credentials, report leaked secrets, explain authorization decisions',
      },
      { name: 'Guards', description: 'Authorize requests in other processes, under a lease' },
    ],
    paths: { '/v1/authorize': authorizePathItem },
    components: {
      securitySchemes: {
        session: {
          type: 'apiKey' as const,
          in: 'cookie' as const,
          name: '__Host-devpilot',
          description:
            "A person's session cookie, named `devpilot` on plain HTTP. The CLI sends the session as a Bearer token.",
        },
        bearer: { type: 'http' as const, scheme: 'bearer', description: BEARER_DESCRIPTION },
        apiKey: { type: 'apiKey' as const, in: 'header' as const, name: 'X-API-Key', description: 'An API key' },
        basic: { type: 'http' as const, scheme: 'basic', description: BASIC_DESCRIPTION },
      },
    },
  };
}
