import { useQuery } from '@tanstack/react-query';
import { FilterBar, SearchField, SelectFilter } from '../components/filters.tsx';
import { capitalize } from '../components/format.ts';
import type { ListState } from '../components/list-state.ts';
import { usePolicy } from '../policy/use-policy.ts';
import { useWorkspace } from '../session.ts';
import type { CredentialKindConfig } from './kinds.ts';
import { strings } from './strings.ts';

const DEFAULT_UNUSED_DAYS = 90;

export const FILTERS = ['q', 'status', 'right', 'createdBy', 'unused', 'violatesPolicy'] as const;

/** The filters of a list of credentials. */
export function Filters({ kind, state }: { readonly kind: CredentialKindConfig; readonly state: ListState }) {
  const { api, workspace } = useWorkspace();
  const members = useQuery({
    queryKey: [workspace.id, 'members', 'names'],
    queryFn: async ({ signal }) => (await api.members.list({ limit: 200 }, { signal })).data,
    staleTime: 60_000,
  });
  const { unusedAfterDays = DEFAULT_UNUSED_DAYS } = usePolicy() ?? {};
  const unusedDays = [...new Set([30, DEFAULT_UNUSED_DAYS, unusedAfterDays])].sort((one, other) => one - other);
  return (
    <FilterBar state={state} filters={FILTERS}>
      <SearchField state={state} label={strings.filters.searchByName(kind.plural)} />
      <SelectFilter
        state={state}
        name="status"
        label={strings.filters.statusLabel}
        anyLabel={strings.filters.anyStatus}
        options={kind.statuses.map((status) => ({ value: status, label: capitalize(status) }))}
      />
      <SelectFilter
        state={state}
        name="right"
        label={capitalize(kind.rightNoun)}
        anyLabel={strings.filters.anyRight(kind.rightNoun)}
        options={kind.rightGroups.flatMap(({ rights }) => rights.map((right) => ({ value: right, label: right })))}
      />
      <SelectFilter
        state={state}
        name="createdBy"
        label={strings.filters.createdByLabel}
        anyLabel={strings.filters.anyone}
        options={(members.data ?? []).map(({ personId, name }) => ({ value: personId, label: name }))}
      />
      <SelectFilter
        state={state}
        name="unused"
        label={strings.filters.usageLabel}
        anyLabel={strings.filters.anyUsage}
        options={unusedDays.map((days) => ({ value: String(days), label: strings.filters.unusedForDays(days) }))}
      />
      <SelectFilter
        state={state}
        name="violatesPolicy"
        label={strings.filters.policyLabel}
        anyLabel={strings.filters.anyPolicy}
        options={[{ value: 'true', label: strings.filters.violatesPolicy }]}
      />
    </FilterBar>
  );
}
