import { Button, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { WorkloadIdentity } from '../../contract/workload-identities.ts';
import { guessProvider } from '../../contract/workload-snippets.ts';
import type { Column } from '../components/data-table.tsx';
import { IconFingerprint, IconPlus } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { NameLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { TimeCell } from '../components/relative-time.tsx';
import { deleteAction, editAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState } from '../components/states.tsx';
import { dimmed, mono } from '../components/text.tsx';
import { useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { ConditionList } from './condition-list.tsx';
import { IDENTITIES_KEY, strings } from './strings.ts';

const CreateIdentityDialog = lazyComponent(() =>
  import('./identity-dialogs.tsx').then((file) => file.CreateIdentityDialog),
);
const EditIdentityDialog = lazyComponent(() =>
  import('./identity-dialogs.tsx').then((file) => file.EditIdentityDialog),
);
const DeleteIdentityDialog = lazyComponent(() =>
  import('./identity-dialogs.tsx').then((file) => file.DeleteIdentityDialog),
);

const texts = strings.listPage;

const COLUMNS: readonly Column<WorkloadIdentity>[] = [
  {
    key: 'name',
    label: texts.columns.name,
    cell: (identity) => (
      <>
        <NameLink to="/settings/workload-identities/$id" params={{ id: identity.id }}>
          {identity.name}
        </NameLink>
        <Text fz="xs" c="dimmed" component="div">
          {strings.providers[guessProvider(identity)]}
        </Text>
      </>
    ),
  },
  {
    key: 'conditions',
    label: texts.columns.conditions,
    wide: true,
    cell: ({ conditions }) => <ConditionList conditions={conditions} />,
  },
  { key: 'scopes', label: texts.columns.scopes, wide: true, cell: ({ scopes }) => mono(scopes.join(', ')) },
  {
    key: 'lastExchange',
    label: texts.columns.lastExchange,
    cell: ({ lastExchangedAt }) =>
      lastExchangedAt === null ? dimmed(texts.never) : <TimeCell time={lastExchangedAt} relative />,
  },
];

type OpenDialog =
  | { readonly dialog: 'create' }
  | { readonly dialog: 'edit' | 'delete'; readonly identity: WorkloadIdentity };

function CurrentDialog({ openDialog, onClose }: { readonly openDialog: OpenDialog; readonly onClose: () => void }) {
  const navigate = useNavigate();
  switch (openDialog.dialog) {
    case 'create':
      return (
        <CreateIdentityDialog
          onClose={onClose}
          onCreated={({ id }) => void navigate({ to: '/settings/workload-identities/$id', params: { id }, search: {} })}
        />
      );
    case 'edit':
      return <EditIdentityDialog identity={openDialog.identity} onClose={onClose} />;
    case 'delete':
      return <DeleteIdentityDialog identity={openDialog.identity} onClose={onClose} />;
  }
}

/** The workload identities of the workspace. */
export function IdentitiesPage() {
  const { api, workspace, isAdmin } = useWorkspace();
  const state = useListState();
  const [openDialog, setOpenDialog] = useState<OpenDialog | null>(null);
  const list = useList([workspace.id, IDENTITIES_KEY], api.workloadIdentities.list, { cursor: state.cursor });
  const createButton = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setOpenDialog({ dialog: 'create' })}>
      {texts.create}
    </Button>
  );
  return (
    <Page
      title={texts.title}
      description={texts.description}
      actions={isAdmin && list.data?.data.length !== 0 && createButton}
    >
      <ListBody
        label={texts.title}
        list={list}
        columns={COLUMNS}
        state={state}
        rowName={({ name }) => name}
        {...(isAdmin && {
          renderRowActions: (identity: WorkloadIdentity) => (
            <RowMenu
              name={identity.name}
              actions={[
                editAction(() => setOpenDialog({ dialog: 'edit', identity })),
                deleteAction(() => setOpenDialog({ dialog: 'delete', identity })),
              ]}
            />
          ),
        })}
        empty={
          <EmptyState
            icon={<IconFingerprint size={26} />}
            title={texts.emptyTitle}
            action={isAdmin ? createButton : undefined}
          >
            {texts.emptyHint}
          </EmptyState>
        }
      />
      {openDialog !== null && <CurrentDialog openDialog={openDialog} onClose={() => setOpenDialog(null)} />}
    </Page>
  );
}
