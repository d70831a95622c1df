import { ActionIcon, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import bar from '../components/bar.module.css';
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
import { patiently } from '../connection.ts';
import { useWorkspace } from '../session.ts';
import { credentialColumns } from './columns.tsx';
import { FILTERS, Filters } from './filters.tsx';
import { type Credential, credentialsKey, type Kind, listCredentials } from './kinds.ts';

const CreateDialog = lazy(async () => ({
  default: (await patiently(() => import('./create-dialog.tsx'))).CreateDialog,
}));
const DeleteDialog = lazy(async () => ({
  default: (await patiently(() => import('./delete-dialog.tsx'))).DeleteDialog,
}));
const BulkDeleteDialog = lazy(async () => ({
  default: (await patiently(() => import('./bulk-delete-dialog.tsx'))).BulkDeleteDialog,
}));
const ReplaceDialog = lazy(async () => ({
  default: (await patiently(() => import('./replace-dialog.tsx'))).ReplaceDialog,
}));

interface CredentialsPageProps {
  readonly kind: Kind;
  /** Columns of this kind alone, put before the last three. */
  readonly more?: readonly Column<Credential>[];
  /** The dialog that edits one, where the kind can be edited. */
  readonly editor?: (credential: Credential, onClose: () => void) => ReactNode;
}

type Open = { readonly dialog: 'edit' | 'replace' | 'delete'; readonly credential: Credential };

interface RowMenuProps {
  readonly kind: Kind;
  readonly credential: Credential;
  readonly canEdit: boolean;
  readonly onOpen: (open: Open) => void;
}

function RowMenu({ kind, credential, canEdit, onOpen }: RowMenuProps) {
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

/** The list of a kind of credentials with everything that can be done to them. */
export function CredentialsPage({ kind, more = [], editor }: CredentialsPageProps) {
  const { workspace, api, isAdmin } = useWorkspace();
  const state = useListState();
  const [creating, setCreating] = useState(false);
  const [open, setOpen] = useState<Open | null>(null);
  const [chosen, setChosen] = useState<ReadonlyMap<string, Credential>>(new Map());
  const [deletingAll, setDeletingAll] = useState(false);

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
  const generate = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
      {kind.generate}
    </Button>
  );
  const columns = credentialColumns(kind);
  const close = () => setOpen(null);
  const openFor = (dialog: Open['dialog']) => (open?.dialog === dialog ? open.credential : null);

  return (
    <Page title={kind.title} description={kind.about} actions={isAdmin && !(isEmpty && !filtered) ? generate : null}>
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
            action={isAdmin ? generate : undefined}
          >
            <Text c="dimmed" fz="sm">
              {isAdmin ? kind.about : `An owner or admin of this workspace can create ${kind.plural}.`}
            </Text>
          </EmptyState>
        ) : isEmpty ? (
          <EmptyState icon={<IconSearch size={26} />} title="Nothing matches">
            <Text c="dimmed" fz="sm">
              No {kind.noun} matches the search and filters above.
            </Text>
          </EmptyState>
        ) : (
          <DataTable
            label={kind.title}
            columns={[...columns.slice(0, 3), ...more, ...columns.slice(3)]}
            rows={list.data?.data ?? []}
            rowId={({ id }) => id}
            rowName={({ name }) => name}
            nextCursor={list.data?.nextCursor ?? null}
            state={state}
            stale={list.isPlaceholderData}
            selection={isAdmin ? { rows: chosen, set: setChosen } : undefined}
            tools={
              isAdmin
                ? (credential) => (
                    <RowMenu kind={kind} credential={credential} canEdit={editor !== undefined} onOpen={setOpen} />
                  )
                : undefined
            }
          />
        )}
        {chosen.size > 0 && (
          <section className={bar['bar']} aria-label="Selection">
            <Text fz="sm" fw={550} role="status">
              {chosen.size} selected
            </Text>
            <Group gap="xs">
              <Button size="xs" variant="default" onClick={() => setChosen(new Map())}>
                Clear selection
              </Button>
              <Button size="xs" className="button-bad" onClick={() => setDeletingAll(true)}>
                Delete selected
              </Button>
            </Group>
          </section>
        )}
      </Stack>
      <Suspense fallback={null}>
        {creating && <CreateDialog kind={kind} opened onClose={() => setCreating(false)} />}
        {openFor('replace') !== null && open !== null && (
          <ReplaceDialog credential={open.credential} opened onClose={close} />
        )}
        {openFor('delete') !== null && open !== null && (
          <DeleteDialog credential={open.credential} opened onClose={close} />
        )}
        {openFor('edit') !== null && open !== null && editor?.(open.credential, close)}
        {deletingAll && (
          <BulkDeleteDialog
            kind={kind}
            credentials={[...chosen.values()]}
            opened
            onClose={() => setDeletingAll(false)}
            onDeleted={(ids) => setChosen(new Map([...chosen].filter(([id]) => !ids.has(id))))}
          />
        )}
      </Suspense>
    </Page>
  );
}
