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
import { registerSpa } from './spa.ts';
import { compileValidator, splitLongArray } from './validation.ts';
import { memberRoutes, workspaceRoutes } from './workspaces.ts';

const AUTHORIZE_PATH = '/v1/authorize';

/** Every route that demands something, with its demand; `/v1/authorize`, health and docs stand beside it. */
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

/** Request ids: the caller's if it is a plain one, otherwise a random start and a count. */
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

/** The fields of a form. Throws `too_large` for too many, `invalid_request` for one that comes twice. */
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

/** JSON as it stands: an empty body is none, and `__proto__` stays a key for the schemas to refuse. */
function addParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    // A tab may stand beside the semicolon (RFC 9110, 5.6.6), but nobody puts one there in good faith (CVE-2026-25223).
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

/** A route that is given its body as it came, whatever type it says it has. */
function registerRawBodyRoute(app: FastifyInstance, context: AppContext, definition: Route): void {
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    registerRoute(scope, context, definition);
    done();
  });
}

/** A route with a body whose long array is checked in turns of the event loop. */
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

/** Patterns of the addresses there are, for telling 405 from 404. */
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
      // The pattern and never the address itself: codes and ids of others have no place in a log.
      route: request.routeOptions.url ?? null,
      status,
      ms: Math.round(milliseconds * 10) / 10,
      address: request.ip,
      principal: principal === null ? null : principal.kind === 'person' ? principal.personId : principal.record.id,
    },
    'request',
  );
}

/** The client's address: the socket's, or what the nearest proxies that are trusted say. */
function createClientAddressResolver(trustProxy: readonly string[]): (request: IncomingMessage) => string {
  if (trustProxy.length === 0) return (request) => request.socket.remoteAddress ?? '';
  const isTrustedProxy = proxyAddr.compile([...trustProxy]);
  return (request) => proxyAddr(request, isTrustedProxy);
}

/** Told of every answer: the method, the pattern of the route, the status and the milliseconds that it took. */
export type ResponseObserver = (method: string, route: string, status: number, ms: number) => void;

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** The same, and the answer is measured. */
function withObserver(authorize: RequestHandler, observe: ResponseObserver): RequestHandler {
  return (request, response) => {
    const startedAtMs = performance.now();
    response.once('finish', () => {
      observe(request.method ?? '', AUTHORIZE_PATH, response.statusCode, performance.now() - startedAtMs);
    });
    authorize(request, response);
  };
}

/** Idle connections are kept longer than proxies keep theirs, so that it is they who end them. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

/** Node's server: what asks for a judgement alone is answered here, all else by Fastify. */
function createNodeServer(authorize: RequestHandler, handle: RequestHandler, refuse: RequestHandler): Server {
  const options = { keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    // Node's own refusal would end the connection before the client has sent its body.
    if (request.headers.host === undefined && request.httpVersion === '1.1') return refuse(request, response);
    // Stopping: what still arrives is answered, and the connection is not kept.
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

/** The same for an address that is only written differently (absolute, or with escapes), and for the list of routes. */
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

/** Builds the HTTP server around a house; it listens when `server.ts` says so. */
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
    // One logger for all: a child per request costs more than a judgement, so lines name their request themselves.
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

  // An `Expect` that is unknown is answered like the request without it; Node's own 417 would bypass every route.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  // Node would end the connection without a word.
  app.server.on('connect', (_request, socket) => {
    endWithLingeringClose(
      socket as Socket,
      rawProblemResponse('method_not_allowed', createRequestId({ rawHeaders: [] })),
    );
  });
  // The client is told to send its body when a route is about to read it, and not before it is refused.
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response));

  app.decorateRequest('principal', null);
  app.setValidatorCompiler<z.ZodType>(compileValidator);
  app.setSerializerCompiler(createSerializerCompiler({}));
  app.setErrorHandler(handleError);
  addParsers(app);
  const allowedMethodsOf = createAllowedMethodsLookup(app);
  function respondNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const allow = allowedMethodsOf(request.url.split('?')[0] ?? '');
    if (allow.length === 0) return sendProblem(reply, new Problem('not_found', 'Nothing was found at this URL.'));
    return sendProblem(reply, new Problem('method_not_allowed', `This URL accepts ${allow.join(', ')}.`, { allow }));
  }
  app.setNotFoundHandler(respondNotFound);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // Before the body is looked at: nothing takes it.
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
    // The same for what arrived before the stop began.
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
    registerSpa(scope, { allowLocalServers: context.platform.allowLocalServers });
    done();
  });
  await app.ready();
  return app;
}
