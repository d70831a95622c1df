import { lookup } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { addressKindOf, isNodeLocalHost } from './addresses.ts';

/**
 * The addresses to which requests may be sent (`DEVPILOT_OUTBOUND`). `private` includes public addresses, and `any`
 * includes all addresses.
 */
export const OUTBOUND_POLICIES = ['public', 'private', 'any'] as const;
export type OutboundPolicy = (typeof OUTBOUND_POLICIES)[number];

export interface OutboundRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Maximum time from the resolution of the name to the last byte of the response; milliseconds. */
  readonly timeoutMs: number;
  /** Bytes of the response beyond this number are not read. */
  readonly maxResponseBytes: number;
  readonly signal?: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** At most `maxResponseBytes`. */
  readonly body: Buffer;
}

/** A request that was refused or got no usable response. The message is for users. */
export class OutboundError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OutboundError';
  }
}

export interface Outbound {
  /**
   * Returns why a URL is refused, as a phrase such as "must be ...", or null if it is not refused. Does not resolve
   * host names: their addresses are checked when a request is sent.
   */
  refusalOf(url: string): string | null;
  /**
   * Sends a request to an address that the policy allows. The name is resolved once, and the connection is made to
   * exactly the address that was checked, so that a name cannot resolve to another host after the check (DNS
   * rebinding). Redirects are not followed. Throws `OutboundError`.
   */
  send(request: OutboundRequest): Promise<OutboundResponse>;
}

interface Address {
  readonly address: string;
  readonly family: number;
}

export interface OutboundOptions {
  readonly policy: OutboundPolicy;
  /** `HTTPS_PROXY`, `NO_PROXY` and their lower-case forms. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Resolves a name; only tests replace it. */
  readonly resolve?: (host: string) => Promise<readonly Address[]>;
}

const ACCEPTED_ADDRESSES: Readonly<Record<OutboundPolicy, string>> = {
  public: 'a public address',
  private: 'a public or private address, not a loopback, link-local or metadata address',
  any: 'any address',
};

function isAllowed(policy: OutboundPolicy, address: string): boolean {
  if (policy === 'any') return true;
  const kind = addressKindOf(address);
  return kind === 'public' || (kind === 'private' && policy === 'private');
}

const hostOf = (url: URL) => url.hostname.replace(/^\[|\]$/g, '');

/** Returns whether `NO_PROXY` contains a host: its name, a parent domain, or `*`. Pure. */
function bypassesProxy(host: string, noProxy: string): boolean {
  return noProxy
    .split(/[\s,]+/)
    .map((entry) => entry.toLowerCase().replace(/^\*?\./, ''))
    .some((entry) => entry === '*' || (entry !== '' && (host === entry || host.endsWith(`.${entry}`))));
}

/** Returns the proxy for a URL; null if none is set, the URL is not `https:`, or its host bypasses the proxy. Pure. */
function proxyFor(url: URL, environment: Readonly<Record<string, string | undefined>>): string | null {
  const proxy = environment['HTTPS_PROXY'] ?? environment['https_proxy'] ?? '';
  if (proxy === '' || url.protocol !== 'https:') return null;
  const noProxy = environment['NO_PROXY'] ?? environment['no_proxy'] ?? '';
  return bypassesProxy(hostOf(url), noProxy) ? null : proxy;
}

/** Describes a connection error for users, with the error code of OpenSSL or the operating system. Pure. */
function describeConnectionError(error: NodeJS.ErrnoException): string {
  if (error.name === 'AbortError') return 'The request was cancelled.';
  const { code = error.message } = error;
  return `The connection failed: ${code}.`;
}

