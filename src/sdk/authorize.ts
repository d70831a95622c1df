import {
  CODES,
  CREDENTIAL_KINDS,
  type CredentialKind,
  HEADERS,
  PERMISSIONS,
  type Permission,
  SCOPES,
  type Scope,
} from '../contract/words.ts';

export interface GuardOptions {
  /** Where Devpilot is, such as `https://devpilot.example.com`. */
  readonly url: string;
  /** Scopes that an access token must all have. Where only this is named, API keys are refused. */
  readonly scope?: Scope | readonly Scope[];
  /** Permissions that an API key must all have. Where only this is named, access tokens are refused. */
  readonly permission?: Permission | readonly Permission[];
  /** Any valid credential passes. Needed where neither right is named, so that none is left out by mistake. */
  readonly any?: true;
  /** Id of the one workspace whose credentials pass. Unless set, those of every workspace of that server do. */
  readonly workspace?: string;
  /** Milliseconds to wait for an answer before refusing; 2 s unless set. */
  readonly timeout?: number;
  readonly fetch?: typeof fetch;
}

/** Who a guarded request is from. */
export interface Identity {
  readonly credentialId: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly workspaceId: string;
  readonly scopes: readonly Scope[];
  readonly permissions: readonly Permission[];
}

export type Judgement =
  | { readonly allowed: true; readonly identity: Identity }
  | {
      readonly allowed: false;
      readonly status: 401 | 403 | 503;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

const TIMEOUT = 2000;
/** What a client presents a credential in. */
const PRESENTED = ['authorization', 'x-api-key', 'access-token-passphrase'];
const PASSED_ON = ['www-authenticate', 'content-type', 'retry-after'];

/** The headers of a request as it came, each line of a repeated one. */
export type HeaderLines = Iterable<readonly [string, string]>;

function wordsOf<Word extends string>(name: string, given: Word | readonly Word[] | undefined, known: readonly Word[]) {
  if (given === undefined) return null;
  const words: readonly string[] = typeof given === 'string' ? [given] : given;
  const unknown = words.find((word) => !known.some((one) => one === word));
  if (words.length === 0 || unknown !== undefined) {
    throw new TypeError(`guard: ${name} takes at least one of: ${known.join(', ')}.`);
  }
  return words;
}

/** The address to ask, made once. Throws for a demand that says nothing, or a word that there is not. */
function addressOf(options: GuardOptions): string {
  const scopes = wordsOf('scope', options.scope, SCOPES);
  const permissions = wordsOf('permission', options.permission, PERMISSIONS);
  if (scopes === null && permissions === null && options.any !== true) {
    throw new TypeError('guard: name a scope or a permission, or say any: true.');
  }
  const query = new URLSearchParams();
  if (scopes !== null) query.set('scope', scopes.join(' '));
  if (permissions !== null) query.set('permission', permissions.join(' '));
  const base = new URL(options.url);
  return `${base.origin}${base.pathname.replace(/\/+$/, '')}/v1/authorize${query.size === 0 ? '' : `?${query}`}`;
}

function refusal(code: 'missing_credential' | 'invalid_token' | 'unavailable'): Judgement {
  const { status, title, advice } = CODES[code];
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: advice, code });
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  if (status === 503) headers['retry-after'] = '1';
  else headers['www-authenticate'] = code === 'invalid_token' ? 'Bearer error="invalid_token"' : 'Bearer';
  return { allowed: false, status, headers, body };
}

const list = (text: string | null): string[] => (text ?? '').split(' ').filter((word) => word !== '');

/** Reads who it was; null for a 200 that is not Devpilot's, which must open nothing. */
function readIdentity(headers: Headers): Identity | null {
  const credentialId = headers.get(HEADERS.credentialId) ?? '';
  const workspaceId = headers.get(HEADERS.workspaceId) ?? '';
  const kind = CREDENTIAL_KINDS.find((one) => one === headers.get(HEADERS.credentialKind));
  if (credentialId === '' || workspaceId === '' || kind === undefined) return null;
  return {
    credentialId,
    kind,
    name: decodeURIComponent(headers.get(HEADERS.credentialName) ?? ''),
    workspaceId,
    scopes: list(headers.get(HEADERS.scopes)) as Scope[],
    permissions: list(headers.get(HEADERS.permissions)) as Permission[],
  };
}

/**
 * Asks Devpilot about each request, and refuses whenever it does not plainly say yes: with its own 401 or
 * 403, and with 503 if it is gone, slow, or something else answers in its place.
 */
export function createAuthorizer(options: GuardOptions) {
  const address = addressOf(options);
  const send = options.fetch ?? globalThis.fetch.bind(globalThis);

  /** `client` is the address that wrong passphrases count for; Devpilot believes it from a trusted proxy. */
  async function ask(lines: HeaderLines, client: string | null): Promise<Judgement> {
    const headers = new Headers();
    for (const [name, value] of lines) {
      // Two lines of one header arrive joined, which is no credential: nothing is picked from them here.
      if (PRESENTED.includes(name.toLowerCase())) headers.append(name, value);
    }
    if (!headers.has('authorization') && !headers.has('x-api-key')) return refusal('missing_credential');
    if (client !== null) headers.set('x-forwarded-for', client);
    const signal = AbortSignal.timeout(options.timeout ?? TIMEOUT);
    const answer = await send(address, { headers, signal, redirect: 'error', cache: 'no-store', credentials: 'omit' });
    if (answer.status === 200) {
      await answer.body?.cancel();
      const identity = readIdentity(answer.headers);
      if (identity === null) return refusal('unavailable');
      if (options.workspace !== undefined && options.workspace !== identity.workspaceId)
        return refusal('invalid_token');
      return { allowed: true, identity };
    }
    const { status } = answer;
    if (status !== 401 && status !== 403 && status !== 503) return refusal('unavailable');
    const body = await answer.text();
    const passed = PASSED_ON.flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    return { allowed: false, status, headers: { ...Object.fromEntries(passed), 'cache-control': 'no-store' }, body };
  }

  return async (lines: HeaderLines, client: string | null = null): Promise<Judgement> => {
    try {
      return await ask(lines, client);
    } catch {
      return refusal('unavailable');
    }
  };
}
