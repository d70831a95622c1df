import { Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Webhook, WebhookDelivery, WebhookDeliveryDetail } from '../../contract/webhooks.ts';
import { queryClient } from '../api.ts';
import { CodeBlock } from '../components/code-block.tsx';
import type { Column } from '../components/data-table.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { IconEye, IconHistory, IconRefresh } from '../components/icons.ts';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { Tag, type Tone } from '../components/notice.tsx';
import { ExactTime, RelativeTime, TimeCell } from '../components/relative-time.tsx';
import { RowMenu } from '../components/row-menu.tsx';
import { Section } from '../components/section.tsx';
import { EmptyState, QueryContent } from '../components/states.tsx';
import { DimmedText, mono } from '../components/text.tsx';
import { useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const texts = strings.deliveries;

const TONES: Readonly<Record<WebhookDelivery['status'], Tone>> = {
  waiting: 'warning',
  delivered: 'success',
  failed: 'danger',
};

const StatusTag = ({ status }: Pick<WebhookDelivery, 'status'>) => (
  <Tag tone={TONES[status]}>{texts.statuses[status]}</Tag>
);

/** Describes the last response: its status and duration, or why there is none. */
function describeResponse({ responseStatus, durationMs, error, attempts }: WebhookDelivery): string {
  if (attempts === 0) return texts.notSent;
  return responseStatus === null ? (error ?? texts.noResponse) : texts.responded(responseStatus, durationMs ?? 0);
}

const COLUMNS: readonly Column<WebhookDelivery>[] = [
  { key: 'event', label: texts.columns.event, cell: ({ event }) => mono(event) },
  {
    key: 'status',
    label: texts.columns.status,
    cell: ({ status, nextAttemptAt, attempts }) => (
      <Stack gap={4} align="flex-start">
        <StatusTag status={status} />
        {nextAttemptAt !== null && attempts > 0 && (
          <Text fz="xs" c="dimmed" component="div">
            {texts.nextAttempt(<RelativeTime time={nextAttemptAt} />)}
          </Text>
        )}
      </Stack>
    ),
  },
  { key: 'created', label: texts.columns.created, cell: ({ createdAt }) => <TimeCell time={createdAt} relative /> },
  { key: 'attempts', label: texts.columns.attempts, cell: ({ attempts }) => attempts, align: 'right' },
  {
    key: 'response',
    label: texts.columns.response,
    cell: (delivery) => (
      <Text fz="sm" maw={260} style={{ overflowWrap: 'anywhere' }}>
        {describeResponse(delivery)}
      </Text>
    ),
  },
];

const deliveriesKey = (workspaceId: string, webhookId: string) => [workspaceId, 'webhooks', webhookId, 'deliveries'];

/** Refetches a webhook, whose state may have changed, and its deliveries. */
export const refetchWebhook = (workspaceId: string, webhookId: string) =>
  queryClient.invalidateQueries({ queryKey: [workspaceId, 'webhooks', webhookId] });

/** Returns JSON with line breaks and indentation, and any other text unchanged. */
function formatBody(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

function DeliveryDetails({ delivery }: { readonly delivery: WebhookDeliveryDetail }) {
  const { request, responseBody } = delivery;
  const headerLines = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
  return (
    <Stack gap="md">
      <DescriptionList
        items={[
          [texts.items.messageId, mono(delivery.messageId)],
          [texts.items.status, <StatusTag key="status" status={delivery.status} />],
          [texts.items.attempts, delivery.attempts],
          delivery.lastAttemptAt !== null && [
            texts.items.lastAttempt,
            <ExactTime key="lastAttempt" time={delivery.lastAttemptAt} />,
          ],
          [texts.items.response, describeResponse(delivery)],
        ]}
      />
      <Stack gap={6}>
        <Text fz="sm" fw={600}>
          {texts.requestHeaders}
        </Text>
        <CodeBlock label={texts.requestHeaders}>{[`POST ${request.url}`, ...headerLines].join('\n')}</CodeBlock>
      </Stack>
      <Stack gap={6}>
        <Text fz="sm" fw={600}>
          {texts.requestBody}
        </Text>
        <CodeBlock label={texts.requestBody}>{formatBody(request.body)}</CodeBlock>
      </Stack>
      <Stack gap={6}>
        <Text fz="sm" fw={600}>
          {texts.responseBody}
        </Text>
        {responseBody === null || responseBody === '' ? (
          <DimmedText>{texts.noResponseBody}</DimmedText>
        ) : (
          <CodeBlock label={texts.responseBody}>{formatBody(responseBody)}</CodeBlock>
        )}
      </Stack>
      <DimmedText>{texts.signatureHidden}</DimmedText>
    </Stack>
  );
}

interface DeliveryDialogProps {
  readonly webhook: Webhook;
  readonly delivery: WebhookDelivery;
  readonly onClose: () => void;
}

/** The request and the last response of a delivery, with a button that sends the message again. */
function DeliveryDialog({ webhook, delivery, onClose }: DeliveryDialogProps) {
  const { api, workspace } = useWorkspace();
  const query = useQuery({
    queryKey: [...deliveriesKey(workspace.id, webhook.id), delivery.id],
    queryFn: ({ signal }) => api.webhooks.delivery(webhook.id, delivery.id, { signal }),
  });
  const redeliver = useMutation({
    mutationFn: () => api.webhooks.redeliver(webhook.id, delivery.id),
    onSuccess: async () => {
      await refetchWebhook(workspace.id, webhook.id);
      notifications.show({ message: texts.sent });
      onClose();
    },
  });
  return (
    <Dialog onClose={onClose} title={texts.detailTitle(delivery.event)} size="xl">
      <Stack gap="md">
        <QueryContent query={query}>{(detail) => <DeliveryDetails delivery={detail} />}</QueryContent>
        {redeliver.error !== null && <ErrorNotice error={redeliver.error} />}
        {webhook.active && (
          <Group justify="flex-end">
            <Button
              variant="default"
              leftSection={<IconRefresh size={16} />}
              loading={redeliver.isPending}
              onClick={() => redeliver.mutate()}
            >
              {delivery.status === 'waiting' ? texts.sendNow : texts.sendAgain}
            </Button>
          </Group>
        )}
      </Stack>
    </Dialog>
  );
}

/** The delivery log of a webhook. */
export function DeliveriesSection({ webhook }: { readonly webhook: Webhook }) {
  const { api, workspace } = useWorkspace();
  const state = useListState();
  const [opened, setOpened] = useState<WebhookDelivery | null>(null);
  const list = useList(
    deliveriesKey(workspace.id, webhook.id),
    api.webhooks.deliveries(webhook.id).list,
    { cursor: state.cursor, limit: 20 },
    { refetchInterval: 5_000 },
  );
  return (
    <Section title={texts.title} description={texts.description}>
      <ListBody
        label={texts.title}
        list={list}
        columns={COLUMNS}
        state={state}
        rowName={({ event }) => event}
        placeholderRows={3}
        renderRowActions={(delivery) => (
          <RowMenu
            name={delivery.event}
            actions={[{ label: texts.details, Icon: IconEye, onSelect: () => setOpened(delivery) }]}
          />
        )}
        empty={
          <EmptyState icon={<IconHistory size={26} />} title={texts.emptyTitle}>
            {texts.emptyHint}
          </EmptyState>
        }
      />
      {opened !== null && <DeliveryDialog webhook={webhook} delivery={opened} onClose={() => setOpened(null)} />}
    </Section>
  );
}
