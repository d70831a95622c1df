import { Button, Group, Stack, Stepper, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { messageOf } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Notice } from '../components/notice.tsx';
import { Ago } from '../components/time.tsx';
import { useWorkspace } from '../session.ts';
import { type Revealed, useCreate } from './create.ts';
import { CredentialForm, NEW_CREDENTIAL } from './credential-form.tsx';
import styles from './credentials.module.css';
import { DeleteDialog, usedSentence } from './delete-dialog.tsx';
import { expiryLike } from './expiry.ts';
import { type Credential, credentialsKey, getCredential, hasPassphrase, kindOf, rightsOf } from './kinds.ts';
import { SecretPanel } from './secret-panel.tsx';

const POLL_EVERY = 1500;

interface ReplaceDialogProps {
  readonly credential: Credential;
  readonly opened: boolean;
  readonly onClose: () => void;
}

/** Follows a credential's uses while this is on the screen and the tab is in front. */
function useFresh(credential: Credential) {
  const { api, workspace } = useWorkspace();
  return useQuery<Credential>({
    queryKey: [...credentialsKey(workspace.id, kindOf(credential)), 'followed', credential.id],
    queryFn: ({ signal }) => getCredential(api, credential, { signal }),
    refetchInterval: POLL_EVERY,
    placeholderData: credential,
    staleTime: 0,
  });
}

function Uses({ label, credential }: { readonly label: string; readonly credential: Credential }) {
  return (
    <Group justify="space-between" wrap="nowrap" align="flex-start">
      <Text fz="sm" c="dimmed">
        {label}
      </Text>
      <Text fz="sm" ta="right">
        {credential.lastUsedAt === null ? 'not used yet' : <Ago at={credential.lastUsedAt} prefix="used " />}
        {credential.useCount > 0 && ` · ${credential.useCount.toLocaleString('en')}×`}
      </Text>
    </Group>
  );
}

interface CheckProps {
  readonly old: Credential;
  readonly replacement: Credential;
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

/** Steps three and four: the new one's first use arrives, then the old one goes. */
function Check({ old, replacement, onClose, onDeleted }: CheckProps) {
  const [deleting, setDeleting] = useState(false);
  const fresh = useFresh(replacement);
  const former = useFresh(old);
  const current = fresh.data ?? replacement;
  const seen = current.useCount > 0;
  return (
    <Stack gap="md">
      <Group gap="sm" wrap="nowrap" role="status">
        <span className={styles['pulse']} {...(seen && { 'data-seen': true })} aria-hidden />
        <Text fw={600}>{seen ? 'The new one is in use' : 'Waiting for the first use of the new one …'}</Text>
      </Group>
      <Stack gap={6} className={styles['summary']}>
        <Uses label="The new one" credential={current} />
        <Uses label="The old one" credential={former.data ?? old} />
      </Stack>
      {fresh.error !== null && <Notice tone="bad">{messageOf(fresh.error)}</Notice>}
      <Text fz="sm" c="dimmed">
        {seen
          ? 'When everything uses the new one, delete the old one. Until then both are valid.'
          : 'Put the new secret where the old one is used and run it. This page follows along. You may also close it: both stay valid until you delete the old one.'}
      </Text>
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          Keep both for now
        </Button>
        <Button {...(seen ? { className: 'button-bad' } : { variant: 'default' })} onClick={() => setDeleting(true)}>
          {seen ? 'Delete the old one …' : 'Delete the old one anyway …'}
        </Button>
      </Group>
      <DeleteDialog
        credential={former.data ?? old}
        opened={deleting}
        onClose={() => setDeleting(false)}
        onDeleted={onDeleted}
      />
    </Stack>
  );
}

function Body({
  credential,
  onClose,
  onSecret,
}: Omit<ReplaceDialogProps, 'opened'> & { onSecret: (on: boolean) => void }) {
  const kind = kindOf(credential);
  const create = useCreate(kind);
  const [revealed, setRevealed] = useState<Revealed | null>(null);
  const [replacement, setReplacement] = useState<Credential | null>(null);
  const [deleted, setDeleted] = useState(false);
  const step = deleted ? 4 : replacement === null ? 0 : revealed === null ? 2 : 1;

  function take(made: Revealed) {
    const { secret: _, ...credential } = made.created;
    setRevealed(made);
    setReplacement(credential as Credential);
    onSecret(true);
  }

  return (
    <Stack gap="lg">
      <Stepper active={step} size="xs" iconSize={26} allowNextStepsSelect={false}>
        <Stepper.Step label="Create" />
        <Stepper.Step label="Update" />
        <Stepper.Step label="Verify" />
        <Stepper.Step label="Delete the old" />
      </Stepper>
      {step === 0 && (
        <>
          <Text fz="sm" c="dimmed">
            A new {kind.noun} with the same {kind.rightsLabel.toLowerCase()} takes the place of this one. Nothing is
            deleted before you say so in the last step.
          </Text>
          <CredentialForm
            kind={kind}
            initial={{
              ...NEW_CREDENTIAL,
              name: credential.name,
              description: credential.kind === 'api_key' ? (credential.description ?? '') : '',
              rights: [...rightsOf(credential)],
              guard: credential.kind === 'api_key' && credential.guard,
              expiry: expiryLike(credential.createdAt, credential.expiresAt),
            }}
            submit="Create the replacement"
            onCancel={onClose}
            onSubmit={async (wish) => {
              const made = await create(wish);
              return () => take(made);
            }}
            {...(hasPassphrase(credential) && {
              passphraseHint:
                'The old one asks for a passphrase. Give the new one one too; the old one’s is not known here.',
            })}
          />
        </>
      )}
      {step === 1 && revealed !== null && (
        <>
          <Text fz="sm" c="dimmed">
            Put this secret wherever the old one is used.
          </Text>
          <SecretPanel
            revealed={revealed}
            stored="I have stored it"
            onStored={() => {
              setRevealed(null);
              onSecret(false);
            }}
          />
        </>
      )}
      {step === 2 && replacement !== null && (
        <Check old={credential} replacement={replacement} onClose={onClose} onDeleted={() => setDeleted(true)} />
      )}
      {step === 4 && (
        <>
          <Notice tone="good">
            {`${credential.name} (…${credential.hint}) is replaced and deleted. ${usedSentence(credential)}`}
          </Notice>
          <Group justify="flex-end">
            <Button onClick={onClose}>Done</Button>
          </Group>
        </>
      )}
    </Stack>
  );
}

/** The rotation in four steps: create, update, verify, delete. It never goes on by itself. */
export function ReplaceDialog({ credential, opened, onClose }: ReplaceDialogProps) {
  const [showsSecret, setShowsSecret] = useState(false);
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      title={`Replace ${credential.name}`}
      size={680}
      closeOnClickOutside={false}
      closeOnEscape={!showsSecret}
      withCloseButton={!showsSecret}
    >
      <Body credential={credential} onClose={onClose} onSecret={setShowsSecret} />
    </Dialog>
  );
}
