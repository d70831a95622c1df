import { z } from 'zod';
import { isAddress } from './address-ranges.ts';
import type { Code } from './error-codes.ts';
import { matchingText, uniqueNames } from './fields.ts';
import { DECISION_STEPS, PERMISSIONS, SCOPES } from './vocabulary.ts';

/** The format of the parameter `resource`. */
export const RESOURCE_PATTERN = /^(?<type>project|app):(?<idOrSlug>[\w-]{1,64})$/;

export const ExplainAuthorization = z
  .strictObject({
    credential: matchingText(
      /^(?:tok|key)_\w+$/,
      64,
      'must be the ID of an access token or an API key',
      'tok_01kaexample0000000000000000',
    ).describe('ID of the access token or API key; its secret is not needed'),
    requirement: z
      .strictObject({
        scopes: uniqueNames(SCOPES, 'scope').optional().describe('Scopes that an access token must have'),
        permissions: uniqueNames(PERMISSIONS, 'permission')
          .optional()
          .describe('Permissions that an API key must have'),
      })
      .describe(
        'The required scopes and permissions, like `scope` and `permission` of `/v1/authorize`. If only scopes or only permissions are required, the other kind of credential is refused. If neither is required, any valid credential is accepted.',
      ),
    address: z
      .string()
      .max(64, 'must be an IP address')
      .refine(isAddress, 'must be an IP address')
      .optional()
      .describe('IP address of the client. Without it, the credential is assumed to be used from an allowed address.')
      .meta({ examples: ['203.0.113.7'] }),
    resource: matchingText(RESOURCE_PATTERN, 72, 'must be app: or project:, followed by an ID or a slug', 'app:shop')
      .optional()
      .describe('The app or project that the request is for: `app:{app}` or `project:{project}`'),
  })
  .meta({ id: 'ExplainAuthorization' });
export type ExplainAuthorization = z.infer<typeof ExplainAuthorization>;

/** The error codes that an explanation can have: refusals of an existing credential, except those of its passphrase. */
export const EXPLAINED_REFUSAL_CODES = [
  'token_inactive',
  'token_expired',
  'credential_spent',
  'address_not_allowed',
  'wrong_credential_kind',
  'insufficient_scope',
  'forbidden',
  'rate_limited',
] as const satisfies Code[];

export const AuthorizationExplanation = z
  .object({
    allowed: z.boolean(),
    step: z.enum(DECISION_STEPS).nullable().describe('The first check that fails; null if all checks pass'),
    status: z
      .union([z.literal(200), z.literal(401), z.literal(403)])
      .describe('The status with which `/v1/authorize` would respond'),
    code: z.enum(EXPLAINED_REFUSAL_CODES).nullable().describe('The error code of the refusal'),
    detail: z.string().nullable().describe('Why the request is refused'),
    assumed: z
      .array(z.enum(DECISION_STEPS))
      .describe('Checks that are assumed to pass, because the result depends on details of the request'),
  })
  .meta({ id: 'AuthorizationExplanation', title: 'How a request with a credential would be decided' });
export type AuthorizationExplanation = z.infer<typeof AuthorizationExplanation>;
