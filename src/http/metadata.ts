import { ServerMetadata } from '../contract/schemas.ts';
import { DEVICE_GRANT } from '../people/devices.ts';
import type { House } from './house.ts';
import { addressOf } from './own-address.ts';
import { type Route, route } from './route.ts';

/** Where a standard OAuth client finds what there is (RFC 8414). Names nothing that does not work. */
export function metadataRoutes(house: House): Route[] {
  return [
    route({
      method: 'GET',
      url: '/.well-known/oauth-authorization-server',
      access: { public: true },
      summary: 'The endpoints for standard OAuth clients (RFC 8414)',
      tag: 'Judging',
      answers: { 200: ServerMetadata },
      handler: ({ request }) => {
        const issuer = addressOf(house, request);
        return {
          issuer,
          token_endpoint: `${issuer}/v1/device/token`,
          token_endpoint_auth_methods_supported: ['none'],
          device_authorization_endpoint: `${issuer}/v1/device/code`,
          grant_types_supported: [DEVICE_GRANT],
          // There is no authorization endpoint, so there are none.
          response_types_supported: [],
          introspection_endpoint: `${issuer}/v1/introspect`,
          introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
          revocation_endpoint: `${issuer}/v1/revoke`,
          revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
          service_documentation: `${issuer}/docs`,
        };
      },
    }),
  ];
}
