import { Switch } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import type { ApiKey } from '../../contract/schemas.ts';
import { messageOf, queryClient } from '../api.ts';
import { API_KEYS, credentialsKey } from '../credentials/kinds.ts';
import { useWorkspace } from '../session.ts';

/** Whether a key is accepted, to see for members and to change for owners and admins. */
export function ActiveSwitch({ apiKey }: { readonly apiKey: ApiKey }) {
  const { api, workspace, isAdmin } = useWorkspace();
  const update = useMutation({
    mutationFn: (active: boolean) => api.apiKeys.update(apiKey.id, { active }),
    onSuccess: ({ name, active }) =>
      notifications.show({ message: active ? `${name} is accepted again.` : `${name} is refused from now on.` }),
    onError: (error) => notifications.show({ message: messageOf(error), color: 'red' }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: credentialsKey(workspace.id, API_KEYS) }),
  });
  if (!isAdmin) return apiKey.active ? 'Yes' : 'No';
  return (
    <Switch
      size="sm"
      aria-label={`${apiKey.name} is active`}
      checked={update.isPending ? update.variables : apiKey.active}
      disabled={update.isPending}
      onChange={(event) => update.mutate(event.currentTarget.checked)}
    />
  );
}
