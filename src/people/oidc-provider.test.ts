import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outbound } from '../outbound/outbound.ts';
import { createOidcProvider, SingleSignOnError } from './oidc-provider.ts';

const ENTRA_ID = 'https://login.microsoftonline.com';
const DIRECTORY = 'f8cdef31-a31e-4b4a-93e4-5f571e91255a';

/**
 * A fake: answers discovery requests to the issuers of Entra ID as Microsoft documents them. Does not use the network.
 */
const entraId: Outbound = {
  refusalOf: () => null,
  async send({ url }) {
    const tenant = url.slice(ENTRA_ID.length + 1).split('/')[0] ?? '';
    const issuerTenant = tenant === DIRECTORY ? DIRECTORY : '{tenantid}';
    const document = {
      issuer: `${ENTRA_ID}/${issuerTenant}/v2.0`,
      authorization_endpoint: `${ENTRA_ID}/${tenant}/oauth2/v2.0/authorize`,
      token_endpoint: `${ENTRA_ID}/${tenant}/oauth2/v2.0/token`,
      jwks_uri: `${ENTRA_ID}/${tenant}/discovery/v2.0/keys`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    };
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(document)),
    };
  },
};

async function startSignIn(tenant: string): Promise<string> {
  const issuer = `${ENTRA_ID}/${tenant}/v2.0`;
  const settings = { issuer, clientId: 'devpilot', clientSecret: 'secret', name: 'Entra', scopes: 'openid' };
  const provider = createOidcProvider(settings, entraId);
  return provider.authorizationUrl(await provider.createRequest('https://devpilot.example.com/callback', false));
}

test('an issuer of Entra ID that names no directory is refused, because people of any directory could sign in', async () => {
  for (const tenant of ['common', 'organizations']) {
    await assert.rejects(
      startSignIn(tenant),
      (error) => error instanceof SingleSignOnError && error.reason === 'refused',
      tenant,
    );
  }
  assert.match(await startSignIn(DIRECTORY), new RegExp(`^${ENTRA_ID}/${DIRECTORY}/oauth2/v2\\.0/authorize\\?`));
});
