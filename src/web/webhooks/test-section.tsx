import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { Webhook, WebhookDelivery } from '../../contract/webhooks.ts';
import type { Client } from '../../sdk/client.ts';
import { ErrorNotice } from '../components/error-message.tsx';
import { IconPlayerPlay } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { useWorkspace } from '../session.ts';
import { refetchWebhook } from './deliveries-section.tsx';
import { strings } from './strings.ts';

/** Longer than the server waits for the response to an attempt. */
const RESULT_TIMEOUT_MS = 20_000;
const POLL_INTERVAL_MS = 400;

/**
 * Sends a test message. Returns its delivery with the result, or as waiting if there is none after `RESULT_TIMEOUT_MS`.
 */
async function sendTest(api: Client, id: string): Promise<WebhookDelivery> {
  const deadlineMs = performance.now() + RESULT_TIMEOUT_MS;
  let delivery = await api.webhooks.test(id);
  while (delivery.status === 'waiting' && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    delivery = await api.webhooks.delivery(id, delivery.id);
  }
  return delivery;
}

function TestResult({ delivery }: { readonly delivery: WebhookDelivery }) {
  const { status, responseStatus, error } = delivery;
  if (status === 'delivered')
    return <Notice tone="success">{strings.webhookPage.accepted(responseStatus ?? 200)}</Notice>;
  if (status === 'waiting') return <Notice tone="warning">{strings.webhookPage.noResult}</Notice>;
  return <Notice tone="danger">{error ?? strings.webhookPage.notAccepted}</Notice>;
}

/** Sends a test message and shows its result. */
export function TestSection({ webhook }: { readonly webhook: Webhook }) {
  const { api, workspace } = useWorkspace();
  const test = useMutation({
    mutationFn: () => sendTest(api, webhook.id),
    onSettled: () => refetchWebhook(workspace.id, webhook.id),
  });
  return (
    <Section
      title={strings.webhookPage.testTitle}
      description={strings.webhookPage.testDescription}
      actions={
        <Button
          variant="default"
          leftSection={<IconPlayerPlay size={16} />}
          loading={test.isPending}
          onClick={() => test.mutate()}
        >
          {strings.webhookPage.sendTest}
        </Button>
      }
    >
      {test.error !== null && <ErrorNotice error={test.error} />}
      {test.data !== undefined && !test.isPending && <TestResult delivery={test.data} />}
    </Section>
  );
}
