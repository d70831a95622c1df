import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { z } from 'zod';
import type { RequestContext } from '../audit/request-context.ts';
import { CODES, type Code } from '../contract/error-codes.ts';
import type { IdempotencyClaim } from '../contract/idempotency.ts';
import { LIMITS } from '../contract/limits.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import { ProblemBody } from '../contract/problem-body.ts';
import type { JsonLimits } from '../platform/bounded-json.ts';
import { runEssentialWrite } from '../store/essential-writes.ts';
import type { AppContext } from './app-context.ts';
import {
  type Access,
  auditPartyOf,
  authenticateAgain,
  authenticateRequest,
  authorizeCredential,
  type CredentialPrincipal,
  hasBody,
  type Membership,
  originOf,
  type PersonPrincipal,
  type Principal,
  rejectCrossSiteRequest,
  requirementOf,
} from './authenticate-request.ts';
import { refuseCredentialInQuery } from './credentials-from-request.ts';
import { OPTIONAL_BODY } from './openapi-postprocess.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Called several times per second by each client, so only failures are logged. */
    logFailuresOnly?: boolean;
    /** Limits for the JSON of the body. */
    jsonLimits?: JsonLimits;
  }
  interface FastifyRequest {
    /** The principal of the request; null on public routes. */
    principal: Principal | null;
  }
}

/** The input of a handler, parsed and validated. */
export interface HandlerInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** One entry of the route table. */
export interface Route {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly access: Access;
  readonly summary: string;
  readonly tag: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** Unknown parameters of the query are ignored, as OAuth requires (RFC 6749, section 3.1) and Sentry SDKs rely on. */
  readonly ignoresQuery?: true;
  readonly body?: z.ZodType;
  /**
   * `application/x-www-form-urlencoded` instead of, or in addition to, JSON. `bytes`: any content type; the handler
   * parses the body itself, and the schema of the body is documentation only.
   */
  readonly bodyFormat?: 'form' | 'form or json' | 'bytes';
  /** The content types that a route with `bytes` documents. */
  readonly consumes?: readonly string[];
  /** What certain bodies require beyond `access`. Checked before the body is validated further. */
  readonly accessFor?: (body: unknown) => Access;
  /** Maximum size of the body in bytes, if it differs from the default. */
  readonly bodyLimit?: number;
  /** Maximum depth and number of values of the body's JSON, if they differ from `JSON_LIMITS`. */
  readonly jsonLimits?: JsonLimits;
  /** The body's field with a long array, which is validated over several turns of the event loop. */
  readonly longArray?: string;
  /** Called several times per second by each client, so only failures are logged. */
  readonly logFailuresOnly?: true;
  /** Works while the disk is full, as every DELETE does, because it revokes access or is needed to. */
  readonly essential?: true;
  /** The body of a successful response by its status, which the reply has unless the handler throws. */
  readonly responses: Readonly<Record<number, z.ZodType>>;
  /** Responds with NDJSON: one object of this shape per line. */
  readonly streamsNdjson?: true;
  /** The error codes of this route in addition to those that every route can return. */
  readonly errorCodes?: readonly Code[];
  readonly handler: (input: HandlerInput<never, never, never>) => unknown;
}

/** Declares a route, so that the types of its schemas reach its handler. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  definition: Omit<Route, 'params' | 'query' | 'body' | 'handler'> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly handler: (input: HandlerInput<z.output<P>, z.output<Q>, z.output<B>>) => unknown;
  },
): Route {
  return definition as unknown as Route;
}

/** The signed-in person of a request, for routes that require one. */
export function personOf(request: FastifyRequest): PersonPrincipal {
  const { principal } = request;
  if (principal?.kind !== 'person') throw new Problem('internal');
  return principal;
}

/** The membership of a request, for routes that require a role. */
export function membershipOf(request: FastifyRequest): Membership {
  const { membership } = personOf(request);
  if (membership === null) throw new Problem('internal');
  return membership;
}

/** The credential of a request, for routes that require one. */
export function credentialOf(request: FastifyRequest): CredentialPrincipal {
  const { principal } = request;
  if (principal === null || principal.kind === 'person') throw new Problem('internal');
  return principal;
}

/** The body of a route that takes `bytes`. */
export function rawBodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** The workspace of a request: the credential's own, or the one that the person is a member of. */
export function workspaceIdOf(request: FastifyRequest): string {
  const { principal } = request;
  if (principal === null) throw new Problem('internal');
  return principal.kind === 'person' ? membershipOf(request).workspaceId : principal.record.workspace.id;
}

/** The id of the person or credential that a request comes from. */
export function principalIdOf({ principal }: FastifyRequest): string {
  if (principal === null) throw new Problem('internal');
  return principal.kind === 'person' ? principal.personId : principal.record.id;
}

