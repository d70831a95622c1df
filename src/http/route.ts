import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { z } from 'zod';
import type { Claim } from '../contract/idempotency.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import { ProblemBody } from '../contract/schemas.ts';
import { CODES, type Code, LIMITS } from '../contract/words.ts';
import { runEssential } from '../store/essential.ts';
import type { JsonLimits } from '../workspace/bounded-json.ts';
import type { Asker } from '../workspace/context.ts';
import type { House } from './house.ts';
import { refuseCredentialInQuery } from './presentation.ts';
import {
  type Access,
  type CredentialPrincipal,
  checkCredential,
  demandOf,
  findPrincipal,
  type Membership,
  originOf,
  type PersonPrincipal,
  type Principal,
  partyOf,
  refuseForeignPage,
} from './principal.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked several times a second by each client: only refusals are worth a line in the log. */
    frequent?: boolean;
    /** What the JSON of its body may hold. */
    jsonLimits?: JsonLimits;
  }
  interface FastifyRequest {
    /** Who asks; null on public routes. */
    principal: Principal | null;
  }
}

/** What a handler is given: everything parsed and checked. */
export interface Ask<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** One row of the route table. */
export interface Route {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly access: Access;
  readonly summary: string;
  readonly tag: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /**
   * `application/x-www-form-urlencoded` instead of, or beside, JSON. `bytes`: any type, read by the
   * handler itself with `bytesOf`; its body's schema only documents.
   */
  readonly takes?: 'form' | 'form or json' | 'bytes';
  /** The types that a route of `bytes` documents. */
  readonly consumes?: readonly string[];
  /** What is demanded beyond `access` for a certain body, judged before the body is checked further. */
  readonly accessFor?: (body: unknown) => Access;
  /** Bytes that its body may have, where it is not the standard limit. */
  readonly bodyLimit?: number;
  /** Levels and values that its body's JSON may have, where they are not `JSON_LIMITS`. */
  readonly jsonLimits?: JsonLimits;
  /** The field of its body with a long array, which is checked in turns of the event loop. */
  readonly longArray?: string;
  /** Asked several times a second by each client: only refusals are worth a line in the log. */
  readonly frequent?: true;
  /** Goes on while the disk is full, as every DELETE does: it ends access, or is needed to. */
  readonly essential?: true;
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Answers with a JSON line each for as many of the shape as there are. */
  readonly streams?: true;
  /** The codes that this route answers beside those that every route may. */
  readonly codes?: readonly Code[];
  readonly handler: (ask: Ask<never, never, never>) => unknown;
}

/** Declares a route; the types of its schemas reach its handler. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  declared: Omit<Route, 'params' | 'query' | 'body' | 'handler'> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly handler: (ask: Ask<z.output<P>, z.output<Q>, z.output<B>>) => unknown;
  },
): Route {
  return declared as unknown as Route;
}

/** The signed-in person of a request whose route demands one. */
export function personOf(request: FastifyRequest): PersonPrincipal {
  const { principal } = request;
  if (principal?.kind !== 'person') throw new Problem('internal');
  return principal;
}

/** The membership of a request whose route demands a role. */
export function membershipOf(request: FastifyRequest): Membership {
  const { membership } = personOf(request);
  if (membership === null) throw new Problem('internal');
  return membership;
}

/** The credential of a request whose route demands one. */
export function credentialOf(request: FastifyRequest): CredentialPrincipal {
  const { principal } = request;
  if (principal === null || principal.kind === 'person') throw new Problem('internal');
  return principal;
}

/** The body of a route that takes `bytes`. */
export function bytesOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** Who asks, in which workspace, from where: what the core records. */
export function askerOf(house: House, request: FastifyRequest) {
  const person = personOf(request);
  return {
    workspaceId: membershipOf(request).workspaceId,
    actor: partyOf(person),
    person: { id: person.personId, name: person.name, email: person.email },
    origin: originOf(request),
    claim: claimOf(house, request, membershipOf(request).workspaceId),
  };
}

/** The workspace that a request is about: the credential's own, or the one that the person is a member of. */
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

