import { METHODS } from 'node:http';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { createSerializerCompiler } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { LIMITS } from '../contract/limits.ts';
import { hasAnyPerson } from '../store/people.ts';
import { registerDocs } from './api-docs.ts';
import type { AppContext } from './app-context.ts';
import { createAuthorizeHandler } from './authorize.ts';
import { addBodyParsers } from './body-parsers.ts';
import { clientAddressOf } from './client-address.ts';
import { registerHealth } from './health.ts';
import { endWithLingeringClose } from './lingering-close.ts';
import {
  AUTHORIZE_PATH,
  createClientAddressResolver,
  createNodeServer,
  createRequestIdGenerator,
  type RequestIdGenerator,
  type ResponseObserver,
  withObserver,
} from './node-server.ts';
import { addNotFoundHandler } from './not-found.ts';
import { principalIdOf } from './principal.ts';
import { handleError, rawProblemResponse } from './problems.ts';
import { registerRoutes } from './register-routes.ts';
import { routeTable } from './route-table.ts';
import { securityHeaders } from './security-headers.ts';
import { registerSpa } from './spa.ts';
import { registerUnsubscribe } from './unsubscribe.ts';
import { compileValidator } from './validation.ts';

function logResponse(request: FastifyRequest, status: number, milliseconds: number): void {
  if (request.routeOptions.config.logFailuresOnly === true && status < 400) return;
  const { principal } = request;
  request.log.info(
    {
      requestId: request.id,
      method: request.method,
      // Log the route's pattern, never the URL, because URLs can contain invitation codes and other people's IDs.
      route: request.routeOptions.url ?? null,
      status,
      ms: Math.round(milliseconds * 10) / 10,
      address: clientAddressOf(request),
      principal: principal === null ? null : principalIdOf(request),
    },
    'request',
  );
}

type AuthorizeHandler = ReturnType<typeof createAuthorizeHandler>;

/**
 * Registers `/v1/authorize` with Fastify. Node's server handles most of its requests (`node-server.ts`); Fastify
 * handles URLs in absolute form or with escapes. The registration also adds the route to Fastify's list of routes.
 */
function registerAuthorize(app: FastifyInstance, authorize: AuthorizeHandler): void {
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

interface HttpServerOptions {
  readonly logger: FastifyBaseLogger;
  readonly trustProxy: readonly string[];
  readonly observe?: ResponseObserver | undefined;
}

/** Creates the Fastify instance on Node's server, without hooks and routes. */
function createFastify(
  context: AppContext,
  options: HttpServerOptions,
  authorize: AuthorizeHandler,
  createRequestId: RequestIdGenerator,
): FastifyInstance {
  const { observe } = options;
  const app = fastify({
    serverFactory: (handle) =>
      createNodeServer(observe === undefined ? authorize : withObserver(authorize, observe), handle, createRequestId),
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // A child logger per request would cost more than authorization. Log calls add the request ID themselves instead.
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
  return app;
}

/** Adds the hooks that run for all requests. */
function addHooks(app: FastifyInstance, observe: ResponseObserver | undefined): void {
  if (observe !== undefined) {
    app.addHook('onResponse', (request, reply, done) => {
      observe(request.method, request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime);
      done();
    });
  }
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // When the server stops, also close the connections of requests that arrived before it stopped listening.
    if (!app.server.listening) reply.raw.shouldKeepAlive = false;
    done();
  });
}

/** Registers the routes of the route table. */
function registerApi(scope: FastifyInstance, context: AppContext): void {
  scope.addHook('onRequest', (request, reply, next) => {
    reply.headers({ ...securityHeaders(context, request), 'cache-control': 'no-store' });
    next();
  });
  scope.addHook('onResponse', (request, reply, next) => {
    logResponse(request, reply.statusCode, reply.elapsedTime);
    next();
  });
  registerRoutes(scope, context, routeTable(context));
}

/** Returns a function that returns whether anyone has signed up. A positive result is cached. */
function createSetupCheck({ store }: AppContext): () => Promise<boolean> {
  let isSetUp = false;
  return async () => {
    try {
      return (isSetUp ||= await hasAnyPerson(store.read));
    } catch {
      // The web UI shows an error itself if the store cannot be read.
      return true;
    }
  };
}

/**
 * Registers the health checks, the API reference, the unsubscribe page and the web UI. Returns a function that sends
 * the page for a URL that was not found.
 */
function registerPages(scope: FastifyInstance, context: AppContext): (reply: FastifyReply) => FastifyReply {
  scope.addHook('onRequest', (request, reply, next) => {
    reply.headers(securityHeaders(context, request));
    next();
  });
  registerHealth(scope, context);
  registerDocs(scope, context);
  registerUnsubscribe(scope, context);
  return registerSpa(scope, {
    allowLocalServers: context.platform.allowLocalServers,
    isSetUp: createSetupCheck(context),
    passwords: context.people.passwords,
    singleSignOn: context.people.singleSignOn?.provider.name,
  });
}

/** Builds the HTTP server. The caller starts listening. */
export async function createHttpServer(context: AppContext, options: HttpServerOptions): Promise<FastifyInstance> {
  const createRequestId = createRequestIdGenerator();
  const authorize = createAuthorizeHandler(context, {
    requestIdOf: createRequestId,
    addressOf: createClientAddressResolver(options.trustProxy),
    log: options.logger,
  });
  const app = createFastify(context, options, authorize, createRequestId);
  app.decorateRequest('principal', null);
  app.setValidatorCompiler<z.ZodType>(compileValidator);
  app.setSerializerCompiler(createSerializerCompiler({}));
  app.setErrorHandler(handleError);
  addBodyParsers(app);
  let sendNotFoundPage: (reply: FastifyReply) => FastifyReply;
  addNotFoundHandler(app, context, (reply) => sendNotFoundPage(reply));
  addHooks(app, options.observe);
  registerAuthorize(app, authorize);
  await app.register(
    (scope) =>
      // Returns a promise, because Fastify does not catch the errors of a plugin with a `done` callback, such as the
      // one for an invalid route.
      new Promise<void>((resolve) => {
        registerApi(scope, context);
        resolve();
      }),
  );
  await app.register((scope, _options, done) => {
    sendNotFoundPage = registerPages(scope, context);
    done();
  });
  await app.ready();
  return app;
}
