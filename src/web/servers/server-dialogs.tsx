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

const FIELD_LABELS = { name: 'Name', host: 'Host', port: 'Port', user: 'User', hostKey: 'Host key' };

function SshFields({ form }: { readonly form: UseFormReturnType<ServerFormValues> }) {
  return (
    <>
      <Group gap="md" align="flex-start">
        <PlainTextInput label="Host" placeholder="web-1.example.com" flex="3 1 200px" {...form.getInputProps('host')} />
        <IntegerInput label="Port" limits={{ min: 1, max: 65_535 }} flex="1 1 80px" {...form.getInputProps('port')} />
      </Group>
      <PlainTextInput
        label="User"
        description="The user Devpilot logs in as. It needs no password and no root access."
        placeholder="deploy"
        {...form.getInputProps('user')}
      />
      <CodeInput
        label="Host key (optional)"
        description="The server's public host key, such as the content of /etc/ssh/ssh_host_ed25519_key.pub. Devpilot cannot connect without it; you can pin it after the first check."
        placeholder="ssh-ed25519 AAAA…"
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
          <NameInput placeholder="Web 1" {...form.getInputProps('name')} />
          {isLocalAllowed() && (
            <Radio.Group label="Kind" {...form.getInputProps('kind')}>
              <Stack gap="xs" mt={4}>
                <Radio value="ssh" label="SSH" description="A remote machine, connected to over SSH." />
                <Radio value="local" label="Local" description="The machine Devpilot runs on, as the same user." />
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
          <NameInput placeholder="Web 1" {...form.getInputProps('name')} />
          {server.kind === 'ssh' && (
            <>
              <SshFields form={form} />
              <DimmedText>
                Changing the host, port, user or host key generates a new key pair, and nothing runs on the server until
                an owner or admin confirms it.
              </DimmedText>
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
      Devpilot deletes its key pair for this server; nothing on the machine itself is changed. A server that apps still
      use cannot be deleted.
    </DeleteResourceDialog>
  );
}
