import { Button, Group, Stack, Stepper } from '@mantine/core';
import { useState } from 'react';
import { queryClient } from '../api.ts';
import { useDiscardConfirmation } from '../components/discard-confirmation.tsx';
import { FormDialog } from '../components/form-dialog.tsx';
import { shortenName } from '../components/format.ts';
import { Notice } from '../components/notice.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { toKnownUses } from '../restrictions/known-uses.ts';
import { toRestrictionValues } from '../restrictions/restriction-values.ts';
import { useWorkspace } from '../session.ts';
import { CredentialForm } from './credential-form.tsx';
import { NEW_CREDENTIAL } from './credential-form-values.ts';
import styles from './credentials.module.css';
import { describeUsage } from './delete-credential-dialog.tsx';
import { shortestCoveringExpiry } from './expiry.ts';
import { strings } from './form-strings.ts';
import {
  type Credential,
  type CredentialKindConfig,
  getKindConfig,
  getRights,
  hasPassphrase,
  hintText,
  isNotFoundError,
  type Right,
} from './kinds.ts';
import { SecretPanel } from './secret-panel.tsx';
import { type RevealedCredential, useCreateCredential } from './use-create-credential.ts';
import { useCredentialUses } from './use-credential-uses.ts';
import { polledCredentialKey, usePolledCredential, VerifyReplacementStep } from './verify-replacement-step.tsx';

const texts = strings.replaceCredentialDialog;

/** The steps by their index in the stepper. With `done`, all four are completed. */
const STEPS = { create: 0, update: 1, verify: 2, done: 4 } as const;

interface RotationState {
  /** Whether the secret of the new credential is shown. */
  readonly isSecretShown: boolean;
  readonly isDone: boolean;
  readonly hasReplacement: boolean;
}

function currentStep({ isSecretShown, isDone, hasReplacement }: RotationState): number {
  if (isSecretShown) return STEPS.update;
  if (isDone) return STEPS.done;
  return hasReplacement ? STEPS.verify : STEPS.create;
}

interface CreateStepProps {
  readonly old: Credential;
  /** The rights of the new credential; by default the old credential's rights. */
  readonly rights: readonly Right[] | undefined;
  readonly addresses: readonly string[] | undefined;
  readonly onCancel: () => void;
  readonly onCreated: (created: RevealedCredential) => void;
  readonly onDirtyChange: (isDirty: boolean) => void;
}

/** The first step: a form with the properties of the old credential. */
function CreateStep({ old, rights = getRights(old), addresses, onCancel, onCreated, onDirtyChange }: CreateStepProps) {
  const kind = getKindConfig(old);
  const { data: uses } = useCredentialUses(old);
  const create = useCreateCredential(kind, old);
  return (
    <>
      <DimmedText>{texts.introduction(kind.noun)}</DimmedText>
      <CredentialForm
        kind={kind}
        initial={{
          ...NEW_CREDENTIAL,
          name: old.name,
          description: old.kind === 'api_key' ? (old.description ?? '') : '',
          rights: [...rights],
          ...toRestrictionValues(old.restrictions),
          ...(addresses !== undefined && { addresses: addresses.join('\n') }),
          guard: old.kind === 'api_key' && old.guard,
          expiry: shortestCoveringExpiry(old.createdAt, old.expiresAt),
        }}
        knownUses={uses === undefined ? undefined : toKnownUses(uses)}
        submitLabel={texts.createReplacement}
        onCancel={onCancel}
        onDirtyChange={onDirtyChange}
        onSubmit={async (request) => {
          const created = await create(request);
          return () => onCreated(created);
        }}
        {...(hasPassphrase(old) && { passphraseDescription: texts.oldHasPassphrase })}
      />
    </>
  );
}

function RotationStepper({ step }: { readonly step: number }) {
  return (
    <Stepper
      active={step}
      size="xs"
      iconSize={26}
      allowNextStepsSelect={false}
      classNames={{ step: styles['step'] ?? '', stepBody: styles['stepBody'] ?? '' }}
    >
      <Stepper.Step label={texts.create} />
      <Stepper.Step label={texts.update} />
      <Stepper.Step label={texts.verify} />
      <Stepper.Step label={texts.deleteOldStep} />
    </Stepper>
  );
}

interface SecretStepProps {
  readonly revealed: RevealedCredential;
  readonly onStored: () => void;
}

/** The second step: the secret of the new credential, which is shown once. */
function SecretStep({ revealed, onStored }: SecretStepProps) {
  return (
    <>
      <DimmedText>{texts.useThisSecret}</DimmedText>
      <SecretPanel revealed={revealed} confirmLabel={texts.iHaveStoredIt} onStored={onStored} />
    </>
  );
}

