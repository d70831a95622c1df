import { Box, Group, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useId, useState } from 'react';
import { Dialog } from '../components/dialog.tsx';
import { IconSearch } from '../components/icons.ts';
import { DimmedText } from '../components/text.tsx';
import { useMe, useWorkspace } from '../session.ts';
import { type Destination, type DestinationGroup, findPages, searchByName } from './destinations.ts';
import styles from './palette.module.css';
import { strings } from './strings.ts';

const TYPING_PAUSE_MS = 150;

/** Returns the matches for a text: pages immediately, resources and credentials after the user pauses typing. */
function useDestinations(text: string) {
  const { api, workspace, isAdmin } = useWorkspace();
  const { operator } = useMe();
  const [q] = useDebouncedValue(text, TYPING_PAUSE_MS);
  const { data, isFetching } = useQuery({
    queryKey: [workspace.id, 'palette', q],
    queryFn: ({ signal }) => searchByName(api, q, signal),
    enabled: q !== '',
    placeholderData: keepPreviousData,
  });
  const searchResult = text === '' ? undefined : data;
  return {
    destinations: [...findPages(text, { isAdmin, isOperator: operator }), ...(searchResult?.destinations ?? [])],
    isSearching: text !== '' && (isFetching || q !== text),
    isIncomplete: searchResult?.isIncomplete === true,
  };
}

/** Returns the index of the option that a key selects; null for any other key. */
function indexSelectedByKey(key: string, index: number, count: number): number | null {
  if (count === 0) return null;
  if (key === 'ArrowDown') return (index + 1) % count;
  if (key === 'ArrowUp') return (index - 1 + count) % count;
  return null;
}

interface OptionsProps {
  readonly id: string;
  readonly destinations: readonly Destination[];
  readonly selected: number;
  readonly onSelect: (index: number) => void;
  readonly onOpened: () => void;
}

function Options({ id, destinations, selected, onSelect, onOpened }: OptionsProps) {
  const groups = [...new Set(destinations.map(({ group }) => group))];
  const option = (destination: Destination) => {
    const index = destinations.indexOf(destination);
    return (
      <Link
        key={destination.id}
        id={`${id}-${index}`}
        role="option"
        aria-selected={index === selected}
        tabIndex={-1}
        className={styles['option']}
        to={destination.to}
        params={destination.params as never}
        search={{} as never}
        preload={false}
        onMouseMove={() => onSelect(index)}
        onClick={onOpened}
      >
        <bdi>{destination.label}</bdi>
        {destination.note !== null && <span className={`mono ${styles['note']}`}>{destination.note}</span>}
      </Link>
    );
  };
  const renderGroup = (group: DestinationGroup) => (
    // biome-ignore lint/a11y/useSemanticElements: a listbox can contain groups but not fieldsets
    <div key={group} role="group" aria-labelledby={`${id}-${group}`}>
      <div id={`${id}-${group}`} className={styles['groupLabel']} role="presentation">
        {strings.groups[group]}
      </div>
      {destinations.filter((destination) => destination.group === group).map(option)}
    </div>
  );
  return groups.map(renderGroup);
}

/** Opens a page, a resource or a credential by name. */
export function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  const id = useId();
  const [text, setText] = useState('');
  const [selectedId, setSelectedId] = useState<string | null>(null);
  const { destinations, isSearching, isIncomplete } = useDestinations(text.trim());
  const selected = Math.max(
    0,
    destinations.findIndex((destination) => destination.id === selectedId),
  );
  const isEmpty = destinations.length === 0;
  const resultText = isEmpty
    ? strings.commandPalette.noResults
    : strings.commandPalette.resultCount(destinations.length);
  useEffect(() => {
    // The braces discard the promise that newer browsers return; React would treat it as the effect's cleanup.
    document.getElementById(`${id}-${selected}`)?.scrollIntoView({ block: 'nearest' });
  }, [id, selected]);

  function handleKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return;
    const next = indexSelectedByKey(event.key, selected, destinations.length);
    const destination = destinations[next ?? selected];
    if (destination === undefined) return;
    if (next !== null) setSelectedId(destination.id);
    else if (event.key === 'Enter') {
      onClose();
      void navigate({ to: destination.to, params: destination.params, search: {} } as never);
    } else return;
    event.preventDefault();
  }

  return (
    <Dialog onClose={onClose} title={strings.commandPalette.title} size="lg" centered={false} yOffset="10vh">
      <Stack gap="sm" pt={2}>
        <TextInput
          role="combobox"
          aria-label={strings.commandPalette.label}
          aria-expanded={!isEmpty}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={isEmpty ? undefined : `${id}-${selected}`}
          placeholder={strings.commandPalette.placeholder}
          leftSection={<IconSearch size={16} aria-hidden />}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setSelectedId(null);
          }}
          onKeyDown={handleKeyDown}
        />
        <div
          id={`${id}-list`}
          role="listbox"
          aria-label={strings.commandPalette.results}
          className={styles['list']}
          hidden={isEmpty}
        >
          <Options
            id={id}
            destinations={destinations}
            selected={selected}
            onSelect={(index) => setSelectedId(destinations[index]?.id ?? null)}
            onOpened={onClose}
          />
        </div>
        <Group justify="space-between" gap="xs">
          <DimmedText role="status">{isSearching ? strings.commandPalette.searching : resultText}</DimmedText>
          {isIncomplete ? (
            <DimmedText>{strings.commandPalette.someFailed}</DimmedText>
          ) : (
            <Box visibleFrom="sm">
              <DimmedText>{strings.commandPalette.keys}</DimmedText>
            </Box>
          )}
        </Group>
      </Stack>
    </Dialog>
  );
}
