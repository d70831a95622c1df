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
  readonly selectedIndex: number;
  readonly onSelect: (destination: Destination) => void;
  readonly onOpened: () => void;
}

function Options({ id, destinations, selectedIndex, onSelect, onOpened }: OptionsProps) {
  const groups = [...new Set(destinations.map(({ group }) => group))];
  const option = (destination: Destination) => {
    const index = destinations.indexOf(destination);
    return (
      <Link
        key={destination.id}
        id={`${id}-${index}`}
        role="option"
        aria-selected={index === selectedIndex}
        tabIndex={-1}
        className={styles['option']}
        to={destination.to}
        params={destination.params as never}
        search={{} as never}
        preload={false}
        onMouseMove={() => onSelect(destination)}
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

interface Selection {
  readonly index: number;
  readonly select: (id: string | null) => void;
  readonly handleKeyDown: (event: KeyboardEvent) => void;
}

/**
 * Returns the index of the selected destination, which the arrow keys change and Enter opens. At first, the first
 * destination is selected.
 */
function useSelection(destinations: readonly Destination[], listId: string, onOpened: () => void): Selection {
  const navigate = useNavigate();
  const [selectedId, setSelectedId] = useState<string | null>(null);
  const index = Math.max(
    0,
    destinations.findIndex((destination) => destination.id === selectedId),
  );
  useEffect(() => {
    // The braces discard the promise that newer browsers return; React would treat it as the effect's cleanup.
    document.getElementById(`${listId}-${index}`)?.scrollIntoView({ block: 'nearest' });
  }, [listId, index]);

  function handleKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return;
    const newIndex = indexSelectedByKey(event.key, index, destinations.length);
    const destination = destinations[newIndex ?? index];
    if (destination === undefined) return;
    if (newIndex !== null) setSelectedId(destination.id);
    else if (event.key === 'Enter') {
      onOpened();
      void navigate({ to: destination.to, params: destination.params, search: {} } as never);
    } else return;
    event.preventDefault();
  }

  return { index, select: setSelectedId, handleKeyDown };
}

interface PaletteStatusProps {
  readonly resultCount: number;
  readonly isSearching: boolean;
  readonly isIncomplete: boolean;
}

function PaletteStatus({ resultCount, isSearching, isIncomplete }: PaletteStatusProps) {
  const resultText =
    resultCount === 0 ? strings.commandPalette.noResults : strings.commandPalette.resultCount(resultCount);
  return (
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
  );
}

/** Opens a page, a resource or a credential by name. */
export function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const id = useId();
  const [text, setText] = useState('');
  const { destinations, isSearching, isIncomplete } = useDestinations(text.trim());
  const selection = useSelection(destinations, id, onClose);
  const isEmpty = destinations.length === 0;
  return (
    <Dialog onClose={onClose} title={strings.commandPalette.title} size="lg" centered={false} yOffset="10vh">
      <Stack gap="sm" pt={2}>
        <TextInput
          role="combobox"
          aria-label={strings.commandPalette.label}
          aria-expanded={!isEmpty}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={isEmpty ? undefined : `${id}-${selection.index}`}
          placeholder={strings.commandPalette.placeholder}
          leftSection={<IconSearch size={16} aria-hidden />}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            selection.select(null);
          }}
          onKeyDown={selection.handleKeyDown}
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
            selectedIndex={selection.index}
            onSelect={(destination) => selection.select(destination.id)}
            onOpened={onClose}
          />
        </div>
        <PaletteStatus resultCount={destinations.length} isSearching={isSearching} isIncomplete={isIncomplete} />
      </Stack>
    </Dialog>
  );
}
