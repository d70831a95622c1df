import { Button, Group, Progress, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { messageOf, queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { relativeTime } from '../components/format.ts';
import { Notice, Tag } from '../components/notice.tsx';
import { useWorkspace } from '../session.ts';
import styles from './credentials.module.css';
import { isInUse, useDelete } from './delete-dialog.tsx';
import { type Credential, credentialsKey, type Kind } from './kinds.ts';

interface BulkDeleteDialogProps {
  readonly kind: Kind;
  readonly credentials: readonly Credential[];
  readonly opened: boolean;
  readonly onClose: () => void;
  /** With those that are gone, whenever the dialog closes. */
  readonly onDeleted: (ids: ReadonlySet<string>) => void;
}

type Result = { readonly done: true } | { readonly done: false; readonly message: string };

const AT_ONCE = 4;

function Line({ credential, result }: { readonly credential: Credential; readonly result: Result | undefined }) {
  return (
    <div className={styles['result']}>
      <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
        {credential.name} <span className={`mono ${styles['hint']}`}>…{credential.hint}</span>
      </Text>
      {result === undefined ? (
        <Text fz="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {credential.lastUsedAt === null ? 'never used' : `used ${relativeTime(credential.lastUsedAt)}`}
        </Text>
      ) : result.done ? (
        <Tag tone="good">Deleted</Tag>
      ) : (
        <Tag tone="bad">{result.message}</Tag>
      )}
    </div>
  );
}

function Body({ kind, credentials, onClose, onDeleted }: Omit<BulkDeleteDialogProps, 'opened'>) {
  const { workspace } = useWorkspace();
  const remove = useDelete();
  const [results, setResults] = useState<ReadonlyMap<string, Result>>(new Map());
  const [phase, setPhase] = useState<'asking' | 'deleting' | 'done'>('asking');
  const [typed, setTyped] = useState('');
  const inUse = credentials.filter((one) => isInUse(one)).length;
  const phrase = `delete ${credentials.length}`;
  const failed = [...results.values()].filter(({ done }) => !done).length;

  async function run() {
    setPhase('deleting');
    const waiting = credentials.filter(({ id }) => results.get(id)?.done !== true);
    const note = (id: string, result: Result) => setResults((before) => new Map(before).set(id, result));
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { id } = next;
        await remove(next).then(
          () => note(id, { done: true }),
          (error: unknown) => note(id, { done: false, message: messageOf(error) }),
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
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
          Everything that uses them begins to fail at once. They cannot be brought back, and what was done with them is
          not undone.
        </Text>
      ) : (
        <Stack gap={6}>
          <Progress value={(results.size / credentials.length) * 100} aria-label="Deleted so far" animated={false} />
          <Text fz="sm" role="status">
            {phase === 'deleting'
              ? `Deleting: ${results.size} of ${credentials.length} …`
              : `${credentials.length - failed} deleted${failed === 0 ? '. Nothing accepts them any more.' : `, ${failed} not.`}`}
          </Text>
        </Stack>
      )}
      <ScrollArea.Autosize mah={280} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': 'What is deleted' }}>
        {credentials.map((credential) => (
          <Line key={credential.id} credential={credential} result={results.get(credential.id)} />
        ))}
      </ScrollArea.Autosize>
      {phase === 'asking' && inUse > 0 && (
        <>
          <Notice tone="warn">
            {inUse === 1 ? 'One of them was' : `${inUse} of them were`} used in the last 24 hours: something still
            depends on {inUse === 1 ? 'it' : 'them'}.
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
            onClick={() => void run()}
          >
            {phase === 'asking' ? `Delete ${credentials.length}` : 'Try the rest again'}
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

/** Deletes several together, with progress and a result for each. */
export function BulkDeleteDialog(props: BulkDeleteDialogProps) {
  const { kind, credentials, opened, onClose } = props;
  const what = credentials.length === 1 ? kind.noun : kind.plural;
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      title={`Delete ${credentials.length} ${what}`}
      size="lg"
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      <Body {...props} />
    </Dialog>
  );
}
