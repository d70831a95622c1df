import { Button, Group, Progress, ScrollArea, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { ConfirmationInput } from '../components/confirmation-input.tsx';
import { DeleteResultTag } from '../components/delete-result-tag.tsx';
import { Dialog } from '../components/dialog.tsx';
import { formatRelativeTime } from '../components/format.ts';
import { Notice } from '../components/notice.tsx';
import { type DeleteResult, useDeleteMany } from '../components/use-delete-many.ts';
import { useWorkspace } from '../session.ts';
import styles from './credentials.module.css';
import { isInUse } from './delete-credential-dialog.tsx';
import { strings } from './form-strings.ts';
import {
  ACCESS_TOKENS,
  API_KEYS,
  type Credential,
  type CredentialKindConfig,
  deleteCredential,
  hintText,
} from './kinds.ts';
import { refetchCredentials } from './refetch-credentials.ts';

interface BulkDeleteDialogProps {
  /** Null for credentials of both kinds. */
  readonly kind: CredentialKindConfig | null;
  readonly credentials: readonly Credential[];
  readonly onClose: () => void;
  /** Called with the IDs of the deleted credentials whenever the dialog closes. */
  readonly onDeleted: (ids: ReadonlySet<string>) => void;
}

function DeletionRow({
  credential,
  result,
}: {
  readonly credential: Credential;
  readonly result: DeleteResult | undefined;
}) {
  return (
    <div className={styles['result']}>
      <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
        <bdi>{credential.name}</bdi> <span className={`mono ${styles['hint']}`}>{hintText(credential)}</span>
      </Text>
      {result === undefined ? (
        <Text fz="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {credential.lastUsedAt === null
            ? strings.bulkDeleteDialog.neverUsed
            : strings.bulkDeleteDialog.used(formatRelativeTime(credential.lastUsedAt))}
        </Text>
      ) : (
        <DeleteResultTag result={result} />
      )}
    </div>
  );
}

function DeletionProgress({ percent, children }: { readonly percent: number; readonly children: string }) {
  return (
    <Stack gap={6}>
      <Progress value={percent} aria-label={strings.bulkDeleteDialog.deletionProgress} animated={false} />
      <Text fz="sm" role="status">
        {children}
      </Text>
    </Stack>
  );
}

interface ResultButtonsProps {
  readonly isDeleting: boolean;
  readonly hasFailures: boolean;
  readonly onRetry: () => void;
  readonly onClose: () => void;
}

/** The buttons during and after the deletion. */
function ResultButtons({ isDeleting, hasFailures, onRetry, onClose }: ResultButtonsProps) {
  return (
    <Group justify="flex-end" gap="sm">
      {hasFailures && (
        <Button className="button-danger" loading={isDeleting} onClick={onRetry}>
          {strings.bulkDeleteDialog.retryFailed}
        </Button>
      )}
      <Button variant={hasFailures ? 'default' : 'filled'} disabled={isDeleting} onClick={onClose}>
        {strings.bulkDeleteDialog.close}
      </Button>
    </Group>
  );
}

function BulkDeleteForm({ kind, credentials, onClose, onDeleted }: BulkDeleteDialogProps) {
  const { workspace, api } = useWorkspace();
  const { results, isDeleted, failedCount, deleteMany } = useDeleteMany((credential: Credential) =>
    deleteCredential(api, credential),
  );
  const [phase, setPhase] = useState<'confirming' | 'deleting' | 'done'>('confirming');
  const [typedText, setTypedText] = useState('');
  const inUseCount = credentials.filter((credential) => isInUse(credential)).length;
  const confirmationPhrase = strings.bulkDeleteDialog.confirmationPhrase(credentials.length);
  const isConfirmed = inUseCount === 0 || typedText.trim() === confirmationPhrase;

  async function deleteAll() {
    setPhase('deleting');
    await deleteMany(credentials);
    for (const kindToReload of kind === null ? [ACCESS_TOKENS, API_KEYS] : [kind]) {
      void refetchCredentials(workspace.id, kindToReload);
    }
    setPhase('done');
  }

  function close() {
    onDeleted(new Set(credentials.filter(isDeleted).map(({ id }) => id)));
    onClose();
  }

  return (
    <Stack gap="md">
      {phase === 'confirming' ? (
        <Text fz="sm">{strings.bulkDeleteDialog.consequences}</Text>
      ) : (
        <DeletionProgress percent={(results.size / credentials.length) * 100}>
          {phase === 'deleting'
            ? strings.bulkDeleteDialog.progress(results.size, credentials.length)
            : strings.bulkDeleteDialog.result(credentials.length - failedCount, failedCount)}
        </DeletionProgress>
      )}
      <ScrollArea.Autosize
        mah={280}
        type="auto"
        viewportProps={{ tabIndex: 0, 'aria-label': strings.bulkDeleteDialog.credentialsToDelete }}
      >
        {credentials.map((credential) => (
          <DeletionRow key={credential.id} credential={credential} result={results.get(credential.id)} />
        ))}
      </ScrollArea.Autosize>
      {phase === 'confirming' && inUseCount > 0 && (
        <>
          <Notice tone="warning">{strings.bulkDeleteDialog.inUseNotice(inUseCount)}</Notice>
          <ConfirmationInput text={confirmationPhrase} value={typedText} onChange={setTypedText} />
        </>
      )}
      {phase === 'confirming' ? (
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={close}>
            {strings.bulkDeleteDialog.cancel}
          </Button>
          <Button className="button-danger" disabled={!isConfirmed} onClick={() => void deleteAll()}>
            {strings.bulkDeleteDialog.deleteCount(credentials.length)}
          </Button>
        </Group>
      ) : (
        <ResultButtons
          isDeleting={phase === 'deleting'}
          hasFailures={failedCount > 0}
          onRetry={() => void deleteAll()}
          onClose={close}
        />
      )}
    </Stack>
  );
}

/** Deletes several credentials, with progress and a result for each. */
export function BulkDeleteDialog(props: BulkDeleteDialogProps) {
  const { kind, credentials, onClose } = props;
  return (
    <Dialog
      onClose={onClose}
      title={strings.bulkDeleteDialog.title(credentials.length, kind)}
      size="lg"
      closeOnEscape={false}
      withCloseButton={false}
    >
      <BulkDeleteForm {...props} />
    </Dialog>
  );
}
