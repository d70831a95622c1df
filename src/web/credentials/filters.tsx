import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { IconSearch } from '../components/icons.ts';
import type { ListState } from '../components/list-state.ts';
import { useWorkspace } from '../session.ts';
import styles from './credentials.module.css';
import type { Kind } from './kinds.ts';

export const FILTERS = ['q', 'status', 'right', 'createdBy', 'unused'] as const;

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

function Search({ kind, state }: { readonly kind: Kind; readonly state: ListState }) {
  const inAddress = state.get('q') ?? '';
  const [text, setText] = useState(inAddress);
  const sent = useRef(inAddress);
  const send = useDebouncedCallback((q: string) => {
    sent.current = q;
    state.set({ q });
  }, 250);
  // Going back, or clearing the filters, changes the address from outside.
  useEffect(() => {
    if (inAddress === sent.current) return;
    sent.current = inAddress;
    setText(inAddress);
  }, [inAddress]);
  return (
    <TextInput
      aria-label={`Search ${kind.plural} by name`}
      placeholder="Search by name"
      leftSection={<IconSearch size={16} aria-hidden />}
      type="search"
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        send(event.currentTarget.value.trim());
      }}
      flex="1 1 220px"
    />
  );
}

/** Search and filters; what they say is the address. */
export function Filters({ kind, state }: { readonly kind: Kind; readonly state: ListState }) {
  const { api, workspace } = useWorkspace();
  const members = useQuery({
    queryKey: [workspace.id, 'members', 'names'],
    queryFn: async ({ signal }) => (await api.members.list({ limit: 200 }, { signal })).data,
    staleTime: 60_000,
  });
  const choice = (name: string, label: string, every: string, data: { value: string; label: string }[]) => (
    <NativeSelect
      aria-label={label}
      data={[{ value: '', label: every }, ...data]}
      value={state.get(name) ?? ''}
      onChange={(event) => state.set({ [name]: event.currentTarget.value })}
      flex="0 1 auto"
      maw={210}
    />
  );
  const isFiltered = FILTERS.some((name) => state.get(name) !== undefined);
  return (
    <search className={styles['bar']}>
      <Search kind={kind} state={state} />
      {choice(
        'status',
        'Status',
        'Any status',
        kind.statuses.map((status) => ({ value: status, label: capital(status) })),
      )}
      {choice(
        'right',
        capital(kind.rightNoun),
        `Any ${kind.rightNoun}`,
        kind.groups.flatMap(({ rights }) => rights.map((right) => ({ value: right, label: right }))),
      )}
      {choice(
        'createdBy',
        'Created by',
        'Anyone',
        (members.data ?? []).map(({ personId, name }) => ({ value: personId, label: name })),
      )}
      {choice('unused', 'Use', 'Used or not', [
        { value: '30', label: 'Unused for 30 days' },
        { value: '90', label: 'Unused for 90 days' },
      ])}
      {isFiltered && (
        <Button
          variant="subtle"
          onClick={() => state.set(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}
        >
          Clear
        </Button>
      )}
    </search>
  );
}
