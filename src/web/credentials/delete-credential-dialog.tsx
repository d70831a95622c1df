import { List, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { DAY } from '../../contract/limits.ts';
import { ignoreNotFound } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { formatDateTime, formatRelativeTime, shortenName } from '../components/format.ts';
import { Notice } from '../components/notice.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './form-strings.ts';
import { type Credential, deleteCredential, getKindConfig, getRights, hintText } from './kinds.ts';
import { refetchCredentials } from './refetch-credentials.ts';

/**
 * Returns whether a credential was used in the last 24 hours. Something probably still depends on such a credential.
 */
export function isInUse({ lastUsedAt }: Credential, now: number = Date.now()): boolean {
  return lastUsedAt !== null && now - Date.parse(lastUsedAt) < DAY;
}

/** Describes in a sentence when and how often a credential was used. */
export function describeUsage({ lastUsedAt, useCount }: Credential): string {
  if (lastUsedAt === null) return strings.deleteCredentialDialog.neverUsed;
  return strings.deleteCredentialDialog.usage(useCount, formatRelativeTime(lastUsedAt), formatDateTime(lastUsedAt));
}

interface DeleteCredentialDialogProps {
  readonly credential: Credential;
  readonly onClose: () => void;
  /** Called after the deletion, before `onClose`. */
  readonly onDeleted?: () => void;
}

/** Asks for confirmation before a credential is deleted, with the consequences and the last use. */
export function DeleteCredentialDialog({ credential, onClose, onDeleted }: DeleteCredentialDialogProps) {
  const { workspace, api } = useWorkspace();
  const kind = getKindConfig(credential);
  const inUse = isInUse(credential);
  return (
    <ConfirmDialog
      onClose={onClose}
      title={strings.deleteCredentialDialog.title(kind.noun)}
      confirmLabel={strings.deleteCredentialDialog.delete}
      confirmationText={inUse ? credential.name : null}
      onConfirm={async () => {
        await ignoreNotFound(deleteCredential(api, credential));
        void refetchCredentials(workspace.id, kind);
        notifications.show({ message: strings.deleteCredentialDialog.deleted(shortenName(credential.name)) });
        onDeleted?.();
      }}
    >
      <Stack gap="sm">
        <Text fz="sm">
          {strings.deleteCredentialDialog.aboutToDelete(
            <Text span inherit fw={650} style={{ overflowWrap: 'anywhere' }}>
              {credential.name}
            </Text>,
            <span className="mono" style={{ whiteSpace: 'nowrap' }}>
              ({hintText(credential)})
            </span>,
          )}
        </Text>
        <List fz="sm" spacing={6}>
          <List.Item>
            {strings.deleteCredentialDialog.stopsWorking(kind.rightNoun, getRights(credential).join(', '))}
          </List.Item>
          <List.Item>{describeUsage(credential)}</List.Item>
          <List.Item>{strings.deleteCredentialDialog.cannotBeRestored}</List.Item>
        </List>
        {inUse && <Notice tone="warning">{strings.deleteCredentialDialog.inUseNotice}</Notice>}
      </Stack>
    </ConfirmDialog>
  );
}
