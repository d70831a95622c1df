import type { Project } from '../../contract/resources.ts';
import { descriptionProblem, nameProblem, newSlugProblem } from '../rules.ts';

export type ProjectValues = {
  readonly name: string;
  readonly slug: string;
  readonly description: string;
};

export const NEW_PROJECT: ProjectValues = { name: '', slug: '', description: '' };

export const valuesOf = ({ name, slug, description }: Project): ProjectValues => ({
  name,
  slug,
  description: description ?? '',
});

export const PROJECT_RULES = { name: nameProblem, slug: newSlugProblem, description: descriptionProblem };

const textOrNull = (text: string) => (text.trim() === '' ? null : text);

export const wishOf = ({ name, slug, description }: ProjectValues) => ({
  name,
  ...(slug !== '' && { slug }),
  description: textOrNull(description),
});

/** Only what was changed: what a colleague changes meanwhile is not overwritten. */
export function projectChanges(before: Project, { name, description }: ProjectValues) {
  return {
    ...(name.trim() !== before.name && { name }),
    ...(textOrNull(description) !== before.description && { description: textOrNull(description) }),
  };
}
