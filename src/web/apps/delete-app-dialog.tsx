import type { App } from '../../contract/apps.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './form-strings.ts';

interface DeleteAppDialogProps {
  readonly app: App;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

/** Asks for confirmation before an app is deleted, with its deployments and its environment. */
export function DeleteAppDialog({ app, onClose, onDeleted }: DeleteAppDialogProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResourceDialog
      noun="app"
      name={app.name}
      confirmByName
      remove={() => api.apps.delete(app.id)}
      onClose={onClose}
      onDeleted={onDeleted}
    >
      {strings.deleteAppDialog.consequences}
    </DeleteResourceDialog>
  );
}
