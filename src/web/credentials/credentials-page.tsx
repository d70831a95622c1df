import { ActionIcon, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import bar from '../components/action-bar.module.css';
import { type Column, DataTable } from '../components/data-table.tsx';
import { isFiltered } from '../components/filters.tsx';
import {
  IconActivity,
  IconDots,
  IconEdit,
  IconPlus,
  IconRefresh,
  IconSearch,
  IconTicket,
  IconTrash,
} from '../components/icons.ts';
import { useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { EmptyState, ErrorState, TableSkeleton } from '../components/states.tsx';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';
import { credentialColumns } from './columns.tsx';
import { FILTERS, Filters } from './filters.tsx';
import { type Credential, type CredentialKindConfig, credentialsKey, listCredentials } from './kinds.ts';

const CreateCredentialDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./create-credential-dialog.tsx'))).CreateCredentialDialog,
}));
const DeleteCredentialDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./delete-credential-dialog.tsx'))).DeleteCredentialDialog,
}));
const BulkDeleteDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./bulk-delete-dialog.tsx'))).BulkDeleteDialog,
}));
const ReplaceCredentialDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./replace-credential-dialog.tsx'))).ReplaceCredentialDialog,
}));

interface CredentialsPageProps {
  readonly kind: CredentialKindConfig;
  /** Columns of this kind only, inserted before the last three. */
  readonly extraColumns?: readonly Column<Credential>[];
  /** The dialog that edits a credential, if this kind can be edited. */
  readonly renderEditDialog?: (credential: Credential, onClose: () => void) => ReactNode;
}

type OpenDialog = { readonly dialog: 'edit' | 'replace' | 'delete'; readonly credential: Credential };

interface CredentialMenuProps {
  readonly kind: CredentialKindConfig;
  readonly credential: Credential;
  readonly canEdit: boolean;
  readonly onOpen: (open: OpenDialog) => void;
}

function CredentialMenu({ kind, credential, canEdit, onOpen }: CredentialMenuProps) {
  const navigate = useNavigate();
  return (
    <Menu width={210}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" c="inherit" aria-label={`Actions for ${credential.name}`}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconActivity size={16} />}
          onClick={() =>
            void navigate({
              to: `${kind.path}/$id`,
              params: { id: credential.id },
              search: (before) => ({ workspace: before.workspace }),
            })
          }
        >
          Details and activity
        </Menu.Item>
        {canEdit && (
          <Menu.Item leftSection={<IconEdit size={16} />} onClick={() => onOpen({ dialog: 'edit', credential })}>
            Edit…
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconRefresh size={16} />} onClick={() => onOpen({ dialog: 'replace', credential })}>
          Replace…
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconTrash size={16} />}
          c="var(--mantine-color-error)"
          onClick={() => onOpen({ dialog: 'delete', credential })}
        >
          Delete
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** The list of credentials of one kind, with all actions on them. */
export function CredentialsPage({ kind, extraColumns = [], renderEditDialog }: CredentialsPageProps) {
  const { workspace, api, isAdmin } = useWorkspace();
  const state = useListState();
  const [creating, setCreating] = useState(false);
  const [open, setOpen] = useState<OpenDialog | null>(null);
  const [selected, setSelected] = useState<ReadonlyMap<string, Credential>>(new Map());
  const [deletingSelected, setDeletingSelected] = useState(false);

  const query = {
    cursor: state.cursor,
    q: state.get('q'),
    status: state.get('status'),
    right: state.get('right'),
    createdBy: state.get('createdBy'),
    unusedForDays: state.get('unused'),
    sort: state.get('sort'),
  };
  const list = useQuery({
    queryKey: [...credentialsKey(workspace.id, kind), 'list', query],
    queryFn: ({ signal }) => listCredentials(api, kind, query, { signal }),
    placeholderData: keepPreviousData,
  });

  const filtered = isFiltered(state, FILTERS);
  const isEmpty = list.data?.data.length === 0;
  const generateButton = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
      {kind.generateLabel}
    </Button>
  );
  const columns = credentialColumns(kind);
  const close = () => setOpen(null);
  const credentialFor = (dialog: OpenDialog['dialog']) => (open?.dialog === dialog ? open.credential : null);

  return (
    <Page
      title={kind.title}
      description={kind.description}
      actions={isAdmin && !(isEmpty && !filtered) ? generateButton : null}
    >
      <Stack gap="md">
        {!(isEmpty && !filtered) && <Filters kind={kind} state={state} />}
        {list.isPending ? (
          <TableSkeleton />
        ) : list.error !== null ? (
          <ErrorState error={list.error} retry={() => void list.refetch()} />
        ) : isEmpty && !filtered ? (
          <EmptyState
            icon={<IconTicket size={26} />}
            title={`No ${kind.plural} yet`}
            action={isAdmin ? generateButton : undefined}
          >
            <Text c="dimmed" fz="sm">
              {isAdmin ? kind.description : `An owner or admin of this workspace can create ${kind.plural}.`}
            </Text>
          </EmptyState>
        ) : isEmpty ? (
          <EmptyState icon={<IconSearch size={26} />} title="No results">
            <Text c="dimmed" fz="sm">
              No {kind.plural} match your search and filters.
            </Text>
          </EmptyState>
        ) : (
          <DataTable
            label={kind.title}
            columns={[...columns.slice(0, 3), ...extraColumns, ...columns.slice(3)]}
            rows={list.data?.data ?? []}
            rowId={({ id }) => id}
            rowName={({ name }) => name}
            nextCursor={list.data?.nextCursor ?? null}
            state={state}
            stale={list.isPlaceholderData}
            selection={isAdmin ? { rows: selected, set: setSelected } : undefined}
            renderRowActions={
              isAdmin
                ? (credential) => (
                    <CredentialMenu
                      kind={kind}
                      credential={credential}
                      canEdit={renderEditDialog !== undefined}
                      onOpen={setOpen}
                    />
                  )
                : undefined
            }
          />
        )}
        {selected.size > 0 && (
          <section className={bar['bar']} aria-label="Selection">
            <Text fz="sm" fw={550} role="status">
              {selected.size} selected
            </Text>
            <Group gap="xs">
              <Button size="xs" variant="default" onClick={() => setSelected(new Map())}>
                Clear selection
              </Button>
              <Button size="xs" className="button-bad" onClick={() => setDeletingSelected(true)}>
                Delete selected
              </Button>
            </Group>
          </section>
        )}
      </Stack>
      <Suspense fallback={null}>
        {creating && <CreateCredentialDialog kind={kind} opened onClose={() => setCreating(false)} />}
        {credentialFor('replace') !== null && open !== null && (
          <ReplaceCredentialDialog credential={open.credential} opened onClose={close} />
        )}
        {credentialFor('delete') !== null && open !== null && (
          <DeleteCredentialDialog credential={open.credential} opened onClose={close} />
        )}
        {credentialFor('edit') !== null && open !== null && renderEditDialog?.(open.credential, close)}
        {deletingSelected && (
          <BulkDeleteDialog
            kind={kind}
            credentials={[...selected.values()]}
            opened
            onClose={() => setDeletingSelected(false)}
            onDeleted={(ids) => setSelected(new Map([...selected].filter(([id]) => !ids.has(id))))}
          />
        )}
      </Suspense>
    </Page>
  );
}
