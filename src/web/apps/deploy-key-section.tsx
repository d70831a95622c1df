import { Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import type { DeployKey } from '../../contract/deploy-keys.ts';
import { sshHostOf } from '../../contract/repository.ts';
import { queryClient } from '../api.ts';
import { CodeBlock } from '../components/code-block.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText } from '../components/text.tsx';
import { Fingerprint } from '../servers/check-section.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './form-strings.ts';

const texts = strings.deployKey;

interface DeployKeyProps {
  readonly app: App;
  readonly deployKey: DeployKey;
  readonly onChanged: () => Promise<void>;
}

/** The confirmed key of the repository's host and, once the user gets them, the keys that the host presents. */
function GitHostKeys({ app, deployKey: { host, port, hostKey }, onChanged }: DeployKeyProps) {
  const { api } = useWorkspace();
  const check = useMutation({ mutationFn: () => api.apps.deployKey.check(app.id) });
  const confirm = useMutation({
    mutationFn: (key: string) =>
      api.apps.deployKey.confirm(app.id, { host: host ?? '', port: port ?? 0, hostKey: key }),
    onSuccess: async () => {
      await onChanged();
      check.reset();
      notifications.show({ message: texts.confirmed });
    },
  });
  const hostAndPort = port === 22 ? `${host}` : `${host}:${port}`;
  const error = check.error ?? confirm.error;
  return (
    <Stack gap="sm">
      {hostKey === null ? (
        <Notice tone="warning">{texts.unconfirmed(hostAndPort)}</Notice>
      ) : (
        <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
          {texts.confirmedKey(hostAndPort, <Fingerprint publicKey={hostKey} />)}
        </Text>
      )}
      {error !== null && <ErrorNotice error={error} />}
      {check.data !== undefined && check.data.hostKeys.length === 0 && (
        <Notice tone="danger">{check.data.message}</Notice>
      )}
      {check.data !== undefined && check.data.hostKeys.length > 0 && (
        <>
          <DimmedText>{texts.compare}</DimmedText>
          <ItemList label={texts.hostKeys}>
            {check.data.hostKeys.map((key) => (
              <ItemListRow
                key={key}
                title={<Fingerprint publicKey={key} />}
                actions={
                  <Button
                    variant="default"
                    size="compact-sm"
                    aria-label={texts.confirmLabel(key.split(' ')[0] ?? '')}
                    loading={confirm.isPending}
                    disabled={key === hostKey}
                    onClick={() => confirm.mutate(key)}
                  >
                    {texts.confirm}
                  </Button>
                }
              />
            ))}
          </ItemList>
        </>
      )}
      <Group>
        <Button variant="default" loading={check.isPending} onClick={() => check.mutate()}>
          {texts.check}
        </Button>
      </Group>
    </Stack>
  );
}

function DeployKeySettings({ app, deployKey, onChanged }: DeployKeyProps) {
  const { api } = useWorkspace();
  const [dialog, setDialog] = useState<'replace' | 'remove' | null>(null);
  const { publicKey } = deployKey;
  async function replace(): Promise<void> {
    await api.apps.deployKey.replace(app.id);
    await onChanged();
    notifications.show({ message: texts.replaced });
  }
  async function remove(): Promise<void> {
    await api.apps.deployKey.delete(app.id);
    await onChanged();
    notifications.show({ message: texts.removed });
  }
  const create = useMutation({ mutationFn: replace });
  if (publicKey === null) {
    return (
      <>
        <DimmedText>{texts.withoutKey}</DimmedText>
        {create.error !== null && <ErrorNotice error={create.error} />}
        <Group>
          <Button variant="default" loading={create.isPending} onClick={() => create.mutate()}>
            {texts.create}
          </Button>
        </Group>
      </>
    );
  }
  return (
    <>
      <CodeBlock label={texts.publicKey} copyLabel={texts.copyPublicKey}>
        {publicKey}
      </CodeBlock>
      <DimmedText>{texts.whereToAddKey}</DimmedText>
      <Group>
        <Button variant="default" onClick={() => setDialog('replace')}>
          {texts.replace}
        </Button>
        <Button variant="default" onClick={() => setDialog('remove')}>
          {texts.remove}
        </Button>
      </Group>
      <GitHostKeys app={app} deployKey={deployKey} onChanged={onChanged} />
      {dialog !== null && (
        <ConfirmDialog
          title={texts[`${dialog}Title`]}
          confirmLabel={texts[`${dialog}Confirm`]}
          onClose={() => setDialog(null)}
          onConfirm={dialog === 'replace' ? replace : remove}
        >
          <Text fz="sm">{texts[`${dialog}Consequence`]}</Text>
        </ConfirmDialog>
      )}
    </>
  );
}

/** The key pair of an app whose repository is fetched over SSH. For owners and admins. */
export function DeployKeySection({ app }: { readonly app: App }) {
  const { api, workspace } = useWorkspace();
  const queryKey = [workspace.id, 'apps', app.id, 'deploy-key', app.repository];
  const isSsh = sshHostOf(app.repository) !== null;
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => api.apps.deployKey.get(app.id, { signal }),
    enabled: isSsh,
  });
  if (!isSsh) return null;
  return (
    <Section title={texts.title} description={texts.description}>
      {query.error !== null && <ErrorNotice error={query.error} />}
      {query.data !== undefined && (
        <DeployKeySettings
          app={app}
          deployKey={query.data}
          onChanged={() => queryClient.invalidateQueries({ queryKey })}
        />
      )}
    </Section>
  );
}
