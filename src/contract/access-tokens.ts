import { z } from 'zod';
import {
  credentialFields,
  credentialQuery,
  describeRights,
  expiry,
  replacesField,
  secretField,
} from './credentials.ts';
import { name, oneOf, uniqueNames, untrimmedText } from './fields.ts';
import { LIMITS } from './limits.ts';
import { RestrictionsInput } from './restrictions.ts';
import { ACCESS_TOKEN_ORIGINS, ACCESS_TOKEN_STATUSES, SCOPES } from './vocabulary.ts';

export const scopes = uniqueNames(SCOPES, 'scope').describe(describeRights(SCOPES));
/**
 * A passphrase. It must not begin or end with a space, because HTTP and many terminals and forms remove spaces at the
 * ends.
 */
export const passphrase = untrimmedText(
  LIMITS.passphrase.min,
  LIMITS.passphrase.max,
  'correct horse battery staple',
).refine((text) => text === text.trim(), 'must not begin or end with a space');

export const AccessToken = z
  .object({
    ...credentialFields,
    kind: z.literal('access_token'),
    scopes: z.array(z.enum(SCOPES)),
    hasPassphrase: z.boolean(),
    status: z.enum(ACCESS_TOKEN_STATUSES),
    origin: z
      .enum(ACCESS_TOKEN_ORIGINS)
      .describe(
        'How the token was created: by a person, for a workload identity, or in exchange for another access token',
      ),
  })
  .meta({ id: 'AccessToken', title: 'An access token, without its secret' });
export type AccessToken = z.infer<typeof AccessToken>;
export const CreatedAccessToken = AccessToken.extend({ secret: secretField('access_token') }).meta({
  id: 'CreatedAccessToken',
});
export type CreatedAccessToken = z.infer<typeof CreatedAccessToken>;

// Requests. Unknown fields are rejected.

export const CreateAccessToken = z
  .strictObject({
    name,
    scopes,
    passphrase: passphrase.nullable().optional(),
    expiresAt: expiry.optional(),
    restrictions: RestrictionsInput.optional(),
    replaces: replacesField('access_token').optional(),
  })
  .meta({ id: 'CreateAccessToken' });
export type CreateAccessToken = z.infer<typeof CreateAccessToken>;
export const AccessTokenQuery = z.strictObject({
  ...credentialQuery,
  status: oneOf(ACCESS_TOKEN_STATUSES).optional(),
  scope: oneOf(SCOPES).optional(),
  origin: oneOf(ACCESS_TOKEN_ORIGINS).optional().describe('How the token was created'),
});
export type AccessTokenQuery = z.infer<typeof AccessTokenQuery>;