/** Who changes what credentials open: a person or a credential, which the log names after it is deleted. */
export function changerOf(house: House, request: FastifyRequest): Asker {
  const { principal } = request;
  if (principal === null) throw new Problem('internal');
  const workspaceId = workspaceIdOf(request);
  const ifMatch = request.headers['if-match'];
  return {
    workspaceId,
    actor: partyOf(principal),
    credential:
      principal.kind === 'person'
        ? null
        : { kind: principal.kind, id: principal.record.id, name: principal.record.name },
    origin: originOf(request),
    claim: claimOf(house, request, workspaceId),
    ifMatch: ifMatch ?? null,
  };
}

/**
 * The `Idempotency-Key` of a POST as a claim, or null without one. The body is kept as a MAC under a
 * key of ours, since a plain hash would tell a guesser whether it held a certain passphrase.
 */
export function claimOf(house: House, request: FastifyRequest, workspaceId: string): Claim | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined || request.method !== 'POST') return null;
  const { min, max } = LIMITS.idempotencyKey;
  if (typeof key !== 'string' || key.length < min || key.length > max || !/^[\x21-\x7e]+$/.test(key)) {
    throw invalidField('Idempotency-Key', `takes ${min} to ${max} visible ASCII characters`);
  }
  const { principal } = request;
  const principalId = principal?.kind === 'person' ? principal.personId : (principal?.record.id ?? '');
  const url = request.routeOptions.url ?? '';
  const bodyMac = house.seal.mac('idempotency', JSON.stringify([request.params, request.body]));
  return { workspaceId, principalId, route: `POST ${url}`, key, bodyMac };
}

/** The body of a route that declares none: nothing, or an object without a field. */
const NoBody = z
  .strictObject({})
  .optional()
  .meta({ id: 'NoBody', description: 'Nothing, or an empty object: this route has no fields' });
