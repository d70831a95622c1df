import type { Project } from '../../contract/projects.ts';
import { emptyToNull } from '../form-values.ts';
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

export const toRequestFields = ({ name, description }: ProjectFormValues) => ({
  name: name.trim(),
  description: emptyToNull(description),
});

export const toCreateRequest = (values: ProjectFormValues) => ({
  ...toRequestFields(values),
  ...(values.slug !== '' && { slug: values.slug }),
});
