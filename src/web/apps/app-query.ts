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

/** The deployment whose release is live; null if the app has none. */
export function useLiveDeployment(appId: string) {
  const { api, workspace } = useWorkspace();
  return useQuery({
    queryKey: [workspace.id, 'deployments', 'live', appId],
    queryFn: async ({ signal }) =>
      (await api.deployments.list({ app: appId, live: true, limit: 1 }, { signal })).data[0] ?? null,
    refetchInterval: 10_000,
  });
}
