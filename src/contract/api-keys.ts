import { z } from 'zod';
import {
  credentialFields,
  credentialQuery,
  describeRights,
  expiry,
  replacesField,
  secretField,
} from './credentials.ts';
import { description, name, oneOf, uniqueNames } from './fields.ts';
import { instant } from './instant.ts';
import { RestrictionsInput } from './restrictions.ts';
import { API_KEY_STATUSES, GUARD_DESCRIPTION, PERMISSIONS } from './vocabulary.ts';

export const permissions = uniqueNames(PERMISSIONS, 'permission').describe(describeRights(PERMISSIONS));

export const ApiKey = z
  .object({
    ...credentialFields,
    kind: z.literal('api_key'),
    description: z.string().nullable(),
    permissions: z.array(z.enum(PERMISSIONS)),
    guard: z.boolean().describe(GUARD_DESCRIPTION),
    status: z.enum(API_KEY_STATUSES),
    updatedAt: instant,
  })
  .meta({ id: 'ApiKey', title: 'An API key, without its secret' });
export type ApiKey = z.infer<typeof ApiKey>;
export const CreatedApiKey = ApiKey.extend({ secret: secretField('api_key') }).meta({ id: 'CreatedApiKey' });
export type CreatedApiKey = z.infer<typeof CreatedApiKey>;

export const CreateApiKey = z
  .strictObject({
    name,
    description: description.optional(),
    permissions,
    expiresAt: expiry.optional(),
    active: z.boolean().optional(),
    guard: z.boolean().optional().describe(GUARD_DESCRIPTION),
    restrictions: RestrictionsInput.optional(),
    replaces: replacesField('api_key').optional(),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateApiKey = z.infer<typeof CreateApiKey>;

export const UpdateApiKey = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    permissions: permissions.optional(),
    expiresAt: expiry.optional(),
    active: z.boolean().optional(),
    guard: z.boolean().optional().describe(GUARD_DESCRIPTION),
    restrictions: RestrictionsInput.optional(),
  })
  .meta({ id: 'UpdateApiKey' });
export type UpdateApiKey = z.infer<typeof UpdateApiKey>;
export const ApiKeyQuery = z.strictObject({
  ...credentialQuery,
  status: oneOf(API_KEY_STATUSES).optional(),
  permission: oneOf(PERMISSIONS).optional(),
});
export type ApiKeyQuery = z.infer<typeof ApiKeyQuery>;
