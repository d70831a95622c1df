import { Group, NumberInput, Radio, Stack, Textarea, TextInput } from '@mantine/core';
import { type UseFormReturnType, useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import type { Server } from '../../contract/resources.ts';
import type { Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { DeleteResource } from '../components/delete-resource.tsx';
import { Dialog } from '../components/dialog.tsx';
import { FormFooter, useSubmit } from '../components/form.tsx';
import { Edited, StaleNotice, useGuarded } from '../components/guarded.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { useWorkspace } from '../session.ts';
import {
  isLocalAllowed,
  NEW_SERVER,
  SERVER_RULES,
  type ServerValues,
  serverChanges,
  valuesOf,
  wishOf,
} from './servers.ts';

const FIELDS = { name: 'Name', host: 'Host', port: 'Port', user: 'User', hostKey: 'Host key' };

function Fields({ form }: { readonly form: UseFormReturnType<ServerValues> }) {
  return (
    <>
      <Group gap="md" align="flex-start">
        <TextInput
          label="Host"
          placeholder="web-1.example.com"
          autoComplete="off"
          spellCheck={false}
          flex="3 1 200px"
          {...form.getInputProps('host')}
        />
        <NumberInput
          label="Port"
          min={1}
          max={65_535}
          allowDecimal={false}
          hideControls
          flex="1 1 80px"
          {...form.getInputProps('port')}
        />
      </Group>
      <TextInput
        label="User"
        description="Who Devpilot signs in as. It needs no password and no rights of root."
        placeholder="deploy"
        autoComplete="off"
        spellCheck={false}
        {...form.getInputProps('user')}
      />
      <Textarea
        label="Host key (optional)"
        description="The server's public key, such as the content of /etc/ssh/ssh_host_ed25519_key.pub. Without it nothing connects; it can be pinned after the first check."
        placeholder="ssh-ed25519 AAAA…"
        autosize
        minRows={2}
        maxRows={5}
        spellCheck={false}
        classNames={{ input: 'mono' }}
        {...form.getInputProps('hostKey')}
      />
    </>
  );
}

const NameField = ({ form }: { readonly form: UseFormReturnType<ServerValues> }) => (
  <TextInput label="Name" placeholder="Web 1" autoComplete="off" data-autofocus {...form.getInputProps('name')} />
);

interface CreateServerProps {
  readonly onClose: () => void;
  readonly onCreated: (server: Server) => void;
}

export function CreateServer({ onClose, onCreated }: CreateServerProps) {
  const { api, workspace } = useWorkspace();
  const form = useForm({ initialValues: NEW_SERVER, validate: SERVER_RULES });
  const saving = useSubmit(form, async (values) => {
    const server = await api.servers.create(wishOf(values));
    notifications.show({ message: `The server ${server.name} is there.` });
    onClose();
    onCreated(server);
    void queryClient.invalidateQueries({ queryKey: [workspace.id, 'servers'] });
  });
  return (
    <Dialog opened onClose={onClose} title="New server" size="lg" closeOnClickOutside={false}>
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="md">
          <NameField form={form} />
          {isLocalAllowed() && (
            <Radio.Group label="Kind" {...form.getInputProps('kind')}>
              <Stack gap="xs" mt={4}>
                <Radio value="ssh" label="Over SSH" description="Another machine, reached by the OpenSSH client." />
                <Radio
                  value="local"
                  label="Local"
                  description="The machine that Devpilot itself runs on, as its own user."
                />
              </Stack>
            </Radio.Group>
          )}
          {form.values.kind === 'ssh' && <Fields form={form} />}
          <SlugField noun="server" from={form.values.name} {...form.getInputProps('slug')} />
          <FormFooter saving={saving} submit="Create server" onCancel={onClose} />
        </Stack>
      </form>
    </Dialog>
  );
}

function EditForm({ loaded, onClose }: { readonly loaded: Tagged<Server>; readonly onClose: () => void }) {
  const { api, workspace } = useWorkspace();
  const { id, kind } = loaded.value;
  const guarded = useGuarded(loaded, () => api.servers.read(id));
  const form = useForm({ initialValues: valuesOf(loaded.value), validate: SERVER_RULES });
  const saving = useSubmit(form, async (values) => {
    const changes = serverChanges(guarded.base, values);
    if (Object.keys(changes).length > 0) {
      const { name } = await guarded.save((ifMatch) => api.servers.update(id, changes, { ifMatch }));
      notifications.show({ message: `Saved ${name}.` });
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'servers'] });
    }
    onClose();
  });
  return (
    <form noValidate onSubmit={form.onSubmit(saving.submit)}>
      <Stack gap="md">
        <NameField form={form} />
        {kind === 'ssh' && <Fields form={form} />}
        <FormFooter
          saving={saving}
          submit={guarded.theirs === null ? 'Save' : 'Save again'}
          onCancel={onClose}
          notice={
            guarded.theirs !== null && (
              <StaleNotice
                before={guarded.base}
                now={guarded.theirs}
                labels={FIELDS}
                onTakeTheirs={() => form.setValues(valuesOf(guarded.takeTheirs()))}
              />
            )
          }
        />
      </Stack>
    </form>
  );
}

export function EditServer({ server, onClose }: { readonly server: Server; readonly onClose: () => void }) {
  const { api, workspace } = useWorkspace();
  return (
    <Dialog opened onClose={onClose} title={`Edit ${server.name}`} size="lg" closeOnClickOutside={false}>
      <Edited
        queryKey={[workspace.id, 'servers', server.id]}
        read={(signal) => api.servers.read(server.id, { signal })}
      >
        {(loaded) => <EditForm loaded={loaded} onClose={onClose} />}
      </Edited>
    </Dialog>
  );
}

interface DeleteServerProps {
  readonly server: Server;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

export function DeleteServer({ server, onClose, onDeleted }: DeleteServerProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResource
      noun="server"
      name={server.name}
      remove={() => api.servers.delete(server.id)}
      onClose={onClose}
      onDeleted={onDeleted}
    >
      Devpilot forgets its key for it; nothing on the machine itself is touched. A server that apps still use is not
      deleted.
    </DeleteResource>
  );
}
