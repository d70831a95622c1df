import { z } from 'zod';
import { email, id, oneOf, personRef } from './fields.ts';
import { instant } from './instant.ts';
import { ASSIGNABLE_ROLES } from './vocabulary.ts';

export const Invitation = z
  .object({
    id,
    email: z.string(),
    role: z.enum(ASSIGNABLE_ROLES),
    createdAt: instant,
    createdBy: personRef.nullable(),
    expiresAt: instant,
  })
  .meta({ id: 'Invitation' });
export type Invitation = z.infer<typeof Invitation>;
export const CreatedInvitation = Invitation.extend({
  code: z.string().describe('The secret code of the invitation, which is also in the link'),
  url: z.string().describe('The invitation link'),
  mailed: z.boolean().describe('Whether the link was also sent by email'),
}).meta({ id: 'CreatedInvitation' });
export type CreatedInvitation = z.infer<typeof CreatedInvitation>;
export const CreateInvitation = z
  .strictObject({ email, role: oneOf(ASSIGNABLE_ROLES) })
  .meta({ id: 'CreateInvitation' });
