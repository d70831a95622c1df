import { NativeSelect } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { WEBHOOK_FORMATS } from '../../contract/event-names.ts';
import type { CreatedWebhook, Webhook } from '../../contract/webhooks.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { NameInput, PlainTextInput } from '../components/fields.tsx';
import { CreateResourceDialog, EditResourceDialog } from '../components/resource-dialogs.tsx';
import { useWorkspace } from '../session.ts';
import { EventFields } from './event-fields.tsx';
import { strings } from './strings.ts';
import { guessFormat, toFormValues, toRequestFields, WEBHOOK_RULES, type WebhookFormValues } from './webhook-form.ts';

function WebhookFields({ form }: { readonly form: UseFormReturnType<WebhookFormValues> }) {
  const url = form.getInputProps('url');
  return (
    <>
      <NameInput placeholder={strings.fields.namePlaceholder} {...form.getInputProps('name')} />
      <PlainTextInput
        label={strings.fields.url}
        description={strings.fields.urlHints[form.values.format]}
        placeholder={strings.fields.urlPlaceholder}
        {...url}
        onChange={(event) => {
          const format = guessFormat(event.currentTarget.value);
          url.onChange(event);
          if (format !== undefined) form.setFieldValue('format', format);
        }}
      />
      <NativeSelect
        label={strings.fields.format}
        description={strings.fields.formatDescription}
        data={WEBHOOK_FORMATS.map((value) => ({ value, label: strings.formats[value] }))}
        {...form.getInputProps('format')}
      />
      <EventFields form={form} />
    </>
  );
}

interface CreateWebhookDialogProps {
  readonly initial: WebhookFormValues;
  readonly onClose: () => void;
  readonly onCreated: (created: CreatedWebhook) => void;
}

export function CreateWebhookDialog({ initial, onClose, onCreated }: CreateWebhookDialogProps) {
  const { api } = useWorkspace();
  return (
    <CreateResourceDialog
      noun="webhook"
      initial={initial}
      validate={WEBHOOK_RULES}
      renderFields={(form) => <WebhookFields form={form} />}
      create={(values) => api.webhooks.create(toRequestFields(values))}
      onClose={onClose}
      onCreated={onCreated}
    />
  );
}

interface WebhookDialogProps {
  readonly webhook: Webhook;
  readonly onClose: () => void;
}

export function EditWebhookDialog({ webhook, onClose }: WebhookDialogProps) {
  const { api } = useWorkspace();
  return (
    <EditResourceDialog
      noun="webhook"
      item={webhook}
      toFormValues={toFormValues}
      toRequestFields={toRequestFields}
      validate={WEBHOOK_RULES}
      renderFields={(form) => <WebhookFields form={form} />}
      labels={strings.fields.labels}
      read={(options) => api.webhooks.read(webhook.id, options)}
      update={(changes, options) => api.webhooks.update(webhook.id, changes, options)}
      onClose={onClose}
    />
  );
}

export function DeleteWebhookDialog({ webhook, onClose, onDeleted }: WebhookDialogProps & { onDeleted?: () => void }) {
  const { api } = useWorkspace();
  return (
    <DeleteResourceDialog
      noun="webhook"
      name={webhook.name}
      remove={() => api.webhooks.delete(webhook.id)}
      onClose={onClose}
      {...(onDeleted !== undefined && { onDeleted })}
    >
      {strings.deleteDialog.consequences}
    </DeleteResourceDialog>
  );
}
