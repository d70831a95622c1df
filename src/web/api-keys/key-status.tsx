import { Group, Switch } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ApiKey } from '../../contract/api-keys.ts';
import { notifyError } from '../components/notify-error.ts';
import { CredentialStatusTag } from '../credentials/status-tag.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';
import { useKeyUpdate } from './use-key-update.ts';

/** The status of a key. Owners and admins can switch a key off and on, unless it is expired or used up. */
export function KeyStatus({ apiKey }: { readonly apiKey: ApiKey }) {
  const { isAdmin } = useWorkspace();
  const updateKey = useKeyUpdate();
  // The requested value is shown immediately, before the list is reloaded.
  const [pendingValue, setPendingValue] = useState<boolean | null>(null);
  const update = useMutation({
    mutationFn: (active: boolean) =>
      updateKey({
        before: apiKey,
        changes: { active },
        message: active ? strings.keyStatus.enabled : strings.keyStatus.disabled,
      }),
    onError: notifyError,
    onSettled: () => setPendingValue(null),
  });
  const canBeSwitched = apiKey.status !== 'expired' && apiKey.status !== 'spent';
  if (!isAdmin || !canBeSwitched) return <CredentialStatusTag credential={apiKey} />;
  const active = pendingValue ?? apiKey.active;
  const displayedKey =
    pendingValue === null ? apiKey : ({ ...apiKey, status: active ? 'active' : 'inactive' } as const);
  return (
    <Group gap="4px 8px">
      <CredentialStatusTag credential={displayedKey} />
      <Switch
        size="sm"
        aria-label={strings.keyStatus.isActive(apiKey.name)}
        checked={active}
        disabled={pendingValue !== null}
        onChange={(event) => {
          setPendingValue(event.currentTarget.checked);
          update.mutate(event.currentTarget.checked);
        }}
      />
    </Group>
  );
}
