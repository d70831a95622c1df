import { Group, TextInput } from '@mantine/core';
import type { KeyboardEvent } from 'react';
import { IconAction } from './icon-action.tsx';
import { IconChevronDown, IconChevronUp, IconSearch } from './icons.ts';
import { strings } from './strings.ts';
import { DimmedText } from './text.tsx';
import { MAX_MATCHES } from './use-log-search.ts';

interface LogSearchProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly matchCount: number;
  /** Index of the selected match; null if none is selected. */
  readonly selected: number | null;
  readonly onSelect: (index: number) => void;
}

/** The search field of a log. Enter selects the next match, Shift+Enter the previous one. Escape clears the search. */
export function LogSearch({ text, onChange, matchCount, selected, onSelect }: LogSearchProps) {
  /** Selects the next (1) or previous (-1) match, and wraps around at the end and the start. */
  function move(direction: 1 | -1) {
    if (matchCount === 0) return;
    // If no match is selected, starts before the first or after the last match.
    const current = selected ?? (direction === 1 ? -1 : matchCount);
    onSelect((current + direction + matchCount) % matchCount);
  }
  function handleKey(event: KeyboardEvent) {
    if (event.key === 'Enter') move(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape' && text !== '') onChange('');
    else return;
    event.preventDefault();
  }
  return (
    <Group gap={4}>
      <TextInput
        size="xs"
        w={180}
        type="search"
        aria-label={strings.logSearch.label}
        placeholder={strings.logSearch.placeholder}
        leftSection={<IconSearch size={14} />}
        value={text}
        onChange={(event) => onChange(event.currentTarget.value)}
        onKeyDown={handleKey}
      />
      {text !== '' && (
        <>
          <IconAction
            label={strings.logSearch.previous}
            Icon={IconChevronUp}
            disabled={matchCount === 0}
            onClick={() => move(-1)}
          />
          <IconAction
            label={strings.logSearch.next}
            Icon={IconChevronDown}
            disabled={matchCount === 0}
            onClick={() => move(1)}
          />
          <DimmedText>
            <span role="status">{strings.logSearch.matches(selected, matchCount, MAX_MATCHES)}</span>
          </DimmedText>
        </>
      )}
    </Group>
  );
}
