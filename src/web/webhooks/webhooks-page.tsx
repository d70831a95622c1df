import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { Webhook } from '../../contract/webhooks.ts';
import type { Column } from '../components/data-table.tsx';
import { IconPlugConnected, IconPlus } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { NameLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { TimeCell } from '../components/relative-time.tsx';
import { deleteAction, editAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState, NoPermission } from '../components/states.tsx';
import { useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import type { RevealedSecret } from './secret-dialog.tsx';
import { StateTag } from './state-tag.tsx';
import { strings } from './strings.ts';
import { describeSubscriptions, WEBHOOK_PRESETS, type WebhookPreset } from './webhook-form.ts';

const CreateWebhookDialog = lazyComponent(() =>
  import('./webhook-dialogs.tsx').then((file) => file.CreateWebhookDialog),
);
const EditWebhookDialog = lazyComponent(() => import('./webhook-dialogs.tsx').then((file) => file.EditWebhookDialog));
const DeleteWebhookDialog = lazyComponent(() =>
  import('./webhook-dialogs.tsx').then((file) => file.DeleteWebhookDialog),
);
const SecretDialog = lazyComponent(() => import('./secret-dialog.tsx').then((file) => file.SecretDialog));

const texts = strings.webhooksPage;

const COLUMNS: readonly Column<Webhook>[] = [
  {
    key: 'name',
    label: texts.columns.name,
    cell: ({ id, name, format, url }) => (
      <>
        <NameLink to="/settings/webhooks/$id" params={{ id }}>
          {name}
        </NameLink>
        <Text fz="xs" c="dimmed" component="div">
          {strings.formats[format]} · {URL.parse(url)?.host ?? url}
        </Text>
      </>
    ),
  },
  { key: 'state', label: texts.columns.state, cell: (webhook) => <StateTag webhook={webhook} /> },
  {
    key: 'events',
    label: texts.columns.events,
    cell: ({ events }) => {
      const [first = '', ...others] = describeSubscriptions(events);
      return others.length === 0 ? first : texts.andOthers(first, others.length);
    },
  },
  {
    key: 'lastDelivered',
    label: texts.columns.lastDelivered,
    cell: ({ lastDeliveredAt }) =>
      lastDeliveredAt === null ? texts.never : <TimeCell time={lastDeliveredAt} relative />,
  },
];

type OpenDialog =
  | { readonly dialog: 'create'; readonly preset: WebhookPreset }
  | { readonly dialog: 'edit' | 'delete'; readonly webhook: Webhook }
  | { readonly dialog: 'secret'; readonly revealed: RevealedSecret };

function PresetButtons({ onChoose }: { readonly onChoose: (preset: WebhookPreset) => void }) {
  return (
    <Stack gap="xs" align="center">
      <Text fz="sm">{strings.presets.label}</Text>
      <Group gap="xs" justify="center">
        {(Object.keys(WEBHOOK_PRESETS) as WebhookPreset[]).map((preset) => (
          <Button key={preset} variant="default" onClick={() => onChoose(preset)}>
            {strings.presets.names[preset]}
          </Button>
        ))}
      </Group>
    </Stack>
  );
}

function CurrentDialog({
  openDialog,
  setOpenDialog,
}: {
  openDialog: OpenDialog;
  setOpenDialog: (openDialog: OpenDialog | null) => void;
}) {
  const close = () => setOpenDialog(null);
  switch (openDialog.dialog) {
    case 'create':
      return (
        <CreateWebhookDialog
          initial={WEBHOOK_PRESETS[openDialog.preset]}
          onClose={close}
          onCreated={({ name, secret, format }) => {
            // Chat services do not verify signatures, so the secret is not shown for their formats.
            if (format !== 'standard') return;
            setOpenDialog({ dialog: 'secret', revealed: { name, secret, previousSecretExpiresAt: null } });
          }}
        />
      );
    case 'edit':
      return <EditWebhookDialog webhook={openDialog.webhook} onClose={close} />;
    case 'delete':
      return <DeleteWebhookDialog webhook={openDialog.webhook} onClose={close} />;
    case 'secret':
      return <SecretDialog revealed={openDialog.revealed} onClose={close} />;
  }
}

/** The webhooks of the workspace, for owners and admins. */
export function WebhooksPage() {
  const { api, workspace, isAdmin } = useWorkspace();
  const state = useListState();
  const [openDialog, setOpenDialog] = useState<OpenDialog | null>(null);
  const list = useList(
    [workspace.id, 'webhooks'],
    api.webhooks.list,
    { cursor: state.cursor },
    { enabled: isAdmin, refetchInterval: 10_000 },
  );
  const isEmpty = list.data?.data.length === 0;
  const create = (preset: WebhookPreset) => setOpenDialog({ dialog: 'create', preset });
  return (
    <Page
      title={texts.title}
      description={texts.description}
      actions={
        isAdmin &&
        !isEmpty && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => create('standard')}>
            {texts.newWebhook}
          </Button>
        )
      }
    >
      {isAdmin ? (
        <ListBody
          label={texts.title}
          list={list}
          columns={COLUMNS}
          state={state}
          rowName={({ name }) => name}
          renderRowActions={(webhook) => (
            <RowMenu
              name={webhook.name}
              actions={[
                editAction(() => setOpenDialog({ dialog: 'edit', webhook })),
                deleteAction(() => setOpenDialog({ dialog: 'delete', webhook })),
              ]}
            />
          )}
          empty={
            <EmptyState
              icon={<IconPlugConnected size={26} />}
              title={texts.emptyTitle}
              action={<PresetButtons onChoose={create} />}
            >
              {texts.emptyHint}
            </EmptyState>
          }
        />
      ) : (
        <NoPermission />
      )}
      {openDialog !== null && <CurrentDialog openDialog={openDialog} setOpenDialog={setOpenDialog} />}
    </Page>
  );
}
