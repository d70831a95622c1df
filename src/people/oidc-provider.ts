import type { Configuration } from 'openid-client';
import { HOUR, SECOND } from '../contract/limits.ts';
import type { SingleSignOnProblem } from '../contract/vocabulary.ts';
import type { Outbound } from '../outbound/outbound.ts';
import { type Claims, type ProviderAccount, toProviderAccount } from './oidc-claims.ts';
import { createOidcFetch, isProviderDown } from './oidc-fetch.ts';
import { createLogoutVerifier, type LogoutToken } from './oidc-logout-token.ts';

/** A failed single sign-on. The web UI explains `reason`; the message is for the log. */
export class SingleSignOnError extends Error {
  readonly reason: SingleSignOnProblem;

  constructor(reason: SingleSignOnProblem, message: string = reason, cause?: unknown) {
    super(message, { cause });
    this.name = 'SingleSignOnError';
    this.reason = reason;
  }
}

export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly name: string;
  readonly scopes: string;
}

/** Values that bind the provider's response to the request that started it. */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** Whether the provider must authenticate the person again. */
  readonly fresh: boolean;
}

export interface ProviderSignIn {
  readonly account: ProviderAccount;
  readonly refreshToken: string | null;
}

/** The OpenID Connect provider. Errors of its methods are `SingleSignOnError`. */
export interface OidcProvider {
  readonly issuer: string;
  readonly name: string;
  createRequest(redirectUri: string, fresh: boolean): Promise<AuthorizationRequest>;
  authorizationUrl(request: AuthorizationRequest): Promise<string>;
  /** Exchanges the authorization code in the provider's response, whose query is `search`. Verifies the ID token. */
  exchange(search: string, request: AuthorizationRequest): Promise<ProviderSignIn>;
  /** Uses a refresh token. Throws with the reason `expired` if the provider has ended the session. */
  refresh(refreshToken: string, subject: string): Promise<ProviderSignIn>;
  verifyLogoutToken(token: string): Promise<LogoutToken>;
}

/** How long a discovery document is cached, and how long a failed discovery is not retried, in milliseconds. */
const DISCOVERY_MS = { cached: HOUR, failed: 5 * SECOND };
const CLOCK_TOLERANCE_SECONDS = 60;

/** Loads the client library at first use, because many installations never need it. */
const loadClient = () => import('openid-client');

/** Whether two issuer URLs are equal, except for a trailing slash. */
export function isSameIssuer(a: string, b: string): boolean {
  return a.replace(/\/$/, '') === b.replace(/\/$/, '');
}

/** Error codes of OAuth 2.0 and OpenID Connect, and what they mean for the person. */
const PROVIDER_ERRORS: Readonly<Record<string, SingleSignOnProblem>> = {
  access_denied: 'cancelled',
  // The code was used or has expired, or the session of the refresh token has ended.
  invalid_grant: 'expired',
  login_required: 'interaction_required',
  interaction_required: 'interaction_required',
  consent_required: 'interaction_required',
  account_selection_required: 'interaction_required',
  temporarily_unavailable: 'unavailable',
  server_error: 'unavailable',
};

function toSingleSignOnError(error: unknown): SingleSignOnError {
  if (error instanceof SingleSignOnError) return error;
  const { error: code } = error as { error?: unknown };
  const mapped = typeof code === 'string' && Object.hasOwn(PROVIDER_ERRORS, code) ? PROVIDER_ERRORS[code] : undefined;
  const reason = mapped ?? (isProviderDown(error) ? 'unavailable' : 'refused');
  return new SingleSignOnError(reason, error instanceof Error ? error.message : undefined, error);
}

async function mapErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toSingleSignOnError(error);
  }
}

