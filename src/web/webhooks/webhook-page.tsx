import { Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { Webhook } from '../../contract/webhooks.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { DeleteButton, EditButton } from '../components/edit-delete-buttons.tsx';
import { formatDateTime } from '../components/format.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { BackLink } from '../components/link.tsx';
import { Notice } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { Page } from '../components/page.tsx';
import { ExactTime, RelativeTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { NoPermission } from '../components/states.tsx';
import { DimmedText, mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { DeliveriesSection } from './deliveries-section.tsx';
import { type RevealedSecret, SecretDialog } from './secret-dialog.tsx';
import { getWebhookState, StateTag } from './state-tag.tsx';
import { strings } from './strings.ts';
import { TestSection } from './test-section.tsx';
import { describeSubscriptions } from './webhook-form.ts';

const EditWebhookDialog = lazyComponent(() => import('./webhook-dialogs.tsx').then((file) => file.EditWebhookDialog));
const DeleteWebhookDialog = lazyComponent(() =>
  import('./webhook-dialogs.tsx').then((file) => file.DeleteWebhookDialog),
);

const texts = strings.webhookPage;

/** Returns a function that activates or deactivates a webhook. */
function useSetActive(webhook: Webhook): (active: boolean) => void {
  const { api, workspace } = useWorkspace();
  return (active) => {
    api.webhooks
      .update(webhook.id, { active })
      .then(() => queryClient.invalidateQueries({ queryKey: [workspace.id, 'webhooks'] }))
      .then(() => notifications.show({ message: active ? texts.activated : texts.deactivated }))
      .catch(notifyError);
  };
}

/** Shown if Devpilot has switched the webhook off, or if the deliveries of the active webhook are failing. */
function StateNotice({ webhook }: { readonly webhook: Webhook }) {
  const { active, failingSince, switchedOffAt } = webhook;
  const setActive = useSetActive(webhook);
  if (!active && switchedOffAt !== null) {
    return (
      <Notice tone="danger">
        <Stack gap="xs" align="flex-start">
          <Text fz="sm">{texts.switchedOff(<RelativeTime time={switchedOffAt} withDate />)}</Text>
          <Button size="compact-sm" onClick={() => setActive(true)}>
            {texts.activate}
          </Button>
        </Stack>
      </Notice>
    );
  }
  if (!active || failingSince === null) return null;
  return <Notice tone="warning">{texts.failing(formatDateTime(failingSince))}</Notice>;
}

function DetailsSection({ webhook }: { readonly webhook: Webhook }) {
  const { api, workspace } = useWorkspace();
  const [isConfirming, setIsConfirming] = useState(false);
  const [revealed, setRevealed] = useState<RevealedSecret | null>(null);
  const { previousSecretExpiresAt, lastDeliveredAt, failingSince } = webhook;
  return (
    <Section title={texts.detailsTitle}>
      <DescriptionList
        items={[
          [texts.items.url, mono(webhook.url)],
          [texts.items.format, strings.formats[webhook.format]],
          [
            texts.items.events,
            <Stack key="events" gap={2}>
              {describeSubscriptions(webhook.events).map((event) => (
                <span key={event}>{event}</span>
              ))}
            </Stack>,
          ],
          [
            texts.items.lastDelivered,
            lastDeliveredAt === null ? (
              strings.webhooksPage.never
            ) : (
              <ExactTime key="lastDelivered" time={lastDeliveredAt} />
            ),
          ],
          failingSince !== null && [texts.items.failingSince, <ExactTime key="failing" time={failingSince} />],
          [
            texts.items.secret,
            <Stack key="secret" gap={4} align="flex-start">
              {previousSecretExpiresAt !== null && (
                <DimmedText>{texts.previousSecret(formatDateTime(previousSecretExpiresAt))}</DimmedText>
              )}
              <Button size="compact-sm" variant="default" onClick={() => setIsConfirming(true)}>
                {texts.replaceSecret}
              </Button>
            </Stack>,
          ],
          [texts.items.created, <ExactTime key="created" time={webhook.createdAt} />],
          [texts.items.id, <CopyableId key="id" id={webhook.id} />],
        ]}
      />
      {isConfirming && (
        <ConfirmDialog
          onClose={() => setIsConfirming(false)}
          title={texts.replaceTitle}
          confirmLabel={texts.replaceConfirm}
          isDestructive={false}
          onConfirm={async () => {
            setRevealed({ name: webhook.name, ...(await api.webhooks.replaceSecret(webhook.id)) });
            void queryClient.invalidateQueries({ queryKey: [workspace.id, 'webhooks'] });
          }}
        >
          <Text fz="sm">{texts.replaceConsequence}</Text>
        </ConfirmDialog>
      )}
      {revealed !== null && <SecretDialog revealed={revealed} onClose={() => setRevealed(null)} />}
    </Section>
  );
}

function WebhookDetails({ webhook }: { readonly webhook: Webhook }) {
  const navigate = useNavigate();
  const setActive = useSetActive(webhook);
  const [dialog, setDialog] = useState<'edit' | 'delete' | null>(null);
  const close = () => setDialog(null);
  return (
    <Page
      title={webhook.name}
      description={<StateTag webhook={webhook} />}
      actions={
        <Group gap="xs">
          {getWebhookState(webhook) !== 'switchedOff' && (
            <Button variant="default" onClick={() => setActive(!webhook.active)}>
              {webhook.active ? texts.deactivate : texts.activate}
            </Button>
          )}
          <EditButton onClick={() => setDialog('edit')} />
          <DeleteButton onClick={() => setDialog('delete')} />
        </Group>
      }
    >
      <StateNotice webhook={webhook} />
      {webhook.active && <TestSection webhook={webhook} />}
      <DetailsSection webhook={webhook} />
      <DeliveriesSection webhook={webhook} />
      {dialog === 'edit' && <EditWebhookDialog webhook={webhook} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteWebhookDialog
          webhook={webhook}
          onClose={close}
          onDeleted={() => void navigate({ to: '/settings/webhooks', search: {} })}
        />
      )}
    </Page>
  );
}

/** The page of a webhook: its state, a test, its details and its deliveries. For owners and admins. */
export function WebhookPage() {
  const { api, workspace, isAdmin } = useWorkspace();
  const { id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'webhooks', id],
    queryFn: ({ signal }) => api.webhooks.get(id, { signal }),
    enabled: isAdmin,
    refetchInterval: 5_000,
  });
  if (!isAdmin) return <NoPermission />;
  return (
    <ResourcePage
      noun={texts.noun}
      title={texts.title}
      backLink={<BackLink to="/settings/webhooks">{texts.back}</BackLink>}
      query={query}
    >
      {(webhook) => <WebhookDetails webhook={webhook} />}
    </ResourcePage>
  );
}
