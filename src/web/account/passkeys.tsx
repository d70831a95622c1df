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
import { refetchSessions } from './sessions.tsx';
import { strings } from './strings.ts';
import { describeUserAgent } from './user-agent.ts';

const refetchPasskeys = () => queryClient.invalidateQueries({ queryKey: passkeysQuery.queryKey });

type OpenDialog = { readonly action: 'add' } | { readonly action: 'rename' | 'delete'; readonly passkey: Passkey };

interface PasskeyDialogProps {
  readonly passkey: Passkey;
  readonly onClose: () => void;
}

function RenamePasskeyForm({ passkey, onClose }: PasskeyDialogProps) {
  const form = useAppForm({
    initialValues: { name: passkey.name },
    validate: { name: (name) => (name.trim() === '' ? strings.passkeys.enterAName : null) },
  });
  const saving = useSubmit(form, async ({ name }) => {
    await api.passkeys.update(passkey.id, { name });
    await refetchPasskeys();
    onClose();
  });
  return (
    <Form onSubmit={form.onSubmit(saving.submit)}>
      <TextInput label={strings.passkeys.name} data-autofocus {...form.getInputProps('name')} />
      <FormFooter saving={saving} submitLabel={strings.passkeys.rename} onCancel={onClose} />
    </Form>
  );
}

interface PasskeyRowProps {
  readonly passkey: Passkey;
  readonly onOpen: (dialog: OpenDialog) => void;
}

function PasskeyRow({ passkey, onOpen }: PasskeyRowProps) {
  const added = <RelativeTime time={passkey.createdAt} withDate />;
  return (
    <ItemListRow
      icon={<IconFingerprint size={18} />}
      title={
        <>
          <bdi>{passkey.name}</bdi>
          {passkey.backedUp && <Tag>{strings.passkeys.synced}</Tag>}
        </>
      }
      note={
        passkey.lastUsedAt === null
          ? strings.passkeys.addedNeverUsed(added)
          : strings.passkeys.addedLastUsed(added, <RelativeTime time={passkey.lastUsedAt} withDate />)
      }
      actions={
        <RowMenu
          name={passkey.name}
          actions={[
            {
              label: strings.passkeys.renameAction,
              Icon: IconEdit,
              onSelect: () => onOpen({ action: 'rename', passkey }),
            },
            deleteAction(() => onOpen({ action: 'delete', passkey })),
          ]}
        />
      }
    />
  );
}

function AddPasskeyDialog({ onClose }: Pick<PasskeyDialogProps, 'onClose'>) {
  return (
    <Dialog onClose={onClose} title={strings.passkeys.addPasskey}>
      <ReauthenticationForm
        submitLabel={strings.passkeys.continue}
        proposedName={describeUserAgent(navigator.userAgent)}
        onCancel={onClose}
        onReauthenticated={async (proof, name) => {
          await registerPasskey(name, proof);
          onClose();
          notifications.show({ message: strings.passkeys.added });
          await Promise.all([refetchPasskeys(), refetchSessions()]);
        }}
      >
        {strings.passkeys.addConsequences}
      </ReauthenticationForm>
    </Dialog>
  );
}

function DeletePasskeyDialog({ passkey, onClose }: PasskeyDialogProps) {
  return (
    <Dialog onClose={onClose} title={strings.passkeys.deleteTitle}>
      <ReauthenticationForm
        submitLabel={strings.passkeys.delete}
        isDestructive
        onCancel={onClose}
        onReauthenticated={async (proof) => {
          await api.passkeys.delete(passkey.id, proof);
          onClose();
          await Promise.all([refetchPasskeys(), refetchSessions()]);
        }}
      >
        {strings.passkeys.deleteConsequences(<b>{passkey.name}</b>)}
      </ReauthenticationForm>
    </Dialog>
  );
}

/** The person's passkeys. Adding and deleting one requires reauthentication. */
export function PasskeysSection() {
  const { data: passkeys, error, refetch } = useQuery(passkeysQuery);
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const close = () => setDialog(null);
  const unavailableReason = passkeyUnavailableReason();

  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (passkeys === undefined) return <BlockSkeleton height={96} />;
  return (
    <Section
      title={strings.passkeys.title}
      description={strings.passkeys.description}
      actions={
        unavailableReason === null && (
          <Button
            variant={passkeys.length === 0 ? 'filled' : 'default'}
            leftSection={<IconPlus size={16} />}
            onClick={() => setDialog({ action: 'add' })}
          >
            {strings.passkeys.addPasskey}
          </Button>
        )
      }
    >
      {unavailableReason !== null && <DimmedText>{unavailableReason}</DimmedText>}
      {passkeys.length > 0 && (
        <ItemList label={strings.passkeys.title}>
          {passkeys.map((passkey) => (
            <PasskeyRow key={passkey.id} passkey={passkey} onOpen={setDialog} />
          ))}
        </ItemList>
      )}
      {dialog?.action === 'add' && <AddPasskeyDialog onClose={close} />}
      {dialog?.action === 'rename' && (
        <Dialog onClose={close} title={strings.passkeys.renameTitle}>
          <RenamePasskeyForm passkey={dialog.passkey} onClose={close} />
        </Dialog>
      )}
      {dialog?.action === 'delete' && <DeletePasskeyDialog passkey={dialog.passkey} onClose={close} />}
    </Section>
  );
}
