import { useQuery } from '@tanstack/react-query';
import { Choice, FilterBar, SearchField } from '../components/filters.tsx';
import type { ListState } from '../components/list-state.ts';
import { useWorkspace } from '../session.ts';
import type { Kind } from './kinds.ts';

export const FILTERS = ['q', 'status', 'right', 'createdBy', 'unused'] as const;

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** What a list of credentials can be narrowed to. */
export function Filters({ kind, state }: { readonly kind: Kind; readonly state: ListState }) {
  const { api, workspace } = useWorkspace();
  const members = useQuery({
    queryKey: [workspace.id, 'members', 'names'],
    queryFn: async ({ signal }) => (await api.members.list({ limit: 200 }, { signal })).data,
    staleTime: 60_000,
  });
  return (
    <FilterBar state={state} filters={FILTERS}>
      <SearchField state={state} label={`Search ${kind.plural} by name`} />
      <Choice
        state={state}
        name="status"
        label="Status"
        every="Any status"
        options={kind.statuses.map((status) => ({ value: status, label: capital(status) }))}
      />
      <Choice
        state={state}
        name="right"
        label={capital(kind.rightNoun)}
        every={`Any ${kind.rightNoun}`}
        options={kind.groups.flatMap(({ rights }) => rights.map((right) => ({ value: right, label: right })))}
      />
      <Choice
        state={state}
        name="createdBy"
        label="Created by"
        every="Anyone"
        options={(members.data ?? []).map(({ personId, name }) => ({ value: personId, label: name }))}
      />
      <Choice
        state={state}
        name="unused"
        label="Use"
        every="Used or not"
        options={[
          { value: '30', label: 'Unused for 30 days' },
          { value: '90', label: 'Unused for 90 days' },
        ]}
      />
    </FilterBar>
  );
}
