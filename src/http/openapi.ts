import { problemExample } from './openapi-examples.ts';

const BEARER_DESCRIPTION = 'An access token, an API key or a session, as `Authorization: Bearer <secret>` (RFC 6750).';
const BASIC_DESCRIPTION =
  'An access token as user name with its passphrase as password, or an API key as password with any user name (RFC 7617).';

const identityHeader = (description: string) => ({
  description,
  required: true,
  schema: { type: 'string' as const, maxLength: 4096 },
});

/** Documents `/v1/authorize` manually, because it accepts every method and OpenAPI cannot express that. */
const authorize = {
  get: {
    operationId: 'authorize.check',
    summary: 'Authorize the request by its own credential, for reverse proxies',
    description:
      'An access token needs all named scopes, an API key all named permissions. If only scopes or only permissions are named, the other kind of credential is refused; if neither is named, any valid credential is accepted. Any other parameter is refused with 403, so that a misspelled one never weakens the check. All methods behave alike.',
    tags: ['Authorization'],
    security: [{ bearer: [] }, { apiKey: [] }, { basic: [] }],
    parameters: [
      {
        name: 'scope',
        in: 'query',
        description: 'Scopes that an access token must have, separated by spaces or in repeated parameters',
        schema: { type: 'string' as const, maxLength: 1000 },
        example: 'modify_env',
      },
      {
        name: 'permission',
        in: 'query',
        description: 'Permissions that an API key must have, separated by spaces or in repeated parameters',
        schema: { type: 'string' as const, maxLength: 1000 },
        example: 'read',
      },
      {
        name: 'Access-Token-Passphrase',
        in: 'header',
        description: 'The passphrase of an access token that has one, in UTF-8',
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
            'Scopes of an access token, separated by spaces; for `all`, also every scope that it includes',
          ),
          'Devpilot-Permissions': identityHeader('Permissions of an API key, separated by spaces'),
          'Devpilot-Expires-At': identityHeader('Expiry of the credential; empty if it never expires'),
        },
      },
      ...Object.fromEntries(
        [
          [401, 'No credential, or an invalid one'],
          [403, 'A valid credential without a required scope or permission, or beyond its restrictions'],
          [503, 'Authorization is temporarily unavailable'],
        ].map(([status, description]) => [
          status,
          {
            description,
            content: {
              'application/problem+json': {
                schema: { $ref: '#/components/schemas/Problem' },
                example: problemExample(String(status)),
              },
            },
          },
        ]),
      ),
    },
  },
};

/** Placeholder for the base URL: the public URL or, without one, the origin from which the document is fetched. */
export const BASE_URL_PLACEHOLDER = 'http://address.invalid';

/** The parts of the OpenAPI document that are not derived from the routes. */
export function openApiDocument(version: string) {
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
        description: 'This production installation',
        'x-internal': false,
      },
    ],
    tags: [
      { name: 'People', description: 'Accounts, sessions and second factors' },
      { name: 'Operators', description: 'All people on this installation' },
      { name: 'Passkeys', description: 'Signing in without a password (WebAuthn)' },
      { name: 'Device sign-in', description: 'Device authorization for the CLI (RFC 8628)' },
      { name: 'Single sign-on', description: 'Signing in with an OpenID Connect provider' },
      { name: 'Workspaces', description: 'Isolated tenants; every resource belongs to one' },
      { name: 'Members', description: 'People in a workspace, and invitations' },
      { name: 'Access tokens', description: 'Scoped, immutable credentials for pipelines and scripts' },
      { name: 'API keys', description: 'Editable credentials for services' },
      { name: 'Credential import', description: 'Moving credentials from other systems without new secrets' },
      { name: 'Policy', description: 'Rules of a workspace for its credentials and members' },
      { name: 'Review', description: 'Credentials that should be looked at, and what was decided' },
      { name: 'Notices', description: 'What needs attention in a workspace' },
      {
        name: 'Workload identities',
        description: 'Access without a stored secret: tokens of CI systems and clusters in exchange for access tokens',
      },
      { name: 'Agents', description: 'MCP server: the routes as tools of AI agents' },
      { name: 'Webhooks', description: 'Messages about events to other systems (Standard Webhooks)' },
      { name: 'Activity log', description: 'Append-only, hash-chained record of actions' },
      { name: 'Health', description: 'Checks for load balancers and supervisors' },
      { name: 'Projects', description: 'Groups of apps' },
      { name: 'Apps', description: 'Deployable units and their configuration' },
      { name: 'Environment', description: 'Versioned variables of an app, encrypted at rest' },
      { name: 'Activity', description: 'Events sent by programs (CloudEvents 1.0), and counts over time' },
      { name: 'Errors', description: 'Errors reported by programs, grouped into issues' },
      { name: 'Servers', description: 'Machines that apps are deployed to' },
      { name: 'Deployments', description: 'Deployments of apps to their servers, and logs' },
      { name: 'Scripts', description: 'Scripts that run on a server on demand or on a schedule, and their runs' },
      { name: 'Backups', description: 'Backups of apps: create, restore, delete' },
      { name: 'Authorization', description: 'Authorizing requests by their credentials' },
      { name: 'Introspection', description: 'Introspecting and revoking credentials' },
      { name: 'Guards', description: 'Authorization in other processes, under a lease' },
    ],
    paths: { '/v1/authorize': authorize },
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