/** Who sends a request and from where. Ignores its `Idempotency-Key`, for requests that change nothing when repeated. */
export function requestContextIn(workspaceId: string, request: FastifyRequest): RequestContext {
  const { principal } = request;
  if (principal === null) throw new Problem('internal');
  const credential =
    principal.kind === 'person' ? null : { kind: principal.kind, id: principal.record.id, name: principal.record.name };
  const ifMatch = request.headers['if-match'] ?? null;
  return { workspaceId, actor: auditPartyOf(principal), credential, origin: originOf(request), claim: null, ifMatch };
}

/** Who sends a request, from where, and with which `Idempotency-Key`, in the workspace of the request. */
export function requestContextOf(context: AppContext, request: FastifyRequest): RequestContext {
  const workspaceId = workspaceIdOf(request);
  return { ...requestContextIn(workspaceId, request), claim: idempotencyClaimOf(context, request, workspaceId) };
}

/**
 * The `Idempotency-Key` of a POST as a claim, or null without one. The body is stored as a MAC under a key of the
 * server, because a plain hash would let an attacker test guesses of a passphrase in it.
 */
export function idempotencyClaimOf(
  context: AppContext,
  request: FastifyRequest,
  workspaceId: string,
): IdempotencyClaim | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined || request.method !== 'POST') return null;
  const { min, max } = LIMITS.idempotencyKey;
  if (typeof key !== 'string' || key.length < min || key.length > max || !/^[\x21-\x7e]+$/.test(key)) {
    throw invalidField('Idempotency-Key', `must be ${min} to ${max} visible ASCII characters`);
  }
  const { principal } = request;
  const principalId = principal?.kind === 'person' ? principal.personId : (principal?.record.id ?? '');
  const url = request.routeOptions.url ?? '';
  const bodyMac = context.seal.mac('idempotency', JSON.stringify([request.params, request.body]));
  return { workspaceId, principalId, route: `POST ${url}`, key, bodyMac };
}

export const IdParams = z.object({ id: z.string().max(64) });
/** The response of a route that returns nothing. */
export const NoContent = z.null().describe('Done');

/** The body of a route that declares none: missing, or an object without fields. */
const NoBody = z
  .strictObject({})
  .optional()
  .meta({ id: 'NoBody', description: 'No body, or an empty object: this route has no fields' });
