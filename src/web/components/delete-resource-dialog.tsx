import { Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { useWorkspace } from '../session.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { capitalize } from './format.ts';

interface DeleteResourceDialogProps {
  readonly noun: 'project' | 'app' | 'server' | 'script' | 'backup' | 'issue' | 'error key';
  /** The part of the page whose lists hold it; the noun's plural if not given. */
  readonly queryKeyPart?: string;
  readonly name: string;
  /** What goes with it, and what does not. */
  readonly children: ReactNode;
  /** Whether its name must be typed first. */
  readonly confirmByName?: boolean;
  readonly remove: () => Promise<unknown>;
  readonly onClose: () => void;
  /** After it is gone. */
  readonly onDeleted?: () => void;
}

/** Asks before something is deleted; what hangs on it and keeps it is said by the server's refusal. */
export function DeleteResourceDialog(props: DeleteResourceDialogProps) {
  const {
    noun,
    queryKeyPart = `${props.noun}s`,
    name,
    children,
    confirmByName = false,
    remove,
    onClose,
    onDeleted,
  } = props;
  const { workspace } = useWorkspace();
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={`Delete ${noun}`}
      confirmLabel="Delete"
      confirmationText={confirmByName ? name : null}
      onConfirm={async () => {
        try {
          await remove();
        } catch (error) {
          // Gone already is as good as deleted.
          if (!(error instanceof DevpilotError) || error.code !== 'not_found') throw error;
        }
        notifications.show({ message: `${capitalize(noun)} ${name} deleted` });
        onDeleted?.();
        void queryClient.invalidateQueries({ queryKey: [workspace.id, queryKeyPart] });
      }}
    >
      <Stack gap="sm">
        <Text fz="sm">
          You are about to delete the {noun}{' '}
          <Text span inherit fw={650}>
            {name}
          </Text>
          .
        </Text>
        <Text fz="sm" component="div">
          {children}
        </Text>
      </Stack>
    </ConfirmDialog>
  );
}
