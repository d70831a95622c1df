import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { z } from 'zod';
import type { FairShareLimiter } from '../contract/fair-share-limiter.ts';
import { LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { runEssentialWrite } from '../store/essential-writes.ts';
import { type Access, requirementOf } from './access.ts';
import type { AppContext } from './app-context.ts';
import { authenticateAgain, authenticateRequest, mayHaveClientSecret } from './authenticate-request.ts';
import { FORM_CONTENT_TYPE } from './body-parsers.ts';
import {
  type RequestCredentials,
  readClientSecret,
  refuseClientSecret,
  refuseCredentialInQuery,
} from './credentials-from-request.ts';
import { hasBody, rejectCrossSiteRequest } from './cross-site-requests.ts';
import { createLargeBodyLimiter, reserveLargeBody } from './large-bodies.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { resourceAccessOf } from './resource-access.ts';
import type { Route } from './route.ts';
import { schemaOf } from './route-schema.ts';
import { sunsetOf } from './sunset.ts';
import { compileValidator, splitLongArray } from './validation.ts';

/** The body of a route that does not declare one: missing, or an object without fields. */
const NoBody = z.strictObject({}).optional().meta({ id: 'NoBody', description: 'No body, or an empty object' });

const UNSAFE_METHODS: readonly HTTPMethods[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** The query of a route that does not declare one. */
const NoQuery = z.strictObject({});

/**
 * Adds `NoBody` and `NoQuery` to a route that declares no body or query, so that unexpected fields are refused instead
 * of ignored.
 */
export function withDefaults(definition: Route): Route {
  const { body, bodyFormat, query, ignoresQuery, method } = definition;
  const mustBeEmpty = body === undefined && bodyFormat === undefined && UNSAFE_METHODS.includes(method);
  const acceptsNoParameters = query === undefined && ignoresQuery !== true;
  return {
    ...definition,
    ...(mustBeEmpty && { body: NoBody }),
    ...(acceptsNoParameters && { query: NoQuery }),
  };
}

/**
 * Responds to `Expect: 100-continue` (RFC 9110, section 10.1.1), unless `Content-Length` exceeds the limit.
 */
function sendContinueUnlessTooLarge(request: FastifyRequest, reply: FastifyReply, bodyLimit: number): void {
  const { expect, 'content-length': length } = request.headers;
  if (expect?.toLowerCase() !== '100-continue' || request.raw.httpVersionMinor === 0) return;
  const isTooLarge = length !== undefined && Number(length) > bodyLimit;
  if (!isTooLarge) reply.raw.writeContinue();
}

/** Returns the problem of a request whose content type its route does not accept, or null. */
function contentTypeProblem(contentType: string | undefined, bodyFormat: Route['bodyFormat']): Problem | null {
  if (contentType === undefined || bodyFormat === 'bytes') return null;
  const isForm = contentType.toLowerCase().startsWith(FORM_CONTENT_TYPE);
  const isAccepted = bodyFormat === 'form' ? isForm : !isForm || bodyFormat === 'form or json';
  if (isAccepted) return null;
  return new Problem(
    'unsupported_media_type',
    `Send Content-Type: ${bodyFormat === 'form' ? FORM_CONTENT_TYPE : 'application/json'}.`,
  );
}

interface AuthenticateOptions {
  /** The access that this request requires. Default: the access of the route. */
  readonly requiredAccess?: Access;
  /** Whether no use is counted: the request is authenticated again later, or its route counts no use. */
  readonly isPreliminary?: boolean;
  /** Default: the credentials in the headers. */
  readonly credentials?: RequestCredentials;
}

interface Registration {
  readonly app: FastifyInstance;
  readonly context: AppContext;
  readonly largeBodies: FairShareLimiter;
}

function registerRoute({ app, context, largeBodies }: Registration, route: Route): void {
  const definition = withDefaults(route);
  const { access, bodyFormat } = definition;
  const requirement = requirementOf(access);
  const [successStatus] = Object.keys(definition.responses).map(Number);
  const isEssential = definition.method === 'DELETE' || definition.essential === true;
  const { accessForBody, accessForResource } = definition;
  const isAuthenticatedLater = accessForBody !== undefined || accessForResource !== undefined;
  const authenticate = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { requiredAccess = access, isPreliminary = false, credentials }: AuthenticateOptions = {},
  ) => {
    const principal = await authenticateRequest(
      context,
      request,
      requiredAccess,
      requiredAccess === access ? requirement : requirementOf(requiredAccess),
      isPreliminary,
      credentials,
    );
    request.principal = principal;
    if (principal.kind === 'person') return;
    const { record, rate = null } = principal;
    const sunset = sunsetOf(record, context.clock());
    if (sunset !== null) reply.header('sunset', sunset);
    if (rate !== null) reply.headers(rateLimitHeaders(rate));
  };
  app.route({
    method: definition.method,
    url: definition.url,
    ...(definition.bodyLimit !== undefined && { bodyLimit: definition.bodyLimit }),
    config: {
      resourceAccess: resourceAccessOf(definition),
      logFailuresOnly: definition.logFailuresOnly === true,
      isOAuth: definition.oauth === true,
      ...(definition.jsonLimits !== undefined && { jsonLimits: definition.jsonLimits }),
    },
    schema: schemaOf(definition),
    onRequest: async (request, reply) => {
      if ('public' in access) {
        if (access.cors !== undefined) reply.headers(access.cors);
        refuseCredentialInQuery(request.raw.url ?? '');
        if (access.cors === undefined) rejectCrossSiteRequest(context, request);
        return;
      }
      if (definition.oauth && mayHaveClientSecret(context, request)) return;
      await authenticate(request, reply, {
        isPreliminary: isAuthenticatedLater || definition.usesAreCountedElsewhere === true,
      });
    },
    preParsing: async (request, reply, payload) => {
      const { bodyLimit = LIMITS.bodyBytes } = definition;
      const problem = contentTypeProblem(request.headers['content-type'], bodyFormat);
      if (problem !== null) throw problem;
      if (definition.streamsBody !== true) reserveLargeBody(largeBodies, request, reply, bodyLimit);
      sendContinueUnlessTooLarge(request, reply, bodyLimit);
      return payload;
    },
    preValidation: async (request, reply) => {
      if (accessForBody !== undefined) {
        await authenticate(request, reply, { requiredAccess: accessForBody(request.body) });
      } else if (accessForResource !== undefined) {
        await authenticate(request, reply, { requiredAccess: await accessForResource(request) });
      } else if (!('public' in access) && request.principal === null) {
        // `onRequest` found no credential in the headers, so only the form can contain one.
        await authenticate(request, reply, {
          credentials: readClientSecret(request.body, context.credentials.isForeignSecret),
        });
      } else if (!('public' in access) && hasBody(request)) {
        if (definition.oauth) refuseClientSecret(request.body);
        request.principal = await authenticateAgain(context, request, access, requirement);
      }
      // Replacements for a missing body, which the schema or the handler checks.
      if (bodyFormat === 'bytes') request.body ??= Buffer.alloc(0);
      else if (definition.body instanceof z.ZodOptional) request.body ??= {};
    },
    handler: (request, reply) => {
      if (successStatus !== undefined) reply.code(successStatus);
      const input = {
        params: request.params as never,
        query: request.query as never,
        body: request.body as never,
        request,
        reply,
      };
      return isEssential ? runEssentialWrite(() => definition.handler(input)) : definition.handler(input);
    },
  });
}

/** Registers a route that receives its body as bytes or a stream, with any content type. */
function registerRawBodyRoute(registration: Registration, definition: Route): void {
  void registration.app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    if (definition.streamsBody) scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload));
    else scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    registerRoute({ ...registration, app: scope }, definition);
    done();
  });
}

/** Registers a route whose body has a long array that is validated over several turns of the event loop. */
function registerLongArrayRoute(registration: Registration, definition: Route, field: string): void {
  const { schemaWithoutElements, checkElements } = splitLongArray(definition.body, field);
  void registration.app.register((scope, _options, done) => {
    scope.setValidatorCompiler<z.ZodType>(({ schema, httpPart = '' }) =>
      compileValidator({ schema: httpPart === 'body' ? schemaWithoutElements : schema, httpPart }),
    );
    scope.addHook('preHandler', ({ body }) => checkElements(body));
    registerRoute({ ...registration, app: scope }, definition);
    done();
  });
}

/** Registers routes. Throws if a route that accepts credentials does not declare `resourceAccess`. */
export function registerRoutes(scope: FastifyInstance, context: AppContext, routes: readonly Route[]): void {
  const registration: Registration = { app: scope, context, largeBodies: createLargeBodyLimiter() };
  for (const definition of routes) {
    const { longArray } = definition;
    if (definition.bodyFormat === 'bytes') registerRawBodyRoute(registration, definition);
    else if (longArray !== undefined) registerLongArrayRoute(registration, definition, longArray);
    else registerRoute(registration, definition);
  }
}
