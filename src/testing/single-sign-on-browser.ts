import type { FakeOidcProvider, TokenSpec } from './fake-oidc-provider.ts';
import type { TestResponse, TestServer } from './test-server.ts';

/** Returns all cookies that a response sets, each as `name=value`. */
const readSetCookies = (response: TestResponse) =>
  response.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '');

export interface StartedSignIn {
  /** The authorization URL at the provider. */
  readonly url: URL;
  /** The cookie that binds the sign-in to the browser. */
  readonly cookie: string;
}

/** Simulates a browser that signs in at a provider. */
export function createSignInBrowser(server: TestServer, provider: FakeOidcProvider) {
  return {
    /** Starts a sign-in or, with the `path` of another operation, a confirmation. */
    async start(path = '/v1/oidc/start', body?: object): Promise<StartedSignIn> {
      const response = await server.call<{ url: string }>(path, {
        headers: { origin: server.origin },
        ...(body !== undefined && { body }),
      });
      const url = response.headers.get('location') ?? response.body.url;
      return { url: new URL(url), cookie: readSetCookies(response)[0] ?? '' };
    },
    /** Opens the redirect URI with the parameters that the provider would send, modified by `change`. */
    async openRedirectUri(
      { url, cookie }: StartedSignIn,
      tokens: TokenSpec,
      change: { parameters?: Readonly<Record<string, string | null>>; cookie?: string } = {},
    ): Promise<TestResponse> {
      const query = new URLSearchParams({
        code: provider.issueCode(url, tokens),
        state: url.searchParams.get('state') ?? '',
        iss: provider.url,
      });
      for (const [name, value] of Object.entries(change.parameters ?? {})) {
        if (value === null) query.delete(name);
        else query.set(name, value);
      }
      return server.call(`/v1/oidc/callback?${query}`, { headers: { cookie: change.cookie ?? cookie } });
    },
    async signIn(tokens: TokenSpec, body?: object): Promise<TestResponse> {
      return this.openRedirectUri(await this.start('/v1/oidc/start', body), tokens);
    },
  };
}

/** Returns the target of a redirect and the session cookie that a response sets; each is null if missing. */
export function readSignInOutcome(response: TestResponse): {
  readonly location: string | null;
  readonly session: string | null;
} {
  const session = readSetCookies(response).find((cookie) => cookie.startsWith('devpilot=devpilot_session_')) ?? null;
  return { location: response.headers.get('location'), session };
}

/** Returns the parameter `problem` in the target of a redirect; null if the sign-in succeeded or it is missing. */
export function readProblemCode(response: TestResponse): string | null {
  const { location, session } = readSignInOutcome(response);
  return session !== null ? null : new URL(location ?? '/', 'http://localhost').searchParams.get('problem');
}
