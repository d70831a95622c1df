import { Button, Group, List, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Tagged } from '../../sdk/client.ts';
import { FormFooter, isConflict, type Submission } from './form.tsx';
import { Notice } from './notice.tsx';
import { BlockSkeleton, ErrorState } from './states.tsx';

interface EditLoaderProps<Item> {
  readonly queryKey: readonly unknown[];
  readonly read: (signal: AbortSignal) => Promise<Tagged<Item>>;
  readonly children: (loaded: Tagged<Item>) => ReactNode;
}

/** Reads the current item and its ETag once and passes them to `children`; later changes do not reset the form. */
export function EditLoader<Item>({ queryKey, read, children }: EditLoaderProps<Item>) {
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

export interface ConditionalEdit<Item> {
  /** The item as it was when the edit started. */
  readonly base: Item;
  /** The item as someone else saved it in the meantime; null if nobody did. */
  readonly theirs: Item | null;
  /** Saves with If-Match, so only the last version read is overwritten. Throws what `write` throws. */
  save<Saved>(write: (ifMatch: string | undefined) => Promise<Saved>): Promise<Saved>;
  /** Restarts the edit from the version that someone else saved. */
  takeTheirs(): Item;
  /** Restarts the edit from a version read later, for example after saving. */
  reset(fresh: Tagged<Item>): Item;
}

/** An edit that never overwrites a version it has not read. */
export function useConditionalEdit<Item>(
  loaded: Tagged<Item>,
  read: () => Promise<Tagged<Item>>,
): ConditionalEdit<Item> {
  const [base, setBase] = useState(loaded);
  const [theirs, setTheirs] = useState<Tagged<Item> | null>(null);
  function reset(next: Tagged<Item>): Item {
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
    takeTheirs: () => reset(theirs ?? base),
    reset,
  };
}

const formatValue = (value: unknown): string => {
  if (value === null || value === undefined || value === '') return 'empty';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
};

interface ConditionalEditFooterProps<Item> {
  readonly edit: ConditionalEdit<Item>;
  readonly saving: Pick<Submission<never>, 'busy' | 'trouble' | 'error'>;
  readonly labels: Readonly<Record<string, string>>;
  readonly onTakeTheirs: (theirs: Item) => void;
  readonly onCancel: (() => void) | undefined;
  readonly submitLabel?: string;
  readonly cancelLabel?: string;
  readonly disabled?: boolean;
}

/**
 * The footer of a conditional edit: the save button, or after a conflict, the other person's changes and a way to save
 * again.
 */
export function ConditionalEditFooter<Item extends object>(props: ConditionalEditFooterProps<Item>) {
  const { edit, saving, labels, onTakeTheirs, onCancel, submitLabel = 'Save', cancelLabel, disabled } = props;
  const { base, theirs } = edit;
  return (
    <FormFooter
      saving={saving}
      submitLabel={theirs === null ? submitLabel : 'Save again'}
      onCancel={onCancel}
      cancelLabel={cancelLabel}
      disabled={disabled}
      conflictNotice={
        theirs !== null && (
          <ConflictNotice
            base={base}
            theirs={theirs}
            labels={labels}
            onTakeTheirs={() => onTakeTheirs(edit.takeTheirs())}
          />
        )
      }
    />
  );
}

interface ConflictNoticeProps {
  readonly base: object;
  readonly theirs: object;
  /** Display names of the fields shown to the user. */
  readonly labels: Readonly<Record<string, string>>;
  readonly onTakeTheirs: () => void;
}

/** Lists the fields that someone else changed since the form was opened. */
function ConflictNotice({ base, theirs, labels, onTakeTheirs }: ConflictNoticeProps) {
  const baseFields: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(base));
  const theirFields: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(theirs));
  const fields = Object.keys(labels).filter(
    (field) => JSON.stringify(baseFields[field]) !== JSON.stringify(theirFields[field]),
  );
  return (
    <Notice tone="warn">
      <Stack gap="xs" role="alert">
        <Text inherit>Someone else changed this while you were editing. Your changes have not been saved.</Text>
        {fields.length > 0 && (
          <List fz="sm" spacing={2}>
            {fields.map((field) => (
              <List.Item key={field}>
                {labels[field]}: {formatValue(baseFields[field])} → {formatValue(theirFields[field])}
              </List.Item>
            ))}
          </List>
        )}
        <Group gap="xs">
          <Text inherit>Saving again keeps their changes to fields you didn't edit.</Text>
          <Button size="compact-sm" variant="default" onClick={onTakeTheirs}>
            Discard my changes
          </Button>
        </Group>
      </Stack>
    </Notice>
  );
}
