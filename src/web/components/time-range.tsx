import { TextInput } from '@mantine/core';
import type { ListState } from './list-state.ts';

/** `datetime-local` speaks the reader's zone without naming it. */
function localOf(at: string | undefined): string {
  if (at === undefined || Number.isNaN(Date.parse(at))) return '';
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** From when to when, in the reader's zone; kept in the address as `from` and `to`. */
export function TimeRange({ state }: { readonly state: ListState }) {
  const bound = (name: 'from' | 'to', label: string) => (
    <TextInput
      type="datetime-local"
      label={label}
      value={localOf(state.get(name))}
      onChange={(event) => {
        const { value } = event.currentTarget;
        state.set({ [name]: value === '' ? null : new Date(value).toISOString() });
      }}
    />
  );
  return (
    <>
      {bound('from', 'From')}
      {bound('to', 'Before')}
    </>
  );
}
