import { TextInput } from '@mantine/core';
import type { ListState } from './list-state.ts';
import { strings } from './strings.ts';

/** Converts a time to the value of a `datetime-local` field: local time in the browser's time zone, without offset. */
function toLocalDateTime(time: string | undefined): string {
  if (time === undefined || Number.isNaN(Date.parse(time))) return '';
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The start and end of a time range in the browser's time zone. They are in the URL as `from` and `to`. */
export function TimeRangeFields({ state }: { readonly state: ListState }) {
  const boundField = (name: 'from' | 'to', label: string) => (
    <TextInput
      type="datetime-local"
      label={label}
      value={toLocalDateTime(state.get(name))}
      onChange={(event) => {
        const { value } = event.currentTarget;
        state.set({ [name]: value === '' ? null : new Date(value).toISOString() });
      }}
    />
  );
  return (
    <>
      {boundField('from', strings.timeRangeFields.from)}
      {boundField('to', strings.timeRangeFields.toExclusive)}
    </>
  );
}
