import type { AppContext } from './app-context.ts';

const BEARER_DESCRIPTION = 'An access token, an API key or a session, as `Authorization: Bearer <secret>` (RFC 6750).';
const BASIC_DESCRIPTION =
  'An access token as user name with its passphrase as password, or an API key as password with any user name (RFC 7617).';

const identityHeader = (description: string) => ({
  description,
  required: true,
  schema: { type: 'string' as const, maxLength: 4096 },
});

/** `/v1/authorize` by hand: it takes every method, and OpenAPI has no word for that. */
const authorize = {
  get: {
    operationId: 'getAuthorize',
    summary: 'Judge the credential that the request itself carries, for reverse proxies',
    description:
      'An access token needs all scopes named, an API key all permissions named. Where only one of the two is named, the other kind is refused; where none is, any valid credential passes. Any other parameter is refused with 403, so that a misspelt one demands more than it should and not less. Any other method is answered alike.',
    tags: ['Judging'],
    security: [{ bearer: [] }, { apiKey: [] }, { basic: [] }],
    parameters: [
      {
        name: 'scope',
        in: 'query',
        description: 'Scopes that an access token must all have, with blanks between them or named several times',
        schema: { type: 'string' as const, maxLength: 1000 },
        example: 'modify_env',
      },
      {
        name: 'permission',
        in: 'query',
        description: 'Permissions that an API key must all have, likewise',
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
        description: 'It passes. The body is empty.',
        headers: {
          'Devpilot-Credential-Id': identityHeader('Its id'),
          'Devpilot-Credential-Kind': identityHeader('`access_token` or `api_key`'),
          'Devpilot-Credential-Name': identityHeader('Its name, percent-encoded'),
          'Devpilot-Workspace-Id': identityHeader('The workspace it belongs to'),
          'Devpilot-Scopes': identityHeader(
            'The scopes of an access token, with blanks between them; for `all`, every scope that it includes too',
          ),
          'Devpilot-Permissions': identityHeader('The permissions of an API key, with blanks between them'),
        },
      },
      ...Object.fromEntries(
        [
          [401, 'No credential, or one that is not valid'],
          [403, 'A valid credential that may not do this'],
          [503, 'It can not be judged at the moment'],
        ].map(([status, description]) => [
          status,
          {
            description,
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        ]),
      ),
    },
  },
};

/** Stands for the address that the document is fetched from, where no setting says it. */
export const BASE_URL_PLACEHOLDER = 'http://address.invalid';

/** The parts of the OpenAPI document that are not derived from the routes. */
export function openApiDocument(context: AppContext) {
  return {
    openapi: '3.1.0' as const,
    info: {
      title: 'Devpilot',
      version: context.version,
      description:
        'Access tokens and API keys for pipelines and services, created by people and taken back in an instant.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      contact: { name: 'The operator of this installation', url: context.publicUrl ?? BASE_URL_PLACEHOLDER },
    },
    servers: [
      {
        url: context.publicUrl ?? BASE_URL_PLACEHOLDER,
        description: 'This production installation',
        'x-internal': false,
      },
    ],
    tags: [
      { name: 'People', description: 'Accounts, sessions and second factors' },
      { name: 'Operators', description: 'All people of the installation' },
      { name: 'Passkeys', description: 'WebAuthn: signing in without a password' },
      { name: 'Device sign-in', description: 'RFC 8628, for the CLI' },
      { name: 'Workspaces', description: 'The boundary that everything belongs to' },
      { name: 'Members', description: 'People in a workspace, and invitations' },
      { name: 'Access tokens', description: 'Scoped, immutable credentials for pipelines and scripts' },
      { name: 'API keys', description: 'Editable credentials for services' },
      { name: 'Activity log', description: 'Who did what, append-only and chained' },
      { name: 'Health', description: 'For load balancers and supervisors' },
      { name: 'Projects', description: 'What apps are grouped by' },
      { name: 'Apps', description: 'What is deployed, and how' },
      { name: 'Environment', description: 'Variables of an app, sealed at rest, with their versions' },
      { name: 'Activity', description: 'Events that programs send (CloudEvents 1.0), and their numbers over time' },
      { name: 'Errors', description: 'Errors that programs report, gathered in issues' },
      { name: 'Servers', description: 'Where apps are deployed to' },
      { name: 'Deployments', description: 'Releases of apps on their servers, and what was said while they were made' },
      { name: 'Scripts', description: 'What runs on a server at a call or on a schedule, and its runs' },
      { name: 'Backups', description: 'Of an app: made, restored in place, deleted' },
      { name: 'Judging', description: 'Presenting a credential and asking about one' },
      { name: 'Guards', description: 'Judging in other processes, under a lease' },
    ],
    paths: { '/v1/authorize': authorize },
    components: {
      securitySchemes: {
        session: {
          type: 'apiKey' as const,
          in: 'cookie' as const,
          name: '__Host-devpilot',
          description: "A person's session; `devpilot` on plain http. The CLI presents it as Bearer.",
        },
        bearer: { type: 'http' as const, scheme: 'bearer', description: BEARER_DESCRIPTION },
        apiKey: { type: 'apiKey' as const, in: 'header' as const, name: 'X-API-Key', description: 'An API key' },
        basic: { type: 'http' as const, scheme: 'basic', description: BASIC_DESCRIPTION },
      },
    },
  };
}
