import { z } from 'zod';
import { id, name, slug } from './fields.ts';
import { instant } from './instant.ts';
import { ROLES } from './vocabulary.ts';

export const Workspace = z
  .object({ id, name: z.string(), slug: z.string(), role: z.enum(ROLES), createdAt: instant, updatedAt: instant })
  .meta({ id: 'Workspace' });
export type Workspace = z.infer<typeof Workspace>;

export const CreateWorkspace = z.strictObject({ name, slug: slug.optional() }).meta({ id: 'CreateWorkspace' });
export const UpdateWorkspace = z
  .strictObject({ name: name.optional(), slug: slug.optional() })
  .meta({ id: 'UpdateWorkspace' });
export const TransferOwnership = z.strictObject({ memberId: id }).meta({ id: 'HandOver' });
