import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, METHODS, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { createSerializerCompiler, jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';
import { checkJsonLimits, JSON_LIMITS } from '../platform/bounded-json.ts';
import { accountRoutes, operatorRoutes } from './accounts.ts';
import { activityRoutes } from './activity.ts';
import { registerDocs } from './api-docs.ts';
import type { AppContext } from './app-context.ts';
import { appRoutes } from './apps.ts';
import { auditRoutes } from './audit.ts';
import { createAuthorizeHandler } from './authorize.ts';
import { backupRoutes } from './backups.ts';
import { accessTokenRoutes, apiKeyRoutes } from './credentials.ts';
import { singleHeaderValue } from './credentials-from-request.ts';
import { deploymentRoutes } from './deployments.ts';
import { deviceRoutes } from './devices.ts';
import { environmentRoutes } from './environment.ts';
import { errorIngestRoutes } from './error-ingest.ts';
import { errorRoutes } from './errors.ts';
import { guardRoutes } from './guards.ts';
import { registerHealth } from './health.ts';
import { introspectionRoutes } from './introspection.ts';
import { enableLingeringClose, endWithLingeringClose } from './lingering-close.ts';
import { oauthMetadataRoutes } from './oauth-metadata.ts';
import { openApiDocument } from './openapi.ts';
import { passkeyRoutes } from './passkeys.ts';
import { peopleRoutes } from './people.ts';
import { handleError, rawProblemResponse, sendProblem, serializeProblem } from './problems.ts';
import { projectRoutes } from './projects.ts';
import { FORM_CONTENT_TYPE, type Route, registerRoute } from './route.ts';
import { runRoutes } from './runs.ts';
import { scriptRoutes } from './scripts.ts';
import { securityHeaders } from './security-headers.ts';
import { serverRoutes } from './servers.ts';
import { registerSpa, wantsPage } from './spa.ts';
import { compileValidator, splitLongArray } from './validation.ts';
import { memberRoutes, workspaceRoutes } from './workspaces.ts';

const AUTHORIZE_PATH = '/v1/authorize';

/**
 * Every route that requires a principal, with its access. `/v1/authorize`, health and docs are registered separately.
 */
export function routeTable(context: AppContext): Route[] {
  return [
    ...peopleRoutes(context),
    ...accountRoutes(context),
    ...operatorRoutes(context),
    ...passkeyRoutes(context),
    ...deviceRoutes(context),
    ...workspaceRoutes(context),
    ...memberRoutes(context),
    ...accessTokenRoutes(context),
    ...apiKeyRoutes(context),
    ...auditRoutes(context),
    ...introspectionRoutes(context),
    ...guardRoutes(context),
    ...projectRoutes(context),
    ...appRoutes(context),
    ...serverRoutes(context),
    ...environmentRoutes(context),
    ...oauthMetadataRoutes(context),
    ...activityRoutes(context),
    ...errorRoutes(context),
    ...errorIngestRoutes(context),
    ...deploymentRoutes(context),
    ...scriptRoutes(context),
    ...runRoutes(context),
    ...backupRoutes(context),
  ];
}

/** Generates request ids: the client's own if it is well-formed, otherwise a random prefix and a counter. */
function createRequestIdGenerator(): (request: Pick<IncomingMessage, 'rawHeaders'>) => string {
  const start = `${randomBytes(6).toString('base64url').replace(/[-_]/g, 'x')}-`;
  let count = 0;
  return ({ rawHeaders }) => {
    const callerId = singleHeaderValue(rawHeaders, 'x-request-id');
    if (typeof callerId === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(callerId) && redactSecrets(callerId) === callerId)
      return callerId;
    return start + (count++).toString(36);
  };
}

/** Parses the fields of a form. Throws `too_large` for too many fields, `invalid_request` for a repeated one. */
function parseForm(text: string): Record<string, string> {
  let count = 1;
  for (let index = text.indexOf('&'); index !== -1; index = text.indexOf('&', index + 1)) {
    if (++count > LIMITS.formFields) {
      throw new Problem('too_large', `The form must not contain more than ${LIMITS.formFields} fields.`);
    }
  }
  const fields = [...new URLSearchParams(text)];
  const form = Object.fromEntries(fields);
  if (Object.keys(form).length < fields.length) {
    throw new Problem('invalid_request', 'The form contains a field twice.');
  }
  return form;
}

/** Parses JSON. An empty body is undefined, and `__proto__` stays an ordinary key, for the schemas to refuse. */
function addParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    // RFC 9110, section 5.6.6, allows a tab beside the semicolon, but only attacks use one (CVE-2026-25223).
    if (request.headers['content-type']?.includes('\t')) throw new Problem('unsupported_media_type');
    if (body.length === 0) return undefined;
    await checkJsonLimits(body, request.routeOptions.config.jsonLimits ?? JSON_LIMITS);
    try {
      return JSON.parse(body.toString()) as unknown;
    } catch {
      throw new Problem('invalid_request', 'The body is not well-formed JSON.');
    }
  });
  const form = { parseAs: 'string', bodyLimit: LIMITS.formBody } as const;
  app.addContentTypeParser(FORM_CONTENT_TYPE, form, (_request, body, done) => done(null, parseForm(String(body))));
}

