import { List, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { DAY } from '../../contract/limits.ts';
import { ignoreNotFound, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { formatDateTime, formatRelativeTime } from '../components/format.ts';
import { Notice } from '../components/notice.tsx';
import { useWorkspace } from '../session.ts';
import { type Credential, credentialsKey, deleteCredential, getKindConfig, getRights } from './kinds.ts';

/** Returns whether something probably still uses the credential. */
export function isInUse({ lastUsedAt }: Credential, now: number = Date.now()): boolean {
  return lastUsedAt !== null && now - Date.parse(lastUsedAt) < DAY;
}

/** Describes in a sentence when and how often a credential was used. */
export function describeUsage({ lastUsedAt, useCount }: Credential): string {
  if (lastUsedAt === null) return 'It has never been used.';
  const times = useCount === 1 ? 'once' : `${useCount.toLocaleString('en')} times`;
  return `It was used ${times}, most recently ${formatRelativeTime(lastUsedAt)} (${formatDateTime(lastUsedAt)}).`;
}

interface DeleteCredentialDialogProps {
  readonly credential: Credential;
  readonly onClose: () => void;
  /** Called after the deletion, when the dialog has closed. */
  readonly onDeleted?: () => void;
}

/** Asks for confirmation before a credential is deleted, and says what will break and when it was last used. */
export function DeleteCredentialDialog({ credential, onClose, onDeleted }: DeleteCredentialDialogProps) {
  const { workspace, api } = useWorkspace();
  const kind = getKindConfig(credential);
  const inUse = isInUse(credential);
  return (
    <ConfirmDialog
      onClose={onClose}
      title={`Delete ${kind.noun}`}
      confirmLabel="Delete"
      confirmationText={inUse ? credential.name : null}
      onConfirm={async () => {
        await ignoreNotFound(deleteCredential(api, credential));
        void queryClient.invalidateQueries({ queryKey: credentialsKey(workspace.id, kind) });
        notifications.show({ message: `${credential.name} deleted. It no longer works.` });
        onDeleted?.();
      }}
    >
      <Stack gap="sm">
        <Text fz="sm">
          You are about to delete{' '}
          <Text span inherit fw={650}>
            {credential.name}
          </Text>{' '}
          <span className="mono">(…{credential.hint})</span>.
        </Text>
        <List fz="sm" spacing={6}>
          <List.Item>
            Anything using it stops working immediately. Its {kind.rightNoun}s: {getRights(credential).join(', ')}.
          </List.Item>
          <List.Item>{describeUsage(credential)}</List.Item>
          <List.Item>It cannot be restored. Actions already performed with it are not undone.</List.Item>
        </List>
        {inUse && (
          <Notice tone="warn">It was used in the last 24 hours, so something probably still depends on it.</Notice>
        )}
      </Stack>
    </ConfirmDialog>
  );
}
