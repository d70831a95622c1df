import { Button, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Passkey } from '../../contract/passkeys.ts';
import { api, queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { IconEdit, IconFingerprint, IconPlus } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { Tag } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { deleteAction, RowMenu } from '../components/row-menu.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { passkeysQuery, passkeyUnavailableReason, registerPasskey } from './passkey.ts';
import { ReauthenticationForm } from './reauthentication-form.tsx';
import { describeUserAgent } from './user-agent.ts';

const invalidatePasskeys = () => queryClient.invalidateQueries({ queryKey: passkeysQuery.queryKey });

type OpenDialog = 'add' | { readonly rename?: Passkey; readonly remove?: Passkey };

function RenamePasskeyForm({ passkey, onClose }: { readonly passkey: Passkey; readonly onClose: () => void }) {
  const form = useAppForm({
    initialValues: { name: passkey.name },
    validate: { name: (name) => (name.trim() === '' ? 'Enter a name' : null) },
  });
  const saving = useSubmit(form, async ({ name }) => {
    await api.passkeys.update(passkey.id, { name });
    await invalidatePasskeys();
    onClose();
  });
  return (
    <Form onSubmit={form.onSubmit(saving.submit)}>
      <TextInput label="Name" data-autofocus {...form.getInputProps('name')} />
      <FormFooter saving={saving} submitLabel="Rename" onCancel={onClose} />
    </Form>
  );
}

/** The person's passkeys: add (after reauthentication), rename, delete. */
export function PasskeysSection() {
  const { data: passkeys, error, refetch } = useQuery(passkeysQuery);
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const close = () => setDialog(null);
  const unavailableReason = passkeyUnavailableReason();
  const { rename, remove } = dialog === null || dialog === 'add' ? {} : dialog;

  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (passkeys === undefined) return <BlockSkeleton height={96} />;
  return (
    <Section
      title="Passkeys"
      description="Sign in with your fingerprint, face or device PIN. A passkey cannot be guessed or phished, and needs no second factor."
      actions={
        unavailableReason === null && (
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
      {unavailableReason !== null && <DimmedText>{unavailableReason}</DimmedText>}
      {passkeys.length > 0 && (
        <ItemList label="Passkeys">
          {passkeys.map((passkey) => (
            <ItemListRow
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
                  Added <RelativeTime time={passkey.createdAt} /> ·{' '}
                  {passkey.lastUsedAt === null ? (
                    'never used'
                  ) : (
                    <>
                      last used <RelativeTime time={passkey.lastUsedAt} />
                    </>
                  )}
                </>
              }
              actions={
                <RowMenu
                  name={passkey.name}
                  actions={[
                    { label: 'Rename…', Icon: IconEdit, onSelect: () => setDialog({ rename: passkey }) },
                    deleteAction(() => setDialog({ remove: passkey })),
                  ]}
                />
              }
            />
          ))}
        </ItemList>
      )}
      {dialog === 'add' && (
        <Dialog onClose={close} title="Add passkey">
          <ReauthenticationForm
            submitLabel="Continue"
            proposedName={describeUserAgent(navigator.userAgent)}
            onCancel={close}
            onReauthenticated={async (proof, name) => {
              await registerPasskey(name, proof);
              close();
              notifications.show({ message: 'Passkey added. Use it the next time you sign in.' });
              await invalidatePasskeys();
            }}
          >
            Your browser will ask where to store it: on this device, in a password manager, or on a security key.
          </ReauthenticationForm>
        </Dialog>
      )}
      {rename !== undefined && (
        <Dialog onClose={close} title="Rename passkey">
          <RenamePasskeyForm passkey={rename} onClose={close} />
        </Dialog>
      )}
      {remove !== undefined && (
        <Dialog onClose={close} title="Delete passkey">
          <ReauthenticationForm
            submitLabel="Delete"
            tone="bad"
            onCancel={close}
            onReauthenticated={async (proof) => {
              await api.passkeys.delete(remove.id, proof);
              close();
              await invalidatePasskeys();
            }}
          >
            <b>{remove.name}</b> will no longer sign you in, and all your other sessions end. Your device may still
            offer it; remove it there too.
          </ReauthenticationForm>
        </Dialog>
      )}
    </Section>
  );
}