/** Registers a route that receives its body as bytes, whatever content type the request declares. */
function registerRawBodyRoute(app: FastifyInstance, context: AppContext, definition: Route): void {
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    registerRoute(scope, context, definition);
    done();
  });
}

/** Registers a route whose body has a long array that is validated over several turns of the event loop. */
function registerLongArrayRoute(app: FastifyInstance, context: AppContext, definition: Route, field: string): void {
  const { schemaWithoutElements, checkElements } = splitLongArray(definition.body, field);
  void app.register((scope, _options, done) => {
    scope.setValidatorCompiler<z.ZodType>(({ schema, httpPart = '' }) =>
      compileValidator({ schema: httpPart === 'body' ? schemaWithoutElements : schema, httpPart }),
    );
    scope.addHook('preHandler', ({ body }) => checkElements(body));
    registerRoute(scope, context, definition);
    done();
  });
}

/** Patterns of all routes, to distinguish 405 from 404. */
function createAllowedMethodsLookup(app: FastifyInstance): (path: string) => string[] {
  const known = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const source = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+');
    const entry = known.get(url) ?? { pattern: new RegExp(`^${source}$`), methods: new Set<string>() };
    for (const one of [method].flat()) entry.methods.add(one);
    known.set(url, entry);
  });
  return (path) => [
    ...new Set([...known.values()].filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods])),
  ];
}

function logResponse(request: FastifyRequest, status: number, milliseconds: number): void {
  if (request.routeOptions.config.logFailuresOnly === true && status < 400) return;
  const { principal } = request;
  request.log.info(
    {
      requestId: request.id,
      method: request.method,
      // Log the route's pattern, never the URL: invitation codes and other people's ids must not reach the log.
      route: request.routeOptions.url ?? null,
      status,
      ms: Math.round(milliseconds * 10) / 10,
      address: request.ip,
      principal: principal === null ? null : principal.kind === 'person' ? principal.personId : principal.record.id,
    },
    'request',
  );
}

/** The client's address: the socket's, or the one that the nearest trusted proxies report. */
function createClientAddressResolver(trustProxy: readonly string[]): (request: IncomingMessage) => string {
  if (trustProxy.length === 0) return (request) => request.socket.remoteAddress ?? '';
  const isTrustedProxy = proxyAddr.compile([...trustProxy]);
  return (request) => proxyAddr(request, isTrustedProxy);
}

/** Called after every response with the method, the route's pattern, the status and the duration in milliseconds. */
export type ResponseObserver = (method: string, route: string, status: number, ms: number) => void;

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Wraps the `/v1/authorize` handler so that `observe` receives its responses too. */
function withObserver(authorize: RequestHandler, observe: ResponseObserver): RequestHandler {
  return (request, response) => {
    const startedAtMs = performance.now();
    response.once('finish', () => {
      observe(request.method ?? '', AUTHORIZE_PATH, response.statusCode, performance.now() - startedAtMs);
    });
    authorize(request, response);
  };
}

/** Longer than the idle time-out of common proxies, so that the proxy closes idle connections and not the server. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

/** Creates Node's server, which answers `/v1/authorize` directly and passes everything else to Fastify. */
function createNodeServer(authorize: RequestHandler, handle: RequestHandler, refuse: RequestHandler): Server {
  const options = { keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    // Node's own response would close the connection before the client has sent its body.
    if (request.headers.host === undefined && request.httpVersion === '1.1') return refuse(request, response);
    // While stopping, requests are still answered but the connection is then closed.
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
  return server;
}

/**
 * Registers `/v1/authorize` with Fastify too: for URLs in absolute form or with escapes, and for the list of routes.
 */
function registerAuthorize(app: FastifyInstance, authorize: ReturnType<typeof createAuthorizeHandler>): void {
  app.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, reply, _next) => {
      reply.hijack();
      authorize(request.raw, reply.raw, request.id);
    });
    scope.route({
      method: [...app.supportedMethods],
      url: AUTHORIZE_PATH,
      exposeHeadRoute: false,
      schema: { hide: true },
      handler: () => undefined,
    });
    done();
  });
}

