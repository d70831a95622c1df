import { z } from 'zod';
import { id } from './fields.ts';
import { nullableInstant } from './instant.ts';
import { PERMISSIONS, ROLES, SCOPES } from './vocabulary.ts';

export const Whoami = z
  .object({
    principal: z.object({
      kind: z.enum(['person', 'access_token', 'api_key']),
      id,
      name: z.string(),
      email: z.string().optional(),
    }),
    workspace: z.object({ id, name: z.string(), slug: z.string() }).nullable(),
    rights: z.object({
      role: z.enum(ROLES).nullable(),
      scopes: z.array(z.enum(SCOPES)),
      permissions: z.array(z.enum(PERMISSIONS)),
    }),
    expiresAt: nullableInstant,
  })
  .meta({ id: 'Whoami' });
export type Whoami = z.infer<typeof Whoami>;
