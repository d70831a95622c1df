import { Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useRef, useState } from 'react';
import { REVIEW_DAYS, REVIEW_LIMITS } from '../../contract/limits.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const texts = strings.keepDialog;

interface KeepDialogProps {
  readonly credentials: readonly { readonly id: string; readonly name: string }[];
  readonly onClose: () => void;
  /** Called with each credential's ID as soon as the decision to keep the credential is recorded. */
  readonly onKept: (id: string) => void;
}

/** Asks for an optional note, then records the decision to keep one or more credentials. */
export function KeepDialog({ credentials, onClose, onKept }: KeepDialogProps) {
  const { api } = useWorkspace();
  const [note, setNote] = useState('');
  const keptIds = useRef(new Set<string>());

  async function keepAll(): Promise<void> {
    for (const { id } of credentials) {
      if (keptIds.current.has(id)) continue;
      await api.review.decide(id, { decision: 'keep', ...(note.trim() !== '' && { note }) });
      keptIds.current.add(id);
      onKept(id);
    }
    notifications.show({ message: texts.kept(credentials.length) });
  }

  return (
    <ConfirmDialog
      title={texts.title(credentials.map(({ name }) => name))}
      confirmLabel={texts.keep}
      isDestructive={false}
      onClose={onClose}
      onConfirm={keepAll}
    >
      <Text fz="sm">{texts.explanation(credentials.length, REVIEW_DAYS.kept)}</Text>
      <Textarea
        label={texts.note}
        placeholder={texts.notePlaceholder}
        maxLength={REVIEW_LIMITS.note}
        autosize
        minRows={2}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}
