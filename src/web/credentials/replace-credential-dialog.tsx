import { Button, Group, Stack, Stepper, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Dialog } from '../components/dialog.tsx';
import { useDiscardConfirmation } from '../components/discard-confirmation.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { Notice } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { CredentialForm } from './credential-form.tsx';
import { NEW_CREDENTIAL } from './credential-form-values.ts';
import styles from './credentials.module.css';
import { DeleteCredentialDialog, describeUsage } from './delete-credential-dialog.tsx';
import { closestExpiry } from './expiry.ts';
import { type Credential, credentialsKey, getCredential, getKindConfig, getRights, hasPassphrase } from './kinds.ts';
import { SecretPanel } from './secret-panel.tsx';
import { strings } from './strings.ts';
import { type RevealedCredential, useCreateCredential } from './use-create-credential.ts';

const POLL_INTERVAL_MS = 1500;

interface ReplaceCredentialDialogProps {
  readonly credential: Credential;
  readonly onClose: () => void;
}

/** Polls a credential while this component is mounted and the tab is visible. */
function usePolledCredential(credential: Credential) {
  const { api, workspace } = useWorkspace();
  return useQuery<Credential>({
    queryKey: [...credentialsKey(workspace.id, getKindConfig(credential)), 'followed', credential.id],
    queryFn: ({ signal }) => getCredential(api, credential, { signal }),
    refetchInterval: POLL_INTERVAL_MS,
    placeholderData: credential,
    staleTime: 0,
  });
}

function UsageRow({ label, credential }: { readonly label: string; readonly credential: Credential }) {
  return (
    <Group justify="space-between" wrap="nowrap" align="flex-start">
      <DimmedText>{label}</DimmedText>
      <Text fz="sm" ta="right">
        {credential.lastUsedAt === null ? (
          strings.replaceCredentialDialog.notUsedYet
        ) : (
          <RelativeTime time={credential.lastUsedAt} phrase={strings.replaceCredentialDialog.used} />
        )}
        {credential.useCount > 0 && ` · ${credential.useCount.toLocaleString('en')}×`}
      </Text>
    </Group>
  );
}

