import { Stack } from '@mantine/core';
import type { FormRulesRecord, UseFormReturnType } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import type { CallOptions, Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { useWorkspace } from '../session.ts';
import { ConditionalEditFooter, EditLoader, useConditionalEdit } from './conditional-edit.tsx';
import { Dialog } from './dialog.tsx';
import { FormFooter, useSubmit } from './form.tsx';
import { capitalize } from './format.ts';
import { useAppForm } from './use-app-form.ts';

type FormValues = Record<string, unknown>;
interface NamedResource {
  readonly id: string;
  readonly name: string;
}

interface CreateResourceDialogProps<Form extends FormValues, Made extends NamedResource> {
  /** The kind of the resource, for example “project”. */
  readonly noun: string;
  readonly initial: Form;
  readonly validate: FormRulesRecord<Form>;
  readonly renderFields: (form: UseFormReturnType<Form>) => ReactNode;
  readonly create: (values: Form) => Promise<Made>;
  readonly onClose: () => void;
  readonly onCreated: (created: Made) => void;
}

/** Creates a named resource and opens its page. A click outside does not close the dialog, so that no input is lost. */
export function CreateResourceDialog<Form extends FormValues, Made extends NamedResource>(
  props: CreateResourceDialogProps<Form, Made>,
) {
  const { noun, initial, validate, renderFields, create, onClose, onCreated } = props;
  const { workspace } = useWorkspace();
  const form = useAppForm<Form>({ initialValues: initial, validate: validate });
  const saving = useSubmit(form, async (values) => {
    const created = await create(values);
    notifications.show({ message: `${capitalize(noun)} ${created.name} created` });
    onClose();
    onCreated(created);
    void queryClient.invalidateQueries({ queryKey: [workspace.id, `${noun}s`] });
  });
  return (
    <Dialog opened onClose={onClose} title={`New ${noun}`} size="lg" closeOnClickOutside={false}>
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="md">
          {renderFields(form)}
          <FormFooter saving={saving} submitLabel={`Create ${noun}`} onCancel={onClose} />
        </Stack>
      </form>
    </Dialog>
  );
}

interface EditResourceDialogProps<Form extends FormValues, Item extends NamedResource, Change extends object> {
  readonly noun: string;
  readonly item: Item;
  readonly toFormValues: (item: Item) => Form;
  readonly validate: FormRulesRecord<Form>;
  readonly renderFields: (form: UseFormReturnType<Form>) => ReactNode;
  /** Returns only the changed fields, so that concurrent changes to other fields are not overwritten. */
  readonly toUpdateRequest: (before: Item, values: Form) => Change;
  /** Display names of the fields shown to the user. */
  readonly labels: Readonly<Record<string, string>>;
  readonly read: (options?: CallOptions) => Promise<Tagged<Item>>;
  readonly update: (changes: Change, options: CallOptions) => Promise<Item>;
  readonly onClose: () => void;
}

function EditResourceForm<Form extends FormValues, Item extends NamedResource, Change extends object>(
  props: EditResourceDialogProps<Form, Item, Change> & { readonly loaded: Tagged<Item> },
) {
  const { noun, loaded, toFormValues, validate, renderFields, toUpdateRequest, labels, read, update, onClose } = props;
  const { workspace } = useWorkspace();
  const edit = useConditionalEdit(loaded, read);
  const form = useAppForm<Form>({ initialValues: toFormValues(loaded.value), validate: validate });
  const saving = useSubmit(form, async (values) => {
    const changes = toUpdateRequest(edit.base, values);
    if (Object.keys(changes).length > 0) {
      const { name } = await edit.save((ifMatch) => update(changes, { ifMatch }));
      notifications.show({ message: `${capitalize(noun)} ${name} saved` });
      void queryClient.invalidateQueries({ queryKey: [workspace.id, `${noun}s`] });
    }
    onClose();
  });
  return (
    <form noValidate onSubmit={form.onSubmit(saving.submit)}>
      <Stack gap="md">
        {renderFields(form)}
        <ConditionalEditFooter
          edit={edit}
          saving={saving}
          labels={labels}
          onTakeTheirs={(theirs) => form.setValues(toFormValues(theirs))}
          onCancel={onClose}
        />
      </Stack>
    </form>
  );
}

/**
 * Edits the current version of a resource. If someone else changed it in the meantime, shows their changes instead of
 * overwriting them.
 */
export function EditResourceDialog<Form extends FormValues, Item extends NamedResource, Change extends object>(
  props: EditResourceDialogProps<Form, Item, Change>,
) {
  const { noun, item, read, onClose } = props;
  const { workspace } = useWorkspace();
  return (
    <Dialog opened onClose={onClose} title={`Edit ${item.name}`} size="lg" closeOnClickOutside={false}>
      <EditLoader queryKey={[workspace.id, `${noun}s`, item.id]} read={(signal) => read({ signal })}>
        {(loaded) => <EditResourceForm {...props} loaded={loaded} />}
      </EditLoader>
    </Dialog>
  );
}
