import { z } from 'zod';
import { id, oneOf } from './fields.ts';
import { instant } from './instant.ts';
import { ASSIGNABLE_ROLES, ROLES } from './vocabulary.ts';

export const Member = z
  .object({
    id,
    personId: id,
    name: z.string(),
    email: z.string(),
    role: z.enum(ROLES),
    twoFactor: z.boolean(),
    createdAt: instant,
  })
  .meta({ id: 'Member' });
export type Member = z.infer<typeof Member>;
export const UpdateMember = z.strictObject({ role: oneOf(ASSIGNABLE_ROLES) }).meta({ id: 'UpdateMember' });