interface VerifyStepProps {
  readonly old: Credential;
  readonly replacement: Credential;
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

/** Steps three and four: wait for the first use of the new credential, then delete the old one. */
function VerifyStep({ old, replacement, onClose, onDeleted }: VerifyStepProps) {
  const [deleting, setDeleting] = useState(false);
  const replacementQuery = usePolledCredential(replacement);
  const oldQuery = usePolledCredential(old);
  const current = replacementQuery.data ?? replacement;
  const { noun } = getKindConfig(replacement);
  const isUsed = current.useCount > 0;
  return (
    <Stack gap="md">
      <Group gap="sm" wrap="nowrap" role="status">
        <span className={styles['pulse']} {...(isUsed && { 'data-seen': true })} aria-hidden />
        <Text fw={600}>
          {isUsed
            ? strings.replaceCredentialDialog.newIsInUse(noun)
            : strings.replaceCredentialDialog.waitingForUse(noun)}
        </Text>
      </Group>
      <Stack gap={6} className={styles['summary']}>
        <UsageRow label={strings.replaceCredentialDialog.new} credential={current} />
        <UsageRow label={strings.replaceCredentialDialog.old} credential={oldQuery.data ?? old} />
      </Stack>
      {replacementQuery.error !== null && <ErrorNotice error={replacementQuery.error} />}
      <DimmedText>
        {isUsed ? strings.replaceCredentialDialog.deleteWhenReady : strings.replaceCredentialDialog.useTheNewSecret}
      </DimmedText>
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          {strings.replaceCredentialDialog.keepBothForNow}
        </Button>
        <Button {...(isUsed ? { className: 'button-bad' } : { variant: 'default' })} onClick={() => setDeleting(true)}>
          {isUsed ? strings.replaceCredentialDialog.deleteOld : strings.replaceCredentialDialog.deleteOldAnyway}
        </Button>
      </Group>
      {deleting && (
        <DeleteCredentialDialog
          credential={oldQuery.data ?? old}
          onClose={() => setDeleting(false)}
          onDeleted={onDeleted}
        />
      )}
    </Stack>
  );
}

interface ReplaceCredentialStepsProps extends ReplaceCredentialDialogProps {
  readonly onSecretShown: (on: boolean) => void;
  readonly onDirtyChange: (isDirty: boolean) => void;
}

function ReplaceCredentialSteps({ credential, onClose, onSecretShown, onDirtyChange }: ReplaceCredentialStepsProps) {
  const kind = getKindConfig(credential);
  const create = useCreateCredential(kind, credential.restrictions);
  const [revealed, setRevealed] = useState<RevealedCredential | null>(null);
  const [replacement, setReplacement] = useState<Credential | null>(null);
  const [deleted, setDeleted] = useState(false);
  const step = deleted ? 4 : replacement === null ? 0 : revealed === null ? 2 : 1;

  function handleCreated(result: RevealedCredential) {
    const { secret: _, ...credential } = result.created;
    setRevealed(result);
    setReplacement(credential as Credential);
    onSecretShown(true);
  }

  return (
    <Stack gap="lg">
      <Stepper active={step} size="xs" iconSize={26} allowNextStepsSelect={false}>
        <Stepper.Step label={strings.replaceCredentialDialog.create} />
        <Stepper.Step label={strings.replaceCredentialDialog.update} />
        <Stepper.Step label={strings.replaceCredentialDialog.verify} />
        <Stepper.Step label={strings.replaceCredentialDialog.deleteOldStep} />
      </Stepper>
      {step === 0 && (
        <>
          <DimmedText>
            {strings.replaceCredentialDialog.introduction(kind.noun, kind.rightsLabel.toLowerCase())}
          </DimmedText>
          <CredentialForm
            kind={kind}
            initial={{
              ...NEW_CREDENTIAL,
              name: credential.name,
              description: credential.kind === 'api_key' ? (credential.description ?? '') : '',
              rights: [...getRights(credential)],
              addresses: credential.restrictions.addresses.join('\n'),
              guard: credential.kind === 'api_key' && credential.guard,
              expiry: closestExpiry(credential.createdAt, credential.expiresAt),
            }}
            submitLabel={strings.replaceCredentialDialog.createReplacement}
            onCancel={onClose}
            onDirtyChange={onDirtyChange}
            onSubmit={async (request) => {
              const result = await create(request);
              return () => handleCreated(result);
            }}
            {...(hasPassphrase(credential) && {
              passphraseDescription: strings.replaceCredentialDialog.oldHasPassphrase,
            })}
          />
        </>
      )}
      {step === 1 && revealed !== null && (
        <>
          <DimmedText>{strings.replaceCredentialDialog.useThisSecret}</DimmedText>
          <SecretPanel
            revealed={revealed}
            confirmLabel={strings.replaceCredentialDialog.iHaveStoredIt}
            onStored={() => {
              setRevealed(null);
              onSecretShown(false);
            }}
          />
        </>
      )}
      {step === 2 && replacement !== null && (
        <VerifyStep old={credential} replacement={replacement} onClose={onClose} onDeleted={() => setDeleted(true)} />
      )}
      {step === 4 && (
        <>
          <Notice tone="good">
            {strings.replaceCredentialDialog.replacedAndDeleted(
              credential.name,
              credential.hint,
              describeUsage(credential),
            )}
          </Notice>
          <Group justify="flex-end">
            <Button onClick={onClose}>{strings.replaceCredentialDialog.done}</Button>
          </Group>
        </>
      )}
    </Stack>
  );
}

/** Rotates a credential in four steps: create, update, verify, delete. The user starts each step. */
export function ReplaceCredentialDialog({ credential, onClose }: ReplaceCredentialDialogProps) {
  const [showsSecret, setShowsSecret] = useState(false);
  const { setDirty, requestClose, confirmation } = useDiscardConfirmation(onClose);
  return (
    <Dialog
      onClose={requestClose}
      title={strings.replaceCredentialDialog.title(credential.name)}
      size={680}
      closeOnEscape={!showsSecret}
      withCloseButton={!showsSecret}
    >
      <ReplaceCredentialSteps
        credential={credential}
        onClose={onClose}
        onSecretShown={setShowsSecret}
        onDirtyChange={setDirty}
      />
      {confirmation}
    </Dialog>
  );
}