interface DoneStepProps {
  readonly kind: CredentialKindConfig;
  /** Undefined if the old credential was deleted before it was loaded. */
  readonly old: Credential | undefined;
  readonly onDone: () => void;
}

/** The result of the rotation. */
function DoneStep({ kind, old, onDone }: DoneStepProps) {
  return (
    <>
      <Notice tone="success">
        {old === undefined
          ? texts.alreadyDeleted(kind.noun)
          : texts.replacedAndDeleted(old.name, hintText(old), describeUsage(old))}
      </Notice>
      <Group justify="flex-end">
        <Button onClick={onDone}>{texts.done}</Button>
      </Group>
    </>
  );
}

interface ReplaceCredentialDialogProps {
  /** The old or the new credential of the rotation. */
  readonly credential: Credential;
  /**
   * The ID of the credential to replace; by default that of `credential`. If it already has a replacement, the dialog
   * opens at the third step.
   */
  readonly oldId?: string | undefined;
  /** The initial rights in the form; by default those of the old credential. */
  readonly rights?: readonly Right[] | undefined;
  /** The initial allowed IP addresses in the form; by default those of the old credential. */
  readonly addresses?: readonly string[] | undefined;
  readonly onClose: () => void;
  /** Called instead of `onClose` after the last step. */
  readonly onDone?: (() => void) | undefined;
}

interface ReplaceCredentialStepsProps extends ReplaceCredentialDialogProps {
  readonly onSecretVisibilityChange: (isVisible: boolean) => void;
  readonly onDirtyChange: (isDirty: boolean) => void;
}

function ReplaceCredentialSteps(props: ReplaceCredentialStepsProps) {
  const {
    credential,
    oldId = credential.id,
    rights,
    onClose,
    onDone = onClose,
    onSecretVisibilityChange,
    onDirtyChange,
  } = props;
  const { workspace } = useWorkspace();
  const kind = getKindConfig(credential);
  const [revealed, setRevealed] = useState<RevealedCredential | null>(null);
  const [wasDeleted, setWasDeleted] = useState(false);
  const {
    data: old,
    error,
    refetch,
  } = usePolledCredential(kind, oldId, {
    shouldPoll: ({ replacedBy }) => replacedBy !== null,
    placeholder: credential,
  });
  const newId = old?.replacedBy ?? null;
  const isDone = revealed === null && (wasDeleted || isNotFoundError(error));
  const step = currentStep({ isSecretShown: revealed !== null, isDone, hasReplacement: newId !== null });

  function handleCreated(result: RevealedCredential) {
    setRevealed(result);
    onSecretVisibilityChange(true);
    queryClient.setQueryData<Credential>(polledCredentialKey(workspace.id, kind, oldId), (cached) =>
      cached === undefined ? undefined : { ...cached, replacedBy: result.created.id },
    );
  }

  function handleStored() {
    setRevealed(null);
    onSecretVisibilityChange(false);
  }

  return (
    <Stack gap="lg">
      <RotationStepper step={step} />
      {old === undefined && error === null && <BlockSkeleton height={200} />}
      {old === undefined && error !== null && !isDone && <ErrorState error={error} retry={() => void refetch()} />}
      {step === STEPS.create && old !== undefined && (
        <CreateStep
          old={old}
          rights={rights}
          addresses={props.addresses}
          onCancel={onClose}
          onCreated={handleCreated}
          onDirtyChange={onDirtyChange}
        />
      )}
      {revealed !== null && <SecretStep revealed={revealed} onStored={handleStored} />}
      {step === STEPS.verify && old !== undefined && newId !== null && (
        <VerifyReplacementStep
          kind={kind}
          old={old}
          newId={newId}
          onClose={onClose}
          onOldDeleted={() => setWasDeleted(true)}
        />
      )}
      {isDone && <DoneStep kind={kind} old={old} onDone={onDone} />}
    </Stack>
  );
}

/**
 * Rotates a credential in four steps: create, update, verify, delete. The user starts each step. A rotation that was
 * interrupted, in this or another tab, resumes at its current step.
 */
export function ReplaceCredentialDialog(props: ReplaceCredentialDialogProps) {
  const { credential, onClose } = props;
  const [isSecretShown, setIsSecretShown] = useState(false);
  const { setDirty, requestClose, confirmation } = useDiscardConfirmation(onClose);
  return (
    <FormDialog
      onClose={requestClose}
      title={texts.title(shortenName(credential.name))}
      closeOnEscape={!isSecretShown}
      withCloseButton={!isSecretShown}
    >
      <ReplaceCredentialSteps {...props} onSecretVisibilityChange={setIsSecretShown} onDirtyChange={setDirty} />
      {confirmation}
    </FormDialog>
  );
}
