import { type Requirement, requireAll } from '../authorization/rights.ts';
import { ADVICE } from '../contract/error-advice.ts';
import { CODES } from '../contract/error-codes.ts';
import {
  CREDENTIAL_KINDS,
  type CredentialKind,
  HEADERS,
  PERMISSIONS,
  type Permission,
  SCOPES,
  type Scope,
} from '../contract/vocabulary.ts';
import { secretKindOf } from './secret.ts';

export interface GuardOptions {
  /** URL of Devpilot, such as `https://devpilot.example.com`. */
  readonly url: string;
  /** Scopes that an access token must all have. If only this is set, API keys are refused. */
  readonly scope?: Scope | readonly Scope[];
  /** Permissions that an API key must all have. If only this is set, access tokens are refused. */
  readonly permission?: Permission | readonly Permission[];
  /**
   * The project or app that the guarded routes belong to, by ID or slug. A credential that is restricted to projects or
   * apps must include it.
   */
  readonly resource?: `app:${string}` | `project:${string}`;
  /**
   * Accepts every valid credential. Required if neither `scope` nor `permission` is set, to prevent mistakes; otherwise
   * without effect.
   */
  readonly any?: true;
  /**
   * ID of the only workspace whose credentials are accepted. By default, `ask` accepts credentials of all workspaces,
   * and `lease` those of the API key's workspace.
   */
  readonly workspace?: string;
  /**
   * `ask`: the server authorizes every request. `lease`: credentials are cached, and the cache is used only while it is
   * certain that no cached credential was deleted or edited. The default is `lease` with an API key, otherwise `ask`.
   */
  readonly mode?: 'ask' | 'lease';
  /**
   * For `lease`: an API key with the permission `read` and the flag `guard`. Only credentials of the workspace of this
   * key are accepted.
   */
  readonly apiKey?: string;
  /** For `lease`: maximum number of cached records, about 400 bytes each; 100,000 by default. */
  readonly capacity?: number;
  /**
   * For `lease`: called with the first error since the last granted lease, for example because the API key was deleted.
   * While there is no lease, the server authorizes every request.
   */
  readonly onError?: (error: unknown) => void;
  /** Maximum time to wait for a response before refusing, in milliseconds; 2,000 by default. */
  readonly timeout?: number;
  readonly fetch?: typeof fetch;
}

/** The credential of an admitted request. */
export interface Identity {
  readonly credentialId: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly workspaceId: string;
  readonly scopes: readonly Scope[];
  readonly permissions: readonly Permission[];
}

export type GuardDecision =
  | { readonly allowed: true; readonly identity: Identity }
  | {
      readonly allowed: false;
      readonly status: 401 | 403 | 503;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

export type Authorize = (headers: RawHeaders, client: string | null) => GuardDecision | Promise<GuardDecision>;

export const DEFAULT_TIMEOUT_MS = 2000;
export const AUTHORIZATION_HEADER = 'authorization';
export const API_KEY_HEADER = 'x-api-key';
export const PASSPHRASE_HEADER = 'access-token-passphrase';
/** The headers in which clients send credentials. */
export const CREDENTIAL_HEADERS = [AUTHORIZATION_HEADER, API_KEY_HEADER, PASSPHRASE_HEADER];
const FORWARDED_HEADERS = ['www-authenticate', 'content-type', 'retry-after', 'ratelimit', 'ratelimit-policy'];

/** The headers of a request as received: names and values alternate, and repeated headers are separate. */
export type RawHeaders = readonly string[];

/**
 * Returns an option's names as a list; null if it is not set. Throws `TypeError` if the list is empty or a name
 * unknown.
 */
function readNames<Name extends string>(
  option: string,
  names: Name | readonly Name[] | undefined,
  allowedNames: readonly Name[],
) {
  if (names === undefined) return null;
  const list: readonly string[] = typeof names === 'string' ? [names] : names;
  const isAllowed = (name: string) => allowedNames.some((allowedName) => allowedName === name);
  if (list.length === 0 || !list.every(isAllowed)) {
    throw new TypeError(`guard: ${option} must be one or more of: ${allowedNames.join(', ')}.`);
  }
  return list;
}

/** Validates the options. Throws `TypeError` if one is invalid or missing. */
export function readOptions(options: GuardOptions) {
  const scopes = readNames('scope', options.scope, SCOPES);
  const permissions = readNames('permission', options.permission, PERMISSIONS);
  if (scopes === null && permissions === null && options.any !== true) {
    throw new TypeError('guard: set a scope, a permission or any: true.');
  }
  const { mode = options.apiKey === undefined ? 'ask' : 'lease' } = options;
  if (mode === 'lease' && secretKindOf(options.apiKey ?? '') !== 'api_key') {
    throw new TypeError('guard: mode lease requires apiKey, the secret of an API key.');
  }
  const query = new URLSearchParams();
  if (scopes !== null) query.set('scope', scopes.join(' '));
  if (permissions !== null) query.set('permission', permissions.join(' '));
  const { resource } = options;
  if (resource !== undefined) {
    if (!/^(app|project):[\w-]+$/.test(resource)) throw new TypeError('guard: resource must be app:… or project:….');
    query.set('resource', resource);
  }
  const url = new URL(options.url);
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  // If only scopes are required, API keys are refused; if only permissions are required, access tokens are refused.
  const requirement: Requirement = {
    access_token: scopes === null && permissions !== null ? null : requireAll('access_token', scopes ?? []),
    api_key: permissions === null && scopes !== null ? null : requireAll('api_key', permissions ?? []),
  };
  return { mode, base, requirement, authorizeUrl: `${base}/v1/authorize${query.size === 0 ? '' : `?${query}`}` };
}

export function createRefusal(code: 'missing_credential' | 'invalid_token' | 'unavailable'): GuardDecision {
  const { status, title } = CODES[code];
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: ADVICE[code], code });
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  if (status === 503) headers['retry-after'] = '1';
  else headers['www-authenticate'] = code === 'invalid_token' ? 'Bearer error="invalid_token"' : 'Bearer';
  return { allowed: false, status, headers, body };
}

