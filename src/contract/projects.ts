import { z } from 'zod';
import { description, id, name, slug, timestamps } from './fields.ts';

export const Project = z
  .object({ id, name: z.string(), slug: z.string(), description: z.string().nullable(), ...timestamps })
  .meta({ id: 'Project' });
export type Project = z.infer<typeof Project>;
export const CreateProject = z
  .strictObject({ name, slug: slug.optional(), description: description.optional() })
  .meta({ id: 'CreateProject' });
export type CreateProject = z.infer<typeof CreateProject>;
export const UpdateProject = z
  .strictObject({ name: name.optional(), description: description.optional() })
  .meta({ id: 'UpdateProject' });
export type UpdateProject = z.infer<typeof UpdateProject>;
