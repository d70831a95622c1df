import { Button, type ComboboxData, Group, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { AccessToken } from '../../contract/access-tokens.ts';
import type { ApiKey } from '../../contract/api-keys.ts';
import { AUDIT_ACTIONS, type AuditAction } from '../../contract/event-names.ts';
import type { Member } from '../../contract/members.ts';
import { capitalize } from '../components/format.ts';
import type { ListState } from '../components/list-state.ts';
import { isolate } from '../components/sentence.ts';
import { TimeRangeFields } from '../components/time-range-fields.tsx';
import { useWorkspace } from '../session.ts';
import styles from './activity-log.module.css';
import { FILTERS, RELATIVE_RANGES } from './audit-query.ts';
import { actionLabel } from './sentence.ts';
import { kindLabel } from './sentence-parts.ts';
import { strings } from './strings.ts';

function groupActionsByNoun(): ComboboxData {
  const groups = new Map<string, { value: AuditAction; label: string }[]>();
  for (const action of AUDIT_ACTIONS) {
    const noun = action.split('.')[0] ?? '';
    const items = groups.get(noun) ?? [];
    items.push({ value: action, label: actionLabel(action) });
    groups.set(noun, items);
  }
  return [...groups].map(([noun, items]) => ({
    group: capitalize(kindLabel(noun)),
    items,
  }));
}
const ACTION_OPTIONS = groupActionsByNoun();
const TIME_OPTIONS = [
  ...Object.entries(RELATIVE_RANGES).map(([value, { label }]) => ({ value, label })),
  { value: 'custom', label: strings.filters.customRange },
];

interface Parties {
  readonly people: readonly Member[];
  readonly tokens: readonly AccessToken[];
  readonly keys: readonly ApiKey[];
}
const NO_PARTIES: Parties = { people: [], tokens: [], keys: [] };

/**
 * Returns up to 200 members, and up to 20 access tokens and 20 API keys whose names contain the text. Deleted
 * credentials are not found; the details of an event have a link that filters by the event's credential, even if it is
 * deleted.
 */
function useParties(searchText: string): Parties {
  const { workspace, api } = useWorkspace();
  const [q] = useDebouncedValue(searchText.trim(), 250);
  const { data = NO_PARTIES } = useQuery<Parties>({
    queryKey: [workspace.id, 'parties', q],
    queryFn: async ({ signal }) => {
      const query = { q: q === '' ? undefined : q, limit: 20 };
      const [people, tokens, keys] = await Promise.all([
        api.members.list({ limit: 200 }, { signal }),
        api.accessTokens.list(query, { signal }),
        api.apiKeys.list(query, { signal }),
      ]);
      return { people: people.data, tokens: tokens.data, keys: keys.data };
    },
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  return data;
}

function hasOption(data: ComboboxData, value: string): boolean {
  return data.some(
    (group) =>
      typeof group === 'object' &&
      'items' in group &&
      group.items.some((item) => typeof item === 'object' && item.value === value),
  );
}

/** Adds the selected option if it is not among the options, for example because the credential was deleted. */
function withSelectedOption(options: ComboboxData, value: string, label: string): ComboboxData {
  return hasOption(options, value)
    ? options
    : [...options, { group: strings.filters.fromTheActivityLog, items: [{ value, label }] }];
}

interface NamedItem {
  readonly id: string;
  readonly name: string;
}

interface FiltersProps {
  readonly state: ListState;
  /** Returns the name that an ID has in the events on the page; undefined if it is in none of them. */
  readonly findName: (id: string) => string | undefined;
}

function PartyFilter({ state, findName }: FiltersProps) {
  const [searchText, setSearchText] = useState('');
  const actor = state.get('actor');
  const credential = state.get('credential');
  const actorValue = actor === undefined ? null : `actor ${actor}`;
  const value = credential === undefined ? actorValue : `credential ${credential}`;
  const { people, tokens, keys } = useParties(value === null ? searchText : '');
  const id = credential ?? actor;
  const toCredentialOption = (item: NamedItem) => ({
    value: `credential ${item.id}`,
    label: isolate(item.name),
  });
  const options: ComboboxData = [
    {
      group: strings.filters.people,
      items: people.map(({ personId, name }) => ({ value: `actor ${personId}`, label: isolate(name) })),
    },
    { group: strings.filters.accessTokens, items: tokens.map(toCredentialOption) },
    { group: strings.filters.apiKeys, items: keys.map(toCredentialOption) },
  ];
  const data = value === null || id === undefined ? options : withSelectedOption(options, value, findName(id) ?? id);
  return (
    <Select
      label={strings.filters.personOrCredential}
      placeholder={strings.filters.personOrCredentialPlaceholder}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': strings.filters.clearPersonOrCredential }}
      nothingFoundMessage={strings.filters.noPersonOrCredential}
      maxDropdownHeight={320}
      data={data}
      value={value}
      onSearchChange={setSearchText}
      onChange={(selected) => {
        const [filter, selectedId] = selected?.split(' ') ?? [];
        state.set({
          actor: filter === 'actor' ? selectedId : null,
          credential: filter === 'credential' ? selectedId : null,
        });
      }}
    />
  );
}

function TargetFilter({ state, findName }: FiltersProps) {
  const { workspace } = useWorkspace();
  const [searchText, setSearchText] = useState('');
  const target = state.get('target') ?? null;
  const { people, tokens, keys } = useParties(target === null ? searchText : '');
  const toOption = ({ id, name }: NamedItem) => ({ value: id, label: isolate(name) });
  const options: ComboboxData = [
    { group: strings.filters.accessTokens, items: tokens.map(toOption) },
    { group: strings.filters.apiKeys, items: keys.map(toOption) },
    { group: strings.filters.members, items: people.map(toOption) },
    { group: strings.filters.workspace, items: [toOption(workspace)] },
  ];
  return (
    <Select
      label={strings.filters.target}
      placeholder={strings.filters.targetPlaceholder}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': strings.filters.clearTarget }}
      nothingFoundMessage={strings.filters.noTarget}
      maxDropdownHeight={320}
      data={target === null ? options : withSelectedOption(options, target, findName(target) ?? target)}
      value={target}
      onSearchChange={setSearchText}
      onChange={(selectedId) => state.set({ target: selectedId })}
    />
  );
}

/** The filters for the actor or credential, the action, the target and the time. Their values are in the URL. */
export function Filters({ state, findName }: FiltersProps) {
  const hasFilters = FILTERS.some((name) => state.get(name) !== undefined);
  const [isCustom, setIsCustom] = useState(state.get('from') !== undefined || state.get('to') !== undefined);
  return (
    <>
      <div className={styles['filters']}>
        <PartyFilter state={state} findName={findName} />
        <Select
          label={strings.filters.action}
          placeholder={strings.filters.actionPlaceholder}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': strings.filters.clearAction }}
          maxDropdownHeight={320}
          data={ACTION_OPTIONS}
          value={state.get('action') ?? null}
          onChange={(action) => state.set({ action })}
        />
        <TargetFilter state={state} findName={findName} />
        <Select
          label={strings.filters.time}
          placeholder={strings.filters.timePlaceholder}
          clearable
          clearButtonProps={{ 'aria-label': strings.filters.clearTime }}
          data={TIME_OPTIONS}
          value={isCustom ? 'custom' : (state.get('since') ?? null)}
          onChange={(since) => {
            setIsCustom(since === 'custom');
            state.set({ since: since === 'custom' ? null : since, from: null, to: null });
          }}
        />
        {isCustom && <TimeRangeFields state={state} />}
      </div>
      {hasFilters && (
        <Group gap="xs">
          <Button
            size="compact-sm"
            variant="subtle"
            onClick={() => {
              setIsCustom(false);
              state.set(Object.fromEntries(FILTERS.map((name) => [name, null])));
            }}
          >
            {strings.filters.clearFilters}
          </Button>
        </Group>
      )}
    </>
  );
}
