import { z } from 'zod';
import {
  booleanParameter,
  hasNoDuplicates,
  id,
  integerInRange,
  integerParameter,
  matchingText,
  oneOf,
} from './fields.ts';
import { FOREIGN_PREFIX, FOREIGN_PREFIX_MESSAGE, OWN_PREFIX_MESSAGE, overlapsOwnPrefix } from './foreign-prefixes.ts';
import { instantInput, nullableInstant } from './instant.ts';
import { FOREIGN_PREFIX_LIMITS, LIMITS, POLICY_LIMITS } from './limits.ts';
import { CREDENTIAL_KINDS, CREDENTIAL_RULES, POLICY_CREATORS, POLICY_LEAK_RESPONSES, SCOPES } from './vocabulary.ts';

const descriptions = {
  maxLifetimeDays: 'Maximum number of days between the creation of a credential and its expiry; null for no maximum',
  bindsExistingFrom: `When the maximum lifetime starts to apply to existing credentials; null for never. A new value must be at least ${POLICY_LIMITS.noticeDays} days in the future`,
  passphraseScopes:
    'Scopes whose access tokens must have a passphrase. If there are any, tokens with the scope `all` must have one too',
  allowAll: 'Whether access tokens can have the scope `all`',
  requireAddresses: 'Whether credentials must be restricted to addresses',
  requireTwoFactor: 'Whether members without two-factor authentication have access to their own account only',
  createdBy: 'Who can create credentials: `admins` (and the owner), or the `owner` only',
  unusedAfterDays: 'Number of days without use after which a credential counts as unused',
  onLeak:
    '`delete`: a credential whose secret is reported as leaked is deleted, and a notice is created. `notify`: only the notice is created',
  foreignPrefixes:
    'Prefixes of the secrets of imported credentials from other systems. All nodes apply a change within seconds',
} as const;

export const Policy = z
  .object({
    maxLifetimeDays: z.int().nullable().describe(descriptions.maxLifetimeDays),
    bindsExistingFrom: nullableInstant.describe(descriptions.bindsExistingFrom),
    passphraseScopes: z.array(z.enum(SCOPES)).describe(descriptions.passphraseScopes),
    allowAll: z.boolean().describe(descriptions.allowAll),
    requireAddresses: z.boolean().describe(descriptions.requireAddresses),
    requireTwoFactor: z.boolean().describe(descriptions.requireTwoFactor),
    createdBy: z.enum(POLICY_CREATORS).describe(descriptions.createdBy),
    unusedAfterDays: z.int().describe(descriptions.unusedAfterDays),
    onLeak: z.enum(POLICY_LEAK_RESPONSES).describe(descriptions.onLeak),
    foreignPrefixes: z.array(z.string()).describe(descriptions.foreignPrefixes),
  })
  .meta({ id: 'Policy', title: 'The policy of a workspace for its credentials and members' });
export type Policy = z.infer<typeof Policy>;

/** The policy of a workspace whose policy was never changed. */
export const DEFAULT_POLICY: Policy = {
  maxLifetimeDays: null,
  bindsExistingFrom: null,
  passphraseScopes: [],
  allowAll: true,
  requireAddresses: false,
  requireTwoFactor: false,
  createdBy: 'admins',
  unusedAfterDays: 90,
  onLeak: 'delete',
  foreignPrefixes: [],
};

const { length: prefixLength, perWorkspace: maxPrefixes } = FOREIGN_PREFIX_LIMITS;

const foreignPrefix = matchingText(FOREIGN_PREFIX, prefixLength.max, FOREIGN_PREFIX_MESSAGE, 'acme_live_').refine(
  (text) => !overlapsOwnPrefix(text),
  OWN_PREFIX_MESSAGE,
);

/**
 * A change of a policy. Whether a new `bindsExistingFrom` is allowed is not checked here, because that depends on the
 * current time and the previous policy.
 */
export const UpdatePolicy = z
  .strictObject({
    maxLifetimeDays: integerInRange(POLICY_LIMITS.maxLifetimeDays, 90)
      .nullable()
      .optional()
      .describe(descriptions.maxLifetimeDays),
    bindsExistingFrom: instantInput
      .nullable()
      .optional()
      .meta({ examples: ['2027-02-24T09:00:00.000Z'], description: descriptions.bindsExistingFrom }),
    passphraseScopes: z
      .array(oneOf(SCOPES))
      .max(SCOPES.length, 'must not contain a scope twice')
      .refine(hasNoDuplicates, 'must not contain a scope twice')
      .optional()
      .meta({ uniqueItems: true, description: descriptions.passphraseScopes }),
    allowAll: z.boolean().optional().describe(descriptions.allowAll),
    requireAddresses: z.boolean().optional().describe(descriptions.requireAddresses),
    requireTwoFactor: z.boolean().optional().describe(descriptions.requireTwoFactor),
    createdBy: oneOf(POLICY_CREATORS).optional().describe(descriptions.createdBy),
    unusedAfterDays: integerInRange(POLICY_LIMITS.unusedAfterDays, 90)
      .optional()
      .describe(descriptions.unusedAfterDays),
    onLeak: oneOf(POLICY_LEAK_RESPONSES).optional().describe(descriptions.onLeak),
    foreignPrefixes: z
      .array(foreignPrefix)
      .max(maxPrefixes, `must contain at most ${maxPrefixes} prefixes`)
      .refine(hasNoDuplicates, 'must not contain a prefix twice')
      .optional()
      .meta({ uniqueItems: true, description: descriptions.foreignPrefixes }),
  })
  .meta({ id: 'UpdatePolicy' });
export type UpdatePolicy = z.infer<typeof UpdatePolicy>;

export const UpdatePolicyQuery = z.strictObject({
  dryRun: booleanParameter
    .optional()
    .describe(
      'Whether to return the credentials and members that would violate the policy after the change, without saving the change',
    ),
  limit: integerParameter(1, LIMITS.page.max)
    .optional()
    .describe(`Maximum number of credentials and of members that a dry run returns; ${LIMITS.page.default} by default`),
});
export type UpdatePolicyQuery = z.infer<typeof UpdatePolicyQuery>;

const total = z
  .int()
  .min(0)
  .nullable()
  .describe(
    `Number of credentials or members that would violate the policy; null if it is more than ${LIMITS.countedTotal}`,
  );

export const PolicyDryRun = z
  .object({
    dryRun: z.literal(true),
    policy: Policy.describe('The policy after the change'),
    credentials: z.object({
      data: z.array(
        z.object({
          id,
          kind: z.enum(CREDENTIAL_KINDS),
          name: z.string(),
          rules: z.array(z.enum(CREDENTIAL_RULES)).describe('Names of the violated rules'),
          expiresAt: nullableInstant.describe('When the credential would expire; null for never'),
        }),
      ),
      total,
    }),
    members: z.object({
      data: z.array(
        z.object({ id, name: z.string(), email: z.string(), rules: z.array(z.literal('requireTwoFactor')) }),
      ),
      total,
    }),
  })
  .meta({ id: 'PolicyDryRun' });
export type PolicyDryRun = z.infer<typeof PolicyDryRun>;
