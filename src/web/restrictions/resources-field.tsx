import { MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { RESTRICTION_LIMITS } from '../../contract/limits.ts';
import type { Option } from '../components/filters.tsx';
import { isProjectId } from './restriction-values.ts';
import { strings } from './strings.ts';
import { useNamesById, useResourceSearch } from './use-resource-names.ts';

interface ResourcesFieldProps {
  readonly value: readonly string[];
  readonly onChange: (ids: string[]) => void;
  readonly error?: string | undefined;
  readonly 'data-path': string;
}

/** Projects and apps, found and chosen by name. */
export function ResourcesField({ value, onChange, error, ...fieldProps }: ResourcesFieldProps) {
  const [searchText, setSearchText] = useState('');
  const [q] = useDebouncedValue(searchText.trim(), 250);
  const searchResult = useResourceSearch(q);
  const names = useNamesById(value);
  const isFound = (id: string) =>
    [...searchResult.projects, ...searchResult.apps].some((option) => option.value === id);
  // `MultiSelect` shows a selected value only if it is one of the options.
  const selectedOptions = value
    .filter((id) => !isFound(id))
    .map((id): Option => ({ value: id, label: names.get(id) ?? id }));
  return (
    <MultiSelect
      {...fieldProps}
      label={strings.fields.resources}
      description={strings.fields.resourcesDescription(RESTRICTION_LIMITS.entries)}
      {...(value.length === 0 && { placeholder: strings.fields.resourcesPlaceholder })}
      nothingFoundMessage={strings.fields.noResourceFound}
      searchable
      hidePickedOptions
      maxDropdownHeight={240}
      data={[
        {
          group: strings.fields.projects,
          items: [...searchResult.projects, ...selectedOptions.filter((option) => isProjectId(option.value))],
        },
        {
          group: strings.fields.apps,
          items: [...searchResult.apps, ...selectedOptions.filter((option) => !isProjectId(option.value))],
        },
      ]}
      searchValue={searchText}
      onSearchChange={setSearchText}
      value={[...value]}
      onChange={onChange}
      error={error}
    />
  );
}
