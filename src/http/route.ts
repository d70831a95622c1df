import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { z } from 'zod';
import type { Code } from '../contract/error-codes.ts';
import type { JsonLimits } from '../platform/bounded-json.ts';
import type { Access } from './access.ts';
import type { ContentTypes } from './openapi-postprocess.ts';
import type { ResourceAccess } from './resource-access.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** See `Route.logFailuresOnly`. */
    logFailuresOnly?: boolean;
    /** See `Route.oauth`. */
    isOAuth?: boolean;
    /** See `Route.jsonLimits`. */
    jsonLimits?: JsonLimits;
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
  /**
   * What a credential that is restricted to projects and apps can do with the route. Required for routes that accept
   * some access tokens or API keys.
   */
  readonly resourceAccess?: ResourceAccess;
  readonly summary: string;
  /** Full sentences for the API reference, where the summary is not enough. */
  readonly description?: string;
  readonly tag: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** Unknown query parameters are ignored: OAuth requires this (RFC 6749, section 3.1), and Sentry SDKs rely on it. */
  readonly ignoresQuery?: true;
  /**
   * For standard OAuth clients (RFC 6749): errors have the members of section 5.2, and the credential can be the form's
   * `client_secret` (section 2.3.1) instead of a header. Unknown body fields are ignored if the schema allows them.
   */
  readonly oauth?: true;
  readonly body?: z.ZodType;
  /**
   * Default: JSON. `form` is `application/x-www-form-urlencoded`. `bytes` accepts any content type: the handler parses
   * the body itself, and the schema of the body is documentation only.
   */
  readonly bodyFormat?: 'form' | 'form or json' | 'bytes';
  /** With `bytes`: the handler reads the body as a stream and limits its size itself. */
  readonly streamsBody?: true;
  /** With `bytes`: the documented content types. */
  readonly consumes?: readonly string[];
  /**
   * Returns the access that a body requires, which can be stricter than `access`. Checked before the body is validated.
   */
  readonly accessForBody?: (body: unknown) => Access;
  /**
   * Returns the access that the resource in the path requires, which can be stricter than `access`. Called after
   * authentication.
   */
  readonly accessForResource?: (request: FastifyRequest) => Promise<Access>;
  /** The handler calls other routes, which count the uses of the credential. This route counts none. */
  readonly usesAreCountedElsewhere?: true;
  /** Maximum size of the body in bytes, if it differs from the default. */
  readonly bodyLimit?: number;
  /** Maximum depth and number of values of the body's JSON, if they differ from `JSON_LIMITS`. */
  readonly jsonLimits?: JsonLimits;
  /** The body's field with a long array, which is validated over several turns of the event loop. */
  readonly longArray?: string;
  /** Guards call the route so often that only failures are logged. */
  readonly logFailuresOnly?: true;
  /** The handler checks the header `If-Match`. */
  readonly checksIfMatch?: true;
  /** Works while the disk is full, like every DELETE, because people need the route to sign in or to revoke access. */
  readonly essential?: true;
  /**
   * The bodies of successful responses by status. The reply has the lowest status unless the handler sets another one.
   */
  readonly responses: Readonly<Record<number, z.ZodType>>;
  /**
   * The content types of a successful response if one of them is not JSON, each with an example if it is text. NDJSON
   * has the items of the page, one per line.
   */
  readonly contentTypes?: ContentTypes;
  /** Responds with NDJSON: one object of this shape per line. */
  readonly streamsNdjson?: true;
  /** The error codes of this route in addition to those that every route can return. */
  readonly errorCodes?: readonly Code[];
  readonly handler: (input: HandlerInput<never, never, never>) => unknown;
}

/** Fields that the declarations of similar routes have (`resource-routes.ts`, `job-routes.ts`). */
export interface CommonRouteFields extends Pick<Route, 'access' | 'summary' | 'description'> {
  readonly resourceAccess: ResourceAccess;
}

/** Declares a route. Gives the handler's input the types of the route's schemas. */
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

/** Returns the body of a route with the body format `bytes`. */
export function rawBodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** Returns the body of a route with `streamsBody`. */
export const bodyStreamOf = (request: FastifyRequest): Readable =>
  request.body instanceof Readable ? request.body : Readable.from([]);

export const IdParams = z.object({ id: z.string().max(64) });
/** `app` is the ID or slug of an app. */
export const AppParams = z.object({ app: z.string().max(64) });

/** The response of a route that returns nothing. */
export const NoContent = z.null().describe('No content');