const CHANGING: readonly HTTPMethods[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** The declared route with a body, so that a field that nothing reads is refused and not ignored. */
function withBody(declared: Route): Route {
  const hasNone = declared.body === undefined && declared.takes === undefined && CHANGING.includes(declared.method);
  return hasNone ? { ...declared, body: NoBody } : declared;
}

type SecurityScheme = { readonly [name: string]: readonly string[] };

function securityOf(access: Access): SecurityScheme[] {
  if ('public' in access) return [];
  if ('any' in access) return [{ session: [] }, { bearer: [] }, { apiKey: [] }, { basic: [] }];
  const schemes: SecurityScheme[] = [];
  if (access.person !== undefined) schemes.push({ session: [] });
  if (access.token !== undefined || access.key !== undefined) schemes.push({ bearer: [] }, { basic: [] });
  if (access.key !== undefined) schemes.push({ apiKey: [] });
  return schemes;
}

const EVERYWHERE: readonly Code[] = ['invalid_request', 'internal', 'unavailable', 'rate_limited'];
const GUARDED: readonly Code[] = ['missing_credential', 'invalid_token', 'forbidden', 'wrong_credential_kind'];

function answersOf(declared: Route): Record<number, z.ZodType> {
  const guarded = 'public' in declared.access ? [] : GUARDED;
  const hasInput = declared.body !== undefined || declared.query !== undefined;
  const input: Code[] = hasInput ? ['validation_failed'] : [];
  const body: Code[] = declared.body === undefined ? [] : ['too_large', 'unsupported_media_type'];
  const codes = [...EVERYWHERE, ...guarded, ...input, ...body, ...(declared.codes ?? [])];
  const answers: Record<number, z.ZodType> = {};
  for (const code of codes) answers[CODES[code].status] = ProblemBody;
  return { ...answers, ...declared.answers };
}

const PERSON_WORDS = { signed_in: 'a signed-in person', operator: 'an operator of the installation' } as const;

function summaryOfAccess(access: Access): string {
  if ('public' in access) return 'Open to everybody.';
  if ('any' in access) return 'Takes any principal.';
  const { person, token, key } = access;
  const parts = [
    person === undefined
      ? null
      : person === 'signed_in' || person === 'operator'
        ? PERSON_WORDS[person]
        : `a person with the role ${person} or above`,
    token === undefined ? null : `an access token with ${token.join(' or ')}`,
    key === undefined ? null : `an API key with ${key.join(' or ')}`,
  ].filter((part) => part !== null);
  if (parts.length === 0) throw new Error('A route without a declared access is refused.');
  return `Takes ${parts.join(', or ')}.`;
}

/** Answers `Expect: 100-continue` (RFC 9110, section 10.1.1), unless the body's declared length is refused next. */
function continueUnlessTooLarge(request: FastifyRequest, reply: FastifyReply, bodyLimit: number): void {
  const { expect, 'content-length': length } = request.headers;
  if (expect?.toLowerCase() !== '100-continue' || request.raw.httpVersionMinor === 0) return;
  if (!(Number(length) > bodyLimit)) reply.raw.writeContinue();
}

/** Registers a declared route. Throws at start-up for one that does not say what it demands. */
export function registerRoute(app: FastifyInstance, house: House, route: Route): void {
  const declared = withBody(route);
  const { access } = declared;
  const demand = demandOf(access);
  const description = summaryOfAccess(access);
  const forms = declared.takes;
  const isEssential = declared.method === 'DELETE' || declared.essential === true;
  app.route({
    method: declared.method,
    url: declared.url,
    ...(declared.bodyLimit !== undefined && { bodyLimit: declared.bodyLimit }),
    config: {
      frequent: declared.frequent === true,
      ...(declared.jsonLimits !== undefined && { jsonLimits: declared.jsonLimits }),
    },
    schema: {
      summary: declared.summary,
      description,
      tags: [declared.tag],
      operationId: `${String(declared.method).toLowerCase()}${declared.url.replace(/^\/v1/, '').replace(/[/:{}.-]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
      security: securityOf(access),
      ...(declared.params !== undefined && { params: declared.params }),
      ...(declared.query !== undefined && { querystring: declared.query }),
      ...(declared.body !== undefined && { body: declared.body }),
      ...(forms !== undefined && {
        consumes: forms === 'form' ? [FORM_TYPE] : [...(declared.consumes ?? [FORM_TYPE, 'application/json'])],
      }),
      ...(declared.streams && { produces: ['application/x-ndjson'] }),
      response: answersOf(declared),
    },
    onRequest: async (request, reply) => {
      if ('public' in access) {
        if (access.cors !== undefined) reply.headers(access.cors);
        refuseCredentialInQuery(request.raw.url ?? '');
        if (access.cors === undefined) refuseForeignPage(house, request);
        return;
      }
      request.principal = await findPrincipal(house, request, access, demand);
    },
    preParsing: (request, reply, payload, done) => {
      const type = request.headers['content-type'];
      const isForm = type?.toLowerCase().startsWith(FORM_TYPE) ?? false;
      if (type !== undefined && forms !== 'bytes' && (forms === 'form' ? !isForm : isForm && forms === undefined)) {
        done(
          new Problem(
            'unsupported_media_type',
            `Send Content-Type: ${forms === 'form' ? FORM_TYPE : 'application/json'}.`,
          ),
        );
        return;
      }
      continueUnlessTooLarge(request, reply, declared.bodyLimit ?? LIMITS.body);
      done(null, payload);
    },
    ...((forms === 'bytes' || declared.body === NoBody) && {
      // A request without a body has one of no bytes or fields: what judges it is the handler, or the schema of no fields.
      preValidation: (request: FastifyRequest, _reply: FastifyReply, done: () => void) => {
        request.body ??= forms === 'bytes' ? Buffer.alloc(0) : {};
        done();
      },
    }),
    ...(declared.accessFor !== undefined && {
      preValidation: async (request: FastifyRequest) => {
        const narrower = declared.accessFor?.(request.body);
        if (narrower !== undefined) checkCredential(house, request, demandOf(narrower));
      },
    }),
    handler: (request, reply) => {
      const ask = {
        params: request.params as never,
        query: request.query as never,
        body: request.body as never,
        request,
        reply,
      };
      return isEssential ? runEssential(() => declared.handler(ask)) : declared.handler(ask);
    },
  });
}

export const FORM_TYPE = 'application/x-www-form-urlencoded';