const splitWords = (text: string | null): string[] => (text ?? '').split(' ').filter((word) => word !== '');

/** Reads the identity from a 200 response; null if the response is not from Devpilot and must not admit the request. */
function readIdentity(headers: Headers): Identity | null {
  const credentialId = headers.get(HEADERS.credentialId) ?? '';
  const workspaceId = headers.get(HEADERS.workspaceId) ?? '';
  const kind = CREDENTIAL_KINDS.find((credentialKind) => credentialKind === headers.get(HEADERS.credentialKind));
  if (credentialId === '' || workspaceId === '' || kind === undefined) return null;
  return {
    credentialId,
    kind,
    name: decodeURIComponent(headers.get(HEADERS.credentialName) ?? ''),
    workspaceId,
    scopes: splitWords(headers.get(HEADERS.scopes)) as Scope[],
    permissions: splitWords(headers.get(HEADERS.permissions)) as Permission[],
  };
}

/**
 * Returns a function that sends the credential of a request to Devpilot, and refuses the request unless Devpilot
 * accepts the credential: with Devpilot's 401, 403 or 503, or with a 503 if Devpilot is unreachable, too slow or
 * responds unexpectedly. `workspaceId` returns the workspace whose credentials are accepted, undefined for all
 * workspaces, or null while it is unknown; no credential is accepted until it is known.
 */
export function createRemoteAuthorizer(
  options: GuardOptions,
  authorizeUrl: string,
  workspaceId: () => string | null | undefined,
): (headers: RawHeaders, client: string | null) => Promise<GuardDecision> {
  const fetchResponse = options.fetch ?? globalThis.fetch.bind(globalThis);

  /** `client` is the address for which wrong passphrases are counted. Devpilot trusts it only from a trusted proxy. */
  async function authorizeRemotely(providedHeaders: RawHeaders, client: string | null): Promise<GuardDecision> {
    const headers = new Headers();
    for (let index = 0; index + 1 < providedHeaders.length; index += 2) {
      const name = providedHeaders[index] ?? '';
      // `append` joins repeated headers, which makes a repeated credential invalid.
      if (CREDENTIAL_HEADERS.includes(name.toLowerCase())) headers.append(name, providedHeaders[index + 1] ?? '');
    }
    if (!headers.has(AUTHORIZATION_HEADER) && !headers.has(API_KEY_HEADER)) return createRefusal('missing_credential');
    if (client !== null) headers.set('x-forwarded-for', client);
    const signal = AbortSignal.timeout(options.timeout ?? DEFAULT_TIMEOUT_MS);
    // A redirect is handled like any other unexpected response; workers support neither `error` nor `credentials`.
    const response = await fetchResponse(authorizeUrl, { headers, signal, redirect: 'manual', cache: 'no-store' });
    if (response.status === 200) {
      await response.body?.cancel();
      const identity = readIdentity(response.headers);
      const requiredWorkspaceId = workspaceId();
      if (identity === null || requiredWorkspaceId === null) return createRefusal('unavailable');
      if (requiredWorkspaceId !== undefined && requiredWorkspaceId !== identity.workspaceId)
        return createRefusal('invalid_token');
      return { allowed: true, identity };
    }
    const { status } = response;
    if (status !== 401 && status !== 403 && status !== 503) {
      await response.body?.cancel();
      return createRefusal('unavailable');
    }
    const body = await response.text();
    const forwardedHeaders = FORWARDED_HEADERS.flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    return {
      allowed: false,
      status,
      headers: { ...Object.fromEntries(forwardedHeaders), 'cache-control': 'no-store' },
      body,
    };
  }

  return async (headers, client) => {
    try {
      return await authorizeRemotely(headers, client);
    } catch {
      return createRefusal('unavailable');
    }
  };
}
