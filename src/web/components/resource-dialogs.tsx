import type { FormRulesRecord, UseFormReturnType } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import type { CallOptions, Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { useWorkspace } from '../session.ts';
import { ConditionalEditFooter, EditLoader, useEditForm } from './conditional-edit.tsx';
import { Dialog } from './dialog.tsx';
import type { NamedResource } from './filters.tsx';
import { Form, FormFooter, useSubmit } from './form.tsx';
import { capitalize, pluralOf } from './format.ts';
import { strings } from './strings.ts';
import { useAppForm } from './use-app-form.ts';

type FormValues = Record<string, unknown>;

interface CreateResourceDialogProps<Values extends FormValues, Created extends NamedResource> {
  /** The kind of the resource, for example "project". */
  readonly noun: string;
  readonly initial: Values;
  readonly validate: FormRulesRecord<Values>;
  readonly renderFields: (form: UseFormReturnType<Values>) => ReactNode;
  readonly create: (values: Values) => Promise<Created>;
  readonly onClose: () => void;
  readonly onCreated: (created: Created) => void;
}

/** The dialog that creates a named resource. */
export function CreateResourceDialog<Values extends FormValues, Created extends NamedResource>(
  props: CreateResourceDialogProps<Values, Created>,
) {
  const { noun, initial, validate, renderFields, create, onClose, onCreated } = props;
  const { workspace } = useWorkspace();
  const form = useAppForm<Values>({ initialValues: initial, validate });
  const saving = useSubmit(form, async (values) => {
    const created = await create(values);
    notifications.show({ message: strings.resourceDialogs.created(capitalize(noun), created.name) });
    onClose();
    onCreated(created);
    void queryClient.invalidateQueries({ queryKey: [workspace.id, pluralOf(noun)] });
  });
  return (
    <Dialog onClose={onClose} title={strings.resourceDialogs.newTitle(noun)} size="lg">
      <Form onSubmit={form.onSubmit(saving.submit)}>
        {renderFields(form)}
        <FormFooter saving={saving} submitLabel={strings.resourceDialogs.createLabel(noun)} onCancel={onClose} />
      </Form>
    </Dialog>
  );
}

interface EditResourceDialogProps<Values extends FormValues, Item extends NamedResource, Fields extends object> {
  readonly noun: string;
  readonly item: Item;
  readonly toFormValues: (item: Item) => Values;
  readonly toRequestFields: (values: Values) => Fields;
  readonly validate: FormRulesRecord<Values>;
  readonly renderFields: (form: UseFormReturnType<Values>) => ReactNode;
  /** Display names of the API's fields. The notice about a conflict omits fields without one. */
  readonly labels: Readonly<Record<string, string>>;
  readonly read: (options?: CallOptions) => Promise<Tagged<Item>>;
  readonly update: (changes: Partial<Fields>, options: CallOptions) => Promise<Item>;
  readonly onClose: () => void;
}

function EditResourceForm<Values extends FormValues, Item extends NamedResource, Fields extends object>(
  props: EditResourceDialogProps<Values, Item, Fields> & { readonly loaded: Tagged<Item> },
) {
  const { noun, renderFields, labels, onClose } = props;
  const { workspace } = useWorkspace();
  const edit = useEditForm({
    ...props,
    onSaved(saved) {
      onClose();
      if (saved === null) return;
      notifications.show({ message: strings.resourceDialogs.saved(capitalize(noun), saved.name) });
      void queryClient.invalidateQueries({ queryKey: [workspace.id, pluralOf(noun)] });
    },
  });
  return (
    <Form onSubmit={edit.form.onSubmit(edit.saving.submit)}>
      {renderFields(edit.form)}
      <ConditionalEditFooter edit={edit} labels={labels} onCancel={onClose} />
    </Form>
  );
}

/**
 * Edits the current version of a resource. If someone else saves a change during the edit, shows that change instead of
 * overwriting it.
 */
export function EditResourceDialog<Values extends FormValues, Item extends NamedResource, Fields extends object>(
  props: EditResourceDialogProps<Values, Item, Fields>,
) {
  const { noun, item, read, onClose } = props;
  const { workspace } = useWorkspace();
  return (
    <Dialog onClose={onClose} title={strings.resourceDialogs.editTitle(item.name)} size="lg">
      <EditLoader queryKey={[workspace.id, pluralOf(noun), item.id]} read={read}>
        {(loaded) => <EditResourceForm {...props} loaded={loaded} />}
      </EditLoader>
    </Dialog>
  );
}
