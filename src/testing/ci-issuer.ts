import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { freePort } from './postgres.ts';

type Claims = Readonly<Record<string, unknown>>;

/** An issuer of identity tokens for CI jobs, implemented with oidc-provider on loopback. */
export interface CiIssuer {
  readonly url: string;
  /** Requests a token for a job from the token endpoint. The claim `aud`, if given, overrides the audience. */
  issue(audience: string, claims: Claims): Promise<string>;
  close(): Promise<void>;
}

interface SignedToken {
  header: object | undefined;
  payload: Record<string, unknown>;
}

/** The OAuth client of the CI service's scheduler, the only client that gets tokens. */
const CLIENT = { id: 'scheduler', secret: 'a secret of tests that is long enough' };

/**
 * Starts an issuer with its own key. Its tokens have the `typ` and the lifetime of tokens of GitHub and GitLab, and
 * lack the claims that only OAuth access tokens have.
 */
export async function startCiIssuer(): Promise<CiIssuer> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  /** Claims of the job whose token is being issued. Tokens are issued one at a time. */
  let claims: Claims = {};
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: crypto.randomUUID() }] },
    cookies: { keys: ['a key for the cookies of tests'] },
    ttl: { ClientCredentials: 300 },
    extraTokenClaims: () => claims,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, audience: string) => ({
          scope: '',
          audience,
          accessTokenTTL: 300,
          accessTokenFormat: 'jwt',
        }),
      },
    },
    formats: {
      customizers: {
        jwt(_context: unknown, _token: unknown, signed: SignedToken) {
          signed.header = { typ: 'JWT' };
          const { client_id: _client, ...payload } = signed.payload;
          const { sub, aud = payload['aud'] } = claims;
          signed.payload = { ...payload, sub, aud, nbf: payload['iat'] };
        },
      },
    },
  });
  const callback = provider.callback();
  const server = createServer((request, response) => callback(request, response));
  await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
  return {
    url,
    async issue(audience, jobClaims) {
      claims = jobClaims;
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${CLIENT.id}:${encodeURIComponent(CLIENT.secret)}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
      });
      const { access_token: token } = (await response.json()) as { access_token?: string };
      if (token === undefined) throw new Error(`The issuer responded with the status ${response.status}.`);
      return token;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
