import type { Script } from '../../contract/scripts.ts';
import { DeleteResource } from '../components/delete-resource.tsx';
import { useWorkspace } from '../session.ts';

interface DeleteScriptProps {
  readonly script: Script;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

export function DeleteScript({ script, onClose, onDeleted }: DeleteScriptProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResource
      noun="script"
      name={script.name}
      remove={() => api.scripts.delete(script.id)}
      onClose={onClose}
      onDeleted={onDeleted}
    >
      Its versions, its runs and what they said go with it. Its schedule ends. While a run is under way it is not
      deleted.
    </DeleteResource>
  );
}
