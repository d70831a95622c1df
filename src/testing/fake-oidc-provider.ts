import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** Contents of the tokens that the provider returns. The claims are added to, or override, correct claims. */
export interface TokenSpec {
  readonly claims?: JWTPayload;
  /** Claims of the userinfo response. */
  readonly userinfo?: Readonly<Record<string, unknown>>;
  readonly refreshToken?: string;
  /** Signs with a key that is not in the key set. */
  readonly isForged?: boolean;
}

/**
 * An OpenID Connect provider on loopback without a sign-in page: a test chooses its responses, which can be incorrect.
 * `real-oidc-provider.ts` starts a certified provider instead.
 */
export interface FakeOidcProvider {
  readonly url: string;
  /** Issues a code for an authorization URL. The code is accepted once, with the correct code verifier. */
  issueCode(authorizationUrl: URL, tokens: TokenSpec): string;
  signLogoutToken(claims: JWTPayload, header?: { typ?: string }): Promise<string>;
  /** While true, the provider responds to every request with 503. */
  isDown: boolean;
  /** Tokens returned for each refresh; null, as at the start, for the error `invalid_grant`. */
  refreshResponse: TokenSpec | null;
  close(): Promise<void>;
}

export const CLIENT_ID = 'devpilot';
export const CLIENT_SECRET = 'client-secret-of-the-provider';

interface Grant {
  readonly tokens: TokenSpec;
  readonly nonce: string;
  readonly codeChallenge: string;
}

async function sha256url(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('base64url');
}

export async function startFakeOidcProvider(): Promise<FakeOidcProvider> {
  const signingKeys = await generateKeyPair('RS256');
  const unpublishedKeys = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(signingKeys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const grants = new Map<string, Grant>();
  /** Claims of the userinfo response, for the tokens issued last. */
  let userinfo: Readonly<Record<string, unknown>> = {};
  let issuedCodeCount = 0;

  async function tokenResponse(tokens: TokenSpec, nonce: string | null) {
    const claims = {
      sub: 'someone',
      aud: CLIENT_ID,
      iss: issuer.url,
      ...(nonce !== null && { nonce }),
      ...tokens.claims,
    };
    userinfo = { sub: claims.sub, ...tokens.userinfo };
    const idToken = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(tokens.isForged === true ? unpublishedKeys.privateKey : signingKeys.privateKey);
    const refresh = tokens.refreshToken === undefined ? {} : { refresh_token: tokens.refreshToken };
    return { access_token: 'opaque', token_type: 'Bearer', expires_in: 300, id_token: idToken, ...refresh };
  }

  /** Returns the token response; null for the error `invalid_grant`. */
  async function exchange(form: URLSearchParams): Promise<object | null> {
    if (form.get('client_secret') !== CLIENT_SECRET) return null;
    if (form.get('grant_type') === 'refresh_token') {
      return issuer.refreshResponse === null ? null : tokenResponse(issuer.refreshResponse, null);
    }
    const code = form.get('code') ?? '';
    const grant = grants.get(code);
    grants.delete(code);
    if (grant === undefined || (await sha256url(form.get('code_verifier') ?? '')) !== grant.codeChallenge) return null;
    return tokenResponse(grant.tokens, grant.nonce);
  }

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', issuer.url);
    const send = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (issuer.isDown) return send(503, {});
    if (pathname === '/jwks') return send(200, { keys: [jwk] });
    if (pathname === '/userinfo') return send(200, userinfo);
    if (pathname === '/token') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = await exchange(new URLSearchParams(Buffer.concat(chunks).toString()));
      return body === null ? send(400, { error: 'invalid_grant' }) : send(200, body);
    }
    return send(200, {
      issuer: issuer.url,
      authorization_endpoint: `${issuer.url}/authorize`,
      token_endpoint: `${issuer.url}/token`,
      userinfo_endpoint: `${issuer.url}/userinfo`,
      jwks_uri: `${issuer.url}/jwks`,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
      id_token_signing_alg_values_supported: ['RS256'],
      authorization_response_iss_parameter_supported: true,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const issuer: FakeOidcProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isDown: false,
    refreshResponse: null,
    issueCode(authorizationUrl, tokens) {
      const { searchParams } = authorizationUrl;
      const code = `code-${issuedCodeCount++}`;
      const nonce = searchParams.get('nonce') ?? '';
      const codeChallenge = searchParams.get('code_challenge') ?? '';
      grants.set(code, { tokens, nonce, codeChallenge });
      return code;
    },
    signLogoutToken: (claims, header = { typ: 'logout+jwt' }) =>
      new SignJWT({ iss: issuer.url, aud: CLIENT_ID, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
        .setIssuedAt()
        .setExpirationTime('2m')
        .sign(signingKeys.privateKey),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

/** Returns the settings of a Devpilot server that trusts the provider. */
export function singleSignOnSettings(issuer: Pick<FakeOidcProvider, 'url'>): Record<string, string> {
  return {
    DEVPILOT_OIDC_ISSUER: issuer.url,
    DEVPILOT_OIDC_CLIENT_ID: CLIENT_ID,
    DEVPILOT_OIDC_CLIENT_SECRET: CLIENT_SECRET,
    DEVPILOT_OIDC_NAME: 'Acme SSO',
    DEVPILOT_OUTBOUND: 'any',
  };
}