/** Reads up to `maxBytes` of a response, then closes it. */
async function readBody(response: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

/** Sends the request to one of `addresses`. */
function sendToAddress(
  url: URL,
  addresses: readonly [Address, ...Address[]],
  proxy: string | null,
  request: OutboundRequest,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const host = hostOf(url);
  const lookupAllowed: LookupFunction = (_, { all }, callback) => {
    if (all === true) callback(null, [...addresses]);
    else callback(null, addresses[0].address, addresses[0].family);
  };
  const { body } = request;
  const contentLength = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options: https.RequestOptions = {
    method: request.method,
    path: `${url.pathname}${url.search}`,
    port: url.port || undefined,
    headers: { ...request.headers, ...contentLength, host: url.host },
    signal,
    // A proxy receives the address instead of the name, so that it cannot resolve the name to another address.
    ...(proxy === null ? { host, lookup: lookupAllowed } : { host: addresses[0].address }),
    ...(isIP(host) === 0 && { servername: host }),
  };
  const proxyEnv = proxy === null ? {} : { proxyEnv: { HTTPS_PROXY: proxy } };
  return new Promise((resolve, reject) => {
    const client =
      url.protocol === 'https:'
        ? https.request({ ...options, agent: new https.Agent(proxyEnv) })
        : http.request({ ...options, agent: new http.Agent() });
    let hasResponse = false;
    client.on('error', reject);
    client.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new OutboundError('The response has the status 101, which was not requested.'));
    });
    client.on('close', () => {
      if (!hasResponse) reject(new OutboundError('The connection ended without a response.'));
    });
    client.on('response', (response) => {
      hasResponse = true;
      readBody(response, request.maxResponseBytes)
        .then((content) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content }))
        .catch(reject)
        .finally(() => client.destroy());
    });
    client.end(body);
  });
}

/**
 * Rejects when the signal is aborted. Needed because `dns.lookup` cannot be aborted, and an aborted connection may emit
 * no event.
 */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Creates the HTTP client for all requests to URLs that people configure. */
export function createOutbound({ policy, environment = {}, resolve }: OutboundOptions): Outbound {
  const resolveName = resolve ?? ((host: string) => lookup(host, { all: true }));

  function refusalOf(text: string): string | null {
    const url = URL.parse(text);
    if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'must be an http:// or https:// URL';
    if (url.username !== '' || url.password !== '') return 'must not contain a user name or password';
    const host = hostOf(url);
    const isName = isIP(host) === 0;
    const isRefused = isName ? policy !== 'any' && isNodeLocalHost(host) : !isAllowed(policy, host);
    return isRefused ? `must be at ${ACCEPTED_ADDRESSES[policy]} (DEVPILOT_OUTBOUND)` : null;
  }

  async function allowedAddressesOf(url: URL): Promise<[Address, ...Address[]]> {
    const host = hostOf(url);
    const version = isIP(host);
    const addresses = version === 0 ? await resolveName(host).catch(() => []) : [{ address: host, family: version }];
    if (addresses.length === 0) throw new OutboundError('The host name could not be resolved.');
    const [first, ...others] = addresses.filter(({ address }) => isAllowed(policy, address));
    if (first === undefined)
      throw new OutboundError(`The URL must be at ${ACCEPTED_ADDRESSES[policy]} (DEVPILOT_OUTBOUND).`);
    return [first, ...others];
  }

  return {
    refusalOf,
    async send(request) {
      const refusal = refusalOf(request.url);
      if (refusal !== null) throw new OutboundError(`The URL ${refusal}.`);
      const url = new URL(request.url);
      const timeout = AbortSignal.timeout(request.timeoutMs);
      const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
      try {
        const sent = allowedAddressesOf(url).then((addresses) =>
          sendToAddress(url, addresses, proxyFor(url, environment), request, signal),
        );
        return await Promise.race([sent, rejectOnAbort(signal)]);
      } catch (error) {
        if (error instanceof OutboundError) throw error;
        if (timeout.aborted)
          throw new OutboundError(`No complete response within ${request.timeoutMs / 1000} s.`, error);
        throw new OutboundError(describeConnectionError(error as NodeJS.ErrnoException), error);
      }
    },
  };
}
