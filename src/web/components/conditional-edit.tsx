import { Button, Group, List, Stack, Text } from '@mantine/core';
import type { FormRulesRecord, UseFormReturnType } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { CallOptions, Tagged } from '../../sdk/client.ts';
import { changedFields } from '../form-values.ts';
import { FormFooter, isConflict, type Submission, useSubmit } from './form.tsx';
import { Notice } from './notice.tsx';
import { QueryContent } from './states.tsx';
import { strings } from './strings.ts';
import { useAppForm } from './use-app-form.ts';

interface EditLoaderProps<Item> {
  readonly queryKey: readonly unknown[];
  readonly read: (options: CallOptions) => Promise<Tagged<Item>>;
  readonly children: (loaded: Tagged<Item>) => ReactNode;
}

/** Reads the current item and its ETag once and passes them to `children`; later changes do not reset the form. */
export function EditLoader<Item>({ queryKey, read, children }: EditLoaderProps<Item>) {
  const query = useQuery({
    queryKey: [...queryKey, 'edited'],
    queryFn: ({ signal }) => read({ signal }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  return <QueryContent query={query}>{children}</QueryContent>;
}

interface EditFormOptions<Item, Values extends Record<string, unknown>, Fields extends object> {
  readonly loaded: Tagged<Item>;
  readonly read: () => Promise<Tagged<Item>>;
  readonly update: (changes: Partial<Fields>, options: CallOptions) => Promise<Item>;
  readonly toFormValues: (item: Item) => Values;
  /** Converts the form to the API's fields. Only changed fields are sent. */
  readonly toRequestFields: (values: Values) => Fields;
  readonly validate: FormRulesRecord<Values>;
  /** Maps the API's field names to the form's field names where they differ. */
  readonly errorFields?: (values: Values) => Readonly<Record<string, string>>;
  /** Called with the saved item, or with null if nothing was changed. */
  readonly onSaved: (saved: Item | null) => unknown;
}

export interface EditForm<Item, Values> {
  readonly form: UseFormReturnType<Values>;
  /** The item as it was when the edit started or was last restarted. */
  readonly base: Item;
  /** The version that someone else saved after this edit started; null if there is none. */
  readonly theirs: Item | null;
  readonly isChanged: boolean;
  readonly saving: Submission<Values>;
  /** Restarts the edit from another version: one that someone else saved, or the version read after saving. */
  restart(from: Tagged<Item>): void;
  /** Discards the changes of this edit and continues from the other person's version. */
  discardChanges(): void;
}

/**
 * The form of an edit that sends only the changed fields. It saves with If-Match, so it never overwrites a version that
 * it has not read. After a conflict, it reads the version that the other person saved.
 */
export function useEditForm<Item, Values extends Record<string, unknown>, Fields extends object>(
  options: EditFormOptions<Item, Values, Fields>,
): EditForm<Item, Values> {
  const { loaded, read, update, toFormValues, toRequestFields, validate, errorFields, onSaved } = options;
  const [base, setBase] = useState(loaded);
  const [theirs, setTheirs] = useState<Tagged<Item> | null>(null);
  const form = useAppForm<Values>({ initialValues: toFormValues(loaded.value), validate });
  const changes = changedFields(toRequestFields(toFormValues(base.value)), toRequestFields(form.values));
  const isChanged = Object.keys(changes).length > 0;

  async function save(): Promise<Item> {
    try {
      return await update(changes, { ifMatch: (theirs ?? base).tag });
    } catch (error) {
      if (isConflict(error)) setTheirs(await read());
      throw error;
    }
  }

  function restart(from: Tagged<Item>): void {
    setBase(from);
    setTheirs(null);
    form.setValues(toFormValues(from.value));
  }

  return {
    form,
    base: base.value,
    theirs: theirs?.value ?? null,
    isChanged,
    saving: useSubmit(form, async () => onSaved(isChanged ? await save() : null), errorFields?.(form.values)),
    restart,
    discardChanges: () => restart(theirs ?? base),
  };
}

const formatValue = (value: unknown): string => {
  if (value === null || value === undefined || value === '') return strings.conditionalEdit.empty;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
};

interface ConditionalEditFooterProps<Item> {
  readonly edit: Pick<EditForm<Item, never>, 'base' | 'theirs' | 'discardChanges'> & {
    readonly saving: Pick<Submission<never>, 'busy' | 'formError' | 'error'>;
  };
  /** Display names of the API's fields. The notice about a conflict omits fields without one. */
  readonly labels: Readonly<Record<string, string>>;
  readonly onCancel: (() => void) | undefined;
  readonly submitLabel?: string;
  readonly cancelLabel?: string;
  readonly disabled?: boolean;
}

/**
 * The footer of a conditional edit: the cancel and save buttons. After a conflict, it also shows the other person's
 * changes, and the save button saves again.
 */
export function ConditionalEditFooter<Item extends object>(props: ConditionalEditFooterProps<Item>) {
  const { edit, labels, submitLabel = strings.conditionalEdit.save, ...footer } = props;
  const { base, theirs, saving, discardChanges } = edit;
  return (
    <FormFooter
      {...footer}
      saving={saving}
      submitLabel={theirs === null ? submitLabel : strings.conditionalEdit.saveAgain}
      conflictNotice={
        theirs !== null && <ConflictNotice base={base} theirs={theirs} labels={labels} onDiscard={discardChanges} />
      }
    />
  );
}

interface ConflictNoticeProps {
  readonly base: object;
  readonly theirs: object;
  /** Display names of the API's fields. Fields without one are omitted. */
  readonly labels: Readonly<Record<string, string>>;
  readonly onDiscard: () => void;
}

/** Lists the fields that someone else changed during the edit, and offers to discard the user's changes. */
export function ConflictNotice({ base, theirs, labels, onDiscard }: ConflictNoticeProps) {
  const before = new Map<string, unknown>(Object.entries(base));
  const theirChanges = Object.entries(changedFields(base, theirs)).filter(([field]) => field in labels);
  return (
    <Notice tone="warning">
      <Stack gap="xs" role="alert">
        <Text inherit>{strings.conditionalEdit.changedByOther}</Text>
        {theirChanges.length > 0 && (
          <List fz="sm" spacing={2}>
            {theirChanges.map(([field, value]) => (
              <List.Item key={field}>
                {labels[field]}: {formatValue(before.get(field))} → {formatValue(value)}
              </List.Item>
            ))}
          </List>
        )}
        <Group gap="xs">
          <Text inherit>{strings.conditionalEdit.savingKeepsTheirChanges}</Text>
          <Button size="compact-sm" variant="default" onClick={onDiscard}>
            {strings.conditionalEdit.discardMyChanges}
          </Button>
        </Group>
      </Stack>
    </Notice>
  );
}
