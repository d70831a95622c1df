import { Button, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { ErrorKey } from '../../contract/errors.ts';
import { CopyButton } from '../components/copy-button.tsx';
import type { Column } from '../components/data-table.tsx';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { IconKey, IconPlus } from '../components/icons.ts';
import { BackLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { TimeCell } from '../components/relative-time.tsx';
import { deleteAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState, NoPermission } from '../components/states.tsx';
import { useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { CreateErrorKeyDialog } from './create-error-key-dialog.tsx';
import { strings } from './strings.ts';

const COLUMNS: readonly Column<ErrorKey>[] = [
  {
    key: 'name',
    label: strings.errorKeysPage.name,
    cell: ({ name }) => (
      <Text fz="sm" fw={600}>
        <bdi>{name}</bdi>
      </Text>
    ),
  },
  {
    key: 'dsn',
    label: strings.errorKeysPage.dsn,
    wide: true,
    cell: ({ dsn }) => (
      <Stack gap={4} align="flex-start">
        <Text className="mono" fz="xs" style={{ overflowWrap: 'anywhere' }} maw={360}>
          {dsn}
        </Text>
        <CopyButton text={dsn} label={strings.errorKeysPage.copyDsn} size="compact-xs" />
      </Stack>
    ),
  },
  { key: 'app', label: strings.errorKeysPage.app, cell: ({ app }) => app ?? '–' },
  {
    key: 'origins',
    label: strings.errorKeysPage.allowedOrigins,
    cell: ({ allowedOrigins }) => (
      <Text fz="xs" style={{ overflowWrap: 'anywhere' }} maw={220}>
        {allowedOrigins.length === 0 ? strings.errorKeysPage.any : allowedOrigins.join(', ')}
      </Text>
    ),
  },
  {
    key: 'created',
    label: strings.errorKeysPage.created,
    cell: ({ createdAt }) => <TimeCell time={createdAt} relative />,
  },
];

/** The page of the error keys, with which Sentry SDKs submit errors. */
export function ErrorKeysPage() {
  const { api, workspace, isAdmin } = useWorkspace();
  const state = useListState();
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<ErrorKey | null>(null);
  const list = useList(
    [workspace.id, 'error keys'],
    api.errors.keys.list,
    { cursor: state.cursor },
    { enabled: isAdmin },
  );
  const createButton = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
      {strings.errorKeysPage.newErrorKey}
    </Button>
  );
  return (
    <Stack gap="md">
      <BackLink to="/errors">{strings.errorKeysPage.backToErrors}</BackLink>
      <Page
        title={strings.errorKeysPage.title}
        description={strings.errorKeysPage.description}
        actions={isAdmin && createButton}
      >
        {isAdmin ? (
          <ListBody
            label={strings.errorKeysPage.title}
            list={list}
            columns={COLUMNS}
            state={state}
            rowName={({ name }) => name}
            renderRowActions={(key) => <RowMenu name={key.name} actions={[deleteAction(() => setDeleting(key))]} />}
            empty={
              <EmptyState
                icon={<IconKey size={26} />}
                title={strings.errorKeysPage.noErrorKeysTitle}
                action={createButton}
              >
                {strings.errorKeysPage.noErrorKeysHint}
              </EmptyState>
            }
          />
        ) : (
          <NoPermission>{strings.errorKeysPage.askToCreate}</NoPermission>
        )}
      </Page>
      {creating && <CreateErrorKeyDialog onClose={() => setCreating(false)} />}
      {deleting !== null && (
        <DeleteResourceDialog
          noun="error key"
          name={deleting.name}
          remove={() => api.errors.keys.delete(deleting.id)}
          onClose={() => setDeleting(null)}
        >
          {strings.errorKeysPage.consequences}
        </DeleteResourceDialog>
      )}
    </Stack>
  );
}
