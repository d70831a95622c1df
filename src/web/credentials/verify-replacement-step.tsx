import { Button, Group, Stack, Text } from '@mantine/core';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ErrorNotice } from '../components/error-message.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { BlockSkeleton } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import styles from './credentials.module.css';
import { DeleteCredentialDialog } from './delete-credential-dialog.tsx';
import { strings } from './form-strings.ts';
import { type Credential, type CredentialKindConfig, credentialsKey, getCredential, isNotFoundError } from './kinds.ts';

const POLL_INTERVAL_MS = 1500;
const texts = strings.replaceCredentialDialog;

export const polledCredentialKey = (workspaceId: string, kind: CredentialKindConfig, id: string) =>
  [...credentialsKey(workspaceId, kind), 'polled', id] as const;

/**
 * Reads a credential while this component is mounted and the tab is visible, repeatedly while `shouldPoll` returns
 * true.
 */
export function usePolledCredential(
  kind: CredentialKindConfig,
  id: string,
  {
    shouldPoll,
    placeholder,
  }: {
    readonly shouldPoll: (credential: Credential) => boolean;
    /** Returned until the credential is loaded, if it has the same ID. */
    readonly placeholder?: Credential;
  },
): UseQueryResult<Credential> {
  const { api, workspace } = useWorkspace();
  return useQuery<Credential>({
    queryKey: polledCredentialKey(workspace.id, kind, id),
    queryFn: ({ signal }) => getCredential(api, { kind: kind.kind, id }, { signal }),
    refetchInterval: ({ state: { data, error } }) =>
      data !== undefined && shouldPoll(data) && !isNotFoundError(error) ? POLL_INTERVAL_MS : false,
    ...(placeholder?.id === id && { placeholderData: placeholder }),
    staleTime: 0,
  });
}

function UsageRow({ label, credential }: { readonly label: string; readonly credential: Credential }) {
  return (
    <Group justify="space-between" wrap="nowrap" align="flex-start">
      <DimmedText>{label}</DimmedText>
      <Text fz="sm" ta="right">
        {credential.lastUsedAt === null ? (
          texts.notUsedYet
        ) : (
          <RelativeTime time={credential.lastUsedAt} phrase={texts.used} />
        )}
        {credential.useCount > 0 && ` · ${credential.useCount.toLocaleString('en')}×`}
      </Text>
    </Group>
  );
}

interface VerifyReplacementStepProps {
  readonly kind: CredentialKindConfig;
  readonly old: Credential;
  readonly newId: string;
  readonly onClose: () => void;
  /** Called when the old credential has been deleted. */
  readonly onOldDeleted: () => void;
}

/** The last two steps of a rotation: wait for the first use of the new credential, then delete the old one. */
export function VerifyReplacementStep({ kind, old, newId, onClose, onOldDeleted }: VerifyReplacementStepProps) {
  const [credentialToDelete, setCredentialToDelete] = useState<'old' | 'new' | null>(null);
  const query = usePolledCredential(kind, newId, { shouldPoll: () => true });
  const replacement = query.data;
  if (replacement === undefined) {
    return query.error === null ? <BlockSkeleton height={200} /> : <ErrorNotice error={query.error} />;
  }
  const isUsed = replacement.useCount > 0;
  return (
    <Stack gap="md">
      <Group gap="sm" wrap="nowrap" role="status">
        <span className={styles['pulse']} {...(isUsed && { 'data-seen': true })} aria-hidden />
        <Text fw={600}>{isUsed ? texts.newIsInUse(kind.noun) : texts.waitingForUse(kind.noun)}</Text>
      </Group>
      <Stack gap={6} className={styles['summary']}>
        <UsageRow label={texts.new} credential={replacement} />
        <UsageRow label={texts.old} credential={old} />
      </Stack>
      {query.error !== null && <ErrorNotice error={query.error} />}
      <DimmedText>{isUsed ? texts.deleteWhenReady : texts.useTheNewSecret}</DimmedText>
      <Group justify="flex-end" gap="sm">
        {!isUsed && (
          <Button variant="subtle" onClick={() => setCredentialToDelete('new')}>
            {texts.startOver}
          </Button>
        )}
        <Button variant="default" onClick={onClose}>
          {texts.keepBothForNow}
        </Button>
        <Button
          {...(isUsed ? { className: 'button-danger' } : { variant: 'default' })}
          onClick={() => setCredentialToDelete('old')}
        >
          {isUsed ? texts.deleteOld : texts.deleteOldAnyway}
        </Button>
      </Group>
      {credentialToDelete !== null && (
        <DeleteCredentialDialog
          credential={credentialToDelete === 'old' ? old : replacement}
          onClose={() => setCredentialToDelete(null)}
          {...(credentialToDelete === 'old' && { onDeleted: onOldDeleted })}
        />
      )}
    </Stack>
  );
}
