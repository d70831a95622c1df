import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';
import { canonicalAddress } from '../contract/address-ranges.ts';
import { Problem } from '../contract/problem.ts';
import { redactLogText } from '../contract/redact.ts';
import { singleHeaderValue } from './credentials-from-request.ts';
import { enableLingeringClose, endWithLingeringClose } from './lingering-close.ts';
import { rawProblemResponse, serializeProblem } from './problems.ts';

export const AUTHORIZE_PATH = '/v1/authorize';

export type RequestIdGenerator = (request: Pick<IncomingMessage, 'rawHeaders'>) => string;

/**
 * Creates a function that returns the client's request ID if it is well-formed and contains no secret, otherwise a
 * random prefix and a counter.
 */
export function createRequestIdGenerator(): RequestIdGenerator {
  const prefix = `${randomBytes(6).toString('base64url').replace(/[-_]/g, 'x')}-`;
  let count = 0;
  return ({ rawHeaders }) => {
    const clientId = singleHeaderValue(rawHeaders, 'x-request-id');
    if (typeof clientId === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(clientId) && redactLogText(clientId) === clientId)
      return clientId;
    return prefix + (count++).toString(36);
  };
}

/**
 * Creates a function that returns the client's address in canonical form: the address of the socket, or the address
 * that trusted proxies report. Returns an empty string if the proxies report something that is not an address.
 */
export function createClientAddressResolver(trustProxy: readonly string[]): (request: IncomingMessage) => string {
  if (trustProxy.length === 0) return ({ socket }) => canonicalAddress(socket.remoteAddress ?? '') ?? '';
  const isTrustedProxy = proxyAddr.compile([...trustProxy]);
  return (request) => canonicalAddress(proxyAddr(request, isTrustedProxy)) ?? '';
}

/** Called after every response with the method, the route's pattern, the status and the duration in milliseconds. */
export type ResponseObserver = (method: string, route: string, status: number, ms: number) => void;

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Wraps the `/v1/authorize` handler so that `observe` is also called for its responses. */
export function withObserver(authorize: RequestHandler, observe: ResponseObserver): RequestHandler {
  return (request, response) => {
    const startedAtMs = performance.now();
    response.once('finish', () => {
      observe(request.method ?? '', AUTHORIZE_PATH, response.statusCode, performance.now() - startedAtMs);
    });
    authorize(request, response);
  };
}

/**
 * Rejects a request without `Host`. Node's own response would close the connection before the client has sent its body.
 */
function refuseWithoutHost(request: IncomingMessage, response: ServerResponse, requestId: string): void {
  const problem = new Problem('invalid_request', 'The request must have the header Host.');
  const { headers, body } = serializeProblem(problem, problem.status, request, requestId);
  enableLingeringClose(request, response);
  response.writeHead(problem.status, { ...headers, 'x-request-id': requestId, connection: 'close' }).end(body);
}

/** Longer than the idle timeout of common proxies, so that the proxy closes idle connections and not the server. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

/** Creates Node's server, which handles `/v1/authorize` directly and passes all other requests to Fastify. */
export function createNodeServer(
  authorize: RequestHandler,
  handle: RequestHandler,
  createRequestId: RequestIdGenerator,
): Server {
  const options = { keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    if (request.headers.host === undefined && request.httpVersion === '1.1')
      return refuseWithoutHost(request, response, createRequestId(request));
    // While the server stops, it still responds to requests but then closes the connection.
    if (!server.listening) response.shouldKeepAlive = false;
    const url = request.url ?? '';
    const isAuthorizeRequest =
      url.startsWith(AUTHORIZE_PATH) && (url.length === AUTHORIZE_PATH.length || url[AUTHORIZE_PATH.length] === '?');
    if (!isAuthorizeRequest) {
      const { headers } = request;
      const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
      if (hasBody) enableLingeringClose(request, response);
      return handle(request, response);
    }
    authorize(request, response);
  });
  // Ignore an unknown `Expect`, for which Node would send its own 417 without calling a route.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  // For CONNECT, Node would close the connection without a response.
  server.on('connect', (_request, socket) => {
    endWithLingeringClose(
      socket as Socket,
      rawProblemResponse('method_not_allowed', createRequestId({ rawHeaders: [] })),
    );
  });
  // `Expect: 100-continue` is confirmed only by a route that is about to read the body, so that the client of a refused
  // request never sends its body.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  return server;
}
