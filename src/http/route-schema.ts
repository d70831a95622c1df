import type { z } from 'zod';
import { CODES, type Code } from '../contract/error-codes.ts';
import { OAuthError } from '../contract/oauth.ts';
import { ProblemBody } from '../contract/problem-body.ts';
import type { Access } from './access.ts';
import { FORM_CONTENT_TYPE } from './body-parsers.ts';
import { HEADER_PARAMETERS, type HeaderParameter } from './openapi-headers.ts';
import { CONTENT_TYPES, OPTIONAL_BODY } from './openapi-postprocess.ts';
import { operationIdOf } from './operation-ids.ts';
import type { Route } from './route.ts';

type SecurityRequirement = { readonly [name: string]: readonly string[] };

/** The first scheme is one that every kind of principal can use, because client generators use the first one. */
function securityRequirementsOf(access: Access): SecurityRequirement[] {
  if ('public' in access) return [];
  if ('any' in access) return [{ bearer: [] }, { apiKey: [] }, { basic: [] }, { session: [] }];
  const { person, token, key } = access;
  return [
    { bearer: [] },
    ...(key === undefined ? [] : [{ apiKey: [] }]),
    ...(token === undefined && key === undefined ? [] : [{ basic: [] }]),
    ...(person === undefined ? [] : [{ session: [] }]),
  ];
}

const COMMON_ERROR_CODES: readonly Code[] = ['invalid_request', 'internal', 'unavailable', 'rate_limited'];

const AUTHENTICATION_ERROR_CODES: readonly Code[] = [
  'missing_credential',
  'invalid_token',
  'forbidden',
  'second_factor_needed',
  'wrong_credential_kind',
];

function errorCodesOf({ access, body, query, errorCodes = [] }: Route): Code[] {
  const codes: Code[] = [...COMMON_ERROR_CODES, ...errorCodes];
  if (!('public' in access)) codes.push(...AUTHENTICATION_ERROR_CODES);
  // A browser might have sent the request for a page of another site.
  if ('public' in access && access.cors === undefined) codes.push('forbidden');
  // A request can name a workspace that does not exist.
  if (isInWorkspace(access)) codes.push('not_found');
  if (body !== undefined || query !== undefined) codes.push('validation_failed');
  if (body !== undefined) codes.push('too_large', 'unsupported_media_type');
  return codes;
}

function responseSchemasOf(definition: Route): Record<number, z.ZodType> {
  const responses: Record<number, z.ZodType> = {};
  for (const code of errorCodesOf(definition)) {
    const status = definition.oauth && code === 'validation_failed' ? 400 : CODES[code].status;
    responses[status] = definition.oauth ? OAuthError : ProblemBody;
  }
  return { ...responses, ...definition.responses };
}

const PERSON_REQUIREMENT_LABELS = {
  signed_in: 'a signed-in person',
  operator: 'an operator of the installation',
  owner: 'the owner of the workspace',
  admin: 'an owner or admin of the workspace',
  member: 'a member of the workspace',
} as const;

const listAlternatives = (rights: readonly string[]): string => rights.map((right) => `\`${right}\``).join(' or ');

function describeAccess(access: Access): string {
  if ('public' in access) return 'Requires no session, access token or API key.';
  if ('any' in access) return 'Accepts any credential or session.';
  const { person, token, key } = access;
  const guardNote = 'guard' in access ? ' and the flag `guard`' : '';
  const parts: string[] = [];
  if (person !== undefined) parts.push(PERSON_REQUIREMENT_LABELS[person]);
  if (token !== undefined) parts.push(`an access token with the scope ${listAlternatives(token)}`);
  if (key !== undefined) parts.push(`an API key with the permission ${listAlternatives(key)}${guardNote}`);
  if (parts.length === 0) throw new Error('The access of the route accepts no principal.');
  return `Accepts ${parts.join(', or ')}.`;
}

/** Whether requests to a route are for one workspace, which a header can select. */
function isInWorkspace(access: Access): boolean {
  return !('public' in access) && ('any' in access || (access.person !== 'signed_in' && access.person !== 'operator'));
}

/** Returns the headers that a route reads in addition to the authentication headers. */
function headerParametersOf({ access, method, checksIfMatch, errorCodes = [] }: Route): HeaderParameter[] {
  return [
    ...(isInWorkspace(access) ? (['DevpilotWorkspace'] as const) : []),
    ...(method === 'POST' && errorCodes.includes('idempotent_replay') ? (['IdempotencyKey'] as const) : []),
    ...(checksIfMatch === true ? (['IfMatch'] as const) : []),
  ];
}

/**
 * Returns the schema of a route for validation and the OpenAPI document. Throws for a route that accepts no principal.
 */
export function schemaOf(definition: Route) {
  const { access, bodyFormat, consumes = [FORM_CONTENT_TYPE, 'application/json'] } = definition;
  return {
    summary: definition.summary,
    description: [definition.description, describeAccess(access)].filter((text) => text !== undefined).join(' '),
    tags: [definition.tag],
    operationId: operationIdOf(definition),
    security: securityRequirementsOf(access),
    ...(definition.params !== undefined && { params: definition.params }),
    ...(definition.query !== undefined && { querystring: definition.query }),
    ...(definition.body !== undefined && { body: definition.body }),
    ...(definition.body?.safeParse(undefined).success && { [OPTIONAL_BODY]: true }),
    ...(bodyFormat !== undefined && { consumes: bodyFormat === 'form' ? [FORM_CONTENT_TYPE] : [...consumes] }),
    [HEADER_PARAMETERS]: headerParametersOf(definition),
    ...(definition.streamsNdjson && { produces: ['application/x-ndjson'] }),
    ...(definition.contentTypes !== undefined && { [CONTENT_TYPES]: definition.contentTypes }),
    response: responseSchemasOf(definition),
  };
}
