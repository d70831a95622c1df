import type { Project } from '../../contract/projects.ts';
import { validateDescription, validateName, validateNewSlug } from '../validation.ts';

export type ProjectFormValues = {
  readonly name: string;
  readonly slug: string;
  readonly description: string;
};

export const NEW_PROJECT_VALUES: ProjectFormValues = { name: '', slug: '', description: '' };

export const toFormValues = ({ name, slug, description }: Project): ProjectFormValues => ({
  name,
  slug,
  description: description ?? '',
});

export const PROJECT_RULES = { name: validateName, slug: validateNewSlug, description: validateDescription };

const emptyToNull = (text: string) => (text.trim() === '' ? null : text);

export const toCreateRequest = ({ name, slug, description }: ProjectFormValues) => ({
  name,
  ...(slug !== '' && { slug }),
  description: emptyToNull(description),
});

/** Returns only the changed fields, so that concurrent changes to other fields are not overwritten. */
export function toUpdateRequest(before: Project, { name, description }: ProjectFormValues) {
  return {
    ...(name.trim() !== before.name && { name }),
    ...(emptyToNull(description) !== before.description && { description: emptyToNull(description) }),
  };
}
