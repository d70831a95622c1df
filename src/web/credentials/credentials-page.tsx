import { Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import actionBarStyles from '../components/action-bar.module.css';
import { isFiltered } from '../components/filters.tsx';
import { IconActivity, IconPlus, IconRefresh, IconTicket } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { ListBody } from '../components/list-body.tsx';
import { type ListState, useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { deleteAction, editAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useList } from '../components/use-list.ts';
import { canCreateCredentials, policyQuery } from '../policy/use-policy.ts';
import { useWorkspace } from '../session.ts';
import { credentialColumns } from './columns.tsx';
import { CredentialFilters, FILTERS, toListFilters } from './filters.tsx';
import {
  type Credential,
  type CredentialKindConfig,
  type CredentialListQuery,
  credentialsKey,
  listCredentials,
} from './kinds.ts';
import { ReviewBar } from './review-bar.tsx';
import { groupReplacements, isShownBelowItsPredecessor, rotationOf } from './rotation.ts';
import { strings } from './strings.ts';

const CreateCredentialDialog = lazyComponent(() =>
  import('./create-credential-dialog.tsx').then((file) => file.CreateCredentialDialog),
);
const DeleteCredentialDialog = lazyComponent(() =>
  import('./delete-credential-dialog.tsx').then((file) => file.DeleteCredentialDialog),
);
const BulkDeleteDialog = lazyComponent(() => import('./bulk-delete-dialog.tsx').then((file) => file.BulkDeleteDialog));
const ReplaceCredentialDialog = lazyComponent(() =>
  import('./replace-credential-dialog.tsx').then((file) => file.ReplaceCredentialDialog),
);

interface CredentialsPageProps {
  readonly kind: CredentialKindConfig;
  /** Renders the status of a credential with a control that changes it. By default, the status is only shown. */
  readonly renderStatus?: (credential: Credential) => ReactNode;
  /** Renders the dialog that edits a credential, if this kind can be edited. */
  readonly renderEditDialog?: (credential: Credential, onClose: () => void) => ReactNode;
}

/** `continue` resumes a rotation that the credential is part of. */
type OpenDialog =
  | { readonly dialog: 'create' | 'delete selected' }
  | { readonly dialog: 'edit' | 'replace' | 'continue' | 'delete'; readonly credential: Credential };

interface CredentialMenuProps {
  readonly kind: CredentialKindConfig;
  readonly credential: Credential;
  readonly canEdit: boolean;
  readonly onOpen: (dialog: OpenDialog) => void;
}

function CredentialMenu({ kind, credential, canEdit, onOpen }: CredentialMenuProps) {
  const navigate = useNavigate();
  const { id, name } = credential;
  return (
    <RowMenu
      name={name}
      actions={[
        {
          label: strings.credentialsPage.detailsAndActivity,
          Icon: IconActivity,
          onSelect: () => void navigate({ to: `${kind.path}/$id`, params: { id }, search: {} }),
        },
        canEdit && editAction(() => onOpen({ dialog: 'edit', credential })),
        rotationOf(credential) !== null && {
          label: strings.credentialsPage.continueReplacing,
          Icon: IconRefresh,
          onSelect: () => onOpen({ dialog: 'continue', credential }),
        },
        credential.replacedBy === null && {
          label: strings.credentialsPage.replace,
          Icon: IconRefresh,
          onSelect: () => onOpen({ dialog: 'replace', credential }),
        },
        deleteAction(() => onOpen({ dialog: 'delete', credential })),
      ]}
    />
  );
}

interface SelectionBarProps {
  readonly selectedCount: number;
  readonly onClear: () => void;
  readonly onDelete: () => void;
}

function SelectionBar({ selectedCount, onClear, onDelete }: SelectionBarProps) {
  return (
    <section className={actionBarStyles['bar']} aria-label={strings.credentialsPage.selection}>
      <Text fz="sm" fw={550} role="status">
        {strings.credentialsPage.selected(selectedCount)}
      </Text>
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={onClear}>
          {strings.credentialsPage.clearSelection}
        </Button>
        <Button size="xs" className="button-danger" onClick={onDelete}>
          {strings.credentialsPage.deleteSelected}
        </Button>
      </Group>
    </section>
  );
}

interface CredentialDialogsProps extends Pick<CredentialsPageProps, 'kind' | 'renderEditDialog'> {
  readonly openDialog: OpenDialog | null;
  readonly selected: ReadonlyMap<string, Credential>;
  readonly onClose: () => void;
  /** Called with the IDs of selected credentials that were deleted. */
  readonly onDeleted: (ids: ReadonlySet<string>) => void;
}

/** The dialogs for existing credentials. */
function CredentialDialogs(props: CredentialDialogsProps) {
  const { kind, openDialog, selected, renderEditDialog, onClose, onDeleted } = props;
  return (
    <>
      {openDialog?.dialog === 'edit' && renderEditDialog?.(openDialog.credential, onClose)}
      {openDialog?.dialog === 'replace' && (
        <ReplaceCredentialDialog credential={openDialog.credential} onClose={onClose} />
      )}
      {openDialog?.dialog === 'continue' && (
        <ReplaceCredentialDialog
          credential={openDialog.credential}
          oldId={rotationOf(openDialog.credential)?.oldId}
          onClose={onClose}
        />
      )}
      {openDialog?.dialog === 'delete' && (
        <DeleteCredentialDialog credential={openDialog.credential} onClose={onClose} />
      )}
      {openDialog?.dialog === 'delete selected' && (
        <BulkDeleteDialog kind={kind} credentials={[...selected.values()]} onClose={onClose} onDeleted={onDeleted} />
      )}
    </>
  );
}

interface GenerateButtonProps {
  readonly kind: CredentialKindConfig;
  /** Whether the policy allows only the owner to create credentials, and the user is not the owner. */
  readonly isForbidden: boolean;
  readonly onClick: () => void;
}

function GenerateButton({ kind, isForbidden, onClick }: GenerateButtonProps) {
  return (
    <Stack gap={4} align="center">
      <Button leftSection={<IconPlus size={16} />} disabled={isForbidden} onClick={onClick}>
        {kind.generateLabel}
      </Button>
      {isForbidden && <DimmedText>{strings.credentialsPage.onlyTheOwnerCreates}</DimmedText>}
    </Stack>
  );
}

interface NoCredentialsProps {
  readonly kind: CredentialKindConfig;
  /** False for members. */
  readonly generateButton: ReactNode;
}

function NoCredentials({ kind, generateButton }: NoCredentialsProps) {
  const { isAdmin } = useWorkspace();
  return (
    <EmptyState
      icon={<IconTicket size={26} />}
      title={strings.credentialsPage.emptyTitle(kind.plural)}
      action={generateButton}
    >
      {isAdmin ? kind.description : strings.credentialsPage.askToCreate(kind.plural)}
    </EmptyState>
  );
}

/** Returns the page of the list that the URL selects, with each replacement below the credential that it replaces. */
function useCredentialList(kind: CredentialKindConfig, state: ListState) {
  const { workspace, api } = useWorkspace();
  return useList(
    credentialsKey(workspace.id, kind),
    async (query: CredentialListQuery, options) => {
      const page = await listCredentials(api, kind, query, options);
      return { ...page, data: groupReplacements(page.data) };
    },
    { ...toListFilters(state.get), cursor: state.cursor, sort: state.get('sort') },
  );
}

/** The list of credentials of one kind, with all actions on them. */
export function CredentialsPage({ kind, renderStatus, renderEditDialog }: CredentialsPageProps) {
  const access = useWorkspace();
  const { isAdmin } = access;
  const policy = useQuery(policyQuery(access));
  const state = useListState();
  const list = useCredentialList(kind, state);
  const [openDialog, setOpenDialog] = useState<OpenDialog | null>(null);
  const [selected, setSelected] = useState<ReadonlyMap<string, Credential>>(new Map());
  const rows = list.data?.data ?? [];
  const isListFiltered = isFiltered(state, FILTERS);
  const isEmpty = list.data?.data.length === 0 && !isListFiltered;
  // Whether the URL asks to open the form (see `readPrefill`). The dialog opens only after the policy is loaded,
  // because its fields depend on the policy, and a dialog moves the focus only when it opens.
  const isOpenedByLink = isAdmin && state.get('new') !== undefined && !policy.isPending;
  const generateButton = isAdmin && (
    <GenerateButton
      kind={kind}
      isForbidden={policy.data !== undefined && !canCreateCredentials(policy.data, access)}
      onClick={() => setOpenDialog({ dialog: 'create' })}
    />
  );
  const renderMenu = (credential: Credential) => (
    <CredentialMenu
      kind={kind}
      credential={credential}
      canEdit={renderEditDialog !== undefined}
      onOpen={setOpenDialog}
    />
  );

  return (
    <Page title={kind.title} description={kind.description} actions={!isEmpty && generateButton}>
      <Stack gap="md">
        {!isEmpty && (
          <>
            <CredentialFilters kind={kind} state={state} />
            <ReviewBar kind={kind} state={state} page={list.data} isFiltered={isListFiltered} />
          </>
        )}
        <ListBody
          label={kind.title}
          list={list}
          isAttached={(credential) => isShownBelowItsPredecessor(credential, rows)}
          columns={credentialColumns(kind, {
            renderStatus,
            policy: policy.data,
            rows,
            onContinue: isAdmin ? (credential) => setOpenDialog({ dialog: 'continue', credential }) : undefined,
          })}
          state={state}
          rowName={({ name }) => name}
          isFiltered={isListFiltered}
          selection={isAdmin ? { rows: selected, set: setSelected } : undefined}
          renderRowActions={isAdmin ? renderMenu : undefined}
          empty={<NoCredentials kind={kind} generateButton={generateButton} />}
        />
        {selected.size > 0 && (
          <SelectionBar
            selectedCount={selected.size}
            onClear={() => setSelected(new Map())}
            onDelete={() => setOpenDialog({ dialog: 'delete selected' })}
          />
        )}
      </Stack>
      {(openDialog?.dialog === 'create' || isOpenedByLink) && (
        <CreateCredentialDialog kind={kind} onClose={() => setOpenDialog(null)} />
      )}
      <CredentialDialogs
        kind={kind}
        openDialog={openDialog}
        selected={selected}
        renderEditDialog={renderEditDialog}
        onClose={() => setOpenDialog(null)}
        onDeleted={(ids) => setSelected(new Map([...selected].filter(([id]) => !ids.has(id))))}
      />
    </Page>
  );
}
