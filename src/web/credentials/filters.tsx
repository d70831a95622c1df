import { useQuery } from '@tanstack/react-query';
import { ACCESS_TOKEN_ORIGINS } from '../../contract/vocabulary.ts';
import { FilterBar, SearchField, SelectFilter } from '../components/filters.tsx';
import { capitalize } from '../components/format.ts';
import type { ListState } from '../components/list-state.ts';
import { isolate } from '../components/sentence.ts';
import { usePolicy } from '../policy/use-policy.ts';
import { useWorkspace } from '../session.ts';
import { type CredentialKindConfig, type CredentialListQuery, NEVER } from './kinds.ts';
import { strings } from './strings.ts';

/** `unusedAfterDays` of `DEFAULT_POLICY`, whose file cannot be imported here because it contains schemas. */
const DEFAULT_UNUSED_DAYS = 90;

/** The names of the filters in the URL. */
export const FILTERS = ['q', 'status', 'right', 'createdBy', 'unused', 'expiry', 'violatesPolicy', 'origin'] as const;
export type FilterName = (typeof FILTERS)[number];

/** Converts the URL's filters to the API's query. */
export const toListFilters = (get: (name: FilterName) => string | undefined): CredentialListQuery => ({
  q: get('q'),
  status: get('status'),
  right: get('right'),
  createdBy: get('createdBy'),
  unusedForDays: get('unused'),
  expiry: get('expiry'),
  violatesPolicy: get('violatesPolicy'),
  origin: get('origin'),
});

/**
 * Returns the number of days without use after which the policy counts a credential as unused; the default for members,
 * and until the policy is loaded.
 */
export const useUnusedAfterDays = (): number => usePolicy()?.unusedAfterDays ?? DEFAULT_UNUSED_DAYS;

interface FilterProps {
  readonly state: ListState;
}

function CreatorFilter({ state }: FilterProps) {
  const { api, workspace } = useWorkspace();
  const { data: members = [] } = useQuery({
    queryKey: [workspace.id, 'members', 'names'],
    queryFn: async ({ signal }) => (await api.members.list({ limit: 200 }, { signal })).data,
    staleTime: 60_000,
  });
  return (
    <SelectFilter
      state={state}
      name="createdBy"
      label={strings.filters.createdByLabel}
      defaultLabel={strings.filters.anyone}
      options={members.map(({ personId, name }) => ({ value: personId, label: isolate(name) }))}
    />
  );
}

function UnusedFilter({ state }: FilterProps) {
  const dayCounts = [...new Set([30, DEFAULT_UNUSED_DAYS, useUnusedAfterDays()])].sort(
    (first, second) => first - second,
  );
  return (
    <SelectFilter
      state={state}
      name="unused"
      label={strings.filters.usageLabel}
      defaultLabel={strings.filters.anyUsage}
      options={dayCounts.map((days) => ({ value: String(days), label: strings.filters.unusedForDays(days) }))}
    />
  );
}

interface CredentialFiltersProps extends FilterProps {
  readonly kind: CredentialKindConfig;
}

/** The filters of a list of credentials. */
export function CredentialFilters({ kind, state }: CredentialFiltersProps) {
  return (
    <FilterBar state={state} filters={FILTERS}>
      <SearchField state={state} label={strings.filters.searchByName(kind.plural)} />
      <SelectFilter
        state={state}
        name="status"
        label={strings.filters.statusLabel}
        defaultLabel={strings.filters.anyStatus}
        options={kind.statuses.map((status) => ({ value: status, label: capitalize(status) }))}
      />
      <SelectFilter
        state={state}
        name="right"
        label={capitalize(kind.rightNoun)}
        defaultLabel={strings.filters.anyRight(kind.rightNoun)}
        options={kind.rightGroups.flatMap(({ rights }) => rights.map((right) => ({ value: right, label: right })))}
      />
      <CreatorFilter state={state} />
      <UnusedFilter state={state} />
      <SelectFilter
        state={state}
        name="expiry"
        label={strings.filters.expiryLabel}
        defaultLabel={strings.filters.anyExpiry}
        options={[
          { value: '7', label: strings.filters.expiresWithin7Days },
          { value: '30', label: strings.filters.expiresWithin30Days },
          { value: NEVER, label: strings.filters.neverExpires },
        ]}
      />
      <SelectFilter
        state={state}
        name="violatesPolicy"
        label={strings.filters.policyLabel}
        defaultLabel={strings.filters.anyPolicy}
        options={[{ value: 'true', label: strings.filters.violatesPolicy }]}
      />
      {kind.kind === 'access_token' && (
        <SelectFilter
          state={state}
          name="origin"
          label={strings.filters.originLabel}
          defaultLabel={strings.filters.anyOrigin}
          options={ACCESS_TOKEN_ORIGINS.map((origin) => ({ value: origin, label: strings.origins[origin] }))}
        />
      )}
    </FilterBar>
  );
}