/** Creates the client of a provider. It sends no request until it is used. */
export function createOidcProvider(settings: OidcSettings, outbound: Outbound): OidcProvider {
  const { issuer, clientId, clientSecret, scopes } = settings;
  const oidcFetch = createOidcFetch(outbound);
  const logoutVerifier = createLogoutVerifier(clientId, oidcFetch);
  let cached: { readonly config: Promise<Configuration>; readonly until: number } | null = null;

  async function discover(): Promise<Configuration> {
    const client = await loadClient();
    const metadata = { client_secret: clientSecret, [client.clockTolerance]: CLOCK_TOLERANCE_SECONDS };
    const options = {
      [client.customFetch]: oidcFetch,
      execute: [
        client.enableNonRepudiationChecks,
        ...(issuer.startsWith('http:') ? [client.allowInsecureRequests] : []),
      ],
    };
    const config = await client.discovery(new URL(issuer), clientId, metadata, undefined, options);
    const serverMetadata = config.serverMetadata();
    // With a multi-tenant issuer of Entra ID, which names no directory, people of any directory could sign in.
    if (!isSameIssuer(serverMetadata.issuer, issuer)) {
      throw new SingleSignOnError('refused', `The discovery document names another issuer: ${serverMetadata.issuer}`);
    }
    const methods = serverMetadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    if (methods.includes('client_secret_post')) return config;
    const basicConfig = new client.Configuration(
      serverMetadata,
      clientId,
      metadata,
      client.ClientSecretBasic(clientSecret),
    );
    basicConfig[client.customFetch] = oidcFetch;
    for (const enable of options.execute) enable(basicConfig);
    return basicConfig;
  }

  function getConfig(): Promise<Configuration> {
    if (cached !== null && cached.until > performance.now()) return cached.config;
    const config = discover();
    cached = { config, until: performance.now() + DISCOVERY_MS.cached };
    config.catch(() => {
      cached = { config, until: performance.now() + DISCOVERY_MS.failed };
    });
    return config;
  }

  /**
   * Returns the account that the ID token and the provider's userinfo endpoint, if any, describe. The claims of the ID
   * token take precedence. `knownSubject` is the subject of an earlier sign-in that is refreshed: then the subject must
   * be the same, and the ID token can be missing.
   */
  async function fetchAccount(
    config: Configuration,
    tokens: { readonly access_token: string; claims(): Claims | undefined },
    knownSubject?: string,
  ): Promise<ProviderAccount> {
    const client = await loadClient();
    const idToken = tokens.claims() ?? {};
    const subject = typeof idToken['sub'] === 'string' ? idToken['sub'] : knownSubject;
    if (subject === undefined) throw new SingleSignOnError('refused', 'The provider sent no ID token with a subject.');
    if (knownSubject !== undefined && subject !== knownSubject) {
      throw new SingleSignOnError('refused', 'The provider named another subject.');
    }
    const hasUserinfo = config.serverMetadata().userinfo_endpoint !== undefined;
    const userinfo = hasUserinfo ? await client.fetchUserInfo(config, tokens.access_token, subject) : {};
    const account = toProviderAccount(config.serverMetadata().issuer, { ...userinfo, ...idToken, sub: subject });
    if (account === null) throw new SingleSignOnError('refused', 'The ID token has no usable subject.');
    return account;
  }

  return {
    issuer,
    name: settings.name,
    async createRequest(redirectUri, fresh) {
      const { randomNonce, randomPKCECodeVerifier, randomState } = await loadClient();
      return { redirectUri, state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier(), fresh };
    },
    authorizationUrl: (request) =>
      mapErrors(async () => {
        const client = await loadClient();
        const url = client.buildAuthorizationUrl(await getConfig(), {
          redirect_uri: request.redirectUri,
          scope: scopes,
          state: request.state,
          nonce: request.nonce,
          code_challenge: await client.calculatePKCECodeChallenge(request.codeVerifier),
          code_challenge_method: 'S256',
          ...(request.fresh && { prompt: 'login', max_age: '0' }),
        });
        return url.href;
      }),
    exchange: (search, request) =>
      mapErrors(async () => {
        const client = await loadClient();
        const config = await getConfig();
        const tokens = await client.authorizationCodeGrant(config, new URL(request.redirectUri + search), {
          expectedState: request.state,
          expectedNonce: request.nonce,
          pkceCodeVerifier: request.codeVerifier,
        });
        return { account: await fetchAccount(config, tokens), refreshToken: tokens.refresh_token ?? null };
      }),
    refresh: (refreshToken, subject) =>
      mapErrors(async () => {
        const client = await loadClient();
        const config = await getConfig();
        const tokens = await client.refreshTokenGrant(config, refreshToken);
        return {
          account: await fetchAccount(config, tokens, subject),
          refreshToken: tokens.refresh_token ?? refreshToken,
        };
      }),
    verifyLogoutToken: (token) =>
      mapErrors(async () => {
        const { issuer: exactIssuer, jwks_uri: jwksUri } = (await getConfig()).serverMetadata();
        if (jwksUri === undefined) throw new SingleSignOnError('refused', 'The provider has no key set.');
        return logoutVerifier.verify(token, exactIssuer, jwksUri);
      }),
  };
}
