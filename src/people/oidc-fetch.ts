import { type Outbound, OutboundError } from '../outbound/outbound.ts';

/** Maximum time from resolving the provider's host name to the last byte of its response. */
const TIMEOUT_MS = 10_000;
/** Discovery documents, key sets and tokens are tens of kilobytes at most. */
const MAX_RESPONSE_BYTES = 1_048_576;

interface FetchOptions {
  readonly method?: string;
  readonly headers?: RequestInit['headers'];
  readonly body?: unknown;
}

/** Whether an error means that the provider could not be reached or had an internal error. */
export function isProviderDown(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof OutboundError) return true;
  }
  return false;
}

/**
 * Returns a `fetch` function over `src/outbound/` for libraries that communicate with the provider. It does not follow
 * redirects. It throws `OutboundError`, also for a response with a 5xx status, which the libraries would interpret
 * as a refusal.
 */
export function createOidcFetch(outbound: Outbound) {
  return async (url: string, { method = 'GET', headers, body }: FetchOptions): Promise<Response> => {
    const response = await outbound.send({
      url,
      method: method === 'POST' ? 'POST' : 'GET',
      headers: Object.fromEntries(new Headers(headers)),
      ...(body !== undefined && body !== null && { body: String(body) }),
      timeoutMs: TIMEOUT_MS,
      maxResponseBytes: MAX_RESPONSE_BYTES,
    });
    if (response.status >= 500) throw new OutboundError(`The response has the status ${response.status}.`);
    const { 'content-type': type, 'www-authenticate': challenge } = response.headers;
    return new Response(response.status === 204 ? null : new Uint8Array(response.body), {
      // The constructor of `Response` accepts no status below 200.
      status: response.status < 200 ? 400 : response.status,
      headers: {
        ...(type !== undefined && { 'content-type': type }),
        ...(challenge !== undefined && { 'www-authenticate': challenge }),
      },
    });
  };
}
