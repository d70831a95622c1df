import { Group, Radio, Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { Server } from '../../contract/servers.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { CodeInput, IntegerInput, NameInput, PlainTextInput } from '../components/fields.tsx';
import { CreateResourceDialog, EditResourceDialog } from '../components/resource-dialogs.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import {
  isLocalAllowed,
  NEW_SERVER_VALUES,
  SERVER_RULES,
  type ServerFormValues,
  toCreateRequest,
  toFormValues,
  toRequestFields,
} from './server-form.ts';
import { strings } from './strings.ts';

const FIELD_LABELS = strings.serverDialogs.fieldLabels;

function SshFields({ form }: { readonly form: UseFormReturnType<ServerFormValues> }) {
  return (
    <>
      <Group gap="md" align="flex-start">
        <PlainTextInput
          label={strings.serverDialogs.host}
          placeholder={strings.serverDialogs.hostPlaceholder}
          flex="3 1 200px"
          {...form.getInputProps('host')}
        />
        <IntegerInput
          label={strings.serverDialogs.port}
          limits={{ min: 1, max: 65_535 }}
          flex="1 1 80px"
          {...form.getInputProps('port')}
        />
      </Group>
      <PlainTextInput
        label={strings.serverDialogs.user}
        description={strings.serverDialogs.userDescription}
        placeholder={strings.serverDialogs.userPlaceholder}
        {...form.getInputProps('user')}
      />
      <CodeInput
        label={strings.serverDialogs.hostKeyOptional}
        description={strings.serverDialogs.hostKeyOptionalDescription}
        placeholder={strings.serverDialogs.hostKeyOptionalPlaceholder}
        minRows={2}
        maxRows={5}
        {...form.getInputProps('hostKey')}
      />
    </>
  );
}

interface CreateServerDialogProps {
  readonly onClose: () => void;
  readonly onCreated: (server: Server) => void;
}

export function CreateServerDialog({ onClose, onCreated }: CreateServerDialogProps) {
  const { api } = useWorkspace();
  return (
    <CreateResourceDialog
      noun="server"
      initial={NEW_SERVER_VALUES}
      validate={SERVER_RULES}
      renderFields={(form) => (
        <>
          <NameInput placeholder={strings.serverDialogs.namePlaceholder} {...form.getInputProps('name')} />
          {isLocalAllowed() && (
            <Radio.Group label={strings.serverDialogs.kind} {...form.getInputProps('kind')}>
              <Stack gap="xs" mt={4}>
                <Radio
                  value="ssh"
                  label={strings.serverDialogs.ssh}
                  description={strings.serverDialogs.sshDescription}
                />
                <Radio
                  value="local"
                  label={strings.serverDialogs.local}
                  description={strings.serverDialogs.localDescription}
                />
              </Stack>
            </Radio.Group>
          )}
          {form.values.kind === 'ssh' && <SshFields form={form} />}
          <SlugField noun="server" sourceName={form.values.name} {...form.getInputProps('slug')} />
        </>
      )}
      create={(values) => api.servers.create(toCreateRequest(values))}
      onClose={onClose}
      onCreated={onCreated}
    />
  );
}

export function EditServerDialog({ server, onClose }: { readonly server: Server; readonly onClose: () => void }) {
  const { api } = useWorkspace();
  return (
    <EditResourceDialog
      noun="server"
      item={server}
      toFormValues={toFormValues}
      validate={SERVER_RULES}
      renderFields={(form) => (
        <>
          <NameInput placeholder={strings.serverDialogs.namePlaceholder} {...form.getInputProps('name')} />
          {server.kind === 'ssh' && (
            <>
              <SshFields form={form} />
              <DimmedText>{strings.serverDialogs.changesHaveConsequences}</DimmedText>
            </>
          )}
        </>
      )}
      toRequestFields={toRequestFields}
      labels={FIELD_LABELS}
      read={(options) => api.servers.read(server.id, options)}
      update={(changes, options) => api.servers.update(server.id, changes, options)}
      onClose={onClose}
    />
  );
}

interface DeleteServerDialogProps {
  readonly server: Server;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

export function DeleteServerDialog({ server, onClose, onDeleted }: DeleteServerDialogProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResourceDialog
      noun="server"
      name={server.name}
      remove={() => api.servers.delete(server.id)}
      onClose={onClose}
      onDeleted={onDeleted}
    >
      {strings.serverDialogs.consequences}
    </DeleteResourceDialog>
  );
}
