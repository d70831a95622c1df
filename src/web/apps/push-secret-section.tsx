import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import { CodeBlock } from '../components/code-block.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { Dialog } from '../components/dialog.tsx';
import { UnstoredSecretBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './form-strings.ts';

const texts = strings.pushSecret;

/** Shows the new push secret of an app once. Only the button closes the dialog. */
function PushSecretDialog({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }) {
  return (
    <Dialog onClose={onClose} title={texts.shownTitle} size="lg" closeOnEscape={false} withCloseButton={false}>
      <Stack gap="md">
        <UnstoredSecretBlocker secretName={texts.secretName} />
        <Notice tone="warning">{texts.shownOnce}</Notice>
        <CodeBlock label={texts.secret} copyLabel={texts.copySecret}>
          {secret}
        </CodeBlock>
        <Group justify="flex-end">
          <Button onClick={onClose}>{texts.done}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

/**
 * The URL of the app for the webhook of its Git host, and the push secret that authenticates the webhook's requests.
 */
export function PushSecretSection({ app }: { readonly app: App }) {
  const { api } = useWorkspace();
  const [isConfirming, setIsConfirming] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Section title={texts.title} description={texts.description}>
      <CodeBlock label={texts.url} copyLabel={texts.copyUrl}>
        {texts.urlOf(window.location.origin, app.id)}
      </CodeBlock>
      <DimmedText>{texts.whereToAddWebhook}</DimmedText>
      <Group>
        <Button variant="default" onClick={() => setIsConfirming(true)}>
          {texts.create}
        </Button>
      </Group>
      {isConfirming && (
        <ConfirmDialog
          title={texts.confirmTitle}
          confirmLabel={texts.confirm}
          onClose={() => setIsConfirming(false)}
          onConfirm={async () => setSecret((await api.apps.replacePushSecret(app.id)).secret)}
        >
          <Text fz="sm">{texts.consequence}</Text>
        </ConfirmDialog>
      )}
      {secret !== null && <PushSecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </Section>
  );
}
