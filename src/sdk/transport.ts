import { CODES, type Code } from '../contract/error-codes.ts';
import { HEADERS } from '../contract/vocabulary.ts';
import { DevpilotError } from './errors.ts';

export interface ClientOptions {
  /** URL of the server, such as `https://devpilot.example.com`. In a browser, defaults to the page's origin. */
  readonly url?: string;
  /**
   * The secret of a session, access token or API key, sent as `Authorization: Bearer`. If it is omitted, a browser
   * sends its session cookie.
   */
  readonly credential?: string | (() => string | null);
  /** The passphrase of an access token that requires one. */
  readonly passphrase?: string;
  /** ID or slug of the workspace that a person's requests concern. */
  readonly workspace?: string | (() => string | null);
  readonly fetch?: typeof fetch;
  /** Maximum duration of one attempt in milliseconds; 30,000 by default. */
  readonly timeout?: number;
  /** Maximum number of retries; 2 by default. */
  readonly retries?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Maximum duration of one attempt in milliseconds; overrides the timeout of the client. */
  readonly timeout?: number;
  /** Overrides the client's workspace. */
  readonly workspace?: string;
  /** For POST: a repeated request with the same key creates nothing and throws `idempotent_replay`. */
  readonly idempotencyKey?: string;
  /**
   * The `tag` of the resource that a read returned. If the resource has changed since then, the call throws
   * `conflict` instead of overwriting it.
   */
  readonly ifMatch?: string | undefined;
}

/** A resource, and the tag (ETag) of its current state for a later `ifMatch`. */
export interface Tagged<Value> {
  readonly value: Value;
  readonly tag: string | undefined;
}

export type QueryValue = string | number | boolean | null | undefined | readonly string[];

export interface Request extends CallOptions {
  readonly body?: unknown;
  /** Gzip-compressed JSON, sent instead of `body`. */
  readonly packedJson?: Uint8Array<ArrayBuffer>;
  /** Sent as a form instead of JSON (RFC 7009, RFC 7662). */
  readonly form?: Readonly<Record<string, string | undefined>>;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly accept?: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Transport {
  /** Sends a request and returns the parsed body; undefined if the body is empty. Throws `DevpilotError`. */
  send<Body>(method: Method, path: string, request?: Request): Promise<Body>;
  /** Does the same as `send`, and also returns the tag of the resource. */
  sendTagged<Body>(method: Method, path: string, request?: Request): Promise<Tagged<Body>>;
  /** Sends a GET request and returns the body as text. Throws `DevpilotError`. */
  text(path: string, request?: Request): Promise<string>;
  /**
   * Sends a GET request and returns the body as a stream. The timeout ends when the stream starts. Throws
   * `DevpilotError`.
   */
  stream(path: string, request?: Request): Promise<ReadableStream<Uint8Array>>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 2;
const FIRST_RETRY_PAUSE_MS = 250;
/** After a response with a longer `Retry-After`, the call fails without a retry. */
const MAX_RETRY_AFTER_MS = 10_000;

/** Resolves after a delay, or rejects with the signal's reason when the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Returns the milliseconds until the next attempt, or null if the request must not be retried. A GET is retried after a
 * network error, a timeout, and 502, 503 or 504. Any method is retried after 429 with `Retry-After`, which shows that
 * the server did not process the request. A `Retry-After` above `MAX_RETRY_AFTER_MS` prevents a retry. `retries` is the
 * number of earlier retries, and `random` is between 0 and 1.
 */
export function retryPauseMs(method: Method, error: DevpilotError, retries: number, random: number): number | null {
  const jitteredPauseMs = FIRST_RETRY_PAUSE_MS * 2 ** retries * (0.5 + random);
  const retryAfterMs = error.retryAfter === undefined ? null : error.retryAfter * 1000;
  if (retryAfterMs !== null && retryAfterMs > MAX_RETRY_AFTER_MS) return null;
  if (error.status === 429) return retryAfterMs === null ? null : retryAfterMs + jitteredPauseMs;
  if (method !== 'GET') return null;
  if (error.status === 0 || error.status === 502 || error.status === 503 || error.status === 504) {
    return (retryAfterMs ?? 0) + jitteredPauseMs;
  }
  return null;
}

function isCode(code: unknown): code is Code {
  return typeof code === 'string' && Object.hasOwn(CODES, code);
}

interface ProblemLike {
  readonly code?: unknown;
  readonly detail?: string;
  readonly requestId?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  readonly required?: readonly string[];
  readonly id?: string;
  readonly error?: string;
}

async function toDevpilotError(response: Response): Promise<DevpilotError> {
  const problem = (await response.json().catch(() => null)) as ProblemLike | null;
  const requestId = problem?.requestId ?? response.headers.get(HEADERS.requestId) ?? undefined;
  const retryAfterHeader = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(retryAfterHeader) ? retryAfterHeader : undefined;
  const { status } = response;
  if (problem === null || !isCode(problem.code)) {
    const message = `The response with HTTP status ${status} did not come from Devpilot.`;
    return new DevpilotError('unexpected_answer', message, { status, requestId, retryAfter });
  }
  const { code, detail, errors, required, id, error } = problem;
  return new DevpilotError(code, detail ?? CODES[code].title, {
    status,
    requestId,
    retryAfter,
    errors,
    required,
    id,
    error,
  });
}

function buildUrl(base: string, path: string, query: Request['query']): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null || value === '') continue;
    search.set(name, Array.isArray(value) ? value.join(',') : String(value));
  }
  return `${base}${path}${search.size === 0 ? '' : `?${search}`}`;
}

