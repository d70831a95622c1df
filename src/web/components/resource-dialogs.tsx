import { Stack } from '@mantine/core';
import type { FormRulesRecord, UseFormReturnType } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import type { CallOptions, Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { useWorkspace } from '../session.ts';
import { useFields } from './fields.ts';
import { FormFooter, useSubmit } from './form.tsx';
import { Edited, GuardedFooter, useGuarded } from './guarded.tsx';

type Values = Record<string, unknown>;
interface Named {
  readonly id: string;
  readonly name: string;
}

interface CreateDialogProps<Form extends Values, Made extends Named> {
  /** What it makes: “project”. */
  readonly noun: string;
  readonly initial: Form;
  readonly rules: FormRulesRecord<Form>;
  readonly fields: (form: UseFormReturnType<Form>) => ReactNode;
  readonly create: (values: Form) => Promise<Made>;
  readonly onClose: () => void;
  readonly onCreated: (made: Made) => void;
}

/** Makes something with a name, and leads to it. A stray click does not throw away what was typed. */
export function CreateDialog<Form extends Values, Made extends Named>(props: CreateDialogProps<Form, Made>) {
  const { noun, initial, rules, fields, create, onClose, onCreated } = props;
  const { workspace } = useWorkspace();
  const form = useFields<Form>({ initialValues: initial, validate: rules });
  const saving = useSubmit(form, async (values) => {
    const made = await create(values);
    notifications.show({ message: `The ${noun} ${made.name} is there.` });
    onClose();
    onCreated(made);
    void queryClient.invalidateQueries({ queryKey: [workspace.id, `${noun}s`] });
  });
  return (
    <Dialog opened onClose={onClose} title={`New ${noun}`} size="lg" closeOnClickOutside={false}>
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="md">
          {fields(form)}
          <FormFooter saving={saving} submit={`Create ${noun}`} onCancel={onClose} />
        </Stack>
      </form>
    </Dialog>
  );
}

interface EditDialogProps<Form extends Values, Item extends Named, Change extends object> {
  readonly noun: string;
  readonly item: Item;
  readonly valuesOf: (item: Item) => Form;
  readonly rules: FormRulesRecord<Form>;
  readonly fields: (form: UseFormReturnType<Form>) => ReactNode;
  /** Only what was changed: what a colleague changes meanwhile is not overwritten. */
  readonly changesOf: (before: Item, values: Form) => Change;
  /** How the fields are called that a person knows. */
  readonly labels: Readonly<Record<string, string>>;
  readonly read: (call?: CallOptions) => Promise<Tagged<Item>>;
  readonly update: (changes: Change, call: CallOptions) => Promise<Item>;
  readonly onClose: () => void;
}

function EditForm<Form extends Values, Item extends Named, Change extends object>(
  props: EditDialogProps<Form, Item, Change> & { readonly loaded: Tagged<Item> },
) {
  const { noun, loaded, valuesOf, rules, fields, changesOf, labels, read, update, onClose } = props;
  const { workspace } = useWorkspace();
  const guarded = useGuarded(loaded, read);
  const form = useFields<Form>({ initialValues: valuesOf(loaded.value), validate: rules });
  const saving = useSubmit(form, async (values) => {
    const changes = changesOf(guarded.base, values);
    if (Object.keys(changes).length > 0) {
      const { name } = await guarded.save((ifMatch) => update(changes, { ifMatch }));
      notifications.show({ message: `Saved ${name}.` });
      void queryClient.invalidateQueries({ queryKey: [workspace.id, `${noun}s`] });
    }
    onClose();
  });
  return (
    <form noValidate onSubmit={form.onSubmit(saving.submit)}>
      <Stack gap="md">
        {fields(form)}
        <GuardedFooter
          guarded={guarded}
          saving={saving}
          labels={labels}
          onTakeTheirs={(theirs) => form.setValues(valuesOf(theirs))}
          onCancel={onClose}
        />
      </Stack>
    </form>
  );
}

/** Edits something as it is now, and tells of what others changed meanwhile instead of overwriting it. */
export function EditDialog<Form extends Values, Item extends Named, Change extends object>(
  props: EditDialogProps<Form, Item, Change>,
) {
  const { noun, item, read, onClose } = props;
  const { workspace } = useWorkspace();
  return (
    <Dialog opened onClose={onClose} title={`Edit ${item.name}`} size="lg" closeOnClickOutside={false}>
      <Edited queryKey={[workspace.id, `${noun}s`, item.id]} read={(signal) => read({ signal })}>
        {(loaded) => <EditForm {...props} loaded={loaded} />}
      </Edited>
    </Dialog>
  );
}
