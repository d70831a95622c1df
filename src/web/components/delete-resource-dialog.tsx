import { Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { ignoreNotFound, queryClient } from '../api.ts';
import { useWorkspace } from '../session.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { capitalize, pluralOf } from './format.ts';
import { strings } from './strings.ts';

interface DeleteResourceDialogProps {
  readonly noun:
    | 'project'
    | 'app'
    | 'server'
    | 'script'
    | 'backup'
    | 'issue'
    | 'error key'
    | 'webhook'
    | 'workload identity';
  /** The part of the query keys after the workspace's ID; by default the noun's plural. */
  readonly queryKeyPart?: string;
  readonly name: string;
  /** The consequences: other resources that are deleted too, and resources that remain. */
  readonly children: ReactNode;
  /** Whether the user must type the resource's name. */
  readonly confirmByName?: boolean;
  readonly remove: () => Promise<unknown>;
  readonly onClose: () => void;
  /** Called after the deletion. */
  readonly onDeleted?: () => void;
}

/** Asks for confirmation and deletes a resource. If other resources still depend on it, shows the API's error. */
export function DeleteResourceDialog(props: DeleteResourceDialogProps) {
  const {
    noun,
    queryKeyPart = pluralOf(props.noun),
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
      onClose={onClose}
      title={strings.deleteResourceDialog.title(noun)}
      confirmLabel={strings.deleteResourceDialog.confirmLabel}
      confirmationText={confirmByName ? name : null}
      onConfirm={async () => {
        await ignoreNotFound(remove());
        notifications.show({ message: strings.deleteResourceDialog.deleted(capitalize(noun), name) });
        onDeleted?.();
        void queryClient.invalidateQueries({ queryKey: [workspace.id, queryKeyPart] });
      }}
    >
      <Stack gap="sm">
        <Text fz="sm">
          {strings.deleteResourceDialog.aboutToDelete(
            noun,
            <Text span inherit fw={650}>
              {name}
            </Text>,
          )}
        </Text>
        <Text fz="sm" component="div">
          {children}
        </Text>
      </Stack>
    </ConfirmDialog>
  );
}
