import { Button, Group, Stack, Text } from '@mantine/core';
import { CodeBlock } from '../components/code-block.tsx';
import { Dialog } from '../components/dialog.tsx';
import { formatDateTime } from '../components/format.ts';
import { UnstoredSecretBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { DimmedText } from '../components/text.tsx';
import { strings } from './strings.ts';

export interface RevealedSecret {
  readonly name: string;
  readonly secret: string;
  /** The time until which messages are also signed with the previous secret; null for a new webhook. */
  readonly previousSecretExpiresAt: string | null;
}

interface SecretDialogProps {
  readonly revealed: RevealedSecret;
  readonly onClose: () => void;
}

/** Shows the secret of a webhook once. The dialog closes only with its button. */
export function SecretDialog({ revealed, onClose }: SecretDialogProps) {
  const { name, secret, previousSecretExpiresAt } = revealed;
  const texts = strings.secretDialog;
  return (
    <Dialog
      onClose={onClose}
      title={previousSecretExpiresAt === null ? texts.createdTitle : texts.replacedTitle}
      size="lg"
      closeOnEscape={false}
      withCloseButton={false}
    >
      <Stack gap="md">
        <UnstoredSecretBlocker secretName={texts.secretName} />
        <Notice tone="warning">
          {texts.shownOnce(
            <Text span inherit fw={650}>
              {name}
            </Text>,
          )}
        </Notice>
        <CodeBlock label={texts.secret} copyLabel={texts.copySecret}>
          {secret}
        </CodeBlock>
        <DimmedText>
          {texts.use} {previousSecretExpiresAt !== null && texts.overlap(formatDateTime(previousSecretExpiresAt))}
        </DimmedText>
        <Group justify="flex-end">
          <Button onClick={onClose}>{texts.done}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
