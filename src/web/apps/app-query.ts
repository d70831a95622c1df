import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useWorkspace } from '../session.ts';

/** The app in the URL. All tabs of the app's page share this query. */
export function useAppQuery() {
  const { api, workspace } = useWorkspace();
  const { app: id = '' } = useParams({ strict: false });
  return useQuery({
    queryKey: [workspace.id, 'apps', id],
    queryFn: ({ signal }) => api.apps.get(id, { signal }),
  });
}
