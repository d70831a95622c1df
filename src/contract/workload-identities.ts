import { z } from 'zod';
import { scopes } from './access-tokens.ts';
import { CONTROL_CHARACTERS, id, integerInRange, name, timestamps } from './fields.ts';
import { instant, nullableInstant } from './instant.ts';
import { Restrictions, RestrictionsInput } from './restrictions.ts';
import { WORKLOAD_LIMITS } from './token-exchange-limits.ts';
import { SCOPES } from './vocabulary.ts';
import { issuerUrlProblem } from './workload-issuers.ts';

/** Claims that are always checked. A condition on one of them would be misleading. */
const CHECKED_CLAIMS = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'];

/** Text that is compared exactly, and therefore neither trimmed nor normalized. */
const exactText = (max: number, example: string) =>
  z
    .string()
    .min(1, `must be 1 to ${max} characters`)
    .max(max, `must be 1 to ${max} characters`)
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
    .refine((text) => !CONTROL_CHARACTERS.test(text), 'must not contain control characters or line breaks')
    .meta({ examples: [example] });

const issuerUrl = (example: string) =>
  exactText(WORKLOAD_LIMITS.issuer, example).superRefine((text, context) => {
    const message = issuerUrlProblem(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

const issuer = issuerUrl('https://token.actions.githubusercontent.com').describe(
  'The issuer of the tokens, compared exactly with their claim `iss`. Its keys are found by OpenID Connect discovery, unless `jwksUrl` is set',
);
const jwksUrl = issuerUrl('https://ci.example.com/keys')
  .nullable()
  .describe('URL of the JWK Set with the keys of the issuer; null to find it by OpenID Connect discovery');
const audience = exactText(WORKLOAD_LIMITS.audience, 'https://devpilot.example.com');
const { conditions: maxConditions, claimName, claimValue, lifetimeSeconds: lifetimes } = WORKLOAD_LIMITS;
const CLAIM_NAME_MESSAGE = `must be the name of a claim: 1 to ${claimName} printable ASCII characters without spaces`;
const conditions = z
  .record(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, CLAIM_NAME_MESSAGE)
      .max(claimName, CLAIM_NAME_MESSAGE),
    exactText(claimValue, 'acme/shop'),
  )
  .refine(
    (patterns) => Object.keys(patterns).length >= 1 && Object.keys(patterns).length <= maxConditions,
    `must contain 1 to ${maxConditions} conditions`,
  )
  .refine(
    (patterns) => !CHECKED_CLAIMS.some((claim) => Object.hasOwn(patterns, claim)),
    `must not name ${CHECKED_CLAIMS.join(', ')}, which are always checked`,
  )
  .describe(
    'Required values by claim. `*` matches any number of characters; everything else is compared exactly. At least one condition must name a single repository, project or service account',
  )
  .meta({ examples: [{ repository: 'acme/shop', ref: 'refs/heads/main' }] });
const lifetimeSeconds = integerInRange(lifetimes, lifetimes.default);

export const WorkloadIdentity = z
  .object({
    id,
    name: z.string(),
    issuer: z.string(),
    jwksUrl: z.string().nullable(),
    audience: z.string(),
    conditions: z.record(z.string(), z.string().max(claimValue)),
    scopes: z.array(z.enum(SCOPES)),
    lifetimeSeconds: z.int(),
    restrictions: Restrictions,
    lastExchangedAt: nullableInstant.describe('When a token was last exchanged'),
    ...timestamps,
  })
  .meta({ id: 'WorkloadIdentity' });
export type WorkloadIdentity = z.infer<typeof WorkloadIdentity>;

export const CreateWorkloadIdentity = z
  .strictObject({
    name,
    issuer,
    jwksUrl: jwksUrl.optional(),
    audience: audience
      .optional()
      .describe('The only accepted audience of a token; defaults to the URL of the Devpilot server'),
    conditions,
    scopes,
    lifetimeSeconds: lifetimeSeconds
      .optional()
      .describe(`Lifetime of the issued access tokens in seconds; defaults to ${lifetimes.default}`),
    restrictions: RestrictionsInput.optional().describe('The restrictions of each issued access token'),
  })
  .meta({ id: 'CreateWorkloadIdentity' });
export type CreateWorkloadIdentity = z.infer<typeof CreateWorkloadIdentity>;

export const UpdateWorkloadIdentity = z
  .strictObject({
    name: name.optional(),
    issuer: issuer.optional(),
    jwksUrl: jwksUrl.optional(),
    audience: audience.optional(),
    conditions: conditions.optional().describe('Replaces all conditions'),
    scopes: scopes.optional(),
    lifetimeSeconds: lifetimeSeconds.optional(),
    restrictions: RestrictionsInput.optional(),
  })
  .meta({ id: 'UpdateWorkloadIdentity' });
export type UpdateWorkloadIdentity = z.infer<typeof UpdateWorkloadIdentity>;

export const WorkloadExchange = z
  .object({
    id,
    at: instant,
    accepted: z.boolean(),
    reason: z
      .string()
      .nullable()
      .describe(
        'Why the exchange was refused: the name of the claim that failed, or `malformed`, `issuer`, `algorithm`, `key`, `signature`, `replay`, `scope`, `restrictions`, `policy`, `limit` or `rate`',
      ),
    detail: z.string().nullable().describe('Explains the reason for the refusal'),
    claims: z
      .record(z.string(), z.string().max(claimValue))
      .nullable()
      .describe('Some claims of the token; null if its signature was not verified'),
    credential: id.nullable().describe('ID of the issued access token; null if the exchange was refused'),
    address: z.string().nullable(),
  })
  .meta({ id: 'WorkloadExchange' });
export type WorkloadExchange = z.infer<typeof WorkloadExchange>;

export const WorkloadExchanges = z.object({ data: z.array(WorkloadExchange) }).meta({ id: 'WorkloadExchanges' });
export type WorkloadExchanges = z.infer<typeof WorkloadExchanges>;

export const TestWorkloadIdentity = z
  .strictObject({
    claims: z
      .record(z.string().max(255), z.unknown())
      .describe('The decoded payload of a token')
      .meta({ examples: [{ sub: 'repo:acme/shop:ref:refs/heads/main', repository: 'acme/shop' }] }),
  })
  .meta({ id: 'TestWorkloadIdentity' });

export const WorkloadIdentityTest = z
  .object({
    accepted: z.boolean(),
    failures: z.array(z.object({ claim: z.string(), message: z.string() })),
  })
  .meta({ id: 'WorkloadIdentityTest' });
export type WorkloadIdentityTest = z.infer<typeof WorkloadIdentityTest>;
