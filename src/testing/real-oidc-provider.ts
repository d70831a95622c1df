import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Provider from 'oidc-provider';
import { CLIENT_ID, CLIENT_SECRET } from './fake-oidc-provider.ts';
import { freePort } from './postgres.ts';

/** A certified OpenID Connect provider on loopback. Any user name can sign in; every user is in all `groups`. */
export interface RealOidcProvider {
  readonly url: string;
  readonly groups: string[];
  close(): Promise<void>;
}

interface ProviderContext {
  body: string;
  readonly oidc: { readonly session: { readonly accountId: string } };
}

const page = (content: string) =>
  `<!doctype html><html lang="en"><title>Provider</title><main>${content}</main></html>`;
const LOGIN_PAGE = page(
  '<form method="post"><label>User <input name="user" /></label><button>Sign in at the provider</button></form>',
);

/** Starts oidc-provider with one client whose redirect URI is at `origin`. Users are not asked for consent. */
export async function startRealOidcProvider(origin: string): Promise<RealOidcProvider> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const groups: string[] = [];
  const provider: Provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${origin}/v1/oidc/callback`],
        token_endpoint_auth_method: 'client_secret_post',
        backchannel_logout_uri: `${origin}/v1/oidc/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    cookies: { keys: ['a key for the cookies of tests'] },
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    // Drops the dispatcher option, which refuses loopback addresses.
    fetch: (target: URL | string, { method = 'GET', headers = {}, body = null }: RequestInit) =>
      fetch(target, { method, headers, body }),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context: ProviderContext, form: string) => {
          context.body = page(`${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
        },
        postLogoutSuccessSource: (context: ProviderContext) => {
          context.body = page('Signed out');
        },
      },
    },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/login/${uid}` },
    async loadExistingGrant({ oidc }: ProviderContext) {
      const grant = new provider.Grant({ clientId: CLIENT_ID, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({
        sub: accountId,
        email: `${accountId}@example.com`,
        email_verified: true,
        name: `${accountId} of Acme`,
        groups: [...groups],
      }),
    }),
  });

  async function logIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/html').end(LOGIN_PAGE);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const accountId = new URLSearchParams(Buffer.concat(chunks).toString()).get('user') ?? '';
    await provider.interactionFinished(request, response, { login: { accountId } });
  }

  const callback = provider.callback();
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/login/') === true) void logIn(request, response);
    else callback(request, response);
  });
  await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
  return {
    url,
    groups,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