const CHANGING: readonly HTTPMethods[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** The query of a route that declares none. */
const NoQuery = z.strictObject({});

/**
 * The route with `NoBody` and `NoQuery` if it declares no body or query, so that unexpected fields are refused and not
 * ignored.
 */
function withDefaults(definition: Route): Route {
  const { body, bodyFormat, query, ignoresQuery, method } = definition;
  return {
    ...definition,
    ...(body === undefined && bodyFormat === undefined && CHANGING.includes(method) && { body: NoBody }),
    ...(query === undefined && ignoresQuery !== true && { query: NoQuery }),
  };
}

type SecurityScheme = { readonly [name: string]: readonly string[] };

function securitySchemesOf(access: Access): SecurityScheme[] {
  if ('public' in access) return [];
  if ('any' in access) return [{ session: [] }, { bearer: [] }, { apiKey: [] }, { basic: [] }];
  const schemes: SecurityScheme[] = [];
  if (access.person !== undefined) schemes.push({ session: [] });
  if (access.token !== undefined || access.key !== undefined) schemes.push({ bearer: [] }, { basic: [] });
  if (access.key !== undefined) schemes.push({ apiKey: [] });
  return schemes;
}

const COMMON_ERROR_CODES: readonly Code[] = ['invalid_request', 'internal', 'unavailable', 'rate_limited'];
const AUTHENTICATION_ERROR_CODES: readonly Code[] = [
  'missing_credential',
  'invalid_token',
  'forbidden',
  'wrong_credential_kind',
];

function responseSchemasOf(definition: Route): Record<number, z.ZodType> {
  const authentication = 'public' in definition.access ? [] : AUTHENTICATION_ERROR_CODES;
  const hasInput = definition.body !== undefined || definition.query !== undefined;
  const input: Code[] = hasInput ? ['validation_failed'] : [];
  const body: Code[] = definition.body === undefined ? [] : ['too_large', 'unsupported_media_type'];
  const codes = [...COMMON_ERROR_CODES, ...authentication, ...input, ...body, ...(definition.errorCodes ?? [])];
  const responses: Record<number, z.ZodType> = {};
  for (const code of codes) responses[CODES[code].status] = ProblemBody;
  return { ...responses, ...definition.responses };
}

const PERSON_REQUIREMENT_LABELS = {
  signed_in: 'a signed-in person',
  operator: 'an operator',
} as const;

function describeAccess(access: Access): string {
  if ('public' in access) return 'No authentication required.';
  if ('any' in access) return 'Accepts any credential or session.';
  const { person, token, key } = access;
  const parts = [
    person === undefined
      ? null
      : person === 'signed_in' || person === 'operator'
        ? PERSON_REQUIREMENT_LABELS[person]
        : `a person with the role ${person} or above`,
    token === undefined ? null : `an access token with ${token.join(' or ')}`,
    key === undefined ? null : `an API key with ${key.join(' or ')}`,
  ].filter((part) => part !== null);
  if (parts.length === 0) throw new Error('A route without a declared access is refused.');
  return `Accepts ${parts.join(', or ')}.`;
}

/**
 * Answers `Expect: 100-continue` (RFC 9110, section 10.1.1), unless the declared length of the body is about to be
 * refused.
 */
function sendContinueUnlessTooLarge(request: FastifyRequest, reply: FastifyReply, bodyLimit: number): void {
  const { expect, 'content-length': length } = request.headers;
  if (expect?.toLowerCase() !== '100-continue' || request.raw.httpVersionMinor === 0) return;
  if (!(Number(length) > bodyLimit)) reply.raw.writeContinue();
}

/** Registers a route. Throws at start-up for one without `access`. */
export function registerRoute(app: FastifyInstance, context: AppContext, route: Route): void {
  const definition = withDefaults(route);
  const { access } = definition;
  const requirement = requirementOf(access);
  const description = describeAccess(access);
  const bodyFormat = definition.bodyFormat;
  const [successStatus] = Object.keys(definition.responses).map(Number);
  const isEssential = definition.method === 'DELETE' || definition.essential === true;
  app.route({
    method: definition.method,
    url: definition.url,
    ...(definition.bodyLimit !== undefined && { bodyLimit: definition.bodyLimit }),
    config: {
      logFailuresOnly: definition.logFailuresOnly === true,
      ...(definition.jsonLimits !== undefined && { jsonLimits: definition.jsonLimits }),
    },
    schema: {
      summary: definition.summary,
      description,
      tags: [definition.tag],
      operationId: `${String(definition.method).toLowerCase()}${definition.url.replace(/^\/v1/, '').replace(/[/:{}.-]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
      security: securitySchemesOf(access),
      ...(definition.params !== undefined && { params: definition.params }),
      ...(definition.query !== undefined && { querystring: definition.query }),
      ...(definition.body !== undefined && { body: definition.body }),
      ...(definition.body?.safeParse(undefined).success && { [OPTIONAL_BODY]: true }),
      ...(bodyFormat !== undefined && {
        consumes:
          bodyFormat === 'form'
            ? [FORM_CONTENT_TYPE]
            : [...(definition.consumes ?? [FORM_CONTENT_TYPE, 'application/json'])],
      }),
      ...(definition.streamsNdjson && { produces: ['application/x-ndjson'] }),
      response: responseSchemasOf(definition),
    },
    onRequest: async (request, reply) => {
      if ('public' in access) {
        if (access.cors !== undefined) reply.headers(access.cors);
        refuseCredentialInQuery(request.raw.url ?? '');
        if (access.cors === undefined) rejectCrossSiteRequest(context, request);
        return;
      }
      request.principal = await authenticateRequest(context, request, access, requirement);
    },
    preParsing: (request, reply, payload, done) => {
      const type = request.headers['content-type'];
      const isForm = type?.toLowerCase().startsWith(FORM_CONTENT_TYPE) ?? false;
      if (
        type !== undefined &&
        bodyFormat !== 'bytes' &&
        (bodyFormat === 'form' ? !isForm : isForm && bodyFormat === undefined)
      ) {
        done(
          new Problem(
            'unsupported_media_type',
            `Send Content-Type: ${bodyFormat === 'form' ? FORM_CONTENT_TYPE : 'application/json'}.`,
          ),
        );
        return;
      }
      sendContinueUnlessTooLarge(request, reply, definition.bodyLimit ?? LIMITS.bodyBytes);
      done(null, payload);
    },
    preValidation: async (request) => {
      if (!('public' in access) && hasBody(request))
        request.principal = await authenticateAgain(context, request, access, requirement);
      // A missing body becomes empty bytes or an empty object, which the handler or the schema then checks.
      if (bodyFormat === 'bytes') request.body ??= Buffer.alloc(0);
      else if (definition.body === NoBody) request.body ??= {};
      const narrowerAccess = definition.accessFor?.(request.body);
      if (narrowerAccess !== undefined) authorizeCredential(context, request, requirementOf(narrowerAccess));
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

export const FORM_CONTENT_TYPE = 'application/x-www-form-urlencoded';
