import { ActionIcon, Button, Group, Menu, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Passkey } from '../../contract/schemas.ts';
import { api, fieldErrorsOf, messageOf, queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { useFields } from '../components/fields.ts';
import { IconDots, IconEdit, IconFingerprint, IconPlus, IconTrash } from '../components/icons.ts';
import { Notice, Tag } from '../components/notice.tsx';
import { Row, Rows } from '../components/rows.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { Ago } from '../components/time.tsx';
import { addPasskey, passkeyObstacle, passkeysQuery } from './passkey.ts';
import { ProveForm } from './prove.tsx';
import { describeUserAgent } from './user-agent.ts';

const refresh = () => queryClient.invalidateQueries({ queryKey: passkeysQuery.queryKey });

type Open = 'add' | { readonly rename: Passkey } | { readonly remove: Passkey };

function Rename({ passkey, onClose }: { readonly passkey: Passkey; readonly onClose: () => void }) {
  const form = useFields({
    initialValues: { name: passkey.name },
    validate: { name: (name) => (name.trim() === '' ? 'Give it a name' : null) },
  });
  const rename = useMutation({
    mutationFn: (name: string) => api.passkeys.update(passkey.id, { name }),
    onError: (error) => form.setErrors(fieldErrorsOf(error) ?? {}),
    onSuccess: async () => {
      await refresh();
      onClose();
    },
  });
  return (
    <form noValidate onSubmit={form.onSubmit(({ name }) => rename.mutate(name))}>
      <Stack gap="md">
        <TextInput label="Name" data-autofocus {...form.getInputProps('name')} />
        {rename.error !== null && fieldErrorsOf(rename.error) === null && (
          <Notice tone="bad">{messageOf(rename.error)}</Notice>
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={rename.isPending}>
            Rename
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Tools({ passkey, open }: { readonly passkey: Passkey; readonly open: (open: Open) => void }) {
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${passkey.name}`}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconEdit size={16} />} onClick={() => open({ rename: passkey })}>
          Rename…
        </Menu.Item>
        <Menu.Item leftSection={<IconTrash size={16} />} c="var(--app-bad)" onClick={() => open({ remove: passkey })}>
          Delete…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Passkeys: added with the password, renamed, deleted. */
export function PasskeysSection() {
  const { data: passkeys, error, refetch } = useQuery(passkeysQuery);
  const [dialog, setDialog] = useState<Open | null>(null);
  const close = () => setDialog(null);
  const obstacle = passkeyObstacle();
  const renamed = dialog !== null && typeof dialog === 'object' && 'rename' in dialog ? dialog.rename : null;
  const removed = dialog !== null && typeof dialog === 'object' && 'remove' in dialog ? dialog.remove : null;

  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (passkeys === undefined) return <BlockSkeleton height={96} />;
  return (
    <Section
      title="Passkeys"
      description="Sign in with the fingerprint, face or PIN of a device. A passkey can not be guessed or phished, and asks for no other factor."
      actions={
        obstacle === null && (
          <Button
            variant={passkeys.length === 0 ? 'filled' : 'default'}
            leftSection={<IconPlus size={16} />}
            onClick={() => setDialog('add')}
          >
            Add passkey
          </Button>
        )
      }
    >
      {obstacle !== null && (
        <Text fz="sm" c="dimmed">
          {obstacle}
        </Text>
      )}
      {passkeys.length > 0 && (
        <Rows label="Passkeys">
          {passkeys.map((passkey) => (
            <Row
              key={passkey.id}
              icon={<IconFingerprint size={18} />}
              title={
                <>
                  {passkey.name}
                  {passkey.backedUp && <Tag>Synced</Tag>}
                </>
              }
              note={
                <>
                  Added <Ago at={passkey.createdAt} /> ·{' '}
                  {passkey.lastUsedAt === null ? (
                    'never used'
                  ) : (
                    <>
                      last used <Ago at={passkey.lastUsedAt} />
                    </>
                  )}
                </>
              }
              tools={<Tools passkey={passkey} open={setDialog} />}
            />
          ))}
        </Rows>
      )}
      <Dialog opened={dialog === 'add'} onClose={close} title="Add a passkey">
        <ProveForm
          confirm="Continue"
          proposedName={describeUserAgent(navigator.userAgent)}
          onCancel={close}
          onProven={async (proof, name) => {
            await addPasskey(name, proof);
            close();
            notifications.show({ message: 'The passkey is added. Use it at your next sign-in.' });
            await refresh();
          }}
        >
          Your browser then asks where to keep it: on this device, in a password manager, or on a security key.
        </ProveForm>
      </Dialog>
      <Dialog opened={renamed !== null} onClose={close} title="Rename passkey">
        {renamed !== null && <Rename passkey={renamed} onClose={close} />}
      </Dialog>
      <Dialog opened={removed !== null} onClose={close} title="Delete passkey">
        {removed !== null && (
          <ProveForm
            confirm="Delete"
            tone="bad"
            onCancel={close}
            onProven={async (proof) => {
              await api.passkeys.delete(removed.id, proof);
              close();
              await refresh();
            }}
          >
            <b>{removed.name}</b> will not sign you in any more, and every other session ends. The device may still
            offer it; remove it there too.
          </ProveForm>
        )}
      </Dialog>
    </Section>
  );
}
