import { Button, Group, List, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Tagged } from '../../sdk/client.ts';
import { FormFooter, isConflict, type Submitting } from './form.tsx';
import { Notice } from './notice.tsx';
import { BlockSkeleton, ErrorState } from './states.tsx';

interface EditedProps<Item> {
  readonly queryKey: readonly unknown[];
  readonly read: (signal: AbortSignal) => Promise<Tagged<Item>>;
  readonly children: (loaded: Tagged<Item>) => ReactNode;
}

/** Reads what is about to be edited, as it is now and with its tag, and keeps it as it was read. */
export function Edited<Item>({ queryKey, read, children }: EditedProps<Item>) {
  const { data, error, refetch } = useQuery({
    queryKey: [...queryKey, 'edited'],
    queryFn: ({ signal }) => read(signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  if (data !== undefined) return children(data);
  return error === null ? <BlockSkeleton /> : <ErrorState error={error} retry={() => void refetch()} />;
}

export interface Guarded<Item> {
  /** What the edit began with. */
  readonly base: Item;
  /** What others made of it meanwhile; null while nobody did. */
  readonly theirs: Item | null;
  /** Writes over the state that was last seen and no other. Throws what `write` throws. */
  save<Saved>(write: (ifMatch: string | undefined) => Promise<Saved>): Promise<Saved>;
  /** Begins anew from what others made of it. */
  takeTheirs(): Item;
  /** Begins anew from what was read since, such as after saving. */
  restart(fresh: Tagged<Item>): Item;
}

/** An edit that never overwrites what it has not seen. */
export function useGuarded<Item>(loaded: Tagged<Item>, read: () => Promise<Tagged<Item>>): Guarded<Item> {
  const [base, setBase] = useState(loaded);
  const [theirs, setTheirs] = useState<Tagged<Item> | null>(null);
  function restart(next: Tagged<Item>): Item {
    setBase(next);
    setTheirs(null);
    return next.value;
  }
  return {
    base: base.value,
    theirs: theirs?.value ?? null,
    async save(write) {
      try {
        return await write((theirs ?? base).tag);
      } catch (error) {
        if (isConflict(error)) setTheirs(await read());
        throw error;
      }
    },
    takeTheirs: () => restart(theirs ?? base),
    restart,
  };
}

const say = (value: unknown): string => {
  if (value === null || value === undefined || value === '') return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
};

interface GuardedFooterProps<Item> {
  readonly guarded: Guarded<Item>;
  readonly saving: Pick<Submitting<never>, 'busy' | 'trouble' | 'error'>;
  readonly labels: Readonly<Record<string, string>>;
  readonly onTakeTheirs: (theirs: Item) => void;
  readonly onCancel: (() => void) | undefined;
  readonly submit?: string;
  readonly cancel?: string;
  readonly disabled?: boolean;
}

/** The end of a guarded form: save, or what others changed and save again. */
export function GuardedFooter<Item extends object>(props: GuardedFooterProps<Item>) {
  const { guarded, saving, labels, onTakeTheirs, onCancel, submit = 'Save', cancel, disabled } = props;
  const { base, theirs } = guarded;
  return (
    <FormFooter
      saving={saving}
      submit={theirs === null ? submit : 'Save again'}
      onCancel={onCancel}
      cancel={cancel}
      disabled={disabled}
      notice={
        theirs !== null && (
          <StaleNotice
            before={base}
            now={theirs}
            labels={labels}
            onTakeTheirs={() => onTakeTheirs(guarded.takeTheirs())}
          />
        )
      }
    />
  );
}

interface StaleNoticeProps {
  readonly before: object;
  readonly now: object;
  /** How the fields are called that a person knows. */
  readonly labels: Readonly<Record<string, string>>;
  readonly onTakeTheirs: () => void;
}

/** Says what others changed since the form was opened, and that saving again is possible. */
function StaleNotice({ before, now, labels, onTakeTheirs }: StaleNoticeProps) {
  const was: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(before));
  const is: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(now));
  const fields = Object.keys(labels).filter((field) => JSON.stringify(was[field]) !== JSON.stringify(is[field]));
  return (
    <Notice tone="warn">
      <Stack gap="xs" role="alert">
        <Text inherit>Somebody changed this while you edited it. Yours is not saved yet.</Text>
        {fields.length > 0 && (
          <List fz="sm" spacing={2}>
            {fields.map((field) => (
              <List.Item key={field}>
                {labels[field]}: {say(was[field])} → {say(is[field])}
              </List.Item>
            ))}
          </List>
        )}
        <Group gap="xs">
          <Text inherit>Saving again keeps theirs where you changed nothing.</Text>
          <Button size="compact-sm" variant="default" onClick={onTakeTheirs}>
            Discard mine
          </Button>
        </Group>
      </Stack>
    </Notice>
  );
}
