import { z } from 'zod';
import { REFUSAL_CODES } from './error-codes.ts';
import { booleanParameter, id, integerParameter, matchingText, oneOf, personRef, searchText } from './fields.ts';
import { ID_PREFIXES } from './id.ts';
import { instant, instantInput, nullableInstant } from './instant.ts';
import { LIMITS } from './limits.ts';
import { pagingFields } from './paging.ts';
import { Restrictions } from './restrictions.ts';
import {
  CREDENTIAL_SORTS,
  type CredentialKind,
  describeRight,
  PERMISSIONS,
  type Permission,
  SCOPES,
  type Scope,
  SECRET_PREFIXES,
} from './vocabulary.ts';

/** An expiry. Whether it is in the future is not checked here, because that depends on the current time. */
export const expiry = instantInput
  .nullable()
  .describe(
    'Time of expiry, in the future; null if it never expires. The web UI and the CLI also accept a date, which means the end of that day in the local time zone: February 24, 2027 in Berlin is 2027-02-24T23:59:59.999+01:00.',
  )
  .meta({ examples: ['2027-02-24T09:00:00.000Z'] });
export const describeRights = (rights: readonly (Scope | Permission)[]): string =>
  rights.map((right) => `\`${right}\`: ${describeRight(right)}`).join('\n\n');

export const REPLACES_MESSAGES: Readonly<Record<CredentialKind, string>> = {
  access_token: 'must be the ID of an access token of this workspace',
  api_key: 'must be the ID of an API key of this workspace',
};

/** The ID of a credential to replace. Whether the credential exists is not checked here. */
export const replacesField = (kind: CredentialKind) =>
  matchingText(
    new RegExp(`^${ID_PREFIXES[kind]}\\w+$`),
    64,
    REPLACES_MESSAGES[kind],
    `${ID_PREFIXES[kind]}01kaexample0000000000000000`,
  )
    .nullable()
    .describe('ID of a credential of the same kind to replace. Both are valid until you delete one');

// Responses

export const credentialFields = {
  id,
  name: z.string(),
  active: z.boolean(),
  hint: z.string().describe('The last characters of the secret'),
  expiresAt: nullableInstant,
  createdAt: instant,
  createdBy: personRef.nullable(),
  lastUsedAt: nullableInstant,
  useCount: z.int().min(0),
  restrictions: Restrictions,
  replaces: id
    .nullable()
    .describe('ID of the credential that this one replaces; null if there is none or it was deleted'),
  replacedBy: id.nullable().describe('ID of the credential that replaces this one; null if there is none'),
};

export const secretField = (kind: CredentialKind) =>
  z
    .string()
    .describe('The secret in plain text. No other response contains it.')
    .meta({ examples: [`${SECRET_PREFIXES[kind]}… (shown once)`] });

export const CredentialUses = z
  .object({
    days: z
      .array(z.object({ day: z.iso.date(), count: z.int() }))
      .describe('Uses per day (UTC), oldest first; days without uses are omitted'),
    addresses: z
      .array(
        z.object({
          address: z.string(),
          firstSeenAt: instant,
          lastSeenAt: instant,
          reportedBy: z
            .string()
            .nullable()
            .describe(
              'ID of the API key of the guard that last reported the address; null if Devpilot received the request itself',
            ),
        }),
      )
      .describe('Recent client addresses, newest first, at most 20'),
    guards: z
      .array(z.object({ id: z.string(), name: z.string().nullable(), count: z.int(), lastUsedAt: instant }))
      .describe(
        'Uses that guards reported, per API key of a guard, latest first, at most 20. `id` and `name` are those of the API key; the name is null if the key was deleted',
      ),
    rights: z
      .array(
        z.object({
          right: z.enum([...SCOPES, ...PERMISSIONS]),
          app: z
            .object({ id: z.string(), name: z.string().nullable() })
            .nullable()
            .describe(
              'App that the requests were for; null if they were for no app. The name is null if the app was deleted',
            ),
          count: z.int(),
          lastUsedAt: instant,
        }),
      )
      .describe('Uses per scope or permission that a request required, and per app, latest first'),
    rightsSince: instant.describe('Since when uses per scope or permission are counted'),
    refusals: z
      .array(
        z.object({ day: z.iso.date(), reason: z.enum([...new Set(Object.values(REFUSAL_CODES))]), count: z.int() }),
      )
      .describe('Refusals per day (UTC) and error code, oldest first'),
  })
  .meta({ id: 'CredentialUses' });
export type CredentialUses = z.infer<typeof CredentialUses>;

const sorts = CREDENTIAL_SORTS.flatMap((sort) => [sort, `-${sort}`] as const);

export const credentialQuery = {
  ...pagingFields,
  q: searchText(LIMITS.query.max).optional().describe('Text in the name, case-insensitive'),
  createdBy: searchText(64).optional().describe('ID of the person who created it'),
  unusedForDays: integerParameter(0, 36_500)
    .optional()
    .describe('Minimum number of days since the last use or, if never used, since creation'),
  expiresWithinDays: integerParameter(1, 36_500)
    .optional()
    .describe('Maximum number of days until it expires; excludes credentials that have expired or never expire'),
  neverExpires: booleanParameter.optional().describe('Whether it never expires'),
  violatesPolicy: booleanParameter
    .optional()
    .describe('Whether it violates the policy of the workspace; an expired credential does not'),
  sort: oneOf(sorts as [string, ...string[]]).optional(),
};
