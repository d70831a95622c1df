import type { Script } from '../../contract/scripts.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { useWorkspace } from '../session.ts';

interface DeleteScriptDialogProps {
  readonly script: Script;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

export function DeleteScriptDialog({ script, onClose, onDeleted }: DeleteScriptDialogProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResourceDialog
      noun="script"
      name={script.name}
      remove={() => api.scripts.delete(script.id)}
      onClose={onClose}
      onDeleted={onDeleted}
    >
      Its versions are deleted with it, and its schedule stops. Its runs and their logs are kept until their retention
      ends. A script cannot be deleted while it is running.
    </DeleteResourceDialog>
  );
}
