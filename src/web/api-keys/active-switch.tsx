import { Switch } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ApiKey } from '../../contract/api-keys.ts';
import { queryClient } from '../api.ts';
import { notifyError } from '../components/notify-error.ts';
import { API_KEYS, credentialsKey } from '../credentials/kinds.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

/** Shows whether a key is active. Owners and admins can change it. */
export function ActiveSwitch({ apiKey }: { readonly apiKey: ApiKey }) {
  const { api, workspace, isAdmin } = useWorkspace();
  // Shows the requested value at once, until the list contains the server's value.
  const [pendingValue, setPendingValue] = useState<boolean | null>(null);
  const update = useMutation({
    mutationFn: (active: boolean) => api.apiKeys.update(apiKey.id, { active }),
    onSuccess: ({ name, active }) =>
      notifications.show({
        message: active ? strings.activeSwitch.enabled(name) : strings.activeSwitch.disabled(name),
      }),
    onError: notifyError,
    onSettled: async () => {
      await queryClient.invalidateQueries({ queryKey: credentialsKey(workspace.id, API_KEYS) });
      setPendingValue(null);
    },
  });
  if (!isAdmin) return apiKey.active ? strings.activeSwitch.yes : strings.activeSwitch.no;
  return (
    <Switch
      size="sm"
      aria-label={strings.activeSwitch.isActive(apiKey.name)}
      checked={pendingValue ?? apiKey.active}
      disabled={pendingValue !== null}
      onChange={(event) => {
        setPendingValue(event.currentTarget.checked);
        update.mutate(event.currentTarget.checked);
      }}
    />
  );
}
