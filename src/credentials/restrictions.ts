import { invalidField } from '../contract/problem.ts';
import { NO_RESTRICTIONS, type Restrictions, type RestrictionsInput } from '../contract/restrictions.ts';
import { isUnrestricted } from '../contract/unrestricted.ts';
import { findResourceIds } from '../store/resources.ts';
import type { Queryable } from '../store/store.ts';

/** The columns of a credential or workload identity that contain its restrictions. */
interface RestrictionColumns {
  readonly restrictions: string | null;
  readonly max_uses: number | null;
}

/** Returns the restrictions in stored columns. Pure. */
export function parseRestrictions({ restrictions, max_uses }: RestrictionColumns): Restrictions {
  if (restrictions === null) return max_uses === null ? NO_RESTRICTIONS : { ...NO_RESTRICTIONS, maxUses: max_uses };
  return { ...(JSON.parse(restrictions) as Omit<Restrictions, 'maxUses'>), maxUses: max_uses };
}

/** Returns whether the credential has reached its maximum number of uses. Pure. */
export const isSpent = ({ max_uses, spent_uses }: { max_uses: number | null; spent_uses: number }): boolean =>
  max_uses !== null && spent_uses >= max_uses;

/** Returns the columns to store. Pure. */
export function toRestrictionColumns({ maxUses, ...others }: Restrictions): RestrictionColumns {
  const stored = isUnrestricted({ ...others, maxUses: null }) ? null : JSON.stringify(others);
  return { restrictions: stored, max_uses: maxUses };
}

/**
 * Throws `validation_failed` with an error for `field` if an API key may run guards and is restricted to projects or
 * apps, because guards receive the credentials of the whole workspace.
 */
export function checkGuard(
  { guard, restrictions }: { readonly guard: boolean; readonly restrictions: Restrictions },
  field: 'guard' | 'restrictions',
): void {
  const { projects, apps } = restrictions;
  if (guard && projects.length + apps.length > 0) {
    const message =
      field === 'guard'
        ? 'is not available for a key that is restricted to projects or apps'
        : 'cannot include projects or apps for a key that may run guards';
    throw invalidField(field, message);
  }
}

/**
 * Returns the IDs of the projects or apps that are requested by ID or slug, without duplicates. An ID in `held` is
 * accepted even if the resource was deleted. Throws `validation_failed` for an unknown project or app.
 */
async function resolveResources(
  db: Queryable,
  type: 'project' | 'app',
  workspaceId: string,
  requested: readonly string[],
  held: readonly string[],
): Promise<string[]> {
  const ids = await findResourceIds(db, type, workspaceId, requested);
  const resolved = requested.map((idOrSlug, index) => {
    const id = ids.get(idOrSlug) ?? held.find((heldId) => heldId === idOrSlug);
    if (id === undefined) throw invalidField(`restrictions.${type}s.${index}`, `no ${type} has this ID or slug`);
    return id;
  });
  return [...new Set(resolved)];
}

/**
 * Returns the requested restrictions, with projects and apps as IDs. Members that are missing from the input are copied
 * from `before`. Throws `validation_failed` for a project or app that the workspace does not have.
 */
export async function resolveRestrictions(
  db: Queryable,
  workspaceId: string,
  input: RestrictionsInput | undefined,
  before: Restrictions = NO_RESTRICTIONS,
): Promise<Restrictions> {
  const { addresses = before.addresses, projects, apps, rate = before.rate, maxUses = before.maxUses } = input ?? {};
  const resolve = (type: 'project' | 'app', requested: string[] | undefined, held: string[]) =>
    requested === undefined ? held : resolveResources(db, type, workspaceId, requested, held);
  return {
    addresses,
    projects: await resolve('project', projects, before.projects),
    apps: await resolve('app', apps, before.apps),
    rate,
    maxUses,
  };
}
