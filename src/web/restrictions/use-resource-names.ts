import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { DevpilotError } from '../../sdk/client.ts';
import { type Option, toOptions } from '../components/filters.tsx';
import { useWorkspace } from '../session.ts';
import { isProjectId } from './restriction-values.ts';
import { strings } from './strings.ts';

/** Maximum number of projects, and of apps, in a search result. */
const MAX_FOUND = 50;

/** Returns projects and apps whose names contain a text, the first `MAX_FOUND` of each. */
export function useResourceSearch(q: string): { readonly projects: Option[]; readonly apps: Option[] } {
  const { api, workspace } = useWorkspace();
  const { data = { projects: [], apps: [] } } = useQuery({
    queryKey: [workspace.id, 'apps', 'found', q],
    queryFn: async ({ signal }) => {
      const query = { limit: MAX_FOUND, sort: 'name', ...(q !== '' && { q }) } as const;
      const [projects, apps] = await Promise.all([
        api.projects.list(query, { signal }),
        api.apps.list(query, { signal }),
      ]);
      return { projects: toOptions(projects.data), apps: toOptions(apps.data) };
    },
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  return data;
}

/** Returns the names of projects and apps by ID. For a deleted one, the name is its ID, marked as deleted. */
export function useNamesById(ids: readonly string[]): ReadonlyMap<string, string> {
  const { api, workspace } = useWorkspace();
  const { data } = useQuery({
    queryKey: [workspace.id, 'apps', 'named', ids],
    queryFn: ({ signal }) =>
      Promise.all(
        ids.map(async (id) => {
          try {
            const { name } = await (isProjectId(id) ? api.projects : api.apps).get(id, { signal });
            return [id, name] as const;
          } catch (error) {
            if (error instanceof DevpilotError && error.code === 'not_found') {
              return [id, strings.fields.deletedResource(id)] as const;
            }
            throw error;
          }
        }),
      ),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  return new Map(data);
}