/** Builds the HTTP server. The caller starts listening. */
export async function createHttpServer(
  context: AppContext,
  options: {
    readonly logger: FastifyBaseLogger;
    readonly trustProxy: readonly string[];
    readonly observe?: ResponseObserver | undefined;
  },
): Promise<FastifyInstance> {
  const { observe } = options;
  const createRequestId = createRequestIdGenerator();
  const authorize = createAuthorizeHandler(context, {
    requestIdOf: createRequestId,
    addressOf: createClientAddressResolver(options.trustProxy),
    log: options.logger,
  });
  function refuseWithoutHost(request: IncomingMessage, response: ServerResponse): void {
    const requestId = createRequestId(request);
    const problem = new Problem('invalid_request', 'The request must have the header Host.');
    const { headers, body } = serializeProblem(problem, problem.status, requestId);
    enableLingeringClose(request, response);
    response.writeHead(problem.status, { ...headers, 'x-request-id': requestId, connection: 'close' }).end(body);
  }
  const app = fastify({
    serverFactory: (handle) =>
      createNodeServer(observe === undefined ? authorize : withObserver(authorize, observe), handle, refuseWithoutHost),
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // One logger for all requests: a child logger per request costs more than authorization, so log calls add the
    // request id themselves.
    childLoggerFactory: (logger) => logger,
    genReqId: (request) => createRequestId(request),
    requestIdHeader: false,
    trustProxy: options.trustProxy.length === 0 ? false : [...options.trustProxy],
    bodyLimit: LIMITS.bodyBytes,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 300 },
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...securityHeaders(context, request), 'x-request-id': request.id });
      handleError(error, request, reply as never);
    },
    clientErrorHandler(_error, socket) {
      endWithLingeringClose(socket, rawProblemResponse('invalid_request', createRequestId({ rawHeaders: [] })));
    },
  });
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method) && method !== 'CONNECT') app.addHttpMethod(method, { hasBody: true });
  }

  // Ignore an unknown `Expect`: Node's own 417 would bypass every route.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  // Node would close the connection without a response.
  app.server.on('connect', (_request, socket) => {
    endWithLingeringClose(
      socket as Socket,
      rawProblemResponse('method_not_allowed', createRequestId({ rawHeaders: [] })),
    );
  });
  // Only a route that is about to read the body answers `Expect: 100-continue`, so a refused request never sends its
  // body.
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response));

  app.decorateRequest('principal', null);
  app.setValidatorCompiler<z.ZodType>(compileValidator);
  app.setSerializerCompiler(createSerializerCompiler({}));
  app.setErrorHandler(handleError);
  addParsers(app);
  const allowedMethodsOf = createAllowedMethodsLookup(app);
  let sendNotFoundPage: (reply: FastifyReply) => FastifyReply;
  function respondNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const allow = allowedMethodsOf(request.url.split('?')[0] ?? '');
    if (allow.length === 0 && wantsPage(request)) return sendNotFoundPage(reply);
    if (allow.length === 0) return sendProblem(reply, new Problem('not_found', 'Nothing was found at this URL.'));
    return sendProblem(reply, new Problem('method_not_allowed', `This URL accepts ${allow.join(', ')}.`, { allow }));
  }
  app.setNotFoundHandler(respondNotFound);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // Before the body is parsed, because no route reads it.
    if (request.is404) respondNotFound(request, reply.headers(securityHeaders(context, request)));
    else done();
  });

  if (observe !== undefined) {
    app.addHook('onResponse', (request, reply, done) => {
      observe(request.method, request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime);
      done();
    });
  }
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // Also close the connections of requests that arrived before the server began to stop.
    if (!app.server.listening) reply.raw.shouldKeepAlive = false;
    done();
  });

  await app.register(swagger, {
    openapi: openApiDocument(context),
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  registerAuthorize(app, authorize);
  await app.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, reply, next) => {
      reply.headers({ ...securityHeaders(context, request), 'cache-control': 'no-store' });
      next();
    });
    scope.addHook('onResponse', (request, reply, next) => {
      logResponse(request, reply.statusCode, reply.elapsedTime);
      next();
    });
    for (const definition of routeTable(context)) {
      const { longArray } = definition;
      if (definition.bodyFormat === 'bytes') registerRawBodyRoute(scope, context, definition);
      else if (longArray !== undefined) registerLongArrayRoute(scope, context, definition, longArray);
      else registerRoute(scope, context, definition);
    }
    done();
  });
  await app.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, reply, next) => {
      reply.headers(securityHeaders(context, request));
      next();
    });
    registerHealth(scope, context);
    registerDocs(scope, context);
    sendNotFoundPage = registerSpa(scope, { allowLocalServers: context.platform.allowLocalServers });
    done();
  });
  await app.ready();
  return app;
}