const resolveOption = (setting: string | (() => string | null) | undefined): string | null =>
  typeof setting === 'function' ? setting() : (setting ?? null);

/** Creates an HTTP client for the server: headers, timeouts, retries, and one error type for every failure. */
export function createTransport(options: ClientOptions): Transport {
  const base = (options.url ?? '').replace(/\/+$/, '');
  // The origin excludes a user name, password and path.
  const serverLabel = URL.canParse(base) ? new URL(base).origin : 'The server';
  const fetchResponse = options.fetch ?? globalThis.fetch.bind(globalThis);
  const maxRetries = options.retries ?? DEFAULT_RETRIES;

  function buildHeaders(request: Request): Headers {
    const headers = new Headers({ accept: request.accept ?? 'application/json' });
    if (request.body !== undefined) headers.set('content-type', 'application/json');
    if (request.packedJson !== undefined) {
      headers.set('content-type', 'application/json');
      headers.set('content-encoding', 'gzip');
    }
    if (request.form !== undefined) headers.set('content-type', 'application/x-www-form-urlencoded');
    const credential = resolveOption(options.credential);
    if (credential !== null) headers.set('authorization', `Bearer ${credential}`);
    if (options.passphrase !== undefined) {
      const bytes = new TextEncoder().encode(options.passphrase);
      headers.set(HEADERS.passphrase, String.fromCharCode(...bytes));
    }
    const workspace = request.workspace ?? resolveOption(options.workspace);
    if (workspace !== null) headers.set(HEADERS.workspace, workspace);
    if (request.ifMatch !== undefined) headers.set('if-match', request.ifMatch);
    if (request.idempotencyKey !== undefined) headers.set(HEADERS.idempotencyKey, request.idempotencyKey);
    return headers;
  }

  async function tryOnce(method: Method, path: string, request: Request, isStream: boolean): Promise<Response> {
    const timeoutMs = request.timeout ?? options.timeout ?? DEFAULT_TIMEOUT_MS;
    // The timeout applies only until a stream starts, because the stream can last for hours.
    const startController = isStream ? new AbortController() : null;
    const timer = startController === null ? undefined : setTimeout(() => startController.abort(), timeoutMs);
    const timeoutSignal = startController?.signal ?? AbortSignal.timeout(timeoutMs);
    const signal = request.signal === undefined ? timeoutSignal : AbortSignal.any([request.signal, timeoutSignal]);
    const form = Object.entries(request.form ?? {}).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as [string, string]],
    );
    let response: Response;
    try {
      response = await fetchResponse(buildUrl(base, path, request.query), {
        method,
        headers: buildHeaders(request),
        signal,
        // Not followed, so that the credential is sent to no other server. Workers do not support `error`.
        redirect: 'manual',
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
        ...(request.packedJson !== undefined && { body: request.packedJson }),
        ...(request.form !== undefined && { body: new URLSearchParams(form).toString() }),
      });
    } catch (cause) {
      request.signal?.throwIfAborted();
      if (timeoutSignal.aborted)
        throw new DevpilotError('timed_out', `${serverLabel} did not respond in time.`, { status: 0 });
      throw new DevpilotError('unreachable', `${serverLabel} cannot be reached.`, { status: 0, cause });
    } finally {
      clearTimeout(timer);
    }
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel();
      const message = `${serverLabel} redirects to another URL, which is not followed.`;
      // Browsers report the status of a redirect as 0.
      throw new DevpilotError('unexpected_answer', message, { status: response.status || 302 });
    }
    if (!response.ok) throw await toDevpilotError(response);
    return response;
  }

  async function sendWithRetries(method: Method, path: string, request: Request, isStream = false): Promise<Response> {
    for (let retries = 0; ; retries++) {
      try {
        return await tryOnce(method, path, request, isStream);
      } catch (error) {
        if (!(error instanceof DevpilotError) || retries >= maxRetries) throw error;
        const pauseMs = retryPauseMs(method, error, retries, Math.random());
        if (pauseMs === null) throw error;
        await pause(pauseMs, request.signal);
      }
    }
  }

  async function parseBody<Body>(response: Response): Promise<Body> {
    const text = await response.text();
    if (text === '') return undefined as Body;
    try {
      return JSON.parse(text) as Body;
    } catch {
      const message = 'The response did not come from Devpilot.';
      throw new DevpilotError('unexpected_answer', message, { status: response.status });
    }
  }

  return {
    async send<Body>(method: Method, path: string, request: Request = {}) {
      return parseBody<Body>(await sendWithRetries(method, path, request));
    },
    async sendTagged<Body>(method: Method, path: string, request: Request = {}) {
      const response = await sendWithRetries(method, path, request);
      return { value: await parseBody<Body>(response), tag: response.headers.get('etag') ?? undefined };
    },
    async text(path, request = {}) {
      return (await sendWithRetries('GET', path, { accept: 'text/plain', ...request })).text();
    },
    async stream(path, request = {}) {
      const { body } = await sendWithRetries('GET', path, request, true);
      return body ?? new ReadableStream({ start: (controller) => controller.close() });
    },
  };
}
