import { Button, Group, Progress, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { getErrorMessage, queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { formatRelativeTime } from '../components/format.ts';
import { Notice, Tag } from '../components/notice.tsx';
import { useWorkspace } from '../session.ts';
import styles from './credentials.module.css';
import { isInUse, useDeleteCredential } from './delete-credential-dialog.tsx';
import { type Credential, type CredentialKindConfig, credentialsKey } from './kinds.ts';

interface BulkDeleteDialogProps {
  readonly kind: CredentialKindConfig;
  readonly credentials: readonly Credential[];
  readonly opened: boolean;
  readonly onClose: () => void;
  /** Called with the IDs of the deleted credentials whenever the dialog closes. */
  readonly onDeleted: (ids: ReadonlySet<string>) => void;
}

type Result = { readonly done: true } | { readonly done: false; readonly message: string };

const MAX_CONCURRENT = 4;

function DeletionRow({ credential, result }: { readonly credential: Credential; readonly result: Result | undefined }) {
  return (
    <div className={styles['result']}>
      <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
        {credential.name} <span className={`mono ${styles['hint']}`}>…{credential.hint}</span>
      </Text>
      {result === undefined ? (
        <Text fz="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {credential.lastUsedAt === null ? 'never used' : `used ${formatRelativeTime(credential.lastUsedAt)}`}
        </Text>
      ) : result.done ? (
        <Tag tone="good">Deleted</Tag>
      ) : (
        <Tag tone="bad">{result.message}</Tag>
      )}
    </div>
  );
}

function BulkDeleteForm({ kind, credentials, onClose, onDeleted }: Omit<BulkDeleteDialogProps, 'opened'>) {
  const { workspace } = useWorkspace();
  const remove = useDeleteCredential();
  const [results, setResults] = useState<ReadonlyMap<string, Result>>(new Map());
  const [phase, setPhase] = useState<'asking' | 'deleting' | 'done'>('asking');
  const [typed, setTyped] = useState('');
  const inUse = credentials.filter((credential) => isInUse(credential)).length;
  const phrase = `delete ${credentials.length}`;
  const failed = [...results.values()].filter(({ done }) => !done).length;

  async function deleteAll() {
    setPhase('deleting');
    const queue = credentials.filter(({ id }) => results.get(id)?.done !== true);
    const setResult = (id: string, result: Result) => setResults((before) => new Map(before).set(id, result));
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { id } = next;
        await remove(next).then(
          () => setResult(id, { done: true }),
          (error: unknown) => setResult(id, { done: false, message: getErrorMessage(error) }),
        );
      }
    };
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, worker));
    void queryClient.invalidateQueries({ queryKey: credentialsKey(workspace.id, kind) });
    setPhase('done');
  }

  function close() {
    onDeleted(new Set([...results].filter(([, { done }]) => done).map(([id]) => id)));
    onClose();
  }

  return (
    <Stack gap="md">
      {phase === 'asking' ? (
        <Text fz="sm">
          Anything using them stops working immediately. They cannot be restored. Actions already performed with them
          are not undone.
        </Text>
      ) : (
        <Stack gap={6}>
          <Progress value={(results.size / credentials.length) * 100} aria-label="Deletion progress" animated={false} />
          <Text fz="sm" role="status">
            {phase === 'deleting'
              ? `Deleting: ${results.size} of ${credentials.length} …`
              : `${credentials.length - failed} deleted${failed === 0 ? '. They no longer work.' : `, ${failed} failed.`}`}
          </Text>
        </Stack>
      )}
      <ScrollArea.Autosize mah={280} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': 'Credentials to delete' }}>
        {credentials.map((credential) => (
          <DeletionRow key={credential.id} credential={credential} result={results.get(credential.id)} />
        ))}
      </ScrollArea.Autosize>
      {phase === 'asking' && inUse > 0 && (
        <>
          <Notice tone="warn">
            {inUse === 1 ? 'One of them was' : `${inUse} of them were`} used in the last 24 hours, so something probably
            still depends on {inUse === 1 ? 'it' : 'them'}.
          </Notice>
          <TextInput
            label={
              <>
                Type{' '}
                <Text span inherit fw={650}>
                  {phrase}
                </Text>{' '}
                to confirm
              </>
            }
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
        </>
      )}
      <Group justify="flex-end" gap="sm">
        {phase === 'asking' && (
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
        )}
        {(phase === 'asking' || failed > 0) && (
          <Button
            className="button-bad"
            loading={phase === 'deleting'}
            disabled={phase === 'asking' && inUse > 0 && typed.trim() !== phrase}
            onClick={() => void deleteAll()}
          >
            {phase === 'asking' ? `Delete ${credentials.length}` : 'Retry failed'}
          </Button>
        )}
        {phase !== 'asking' && (
          <Button variant={failed > 0 ? 'default' : 'filled'} disabled={phase === 'deleting'} onClick={close}>
            Close
          </Button>
        )}
      </Group>
    </Stack>
  );
}

/** Deletes several credentials, with progress and a result for each. */
export function BulkDeleteDialog(props: BulkDeleteDialogProps) {
  const { kind, credentials, opened, onClose } = props;
  const noun = credentials.length === 1 ? kind.noun : kind.plural;
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      title={`Delete ${credentials.length} ${noun}`}
      size="lg"
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      <BulkDeleteForm {...props} />
    </Dialog>
  );
}
