import { ServerMetadata, TOKEN_EXCHANGE_GRANT } from '../contract/oauth.ts';
import { DEVICE_GRANT } from '../people/devices.ts';
import type { AppContext } from './app-context.ts';
import { baseUrlOf } from './public-origin.ts';
import { type Route, route } from './route.ts';

/** Authorization server metadata for standard OAuth clients (RFC 8414). Lists only endpoints that exist. */
export function oauthMetadataRoutes(context: AppContext): Route[] {
  return [
    route({
      method: 'GET',
      url: '/.well-known/oauth-authorization-server',
      access: { public: true },
      ignoresQuery: true,
      summary: 'Get the OAuth server metadata',
      description: 'The endpoints for standard OAuth clients (RFC 8414).',
      tag: 'Authorization',
      responses: { 200: ServerMetadata },
      handler: ({ request }) => {
        const issuer = baseUrlOf(context, request);
        return {
          issuer,
          token_endpoint: `${issuer}/v1/oauth/token`,
          token_endpoint_auth_methods_supported: ['none'],
          device_authorization_endpoint: `${issuer}/v1/device/code`,
          grant_types_supported: [DEVICE_GRANT, TOKEN_EXCHANGE_GRANT],
          // Empty because there is no authorization endpoint.
          response_types_supported: [],
          introspection_endpoint: `${issuer}/v1/introspect`,
          introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'Bearer'],
          revocation_endpoint: `${issuer}/v1/revoke`,
          revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
          service_documentation: `${issuer}/docs`,
        };
      },
    }),
  ];
}
