import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import styles from './filters.module.css';
import { IconSearch } from './icons.ts';
import type { ListState } from './list-state.ts';
import { isolate } from './sentence.ts';
import { strings } from './strings.ts';

interface TextFilterProps {
  readonly state: ListState;
  /** The name of the filter in the URL. */
  readonly name: string;
  readonly label: string;
  readonly placeholder: string;
  readonly icon?: ReactNode;
}

/** A text filter that updates the URL shortly after the user stops typing. */
export function TextFilter({ state, name, label, placeholder, icon }: TextFilterProps) {
  const urlValue = state.get(name) ?? '';
  const [text, setText] = useState(urlValue);
  const lastWritten = useRef(urlValue);
  const writeToUrl = useDebouncedCallback((typed: string) => {
    lastWritten.current = typed;
    state.set({ [name]: typed });
  }, 250);
  // Going back or clearing the filters changes the URL from outside this field.
  useEffect(() => {
    if (urlValue === lastWritten.current) return;
    lastWritten.current = urlValue;
    setText(urlValue);
  }, [urlValue]);
  return (
    <TextInput
      aria-label={label}
      placeholder={placeholder}
      leftSection={icon}
      type="search"
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        writeToUrl(event.currentTarget.value.trim());
      }}
      className={icon === undefined ? undefined : styles['search']}
    />
  );
}

/** Searches by name with the filter `q`. */
export function SearchField({ state, label }: { readonly state: ListState; readonly label: string }) {
  return (
    <TextFilter
      state={state}
      name="q"
      label={label}
      placeholder={strings.filters.searchPlaceholder}
      icon={<IconSearch size={16} aria-hidden />}
    />
  );
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

export interface NamedResource {
  readonly id: string;
  readonly name: string;
}

/** The options of a field that selects a named resource. */
export const toOptions = (resources: readonly NamedResource[]): Option[] =>
  resources.map(({ id, name }) => ({ value: id, label: isolate(name) }));

interface SelectFilterProps {
  readonly state: ListState;
  readonly name: string;
  readonly label: string;
  /** The label of the option that leaves the filter unset. */
  readonly defaultLabel: string;
  readonly options: readonly Option[];
}

/** A filter that selects one of several values. */
export function SelectFilter({ state, name, label, defaultLabel, options }: SelectFilterProps) {
  const value = state.get(name) ?? '';
  const isKnown = value === '' || options.some((option) => option.value === value);
  return (
    <NativeSelect
      aria-label={label}
      wrapperProps={{ 'data-selected': value !== '' || undefined }}
      data={[{ value: '', label: defaultLabel }, ...options, ...(isKnown ? [] : [{ value, label: value }])]}
      value={value}
      onChange={(event) => state.set({ [name]: event.currentTarget.value })}
    />
  );
}

/** Whether any of these filters is set or a page other than the first is shown. */
export function isFiltered(state: ListState, filters: readonly string[]): boolean {
  return state.isLaterPage || filters.some((name) => state.get(name) !== undefined);
}

interface FilterBarProps {
  readonly state: ListState;
  readonly filters: readonly string[];
  readonly children: ReactNode;
}

/** The search field and the filters of a list. Their values are in the URL. */
export function FilterBar({ state, filters, children }: FilterBarProps) {
  return (
    <search className={styles['bar']}>
      {children}
      {filters.some((name) => state.get(name) !== undefined) && (
        <Button
          variant="subtle"
          onClick={() => state.set(Object.fromEntries(filters.map((name) => [name, undefined])))}
        >
          {strings.filters.clearFilters}
        </Button>
      )}
    </search>
  );
}
