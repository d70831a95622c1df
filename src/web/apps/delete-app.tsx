import type { App } from '../../contract/resources.ts';
import { DeleteResource } from '../components/delete-resource.tsx';
import { useWorkspace } from '../session.ts';

interface DeleteAppProps {
  readonly app: App;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

/** Asks before an app goes with its environment. */
export function DeleteApp({ app, onClose, onDeleted }: DeleteAppProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResource
      noun="app"
      name={app.name}
      typed
      remove={() => api.apps.delete(app.id)}
      onClose={onClose}
      onDeleted={onDeleted}
    >
      Its settings and its environment, with all versions, are gone for good. What runs on the server goes on running.
    </DeleteResource>
  );
}
