import { z } from 'zod';
import { id, matchingText, name, oneOf, singleLineText, slug } from './fields.ts';
import { instant } from './instant.ts';
import { SSO_LIMITS } from './limits.ts';
import { ASSIGNABLE_ROLES, ROLES } from './vocabulary.ts';

/** The roles that groups of the OpenID Connect provider grant. */
export const GroupRoles = z
  .strictObject({
    claim: matchingText(
      /^[\x21-\x7e]+$/,
      SSO_LIMITS.claim.max,
      `must be the name of a claim: 1 to ${SSO_LIMITS.claim.max} printable ASCII characters without spaces`,
      'groups',
    ).describe('Name of the claim that contains the groups, or its path, such as `realm_access.roles`'),
    roles: z
      .record(singleLineText(1, SSO_LIMITS.value.max, 'developers'), oneOf(ASSIGNABLE_ROLES))
      .refine(
        (roles) => Object.keys(roles).length >= 1 && Object.keys(roles).length <= SSO_LIMITS.values.max,
        `must have 1 to ${SSO_LIMITS.values.max} groups`,
      )
      .describe('Roles by group')
      .meta({ examples: [{ developers: 'member', leads: 'admin' }] }),
  })
  .meta({ id: 'GroupRoles' });
export type GroupRoles = z.infer<typeof GroupRoles>;

export const Workspace = z
  .object({
    id,
    name: z.string(),
    slug: z.string(),
    role: z.enum(ROLES),
    sso: GroupRoles.nullable().describe(
      'Roles that groups of the OpenID Connect provider grant; null if none are set, or if the caller has the role `member`',
    ),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Workspace' });
export type Workspace = z.infer<typeof Workspace>;

export const CreateWorkspace = z.strictObject({ name, slug: slug.optional() }).meta({ id: 'CreateWorkspace' });
export const UpdateWorkspace = z
  .strictObject({ name: name.optional(), slug: slug.optional(), sso: GroupRoles.nullable().optional() })
  .meta({ id: 'UpdateWorkspace' });
export type UpdateWorkspace = z.infer<typeof UpdateWorkspace>;
export const TransferOwnership = z.strictObject({ memberId: id }).meta({ id: 'TransferOwnership' });
