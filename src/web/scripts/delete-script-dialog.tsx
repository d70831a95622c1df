import type { Script } from '../../contract/scripts.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

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
      {strings.deleteScriptDialog.consequences}
    </DeleteResourceDialog>
  );
}
